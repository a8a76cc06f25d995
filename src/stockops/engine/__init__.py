"""Open a connection to a target, whatever the engine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .. import targets
from ..errors import ConfigError
from ..targets import Target
from .base import Server, Session
from .hanging import QUICK_S, answering

__all__ = ["ENGINES", "connect", "open_server", "quickly"]


def _postgresql(target: Target, session: Session) -> Server:
    from .postgresql import PostgreSQL  # noqa: PLC0415  a driver is loaded when it is used

    return PostgreSQL(target, session)


def _mariadb(target: Target, session: Session) -> Server:
    from .mariadb import MariaDB  # noqa: PLC0415  a driver is loaded when it is used

    return MariaDB(target, session)


ENGINES: dict[str, Callable[[Target, Session], Server]] = {
    "postgresql": _postgresql,
    "mariadb": _mariadb,
}


def open_server(
    target: Target | str,
    *,
    bulk: bool = False,
    lock_timeout_s: float = 5.0,
    connect_timeout_s: float = 5.0,
    statement_timeout_s: float | None = None,
    application: str = "stockops",
) -> Server:
    """
    Open a session on `target`, a `Target` or a URL; the caller closes it.

    `bulk` allows `Server.load`. MariaDB waits for locks in whole seconds, rounded up. With
    `statement_timeout_s` the server ends what takes longer. Raises `Unreachable`, `ConfigError`
    (password, database, URL) or `Unsupported` (version).
    """
    if isinstance(target, str):
        target = targets.from_url(target)
    if target.engine not in ENGINES:
        targets.check_url(target.url)
        raise ConfigError(f"no engine is called {target.engine!r}")
    session = Session(
        bulk=bulk,
        lock_timeout_s=lock_timeout_s,
        connect_timeout_s=connect_timeout_s,
        statement_timeout_s=statement_timeout_s,
        application=application,
    )
    return ENGINES[target.engine](target, session)


@contextmanager
def connect(
    target: Target | str,
    *,
    bulk: bool = False,
    lock_timeout_s: float = 5.0,
    connect_timeout_s: float = 5.0,
    statement_timeout_s: float | None = None,
    application: str = "stockops",
) -> Iterator[Server]:
    """Open a session on `target`, as `open_server` does, for the length of the block."""
    server = open_server(
        target,
        bulk=bulk,
        lock_timeout_s=lock_timeout_s,
        connect_timeout_s=connect_timeout_s,
        statement_timeout_s=statement_timeout_s,
        application=application,
    )
    try:
        yield server
    finally:
        server.close()


@contextmanager
def quickly(
    target: Target, *, within_s: float = QUICK_S, application: str = "stockops"
) -> Iterator[Server]:
    """
    Open a session on `target` for what is done in a moment.

    `Unreachable` where the block takes longer than `within_s`: then the way to the server hangs.
    """
    with (
        connect(target, application=application) as server,
        answering(server, target.name, within_s=within_s),
    ):
        yield server
