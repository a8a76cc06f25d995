"""
What is archived: the names in the repository are the ledger, so that the two cannot disagree.

    archive/<system>/wal/<timeline>/<high>/<segment>.<raw>.<bytes>.<stored>.<last>[.zst][.age]
    archive/<system>/wal/history/<timeline>.history.<raw>.<bytes>.<stored>.-[.zst][.age]
    archive/<system>/binlog/<series>/<file>.<raw>.<bytes>[.zst][.age]
    archive/<system>/binlog/<series>/<file>.<raw>.<bytes>.json

`<raw>` and `<stored>` are the first 32 hexadecimal digits of the SHA-256 of the bytes as they were
and as they are stored, `<last>` is when the last transaction in it ended. A folder `<high>` holds
the segments whose names have the same first 16 digits: at most 4096 of them.

A binary log is archived when its JSON is there: it holds the GTIDs before and after the file. A
*series* is to MariaDB what a timeline is to PostgreSQL: files whose numbers and GTIDs go on from
each other. After a restore, or RESET MASTER, another one begins.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Literal

from ..manifest import Position
from ..repository import Repository
from ..store import Entry, each_of
from . import wal
from .binlog import Gtids, number_of, position_text
from .notes import Note, parse

DIGITS = 32  # of a SHA-256, in a name
_STORED = re.compile(
    r"(?P<name>[^/]+)\.(?P<raw>[0-9a-f]{32})\.(?P<bytes>\d+)\.(?P<stored>[0-9a-f]{32})"
    r"\.(?P<last>-|\d{8}T\d{12}Z)(\.zst|\.lz4)?(\.age)?"
)
_MOMENT = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """
    One piece of a server's log: a WAL segment, or a binary log.

    `branch` is the timeline, or the series. `object` is its name in the store; None where it is
    still in the spool, as the file `spooled`, of which the first `raw_bytes` are whole
    transactions (of a WAL segment: the file has its full size, and the log in it ends at `end`).
    `raw_sha` holds the first 32 digits, and is "" in the spool. `last_at` is when the last
    transaction in it ended, by the server's clock (MariaDB: to the second).
    """

    system: str
    branch: int
    number: int
    name: str
    start: Position
    end: Position
    last_at: datetime | None
    raw_bytes: int
    raw_sha: str
    stored_bytes: int
    object: str | None
    spooled: Path | None = None
    first_at: datetime | None = None
    before: Gtids = field(default_factory=dict)
    after: Gtids = field(default_factory=dict)
    stored_sha: str = ""


GapKind = Literal["missing", "conflict", "torn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """
    What is not there between two pieces of log that are: `first` to `last`, `count` pieces.

    "conflict": two different contents of one name. "torn": the next file's GTIDs do not go on
    where the last file's end.
    """

    system: str
    branch: int
    kind: GapKind
    first: str
    last: str
    count: int
    number: int  # of the first piece that cannot be used


def segments(repo: Repository, system: str, timeline: int | None = None) -> list[Log]:
    """Return the WAL segments of `system` in order: every timeline's, or those of one."""
    prefix = f"archive/{system}/wal"
    timelines = [timeline] if timeline else timelines_of(repo, system)
    found = []
    for each in timelines:
        found += list(_segments(system, repo.store.entries(f"{prefix}/{each:08X}")))
    return sorted(found, key=lambda log: (log.branch, log.number))


def binlogs(repo: Repository, system: str, series: int | None = None) -> list[Log]:
    """Return the binary logs of `system` in order: every series', or those of one."""
    every = [series] if series else series_of(repo, system)
    names = [name for each in every for name in noted(repo, f"archive/{system}/binlog/{each:08X}")]
    found = [_of_note(system, note) for note in each_of(lambda name: _note(repo, name), names)]
    return sorted(found, key=lambda log: (log.branch, log.number))


def noted(repo: Repository, folder: str, file: str | None = None) -> list[str]:
    """Return the names of the notes in `folder`: of every binary log, or of `file`."""
    begin = f"{folder}/{file}." if file else f"{folder}/"
    names = (entry.name for entry in repo.store.entries(folder))
    return [name for name in names if name.startswith(begin) and name.endswith(".json")]


def _note(repo: Repository, name: str) -> Note:
    with repo.store.open(name) as file:
        return parse(file.read(), name=name)


def logs(repo: Repository, system: str) -> list[Log]:
    """Return all the log there is of `system`, in order."""
    if system.startswith("pg-"):
        return segments(repo, system)
    return binlogs(repo, system)


def timelines_of(repo: Repository, system: str) -> list[int]:
    """Return the timelines of which there are segments."""
    names = repo.store.folders(f"archive/{system}/wal")
    return sorted(int(name, 16) for name in names if re.fullmatch("[0-9A-F]{8}", name))


def series_of(repo: Repository, system: str) -> list[int]:
    """Return the series of which there are binary logs."""
    return sorted(int(name, 16) for name in repo.store.folders(f"archive/{system}/binlog"))


def systems(repo: Repository) -> list[str]:
    """Return the systems of which there is log."""
    return repo.store.folders("archive")


def history(repo: Repository, system: str, timeline: int) -> list[wal.Fork]:
    """Return the timelines before `timeline` and where each was left; none for the first one."""
    from .fetching import stored  # noqa: PLC0415  it reads by what is here

    found = find(repo, f"archive/{system}/wal/history", f"{timeline:08X}.history")
    if not found:
        return []
    return wal.forks(stored(repo, found[0]), name=found[0].name)


def find(repo: Repository, folder: str, name: str) -> list[Entry]:
    """Return the objects in `folder` that hold the file `name`: one for each content of it."""
    found = []
    for entry in repo.store.entries(folder):
        match = _STORED.fullmatch(entry.name.rpartition("/")[2])
        if match and match["name"] == name:
            found.append(entry)
    return found


def folder_of(system: str, name: str) -> str:
    """Return the folder of the WAL file `name`: a segment, what stands beside it, or a history."""
    if wal.HISTORY.fullmatch(name):
        return f"archive/{system}/wal/history"
    return f"archive/{system}/wal/{name[:8]}/{name[8:16]}"


def object_name(name: str, *, raw: str, size: int, stored: str, last_at: datetime | None) -> str:
    """Return what the object of the WAL file `name` is called, without its form."""
    moment = last_at.strftime(_MOMENT) if last_at else "-"
    return f"{name}.{raw[:DIGITS]}.{size}.{stored[:DIGITS]}.{moment}"


def parts_of(entry: Entry) -> tuple[str, int, str, datetime | None]:
    """Return the raw and stored hash (32 digits), size and last moment that a name states."""
    match = _STORED.fullmatch(entry.name.rpartition("/")[2])
    if match is None:
        return "", 0, "", None
    return match["raw"], int(match["bytes"]), match["stored"], _moment(match["last"])


def missing(pieces: Sequence[Log]) -> list[Gap]:
    """Return what is not there between `pieces`, which are in order; each branch by itself."""
    found = []
    for before, log in pairwise(pieces):
        if log.branch != before.branch:
            continue
        if log.number == before.number:
            found.append(_gap(log, "conflict", log.number, log.number))
        elif log.number > before.number + 1:
            found.append(_gap(log, "missing", before.number + 1, log.number - 1))
        elif log.before != before.after:
            found.append(_gap(log, "torn", log.number, log.number))
    return found


def _gap(log: Log, kind: GapKind, first: int, last: int) -> Gap:
    return Gap(
        system=log.system,
        branch=log.branch,
        kind=kind,
        first=renumbered(log, first),
        last=renumbered(log, last),
        count=last - first + 1,
        number=first,
    )


def renumbered(log: Log, number: int) -> str:
    """Return the name of piece `number` of the branch of `log`."""
    if wal.SEGMENT.fullmatch(log.name):
        return wal.segment_name(log.branch, number, log.raw_bytes)
    base, _, digits = log.name.rpartition(".")
    return f"{base}.{number:0{len(digits)}d}"


def _segments(system: str, entries: Sequence[Entry]) -> Iterator[Log]:
    for entry in entries:
        match = _STORED.fullmatch(entry.name.rpartition("/")[2])
        if match is None or not wal.SEGMENT.fullmatch(match["name"]):
            continue
        size = int(match["bytes"])
        timeline, number = wal.numbered(match["name"], size)
        yield Log(
            system=system,
            branch=timeline,
            number=number,
            name=match["name"],
            start=Position(lsn=wal.lsn_text(number * size), timeline=timeline),
            end=Position(lsn=wal.lsn_text((number + 1) * size), timeline=timeline),
            last_at=_moment(match["last"]),
            raw_bytes=size,
            raw_sha=match["raw"],
            stored_bytes=entry.stored_bytes,
            stored_sha=match["stored"],
            object=entry.name,
        )


def _of_note(system: str, note: Note) -> Log:
    return Log(
        system=system,
        branch=note.series,
        number=number_of(note.name),
        name=note.name,
        start=Position(gtid=position_text(note.before), file=note.name, offset=4),
        end=Position(gtid=position_text(note.after), file=note.name, offset=note.raw_bytes),
        first_at=note.first_at,
        last_at=note.last_at,
        raw_bytes=note.raw_bytes,
        raw_sha=note.raw_sha256[:DIGITS],
        stored_bytes=note.stored_bytes,
        stored_sha=note.stored_sha256[:DIGITS],
        object=note.object,
        before=note.before,
        after=note.after,
    )


def _moment(text: str) -> datetime | None:
    return None if text == "-" else datetime.strptime(text, _MOMENT).replace(tzinfo=UTC)
