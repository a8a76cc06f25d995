"""One migration run at a time, by a lock that dies with the process that took it."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from .. import queries
from ..engine import connect
from ..engine.base import Server
from ..errors import Busy, ConfigError, Fault, ServerError, StockopsError
from ..queries import Query
from ..sessions.waiting import Say
from ..targets import Target

_POLL_S = 0.25


@dataclass(frozen=True, slots=True)
class Session:
    """The session that holds the lock, as far as the server tells us."""

    session_id: int
    login: str
    host: str
    since: str


@dataclass(frozen=True, slots=True)
class Named:
    """What a session calls itself."""

    application: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock."""

    session: Session
    application: str

    def __str__(self) -> str:
        who = self.session
        return (
            f"session {who.session_id} of {who.login!r} from {who.host} "
            f"({self.application}), since {who.since} UTC"
        )


HOLDER = Query("migrations_lock_holder", Session)
APPLICATION = Query("migrations_lock_application", Named)


@dataclass(frozen=True, slots=True)
class Lock:
    """The lock that session `session_id` holds."""

    names: dict[str, object]
    session_id: int

    def verify(self, server: Server) -> None:
        """
        Raise `Busy` if the lock is gone; asked over `server`, another session than the holder's.

        A connection can die in silence, and then somebody else may be migrating by now.
        """
        sql = queries.text(server.engine, "migrations/lock_held", server.version[0])
        (row,) = server.rows(sql, {**self.names, "session_id": self.session_id})
        if not row["held"]:
            raise Busy(
                f"the migration lock was lost: its session {self.session_id} has ended",
                hint="Look with `stockops migrate status`, then run `stockops migrate up` again.",
            )


@contextmanager
def held(target: Target, *, wait_s: float, say: Say) -> Iterator[Lock]:
    """
    Hold the migration lock of the target's database for the length of the block.

    Tries at once and then every 0.25 s for `wait_s`, naming the holder through `say`; then raises
    `Busy`. The session that holds it stays idle and outside any transaction, so that it keeps no
    CREATE INDEX CONCURRENTLY waiting.
    """
    deadline = time.monotonic() + wait_s
    told = False
    with connect(target, application="stockops migrate") as server:
        names = _names(server)
        sql = queries.text(server.engine, "migrations/lock_try", server.version[0])
        while not server.rows(sql, names)[0]["taken"]:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise Busy(
                    f"another run holds the migration lock: {_holder(server)}",
                    hint="Let it end, or wait longer with --wait SECONDS.",
                )
            if not told:
                say(f"waiting for the migration lock, held by {_holder(server)}")
                told = True
            time.sleep(min(_POLL_S, left_s))
        try:
            yield Lock(names, server.session_id)
        finally:
            # A server notices late that a session ended, and who looks next is told "running".
            with suppress(StockopsError):  # it went with the session
                server.rows(
                    queries.text(server.engine, "migrations/lock_end", server.version[0]), names
                )


def holder(server: Server) -> Holder | None:
    """Return who holds the lock of this database now; None where nobody does."""
    found = next(iter(server.fetch(HOLDER, **_names(server))), None)
    return None if found is None else Holder(found, _application(server, found.session_id))


def _application(server: Server, session_id: int) -> str:
    try:
        named = server.fetch(APPLICATION, session_id=session_id)
    except ServerError as exc:
        if exc.fault is not Fault.DENIED:
            raise
        named = []  # a reader of MariaDB may not look: all else is known without
    return named[0].application if named else "?"


def _holder(server: Server) -> str:
    return str(holder(server) or "a session that has just let it go")


def _names(server: Server) -> dict[str, object]:
    """Return what the lock is called: a number on PostgreSQL, a name on MariaDB."""
    sql = queries.text(server.engine, "migrations/database", server.version[0])
    database = server.rows(sql)[0]["name"]
    if database is None:
        raise ConfigError(
            "the target's URL names no database",
            hint="Add it at the end: mariadb://USER@HOST:PORT/DATABASE.",
        )
    digest = hashlib.sha256(f"stockops migrations of {database}".encode()).hexdigest()
    return {"lock_key": int(digest[:15], 16), "lock_name": f"stockops_migrations_{digest[:32]}"}
