"""Build an index for real, and say what that took: time, room, and who had to wait."""

import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from .. import children, sqlscripts
from ..engine import connect
from ..engine.base import Server
from ..errors import ConfigError, ServerError, StockopsError
from ..indexes.questions import LIST, SIZES, IndexRow
from ..queries import Query
from .copying import Copy

Waiting = Literal["nobody", "writers", "readers and writers"]
LOOK_S = 10.0  # for the lock of a build to show
_REFUSED = {"0A000", "1845", "1846"}  # it can be done, and not in this way
_PLAIN = re.compile(r"(?is)\A(CREATE\s+(?:UNIQUE\s+)?INDEX)(?:\s+CONCURRENTLY)?\b")
_MARIADB = re.compile(r"(?is)\ACREATE\s+(?:UNIQUE\s+|FULLTEXT\s+|SPATIAL\s+)?INDEX\b")
_OWN_WAY = re.compile(r"(?i)\b(ALGORITHM|LOCK)\s*=?\s*\w+\s*(?=\Z|ALGORITHM|LOCK|,)")
_WAYS = (
    ("ALGORITHM=NOCOPY", "LOCK=NONE"),
    ("ALGORITHM=INPLACE", "LOCK=NONE"),
    ("ALGORITHM=INPLACE", "LOCK=SHARED"),
    ("ALGORITHM=COPY", "LOCK=SHARED"),
    ("ALGORITHM=COPY", "LOCK=EXCLUSIVE"),
)
_WAITING: dict[str, Waiting] = {
    "ShareUpdateExclusiveLock": "nobody",
    "AccessExclusiveLock": "readers and writers",
    "LOCK=NONE": "nobody",
    "LOCK=EXCLUSIVE": "readers and writers",
}


@dataclass(frozen=True, slots=True)
class Locked:
    """A lock on a table that a session holds, or waits for."""

    table_name: str
    lock_mode: str
    is_granted: bool


LOCKS = Query("experiments/locks", Locked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One way to build an index: the statement, its lock, who waits for it, how long it took."""

    statement: str
    lock: str
    waiting: Waiting
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """
    An index that was built. `live` is the way that makes the fewest wait; `plain` is the one of
    PostgreSQL without CONCURRENTLY. `names` holds those of its parts as well.
    """

    row: IndexRow
    names: frozenset[str]
    size_bytes: int
    live: Build
    plain: Build | None = None


def statement_of(sql: str, *, engine: str) -> str:
    """Return the one CREATE INDEX in `sql`; `ConfigError` where it is anything else."""
    found = sqlscripts.split(engine, sql, name="--index")
    pattern = _MARIADB if engine == "mariadb" else _PLAIN
    if len(found) == 1 and pattern.match(found[0].text):
        return found[0].text
    raise ConfigError(
        f"{' '.join(sql.split())!r} is no CREATE INDEX",
        hint="Write it as: --index 'CREATE INDEX NAME ON TABLE (COLUMN, ...)'",
    )


def build(copy: Copy, statement: str) -> Built:
    """
    Build the index of `statement` on `copy`, in the way that is used beside readers and writers.

    What the server has against it is raised as the server says it.
    """
    with connect(copy.target, application="stockops build") as server:
        there = {_name(row) for row in server.fetch(LIST)}
        if server.engine == "mariadb":
            plain, live = None, _accepted(server, statement)
        else:
            plain, live = _concurrently(copy, server, statement)
        new = [row for row in server.fetch(LIST) if _name(row) not in there]
        if not new:
            raise ConfigError(
                "the index is there already, so there is nothing to compare",
                hint="Say what it is worth by comparing without it: give it another name.",
            )
        whole = next((row for row in new if row.is_partitioned and not row.parent), new[0])
        gather(server, whole.quoted_table)
        sizes = {_name(each): each.size_bytes for each in server.fetch(SIZES)}
    return Built(
        row=whole,
        names=frozenset(row.index_name for row in new),
        size_bytes=sizes.get(_name(whole), 0),
        live=live,
        plain=plain,
    )


def drop(server: Server, built: Built) -> None:
    """Drop the index."""
    if server.engine == "mariadb":
        server.execute(f"ALTER TABLE {built.row.quoted_table} DROP INDEX {built.row.quoted_index}")
    else:
        server.execute(f"DROP INDEX {built.row.quoted_index}")


def again(server: Server, built: Built) -> float:
    """Build it once more, after a drop, and return how long that took."""
    began = time.monotonic()
    server.execute((built.plain or built.live).statement)
    return time.monotonic() - began


def gather(server: Server, quoted_table: str) -> None:
    """Bring statistics up to date; on PostgreSQL the map of what every session sees as well."""
    if server.engine == "mariadb":
        server.execute(f"ANALYZE TABLE {quoted_table}")
    else:
        server.execute(f"VACUUM (ANALYZE) {quoted_table}")


@contextmanager
def seeing(server: Server, built: Sequence[Built], *, visible: bool) -> Iterator[None]:
    """
    Let the queries of `server`, and on PostgreSQL of no other session, see the indexes or not.

    The block is a transaction, which is rolled back. Writers keep the indexes up all the time.
    """
    if server.engine == "mariadb":
        for each in built:
            how = "NOT IGNORED" if visible else "IGNORED"
            table, index = each.row.quoted_table, each.row.quoted_index
            server.execute(f"ALTER TABLE {table} ALTER INDEX {index} {how}")
    with suppress(_Undone), server.transaction():
        if server.engine != "mariadb" and built:
            server.execute(
                "UPDATE pg_index SET indisvalid = %(visible)s WHERE indexrelid IN ("
                "SELECT unnest(%(indexes)s::regclass[]) UNION ALL SELECT p.relid"
                " FROM unnest(%(indexes)s::regclass[]) AS i, pg_partition_tree(i) AS p)",
                {"visible": visible, "indexes": [each.row.quoted_index for each in built]},
            )
        yield
        raise _Undone


class _Undone(Exception):
    pass


def _name(row: object) -> tuple[str, str, str]:
    return tuple(getattr(row, name) for name in ("schema_name", "table_name", "index_name"))


def _accepted(server: Server, statement: str) -> Build:
    """Build in the first way that the server takes, from the one that locks least."""
    ways = ((),) if _OWN_WAY.search(statement) else _WAYS
    for number, way in enumerate(ways, 1):
        sql = " ".join([statement, *way])
        began = time.monotonic()
        try:
            server.execute(sql)
        except ServerError as exc:
            if exc.code in _REFUSED and number < len(ways):
                continue
            raise
        took_s = time.monotonic() - began
        own = _OWN_WAY.findall(statement)
        lock = ", ".join(way) or " ".join(found[0] for found in own)
        waiting = _WAITING.get(way[1], "writers") if way else _stated(statement)
        return Build(statement=sql, lock=lock, waiting=waiting, took_s=took_s)
    raise RuntimeError("the last way either works or raises")


def _stated(statement: str) -> Waiting:
    for lock, waiting in _WAITING.items():
        if re.search(lock.replace("=", r"\s*=?\s*"), statement, re.IGNORECASE):
            return waiting
    return "writers"


def _concurrently(copy: Copy, server: Server, statement: str) -> tuple[Build, Build]:
    """Build in a transaction that is undone, then beside others where the server can do that."""
    plain_sql = _PLAIN.sub(r"\1", statement)
    rows: list[IndexRow] = []
    with connect(copy.target) as watch:
        with suppress(_Undone), server.transaction():
            there = {_name(row) for row in server.fetch(LIST)}
            began = time.monotonic()
            server.execute(plain_sql)
            took_s = time.monotonic() - began
            rows = [row for row in server.fetch(LIST) if _name(row) not in there]
            lock = _strongest(watch.fetch(LOCKS, session_id=server.session_id))
            raise _Undone
        plain = Build(statement=plain_sql, lock=lock, waiting=_waiting(lock), took_s=took_s)
        if not rows:
            return plain, plain
        live_sql = _PLAIN.sub(r"\1 CONCURRENTLY", statement)
        try:
            return plain, _watched(server, watch, live_sql, rows[0].quoted_table)
        except ServerError as exc:
            if exc.code not in _REFUSED:
                raise
        server.execute(plain_sql)
        return plain, plain


def _watched(server: Server, watch: Server, sql: str, table: str) -> Build:
    """
    Build while a writer of ours holds the table, for which the build waits; read its lock then.

    Without that the build of a small table is over before anybody could look.
    """
    failed: list[StockopsError] = []
    began = time.monotonic()

    def run() -> None:
        try:
            server.execute(sql)
        except StockopsError as exc:
            failed.append(exc)

    builder = threading.Thread(target=run, daemon=True)
    seen: list[Locked] = []

    def shows() -> bool:
        seen[:] = list(watch.fetch(LOCKS, session_id=server.session_id))
        return bool(seen) or not builder.is_alive()

    with suppress(_Undone), watch.transaction():
        watch.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE")
        builder.start()
        children.wait_until(shows, within_s=LOOK_S)
        began = time.monotonic()
        raise _Undone
    builder.join()
    if failed:
        raise failed[0]
    lock = _strongest(seen)
    took_s = time.monotonic() - began
    return Build(statement=sql, lock=lock, waiting=_waiting(lock), took_s=took_s)


def _strongest(locks: Sequence[Locked]) -> str:
    return locks[-1].lock_mode if locks else "not seen"


def _waiting(lock: str) -> Waiting:
    return _WAITING.get(lock, "writers")
