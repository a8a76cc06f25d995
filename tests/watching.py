"""A server of a module's own with a role that may only look, and watches on it."""

import os
import secrets
import string
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import eventually

from stockops import lab as labs
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import StockopsError
from stockops.exporter import Context, Family, Manner, Piece, Watch, render
from stockops.exporter.context import Lane
from stockops.exporter.families import one
from stockops.lab import Lab
from stockops.passwords import Secret
from stockops.targets import Target

ROLE = "watcher"
PRINTABLE = string.printable[:95]  # all of ASCII that can be printed, the space included
_MAKE = {
    "postgresql": (
        "CREATE ROLE {role} LOGIN PASSWORD {password} IN ROLE pg_monitor, pg_read_all_data",
    ),
    "mariadb": (
        "CREATE USER {role}@'%' IDENTIFIED BY {password}",
        "GRANT PROCESS, BINLOG MONITOR, SLAVE MONITOR ON *.* TO {role}@'%'",
        "GRANT SELECT ON trading.* TO {role}@'%'",
        "GRANT SELECT ON performance_schema.* TO {role}@'%'",
        "GRANT SELECT ON mysql.innodb_table_stats TO {role}@'%'",
        "GRANT SELECT ON mysql.innodb_index_stats TO {role}@'%'",
    ),
}
_CHANGE = {
    "postgresql": "ALTER ROLE {role} PASSWORD {password}",
    "mariadb": "ALTER USER {role}@'%' IDENTIFIED BY {password}",
}
SESSIONS = {
    "postgresql": "SELECT coalesce(query, '') AS sql_text FROM pg_stat_activity"
    " WHERE usename = 'watcher' OR application_name = 'stockops exporter'",
    "mariadb": "SELECT coalesce(info, '') AS sql_text FROM information_schema.processlist"
    " WHERE user = 'watcher'",
}
SLEEP = {"postgresql": "SELECT pg_sleep(60)", "mariadb": "SELECT sleep(60)"}


@dataclass(slots=True)
class Asks:
    """A collector that does `do`, and counts how often."""

    NAME: str
    do: Callable[[Server], object]
    LANE: Lane = "fast"
    asked: int = 0

    def collect(self, server: Server, context: Context) -> Iterable[Family]:
        del context
        self.asked += 1
        self.do(server)
        yield one(f"test_{self.NAME}", "gauge", "A test.", self.asked)


@dataclass(slots=True)
class Bed:
    """A lab, and how to look at it."""

    lab: Lab
    password: str
    said: list[str] = field(default_factory=list)

    @property
    def engine(self) -> str:
        return self.lab.engine

    @property
    def admin(self) -> Target:
        return Target(name="admin", url=self.lab.url(), lab=self.lab.name)

    @property
    def target(self) -> Target:
        url = f"{self.engine}://{ROLE}@127.0.0.1:{self.lab.port}/trading"
        return Target(name="watched", url=url, password=Secret(self.password))

    def change_password(self, password: str) -> None:
        with connect(self.admin) as admin:
            admin.execute(_CHANGE[self.engine].format(role=ROLE, password=_literal(password)))
        self.password = password

    @contextmanager
    def watch(self, *asks: Asks, **manner: object) -> Iterator[Watch]:
        """A watch with the collectors `asks` alone, unless `manner` names others."""
        with connect(self.admin) as admin:
            before = len(self.sessions(admin))
        watch = Watch(
            lambda: self.target,
            name="watched",
            engine=self.engine,
            manner=Manner(**{"servers": asks, **manner}),  # type: ignore[arg-type]
            say=self.said.append,
        )
        try:
            yield watch
        finally:
            watch.close()
            with connect(self.admin) as admin:
                eventually(lambda: len(self.sessions(admin)) <= before)

    def sessions(self, admin: Server) -> list[str]:
        """What the exporter's sessions are at, as the server sees them."""
        return [str(row["sql_text"]) for row in admin.rows(SESSIONS[self.engine])]

    @contextmanager
    def counted(self) -> Iterator[list[int]]:
        """Give what becomes how many sessions of the exporter were there, looked at often."""
        counts: list[int] = []
        stop = threading.Event()

        def look() -> None:
            with connect(self.admin) as admin:
                while not stop.wait(0.05):
                    counts.append(len(self.sessions(admin)))

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield counts
        finally:
            stop.set()
            thread.join()

    def pids(self) -> list[int]:
        """The processes of the server."""
        pid = self.lab.pid
        assert pid is not None
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        return [pid, *map(int, children)]


def values(pieces: Iterable[Piece]) -> dict[str, float]:
    """Return the series of an answer by name and labels as they are written."""
    return series_of(render(pieces).body.decode())


def series_of(text: str) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in text.splitlines() if line[:1] not in {"#", ""}]
    return {name: float(value) for name, _, value in lines}


def reason(found: dict[str, float]) -> str:
    """Return why the target is up or not; the set is closed and one of it holds."""
    said = [
        name for name, value in found.items() if name.startswith("stockops_up_reason") and value
    ]
    assert len(said) == 1
    assert (said[0] == 'stockops_up_reason{reason="ok"}') == (found["stockops_up"] == 1)
    return said[0].split('"')[1]


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def bed_of(engine: str, settings: Mapping[str, str] | None = None) -> Iterator[Bed]:
    """Give a server of `engine`, one of few sessions unless told; skip where there is none."""
    password = f"{PRINTABLE}{secrets.token_hex(8)}"
    try:
        with labs.temporary(engine, port=True, settings=settings or _few(engine)) as lab:
            bed = Bed(lab, password)
            with connect(bed.admin) as admin:
                if engine == "mariadb":
                    admin.execute("SET sql_mode = 'NO_BACKSLASH_ESCAPES'")
                for sql in _MAKE[engine]:
                    admin.execute(sql.format(role=ROLE, password=_literal(password)))
            yield bed
    except StockopsError as exc:
        if "CI" in os.environ:
            raise
        pytest.skip(f"no lab of {engine}: {exc}")


def _few(engine: str) -> dict[str, str]:
    few = "12" if engine == "mariadb" else "14"
    return {"max_connections": few}


@contextmanager
def closing_all(servers: list[Server]) -> Iterator[None]:
    try:
        yield
    finally:
        for server in servers:
            with suppress(Exception):
                server.close()
