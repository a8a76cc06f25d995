"""Ways to break a PostgreSQL: one for each of our alerts on it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from breaking import (
    Place,
    Way,
    deadlocks,
    doing,
    down,
    full,
    meanwhile,
    ran,
    restarted,
    sessions,
    statements,
)

from stockops.engine.base import Server

# Small, so that what is measured by them is soon too much.
SETTINGS = {
    "max_connections": "30",
    "max_wal_size": "32MB",
    "min_wal_size": "32MB",
    "work_mem": "64kB",
    "deadlock_timeout": "50ms",
    "archive_mode": "on",
    "archive_command": "/bin/true",
    "checkpoint_timeout": "1h",
    "wal_level": "replica",
}
_WAL = "SELECT pg_logical_emit_message(false, 'x', repeat('x', 8000000))::text"


@contextmanager
def idle(place: Place) -> Iterator[None]:
    with sessions(place, 1) as [server], server.transaction():
        server.rows("SELECT 1 AS one")
        yield


def sleeping(place: Place) -> Iterator[None]:
    with meanwhile(place, lambda server: _asked(server, "SELECT pg_sleep(30)::text AS it")):
        yield


def _asked(server: Server, sql: str) -> None:
    server.rows(sql)


def _rolled_back(server: Server) -> None:
    try:
        with server.transaction():
            server.rows("SELECT 1 AS one")
            raise KeyError
    except KeyError:
        pass


def asking(act: Callable[[Server], None], times: int = 1) -> Way:
    return lambda place: meanwhile(place, *[act] * times)


@contextmanager
def slot(place: Place, *, wal: int) -> Iterator[None]:
    """Make a slot that nobody reads, and `wal` pieces of 8 MB of WAL for it."""
    make = "SELECT pg_create_physical_replication_slot('nobody', true)::text"
    with ran(place, [make], ["SELECT pg_drop_replication_slot('nobody')::text"]):
        for _ in range(wal):
            place.admin.execute(_WAL)
        yield


@contextmanager
def archive_fails(place: Place) -> Iterator[None]:
    told = "SELECT pg_reload_conf()::text"
    fails = ["ALTER SYSTEM SET archive_command = '/bin/false'", told]
    with (
        ran(place, fails, ["ALTER SYSTEM RESET archive_command", told]),
        meanwhile(place, doing(_WAL, "SELECT pg_switch_wal()::text"), pause_s=1),
    ):
        yield


def _sorted(server: Server) -> None:
    server.rows(
        "SELECT count(p) AS n FROM (SELECT g, repeat('x', 2000) AS p "
        "FROM generate_series(1, 50000) AS g ORDER BY -g OFFSET 0) AS s"
    )


WAYS: Mapping[tuple[str, str], Way] = {
    ("PostgresqlDown", "critical"): down,
    ("PostgresqlRestarted", "warning"): restarted,
    ("PostgresqlConnections", "warning"): partial(full, count=23),
    ("PostgresqlConnections", "critical"): partial(full, count=25),
    ("PostgresqlIdleInTransaction", "warning"): idle,
    ("PostgresqlLongTransaction", "warning"): contextmanager(sleeping),
    ("PostgresqlDeadlocks", "warning"): deadlocks,
    ("PostgresqlRollbacks", "warning"): asking(_rolled_back),
    ("PostgresqlSlotInactive", "warning"): partial(slot, wal=0),
    ("PostgresqlSlotRetainsWal", "critical"): partial(slot, wal=24),
    ("PostgresqlArchiverFails", "critical"): archive_fails,
    ("PostgresqlCheckpointsForced", "warning"): asking(doing("CHECKPOINT")),
    ("PostgresqlDeadRows", "warning"): statements(
        [
            "CREATE TABLE died WITH (autovacuum_enabled = off) AS "
            "SELECT generate_series(1, 200000) AS n",
            "DELETE FROM died",
            "SELECT pg_stat_force_next_flush()::text",
        ],
        ["DROP TABLE died"],
    ),
    ("PostgresqlTempFiles", "warning"): asking(_sorted, 2),
    ("PostgresqlLockTable", "warning"): statements(
        ["SELECT count(pg_advisory_lock(g)) FROM generate_series(1, 1200) AS g"],
        ["SELECT pg_advisory_unlock_all()::text"],
    ),
}
