"""Names and content of PostgreSQL's log segments: which are missing, and which cannot be read."""

import re
import shutil
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import StorageError
from . import compressed, programs
from .grading import Findings, listed

SEGMENT = re.compile(r"[0-9A-F]{24}")
HISTORY = re.compile(r"([0-9A-F]{8})\.history")
DEFAULT_BYTES = 16 << 20
BATCH_SEGMENTS = 16  # so many lie unpacked at a time
_LSN = re.compile(r"\b([0-9A-F]{1,8}/[0-9A-F]{1,8})\b")
_SWITCH = re.compile(r"^\s*(\d+)\s+([0-9A-F]+/[0-9A-F]+)", re.MULTILINE)
_LONG_HEAD = struct.Struct("<HHIQI4xQI")


def lsn(text: str) -> int:
    """Return the position that PostgreSQL writes as `text`."""
    high, _, low = text.partition("/")
    return int(high, 16) << 32 | int(low, 16)


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One piece of the log of one timeline."""

    timeline: int
    number: int

    def name(self, size_bytes: int) -> str:
        """Return its file name."""
        high, low = divmod(self.number, (1 << 32) // size_bytes)
        return f"{self.timeline:08X}{high:08X}{low:08X}"


def segment(name: str, size_bytes: int) -> Segment:
    """Return the segment called `name`."""
    timeline, high, low = (int(name[at : at + 8], 16) for at in (0, 8, 16))
    return Segment(timeline, high * ((1 << 32) // size_bytes) + low)


@dataclass(slots=True, kw_only=True)
class Archive:
    """What is kept of the log of one database system."""

    size_bytes: int = DEFAULT_BYTES  # of a segment, unpacked
    names: set[str] = field(default_factory=set)
    switches: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)  # why a segment cannot be used

    def add_history(self, name: str, text: str) -> None:
        """Take in a history file: on which timelines, and to which position, its own rests."""
        self.switches[int(name[:8], 16)] = [(int(a), lsn(b)) for a, b in _SWITCH.findall(text)]

    def between(self, first: str, last: str) -> list[str]:
        """Return the names from `first` to `last`, which are of one timeline."""
        begin, end = segment(first, self.size_bytes), segment(last, self.size_bytes)
        return [
            Segment(begin.timeline, number).name(self.size_bytes)
            for number in range(begin.number, end.number + 1)
        ]

    def onward(self, last: str) -> list[str]:
        """Return the names that recovery reads after `last`, to the newest there is."""
        at = segment(last, self.size_bytes)
        there = [segment(name, self.size_bytes) for name in self.names]
        ways = {each.timeline for each in there if self._rests_on(each.timeline, at.timeline)}
        newest = max(ways | {at.timeline})
        begin, names = at.number + 1, []
        for timeline, end in [
            *((one, to // self.size_bytes) for one, to in self.switches.get(newest, [])),
            (newest, max((s.number for s in there if s.timeline == newest), default=-1) + 1),
        ]:
            if timeline < at.timeline:
                continue
            names += [
                Segment(timeline, number).name(self.size_bytes) for number in range(begin, end)
            ]
            begin = max(begin, end)
        return names

    def orphans(self) -> list[str]:
        """Return the history files that are missing: what follows on a timeline needs its own."""
        there = {int(name[:8], 16) for name in self.names}
        return [
            f"{each:08X}.history"
            for each in sorted(there)
            if each > 1 and each not in self.switches
        ]

    def holes(self) -> list[str]:
        """Return what is missing between the oldest and the newest segment of each timeline."""
        missing = []
        for timeline in sorted({name[:8] for name in self.names}):
            there = sorted(name for name in self.names if name[:8] == timeline)
            missing += [n for n in self.between(there[0], there[-1]) if n not in self.names]
        return missing

    def judge(self, first: str, last: str) -> Findings:
        """Say how a backup stands that needs the log from `first` to `last`, and what follows."""
        found = Findings()
        needed = self.between(first, last)
        if lost := [name for name in needed if name not in self.names]:
            found.gaps.append(f"the log that it cannot do without is missing: {listed(lost)}")
        found.corrupt += [f"{n}: {self.broken[n]}" for n in needed if n in self.broken]
        if found.corrupt or found.gaps:
            return found
        after = self.onward(last)
        reached = last
        for at, name in enumerate(after):
            if name in self.names and name not in self.broken:
                reached = name
                continue
            lost = [each for each in after[at:] if each not in self.names]
            bad = [f"{each} ({self.broken[each]})" for each in after[at:] if each in self.broken]
            found.gaps.append(
                f"recovery ends at {reached}: "
                + "; ".join(
                    [f"missing after it: {listed(lost)}"] * bool(lost)
                    + [f"not readable: {listed(bad)}"] * bool(bad)
                )
            )
            return found
        found.checked.append(f"its log is whole to {reached}")
        return found

    def _rests_on(self, timeline: int, older: int) -> bool:
        return timeline == older or older in [one for one, _ in self.switches.get(timeline, [])]


def head_fault(head: bytes, name: str, *, size_bytes: int, system: int | None) -> str:
    """Return why a segment that begins with `head` is not `name` of `system`; nothing if it is."""
    if len(head) < _LONG_HEAD.size:
        return "it is empty"
    _, _, _, address, _, owner, size = _LONG_HEAD.unpack_from(head)
    wanted = segment(name, size_bytes)
    if address != wanted.number * size_bytes or size != size_bytes:
        return "it does not begin as this segment does"
    if system is not None and owner != system:
        return f"it is of another database system, {owner}"
    return ""


def read_records(files: Mapping[str, Path], archive: Archive, *, major: int) -> str:
    """
    Have pg_waldump read every record of `files`, by segment; note in `archive` what is broken.

    Each record carries a checksum. Returns why it could not be done, if so.
    """
    directory = programs.postgresql(major)
    if directory is None:
        return f"the records of its log were not read: there is no pg_waldump of PostgreSQL {major}"
    with programs.workplace() as work:
        for names in _runs(sorted(files), archive):
            place = work / "wal"
            place.mkdir()
            for name in names:
                _unpack(files[name], place / name)
            argv: list[str | Path] = [directory / "pg_waldump", "-q", "-p", place]
            argv += [names[0], names[-1]]
            if said := programs.complaint(argv, work=work):
                at = _LSN.search(said)
                number = lsn(at[1]) // archive.size_bytes if at else -1
                name = Segment(int(names[0][:8], 16), number).name(archive.size_bytes)
                archive.broken[name if name in names else names[0]] = said
            shutil.rmtree(place)
    return ""


def _runs(names: Sequence[str], archive: Archive) -> Iterator[list[str]]:
    """Give neighbours, some at a time; a record may reach into the next run, which begins there."""
    run: list[str] = []
    for name in names:
        if name in archive.broken:
            continue
        if run and archive.between(run[-1], name)[1:] != [name]:
            yield run
            run = []
        run.append(name)
        if len(run) == BATCH_SEGMENTS:
            yield run
            run = [name]
    if run:
        yield run


def _unpack(source: Path, target: Path) -> None:
    with source.open("rb") as file:
        if not compressed.form_of(file.read(8)):
            target.symlink_to(source.absolute())
            return
    with compressed.opened(source) as raw, target.open("wb") as out:
        for chunk in compressed.chunks(raw):
            out.write(chunk)


def measure(path: Path, name: str, archive: Archive, *, system: int | None) -> None:
    """Unpack the segment `name` and look at its size and its first page; note what is wrong."""
    try:
        with compressed.opened(path) as file:
            head = file.read(8192)
            size = len(head) + sum(len(chunk) for chunk in compressed.chunks(file))
    except StorageError as exc:
        archive.broken[name] = str(exc)
        return
    if size != archive.size_bytes:
        archive.broken[name] = f"it has {size:,} of {archive.size_bytes:,} bytes"
    elif fault := head_fault(head, name, size_bytes=archive.size_bytes, system=system):
        archive.broken[name] = fault
