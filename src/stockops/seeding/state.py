"""What a database says about the seed in it, and the lock that lets one seed run at a time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from ..engine.base import Server
from ..errors import Busy, ConfigError, ServerError
from ..queries import Query
from .tables import DONE

_NO_TABLE = {"42P01", "1146"}

Stage = Literal["empty", "foreign", "partial", "seeded"]


@dataclass(frozen=True, slots=True)
class LoadedTable:
    """What a seed has loaded of one table."""

    plan_hash: str
    table_name: str
    chunks: int
    loaded_rows: int


@dataclass(frozen=True, slots=True)
class LoadedChunk:
    """A chunk that is in the database, with the hash of its text."""

    plan_hash: str
    table_name: str
    chunk_no: int
    loaded_rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether there is anything but reference data and the house."""

    users: bool
    stocks: bool
    orders: bool
    entries: bool
    described: str | None


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether this session has the lock now."""

    taken: bool


TABLES_LOADED = Query("seed_tables_loaded", LoadedTable)
CHUNKS_LOADED = Query("seed_chunks_loaded", LoadedChunk)
PRESENCE = Query("seed_presence", Presence)
LOCK = Query("seed_lock", Taken)
UNLOCK = Query("seed_unlock", Taken)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The seed of a database: which plan it was made by, and how far it came."""

    stage: Stage
    plan_hash: str | None
    described: str | None
    sha256: str | None
    tables: tuple[LoadedTable, ...]


EMPTY = State(stage="empty", plan_hash=None, described=None, sha256=None, tables=())


def read(server: Server) -> State:
    """Return what seed the database holds; a `ConfigError` if it has no tables of ours."""
    try:
        tables = server.fetch(TABLES_LOADED)
        presence = server.fetch(PRESENCE)[0]
    except ServerError as exc:
        if exc.code in _NO_TABLE:
            raise ConfigError(
                "the database does not have the tables of stockops",
                hint="Make them first: stockops migrate up",
            ) from exc
        raise
    done = [chunk for chunk in loaded(server) if chunk.table_name == DONE]
    occupied = presence.users or presence.stocks or presence.orders or presence.entries
    stage: Stage = "foreign" if occupied else "empty"
    if tables:
        stage = "seeded" if done else "partial"
    return State(
        stage=stage,
        plan_hash=tables[0].plan_hash if tables else None,
        described=presence.described,
        sha256=done[0].sha256 if done else None,
        tables=tuple(table for table in tables if table.table_name != DONE),
    )


def loaded(server: Server) -> Sequence[LoadedChunk]:
    """Return every chunk that was committed."""
    return server.fetch(CHUNKS_LOADED)


@contextmanager
def lock(server: Server) -> Iterator[None]:
    """Hold the seed's lock of this database, or raise `Busy`. It dies with the session."""
    if not server.fetch(LOCK)[0].taken:
        raise Busy(
            "another seed or reset of this database is running",
            hint="Wait until it is done, or look: stockops seed status",
        )
    try:
        yield
    finally:
        with suppress(ServerError):  # the session is gone, and the lock with it
            server.fetch(UNLOCK)
