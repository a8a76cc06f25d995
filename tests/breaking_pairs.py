"""Ways to hold a replica or a disk back, and to leave an archive without what it should have."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from breaking import Place, Way, doing, meanwhile, ran, sessions
from breaking_mariadb import writing

from stockops.backups import archive, repository
from stockops.backups.repository import Repository
from stockops.backups.streams import Form

SETTINGS = {
    "postgresql": {"max_wal_size": "32MB", "min_wal_size": "32MB"},
    "mariadb": {"server_id": "1", "log_bin": "log", "innodb_log_buffer_size": "2M"},
}
FOLDER = "archived"
_MADE = ["CREATE TABLE noted (n INT)"]
_GONE = ["DROP TABLE noted"]
_NOTE = "INSERT INTO noted VALUES (1)"
_PAUSED = ["SELECT pg_wal_replay_pause()::text"]
_RESUMED = ["SELECT pg_wal_replay_resume()::text"]
_WAL = "SELECT pg_logical_emit_message(false, 'x', repeat('x', 8000000))::text"


def _twin(place: Place) -> Place:
    assert place.twin is not None
    return place.twin


@contextmanager
def paused(place: Place) -> Iterator[None]:
    """Have a replica of PostgreSQL apply nothing, while its primary writes."""
    primary = _twin(place)
    with (
        ran(primary, _MADE, _GONE),
        ran(place, _PAUSED, _RESUMED),
        meanwhile(primary, doing(_NOTE), pause_s=0.5),
    ):
        yield


@contextmanager
def behind(place: Place) -> Iterator[None]:
    """Have the replica of a primary lack more log than there may be between two checkpoints."""
    with ran(_twin(place), _PAUSED, _RESUMED):
        for _ in range(6):
            place.admin.execute(_WAL)
        yield


@contextmanager
def locked(place: Place) -> Iterator[None]:
    """Have a replica of MariaDB wait for somebody's lock, while its primary writes."""
    primary = _twin(place)
    with ran(primary, _MADE, _GONE), sessions(place, 1) as [holder]:
        holder.execute("FLUSH TABLES WITH READ LOCK")
        with meanwhile(primary, doing(_NOTE), pause_s=0.5):
            yield


@contextmanager
def slow_disk(place: Place) -> Iterator[None]:
    """Have each write of a server take 10 ms more, while sessions write more than its buffer."""
    if shutil.which("strace") is None:
        pytest.skip("there is no strace here: scripts/install-test-servers.sh")
    words = ["strace", "-f", "-qq", "-o", os.devnull, "-p", str(place.lab.pid)]
    words += ["-e", "trace=pwrite64", "-e", "inject=pwrite64:delay_enter=10000"]
    slowed = subprocess.Popen(words)
    try:
        with writing(place, threads=8):
            yield
    finally:
        slowed.terminate()
        slowed.wait(30)


@contextmanager
def archive_stops(place: Place) -> Iterator[None]:
    """Archive what there is, and then no more, while the server writes."""
    repo = _opened(place)
    with ran(place, _MADE, _GONE):
        place.admin.execute(_NOTE)
        _archive(repo, place)
        with meanwhile(place, doing(_NOTE), pause_s=0.5):
            yield
    _archive(repo, place)


@contextmanager
def archive_lacks(place: Place) -> Iterator[None]:
    """Take a segment out of the middle of the archive, and bring it back."""
    repo = _opened(place)
    with ran(place, _MADE, _GONE):
        for _ in range(3):
            place.admin.execute(_NOTE)
            _archive(repo, place)
    [system] = repo.store.folders("archive")
    middle = archive.segments(repo, system)[-2]
    assert middle.object is not None
    there = Path(repo.store.place) / middle.object
    away = place.folder / there.name
    there.rename(away)
    try:
        yield
    finally:
        away.rename(there)
    _archive(repo, place)


def _opened(place: Place) -> Repository:
    return repository.opened(str(place.folder / FOLDER))


def _archive(repo: Repository, place: Place) -> None:
    """Finish the segment that is written, and archive what is finished since the last time."""
    place.admin.rows("SELECT pg_switch_wal()::text AS lsn")
    there = [
        log.name
        for system in repo.store.folders("archive")
        for log in archive.segments(repo, system)
    ]
    paths = finished(place)
    # The server takes older ones for new names at any moment.
    for path in [path for path in paths if path.name > max(there)] if there else paths[-1:]:
        archive.push(repo, path, system=None, form=Form(level=1))


def finished(place: Place) -> list[Path]:
    """Return the segments that the server writes no more, the oldest first."""
    [row] = place.admin.rows("SELECT pg_walfile_name(pg_current_wal_lsn()) AS name")
    found = (place.lab.data / "pg_wal").glob("?" * 24)
    return sorted(path for path in found if path.name < row["name"])


WAYS: Mapping[tuple[str, str, str], Way] = {
    ("postgresql-replica", "PostgresqlReplicationLag", "warning"): paused,
    ("postgresql-replica", "PostgresqlReplicationLag", "critical"): paused,
    ("postgresql", "PostgresqlReplicaBehindInBytes", "warning"): behind,
    ("mariadb", "MariadbLogWaits", "warning"): slow_disk,
    ("mariadb-replica", "MariadbReplicationLag", "warning"): locked,
    ("mariadb-replica", "MariadbReplicationLag", "critical"): locked,
    ("postgresql", "ArchiveLag", "warning"): archive_stops,
    ("postgresql", "ArchiveGap", "critical"): archive_lacks,
}
