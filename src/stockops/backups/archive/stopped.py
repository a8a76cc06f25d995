"""
The tail: log that a stopped server has, and the archive has not.

Whoever puts other data in that server's place takes its tail along, or loses what it confirmed
last. No server is asked: its files are read as far as they are whole, which is as far as its own
recovery would come.
"""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ... import disk
from ...errors import StorageError
from ..manifest import Manifest, Position
from ..repository import Repository
from . import ledger, spool, wal
from .binlog import Follower, number_of, position_text
from .ledger import Log

_IDENTITY = "*/database_identity.ibd"  # a row of the schema is what tells one MariaDB from another


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """
    A stopped server: where its log ends by its own account, and the pieces that are its tail.

    `end` is, of PostgreSQL, where the record of its last checkpoint begins, of MariaDB where the
    last whole transaction of its last file ends. `problem` says why that cannot be reached: a file
    is missing, or it is another log with files of the same names.
    """

    directory: Path
    tail: Sequence[Log]
    end: Position
    problem: str = ""

    def is_within(self, branch: int, end: Position) -> bool:
        """Tell whether log of `branch` that ends at `end` holds all that this server had."""
        if self.problem:
            return False
        if self.end.file is None:
            same = branch == self.end.timeline
            return same and wal.lsn(self.end.lsn or "0/0") < wal.lsn(end.lsn or "0/0")
        reached = (number_of(end.file or ".0"), end.offset or 0)
        return reached >= (number_of(self.end.file), self.end.offset or 0)


def stopped(repo: Repository, data: Path, *, system: str) -> Stopped | None:
    """
    Return what the data directory `data` of a stopped server says; None where it is not `system`.

    Raises `StorageError` where its log cannot be read at all.
    """
    try:
        if system.startswith("pg-"):
            return _postgresql(repo, data, system)
        return _mariadb(repo, data, system)
    except OSError as exc:
        raise StorageError(
            f"the log of the stopped server cannot be read: {exc}",
            hint="What it confirmed last may be in it: see to its rights and its disk; or name the "
            "moment that is wanted, see stockops backup windows",
        ) from exc


def keep(repo: Repository, log: Log) -> Log:
    """Copy a piece of a tail to where log waits on this machine, durable; return it as there."""
    if log.spooled is None:
        return log
    there = spool.places(repo, log.system)
    place = there[0] if there else spool.spool_of(repo, log.system, encrypted=True)
    name = log.name
    if log.system.startswith("pg-"):
        name += ".partial"
    else:
        place /= f"{log.branch:08X}"
    kept = place / spool.KEPT
    kept.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = kept / f".{name}"
    try:
        with log.spooled.open("rb") as source, fresh.open("wb") as file:
            shutil.copyfileobj(source, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(kept / name)
    except OSError as exc:
        fresh.unlink(missing_ok=True)
        raise StorageError(
            f"the tail of the log cannot be kept in {str(kept)!r}: {exc.strerror}",
            hint="Nothing was replaced yet. Make room, and do it again.",
        ) from exc
    disk.sync(kept)
    return replace(log, spooled=kept / name)


def _postgresql(repo: Repository, data: Path, system: str) -> Stopped | None:
    if wal.system_in(data) != system:
        return None
    archived = {log.name for log in ledger.segments(repo, system)}
    tail: list[Log] = []
    for path in sorted((data / "pg_wal").iterdir()):
        if wal.SEGMENT.fullmatch(path.name) and path.name not in archived:
            with suppress(StorageError):  # it was made ready for log that did not come
                tail += filter(None, [spool.segment(system, path)])
    return Stopped(directory=data, tail=tail, end=wal.checkpoint_in(data))


def _mariadb(repo: Repository, data: Path, system: str) -> Stopped | None:
    manifests = [each.manifest for each in repo.backups(system) if each.manifest]
    base = _base(data, manifests)
    files = _files(base)
    gone = [name for name in _listed(base) if name not in {path.name for path in files}]
    is_it = _is_mariadb(data, system)
    if is_it and (gone or not files):
        end = Position(file=gone[-1] if gone else base.name)
        return Stopped(directory=data, tail=(), end=end, problem=f"{end.file} is not there")
    known = [*ledger.binlogs(repo, system), *spool.tails(repo, system)]
    series = max((log.branch for log in known), default=1)
    last = max(
        (log for log in known if log.branch == series),
        key=lambda log: (log.number, log.object is not None),
        default=None,
    )
    first = _after_log(files, last) if last else _after_backup(files, manifests) if is_it else None
    # The bytes that were received of a file tell whose it is, too, where that table is damaged.
    if not is_it and (first is None or last is None or last.object):
        return None
    if first is None:
        end = Position(file=files[-1].name, offset=files[-1].stat().st_size)
        return Stopped(
            directory=data, tail=(), end=end, problem="it does not go on with what was archived"
        )
    pieces = [_read(path, system, series) for path in files if number_of(path.name) >= first]
    end = pieces[-1].end if pieces else _read(files[-1], system, series).end
    return Stopped(directory=data, tail=pieces, end=end)


def _is_mariadb(data: Path, system: str) -> bool:
    """Tell whether the row that names `system` is in `data`."""
    identity = system.removeprefix("mariadb-").encode()
    return any(identity in path.read_bytes() for path in data.glob(_IDENTITY))


def _base(data: Path, manifests: Sequence[Manifest]) -> Path:
    """Return what the names of its binary logs begin with, as its last backup saw it."""
    said = manifests[-1].settings if manifests else {}
    base = Path(said.get("log_bin_basename") or data / "binlog")
    return data / base.name if str(base.parent) == said.get("datadir", "").rstrip("/") else base


def _files(base: Path) -> list[Path]:
    found = base.parent.glob(f"{base.name}.*") if base.parent.is_dir() else ()
    return sorted(
        (each for each in found if spool.BINLOG.fullmatch(each.name)),
        key=lambda each: number_of(each.name),
    )


def _listed(base: Path) -> list[str]:
    """Return the names that the server's own list of its binary logs has."""
    try:
        lines = base.with_name(f"{base.name}.index").read_text("utf-8").split("\n")
    except FileNotFoundError:
        return []
    return [line.rpartition("/")[2] for line in lines if line]


def _after_log(files: Sequence[Path], last: Log) -> int | None:
    """Return the number of the first file that goes on from `last`; None where none does."""
    there = {number_of(path.name): path for path in files}
    path = there.get(last.number)
    if path is None:
        return last.number + 1 if last.number + 1 in there and last.object else None
    if last.object is not None:
        return last.number + 1 if path.stat().st_size == last.raw_bytes else None
    same = last.spooled is not None and spool.is_same_start(path, last.spooled, last.raw_bytes)
    return last.number if same else None


def _after_backup(files: Sequence[Path], manifests: Sequence[Manifest]) -> int | None:
    """Return the number of the file in which the first backup ended that has a place in `files`."""
    there = {path.name: path for path in files}
    for said in manifests:
        path = there.get(said.stop.file or "")
        if path is None or not said.stop.offset or not said.stop.gtid:
            continue
        follower = Follower(path.name)
        with suppress(StorageError), path.open("rb") as file:
            follower.feed(file.read(said.stop.offset))
        whole = follower.read_bytes == said.stop.offset
        if whole and position_text(follower.after) == said.stop.gtid:
            return follower.number
    return None


def _read(path: Path, system: str, series: int) -> Log:
    follower = Follower(path.name)
    with suppress(StorageError):  # it is whole up to there
        spool.follow(follower, path)
    return spool.log_of(system, series, path, follower)
