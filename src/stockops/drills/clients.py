"""Clients of a sandbox that are no administrators: what a fault does, it does by them."""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from .. import children, sessions
from .. import lab as labs
from ..children import Child
from ..engine import connect
from ..errors import ServerError, StockopsError
from ..lab import Lab
from ..lab.process import environment
from ..passwords import Secret
from ..processes import Process
from ..queries import Query
from ..sessions import SessionRow
from ..settings.reloading import reload
from ..targets import Target
from .inverse import Kill

if TYPE_CHECKING:  # the faults ask clients, and so come after them
    from .faults.base import Spot

APP = "app"  # a role with the rights of the tables' owner, and none over the server
SOON_S = 15.0
_LOOK_S = 0.25  # MariaDB shows who looks more often the same transactions again
_HELD = "clients"  # in a spot's memory
_AGAIN = 'sql=$1; shift; yes "$sql" | "$@"'
_MADE = {
    "postgresql": ('CREATE ROLE app LOGIN IN ROLE "{owner}"',),
    "mariadb": (
        "CREATE USER IF NOT EXISTS app@localhost",
        "GRANT ALL PRIVILEGES ON trading.* TO app@localhost",
    ),
}

_DISMISSED = {"postgresql": "SELECT pg_terminate_backend({id})", "mariadb": "KILL CONNECTION {id}"}
_PASSWORD = {
    "postgresql": "ALTER ROLE app PASSWORD '{password}'",
    "mariadb": "ALTER USER app@localhost IDENTIFIED BY '{password}'",
}


@dataclass(frozen=True, slots=True)
class Count:
    """How many; None where the server does not say."""

    n: int | None


def admit(target: Target, lab: Lab) -> None:
    """Make the role of the clients on the new server of `lab`."""
    with connect(target, application="stockops drill") as server:
        for each in _MADE[lab.engine]:
            server.execute(each.format(owner=lab.owner))


def target_of(spot: "Spot") -> Target:
    """Return the target as the clients reach it."""
    parts = urlsplit(spot.target.url)
    host = parts.netloc.rpartition("@")[2]
    return replace(spot.target, url=urlunsplit(parts._replace(netloc=f"{APP}@{host}")))


def by_password(spot: "Spot") -> Target:
    """Have the role log in by a password from now on; return the target as it is reached then."""
    password = secrets.token_hex(16)
    with connect(spot.target, application="stockops drill") as server:
        server.execute(_PASSWORD[spot.engine].format(password=password))
        if spot.engine == "postgresql":
            rules = spot.lab.data / "pg_hba.conf"  # of which the first that fits counts
            rules.write_text(f"local all {APP} scram-sha-256\n{rules.read_text('utf-8')}", "utf-8")
            reload(server)
    return replace(target_of(spot), password=Secret(password))


def begin(spot: "Spot", sql: str) -> Child:
    """Start a client that is told `sql` and stays in its session; it ends with us."""
    client = _started(spot, _words(spot), pipes="w")
    client.stdin.write(f"{sql}\n".encode())
    client.stdin.flush()
    return client


def repeat(spot: "Spot", sql: str) -> Child:
    """Start a client that does `sql`, a line, again and again, whatever comes of it."""
    force = ["--force"] if spot.engine == "mariadb" else []
    return _started(spot, ["/bin/sh", "-c", _AGAIN, "drill", sql, *_words(spot), *force])


def end(spot: "Spot") -> None:
    """End every client that was begun."""
    for client in spot.memory.pop(_HELD, []):
        client.end()


def dismissed(spot: "Spot", meant: Callable[[SessionRow], bool]) -> int:
    """End the sessions that are `meant`, and return how many there were."""
    with connect(spot.target, application="stockops drill") as server:
        found = [each for each in sessions.activity(server) if meant(each)]
        for each in found:
            with suppress(ServerError):  # it has just ended
                server.execute(_DISMISSED[spot.engine].format(id=each.session_id))
    return len(found)


def soon(ask: Callable[[], bool], otherwise: str) -> None:
    """Wait until it is so; `StockopsError` with the sentence `otherwise` where it never is."""
    deadline = time.monotonic() + SOON_S
    while not ask():
        if time.monotonic() > deadline:
            raise StockopsError(otherwise)
        time.sleep(_LOOK_S)


def count(spot: "Spot", query: Query[Count]) -> int:
    """Return the number that `query` answers, asked by who administers the server."""
    with connect(spot.target, application="stockops drill") as server:
        found = server.fetch(query)
    return found[0].n or 0 if found else 0


def _words(spot: "Spot") -> list[str]:
    return labs.client(spot.lab.name, database=spot.target.database, user=APP)


def _started(spot: "Spot", words: list[str], *, pipes: str = "") -> Child:
    client = children.start(
        words,
        cwd=spot.folder,
        log=spot.folder / "clients.log",
        env=environment(spot.folder),
        pipes=pipes,
    )
    spot.undo.arm(Kill(process=Process.of(client.pid), whom="group"))
    spot.memory.setdefault(_HELD, []).append(client)
    return client
