"""
Whether a table is as it was, told without reading what is in it, or in a fraction of the time.

A stamp that is the same means that nothing was changed; another one means that it may have been.
PostgreSQL keeps with each row which transaction wrote it: no row is younger than the stamp, and
none is gone (0.1 s for a million rows). MariaDB remembers the second of a table's last commit.
"""

from dataclasses import dataclass

from ..engine.base import Server
from ..queries import Query
from . import hashing
from .hashing import Table

_XIDS = 2**31  # of two transactions that are further apart, PostgreSQL cannot tell which was first
_CLOCK_S = 1  # two readings of when a server started differ by as much


@dataclass(frozen=True, slots=True)
class Stamped:
    """When a table of MariaDB was last changed; None: not since the server started."""

    table_name: str
    files: str | None
    changed_at: str | None
    settled: bool
    remembered: bool
    server_started: int


STAMPS = Query("backup_stamps", Stamped)


@dataclass(frozen=True, slots=True)
class Moment:
    """The snapshot that is open: by what its rows are told from younger ones."""

    timeline: str = ""
    oldest: int = 0
    next: int = 0
    stamped: "dict[str, Stamped] | None" = None


def moment(server: Server) -> Moment:
    """Return the moment of the snapshot that is open on `server`."""
    if server.engine == "mariadb":
        return Moment(stamped={each.table_name: each for each in server.fetch(STAMPS)})
    row = server.rows(
        "SELECT CASE WHEN pg_is_in_recovery() THEN '' "
        "ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END AS timeline, "
        "pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest, "
        "pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next"
    )[0]
    return Moment(timeline=row["timeline"], oldest=row["oldest"], next=row["next"])


def reads_rows(now: Moment) -> bool:
    """Tell whether `look` and `is_same` read all rows of a table."""
    return now.stamped is None


def look(server: Server, table: Table, now: Moment) -> str | None:
    """Return the stamp of `table`; None where one could not tell a later change."""
    if now.stamped is not None:
        found = now.stamped.get(table.name)
        if found is None or not found.files or not found.settled:
            return None
        return f"{found.files}:{found.server_started}:{found.changed_at or ''}"
    if not now.timeline:
        return None
    if now.oldest == now.next:  # nobody was at work: no row that is seen can be younger
        rows, younger = hashing.count(server, table), 0
    else:
        rows, younger = _rows(server, table, now.oldest)
    return None if younger else f"{now.timeline}:{now.oldest}:{rows}"


def is_same(server: Server, table: Table, stamp: str | None, now: Moment) -> bool:
    """Tell whether `table` is as it was when it had `stamp`."""
    if stamp is None:
        return False
    if now.stamped is not None:
        return _is_untouched(now.stamped.get(table.name), stamp)
    timeline, oldest, rows = stamp.split(":")
    if timeline != now.timeline or now.next - int(oldest) >= _XIDS:
        return False
    return _rows(server, table, int(oldest)) == (int(rows), 0)


def _is_untouched(found: Stamped | None, stamp: str) -> bool:
    files, started, changed_at = stamp.split(":", 2)
    if found is None or found.files != files or (found.changed_at or "") != changed_at:
        return False
    if found.changed_at is not None:
        return True
    return found.remembered and abs(found.server_started - int(started)) <= _CLOCK_S


def _rows(server: Server, table: Table, oldest: int) -> tuple[int, int]:
    """Return how many rows there are, and how many were written by `oldest` or later."""
    age = f"age('{oldest % 2**32}'::xid)"
    sql = (
        f"SELECT count(*) AS n, count(*) FILTER (WHERE age(t.xmin) <= {age}) AS younger "  # noqa: S608
        f"FROM {table.source} AS t"
    )
    answer = server.rows(sql)[0]
    return int(answer["n"]), int(answer["younger"])
