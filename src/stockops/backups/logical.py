"""
One moment for a dump and for us: what the manifest says a dump holds is what it holds.

PostgreSQL gives its snapshot away by name. MariaDB does not: there nothing commits while the dump
and this session open theirs, and both must say the same place in the binary log.
"""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..engine import connect
from ..engine.base import Server
from ..errors import StockopsError, StorageError
from ..targets import Target
from . import hashing
from .manifest import Position

HOLD_S = 10.0  # no commit of the server waits longer than that for a dump to begin
_HEAD_BYTES = 64 * 1024
_EVENTS = 1000
_LOG_PLACE = re.compile(rb"MASTER_LOG_FILE='([^']+)', MASTER_LOG_POS=(\d+)")
_BEGUN = b"\n-- Current Database: "
_APPLICATION = "stockops backup"


class DumpWatch:
    """Follows a dump from its begin; `position` is where in the log its snapshot lies."""

    def __init__(self, position: Position, begun: Callable[[bytes], None] | None = None) -> None:
        self.sizes: dict[str, int] = {}
        self.kept: dict[str, bytes] = {}
        self.position = position
        self._begun = begun
        self._head = b""

    @property
    def ended(self) -> bool:
        """It began as it should: what its end looks like, the part says."""
        return self._begun is None

    def feed(self, data: bytes) -> None:
        """Take the next bytes, until its tables begin."""
        if self._begun is None:
            return
        self._head += data[: _HEAD_BYTES - len(self._head)]
        if _BEGUN in self._head:
            begun, self._begun = self._begun, None
            begun(self._head)


@contextmanager
def postgresql(server: Server, target: Target) -> Iterator[tuple[str, DumpWatch]]:
    """
    Give a snapshot's name, for the block, in which `server` reads the same one.

    The tables are locked before it is taken, as pg_dump would lock them after: one that was emptied
    or rewritten in between would be empty in the dump.
    """
    with connect(target, application=_APPLICATION) as guard, guard.transaction():
        sources = ", ".join(each.source for each in hashing.tables(server).values())
        if sources:
            guard.execute(f"LOCK TABLE {sources} IN ACCESS SHARE MODE")
        with server.transaction(isolation="repeatable read", read_only=True):
            row = server.rows(
                "SELECT pg_export_snapshot() AS snapshot, pg_current_wal_lsn()::text AS lsn, "
                "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int AS timeline"
            )[0]
            position = Position(lsn=row["lsn"], timeline=row["timeline"])
            yield row["snapshot"], DumpWatch(position)


@contextmanager
def mariadb(server: Server, target: Target, *, hold_s: float = HOLD_S) -> Iterator[DumpWatch]:
    """
    Give what must follow a dump, for the block, in which `server` reads the dump's snapshot.

    From here until the dump has begun, and `hold_s` at most, the server commits nothing (0.1 s).
    """
    with (
        connect(target, application=_APPLICATION) as guard,
        _Hold(guard, hold_s) as hold,
        server.transaction(isolation="repeatable read", read_only=True),
    ):
        position = _snapshot_place(server)

        def begun(head: bytes) -> None:
            hold.let_go()
            place = _LOG_PLACE.search(head)
            if place is not None or position.file is not None:
                theirs = (place[1].decode(), int(place[2])) if place else ("", 0)
                _require_same(guard, position, theirs)

        yield DumpWatch(position, begun)


def _require_same(server: Server, ours: Position, theirs: tuple[str, int]) -> None:
    """
    Raise where a transaction was committed between the two places in the binary log.

    What the hold lets through is a sequence that sets a block of ids aside: no row of a table.
    """
    there, offset = (ours.file, ours.offset), ours.offset
    if there != theirs and ours.file == theirs[0] and (ours.offset or 0) < theirs[1]:
        events = server.rows(
            f"SHOW BINLOG EVENTS IN %(file)s FROM {ours.offset:d} LIMIT {_EVENTS}",
            {"file": ours.file},
        )
        for event in events:
            if event["Event_type"] == "Xid" or offset == theirs[1]:
                break
            offset = event["End_log_pos"]
    if (ours.file, offset) != theirs:
        raise StorageError(
            f"the dump is of {theirs}, and its tables are counted at {there}",
            hint="Take it again: stockops backup take --logical",
        )


class _Hold:
    """No commit on the whole server, until it is let go, or for so many seconds."""

    def __init__(self, guard: Server, hold_s: float) -> None:
        self._guard = guard
        self._hold_s = hold_s
        self._lock = threading.Lock()
        self._held = False
        self._timer = threading.Timer(hold_s, self._expire)
        self._timer.daemon = True

    def __enter__(self) -> "_Hold":
        self._guard.execute("BACKUP STAGE START")
        self._guard.execute("BACKUP STAGE BLOCK_COMMIT")
        self._held = True
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._expire()
        self._timer.cancel()

    def let_go(self) -> None:
        """End it; raise `StorageError` where it has ended before, and things may have changed."""
        with self._lock:
            if not self._held:
                raise StorageError(
                    f"the dump did not begin within {self._hold_s:.0f} s",
                    hint="Take it again when the server has less to do.",
                )
            self._guard.execute("BACKUP STAGE END")
            self._held = False

    def _expire(self) -> None:
        with self._lock:
            if self._held:
                self._held = False
                try:
                    self._guard.execute("BACKUP STAGE END")
                except StockopsError:
                    self._guard.close()  # which ends it, too


def _snapshot_place(server: Server) -> Position:
    """Return where in the binary log the open snapshot lies; nowhere where there is no log."""
    said = {
        row["Variable_name"].lower(): row["Value"]
        for row in server.rows("SHOW STATUS LIKE 'binlog_snapshot_%'")
    }
    file, offset = said.get("binlog_snapshot_file"), said.get("binlog_snapshot_position")
    if not file or not offset:
        return Position()
    at = {"file": file, "offset": int(offset)}
    row = server.rows("SELECT binlog_gtid_pos(%(file)s, %(offset)s) AS gtid", at)[0]
    return Position(file=file, offset=int(offset), gtid=row["gtid"])
