"""
Where log waits that is not a whole file yet, on a disk of the machine that receives it.

It lies in the repository where that is a directory and nothing in it is encrypted, otherwise in
the place where this user's programs keep their state: the spool is in the clear.
"""

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ... import state
from ..manifest import Position
from ..repository import Repository
from ..store import DirectoryStore
from . import following, wal
from .binlog import Follower, mark_unused, number_of, position_text
from .ledger import Log

BINLOG = re.compile(r"[^/]+\.\d{6,}")
KEPT = "kept"  # of files that are being fetched once more, what was there
ELSEWHERE = "elsewhere"  # a file that names the directory that is used instead


def spool_of(repo: Repository, system: str, *, encrypted: bool) -> Path:
    """Return the directory in which log of `system` waits."""
    if not isinstance(repo.store, DirectoryStore):
        place = repo.store.place.partition("?")[0]
        return state.place() / "spool" / hashlib.sha256(place.encode()).hexdigest()[:16] / system
    if not encrypted:
        return repo.store.root / "spool" / system
    return state.place() / "spool" / system


def places(repo: Repository, system: str) -> list[Path]:
    """Return the directories in which log of `system` may wait on this machine."""
    every = {spool_of(repo, system, encrypted=each) for each in (False, True)}
    for each in list(every):
        with suppress(OSError):
            every.add(Path((each / ELSEWHERE).read_text("utf-8").strip()))
    return sorted(each for each in every if each.is_dir())


def note_place(repo: Repository, system: str, place: Path, *, encrypted: bool) -> None:
    """Leave word, where one looks first, that log of `system` waits in `place`."""
    usual = spool_of(repo, system, encrypted=encrypted)
    if usual.absolute() != place:
        usual.mkdir(parents=True, exist_ok=True, mode=0o700)
        (usual / ELSEWHERE).write_text(f"{place}\n", "utf-8")


def tails(repo: Repository, system: str, *, more: Sequence[Log] = ()) -> list[Log]:
    """
    Return what waits in the spool, as far as it is whole, in order; archived or not.

    Of a piece that is in `more`, too, the one that reaches further; where both do, the spool's.
    """
    return _best([log for place in places(repo, system) for log in _inside(place, system)], more)


def _inside(place: Path, system: str) -> list[Log]:
    found: list[Log] = []
    if system.startswith("pg-"):
        for folder in (place / KEPT, place):
            found += _segments(system, folder) if folder.is_dir() else []
    else:
        for series in sorted(place.iterdir()):
            if re.fullmatch("[0-9A-F]{8}", series.name):
                found += _binlogs(system, series)
    return found


def _best(found: Sequence[Log], more: Sequence[Log]) -> list[Log]:
    best: dict[tuple[int, int], Log] = {}
    for log in [*found, *more]:
        key = (log.branch, log.number)
        if key not in best or _reach(best[key]) < _reach(log):
            best[key] = log
    return [best[key] for key in sorted(best)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Whole files of log that wait in the spool `place`, and when the oldest was last written."""

    place: Path
    files: int
    stored_bytes: int
    since: datetime


def left(place: Path, system: str) -> Left | None:
    """
    Return what of `system` waits in the spool `place` though it is whole; None where nothing does.

    The file that the server still writes is not meant: it waits there while all is well.
    """
    every = _best(_inside(place, system), ()) if place.is_dir() else []
    if every and _is_being_written(every[-1]):
        every.pop()
    stats = [log.spooled.stat() for log in every if log.spooled is not None]
    if not stats:
        return None
    return Left(
        place=place,
        files=len(stats),
        stored_bytes=sum(stat.st_size for stat in stats),
        since=datetime.fromtimestamp(min(stat.st_mtime for stat in stats), UTC),
    )


def _is_being_written(log: Log) -> bool:
    """Tell whether the last piece in the spool is the one that the server is at."""
    if log.start.lsn is None:
        return True
    return log.spooled is not None and log.spooled.name.endswith(".partial")


def _reach(log: Log) -> int:
    return wal.lsn(log.end.lsn) if log.end.lsn else log.raw_bytes


def _segments(system: str, place: Path) -> list[Log]:
    found = []
    for path in sorted(place.iterdir()):
        if wal.SEGMENT.fullmatch(path.name.removesuffix(".partial")):
            found.append(segment(system, path))
    return [log for log in found if log is not None]


def segment(system: str, path: Path) -> Log | None:
    """Return the segment in the file `path`; None where nothing of `system` is in it yet."""
    name = path.name.removesuffix(".partial")
    try:
        content = path.read_bytes()
    except FileNotFoundError:  # it was finished this moment
        return None
    if len(content) < 40 or not any(content[:40]):
        return None
    said = wal.read(content, name=name, whole=False)
    if said.system != system:
        return None
    return Log(
        system=said.system,
        branch=said.timeline,
        number=said.start // said.segment_bytes,
        name=name,
        start=Position(lsn=wal.lsn_text(said.start), timeline=said.timeline),
        end=Position(lsn=wal.lsn_text(said.end), timeline=said.timeline),
        last_at=said.last_at,
        raw_bytes=said.segment_bytes,
        raw_sha="",
        stored_bytes=0,
        object=None,
        spooled=path,
    )


def _binlogs(system: str, series: Path) -> list[Log]:
    found = []
    for folder in (series / KEPT, series):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if not BINLOG.fullmatch(path.name) or not path.is_file():
                continue
            with suppress(FileNotFoundError):  # it was archived this moment
                follower = following.followed(path)
                if follower.before is not None:
                    found.append(log_of(system, int(series.name, 16), path, follower))
    return found


def follow(follower: Follower, path: Path) -> None:
    """Give `follower` what came to the binary log `path` since it was asked last."""
    with path.open("rb") as file:
        following.follow(follower, file)


def log_of(system: str, series: int, path: Path, follower: Follower) -> Log:
    """Return the binary log in the spool as a piece of log."""
    return Log(
        system=system,
        branch=series,
        number=number_of(path.name),
        name=path.name,
        start=Position(gtid=position_text(follower.before or {}), file=path.name, offset=4),
        end=Position(
            gtid=position_text(follower.after), file=path.name, offset=follower.whole_bytes
        ),
        first_at=follower.first_at,
        last_at=follower.last_at,
        raw_bytes=follower.whole_bytes,
        raw_sha="",
        stored_bytes=0,
        object=None,
        spooled=path,
        before=follower.before or {},
        after=dict(follower.after),
    )


def is_same_start(one: Path, other: Path, size: int) -> bool:
    """
    Tell whether the first `size` bytes of two binary logs are the same, as far as both reach.

    On its own disk a file that is being written is marked so in its first event; received it is
    not.
    """
    with one.open("rb") as first, other.open("rb") as second:
        left = size
        while left > 0:
            wanted = min(left, following.CHUNK_BYTES)
            mine, theirs = bytearray(first.read(wanted)), bytearray(second.read(wanted))
            shorter = min(len(mine), len(theirs))
            if left == size:
                mark_unused(mine)
                mark_unused(theirs)
            if mine[:shorter] != theirs[:shorter]:
                return False
            if shorter < wanted:
                return True
            left -= wanted
    return True
