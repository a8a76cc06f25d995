"""What an archive asks of a server."""

from dataclasses import dataclass
from datetime import datetime

from ...queries import Query


@dataclass(frozen=True, slots=True)
class Archiver:
    """
    What PostgreSQL says of its archiver.

    `ready` files wait for it, the oldest of them since `ready_since`. Its own counts know nothing
    of a command that was killed, or not found: those end the archiver, which starts again.
    """

    archive_mode: str
    archive_command: str
    archive_library: str
    archive_timeout: str
    wal_level: str
    timeline: int
    lsn: str
    segment_bytes: int
    ready: int
    ready_since: datetime | None
    last_archived: str | None
    last_archived_at: datetime | None
    failed_count: int
    last_failed_at: datetime | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Slot:
    """A replication slot that keeps log for an archive of ours."""

    name: str
    active: bool
    lsn: str | None
    status: str | None


ARCHIVER = Query("backup_archiver", Archiver)
SLOTS = Query("backup_archive_slots", Slot)
