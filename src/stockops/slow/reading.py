"""
Logs into a digest, or into events: in pieces, by several processes, in memory that does not grow.

A file is cut where entries begin, which the bytes alone decide; what the pieces give adds up. So
the answer is the same whatever the number of processes, the size of the pieces, or the packing.
"""

import math
import mmap
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO

from ..errors import ConfigError
from ..statements import Dialect
from . import formats, sharing, sources
from .accounting import Account
from .batches import Batch
from .digest import Digest
from .events import Event
from .formats import Carrying, Ends, Format, Guessing, Miscut, Piece
from .sampling import Sampling

PIECE_BYTES = 1 << 20  # what is made of it is there at once, and in the processor's reach
RANGE_BYTES = 1 << 21  # what one process takes at once: so all of them end at the same time
# Of what is packed, for the rest of a block is looked through again; and where cuts are counted,
# for in a damaged log each may cost an entry; and where the last entries of a piece are read anew.
_BLOCK_PIECES = 4
ENTRY_BYTES_MAX = 1 << 26  # the rest of a longer entry is skipped, and said to be
JOBS_MAX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What to leave out; an entry without an instant is kept by any window."""

    since_us: int | None = None
    until_us: int | None = None
    databases: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    applications: frozenset[str] = frozenset()
    min_us: int = 0

    def keeps(self, event: Event) -> bool:
        """Tell whether `event` counts."""
        at_us = event.at_us
        if at_us is not None:
            if self.since_us is not None and at_us < self.since_us:
                return False
            if self.until_us is not None and at_us >= self.until_us:
                return False
        return (
            (not self.databases or event.database in self.databases)
            and (not self.users or event.user in self.users)
            and (not self.applications or event.application in self.applications)
            and (event.duration_us >= self.min_us or event.source != "execution")
        )

    def of(self, batch: Batch) -> Batch:
        """Return what counts of `batch`."""
        if self == Filter():
            return batch
        since_us = -math.inf if self.since_us is None else self.since_us
        until_us = math.inf if self.until_us is None else self.until_us
        min_us = self.min_us if batch.source == "execution" else 0
        return batch.where(
            [
                since_us <= at_us < until_us
                and (not self.databases or who[2] in self.databases)
                and (not self.users or who[0] in self.users)
                and (not self.applications or who[3] in self.applications)
                and duration_us >= min_us
                for at_us, who, duration_us in zip(
                    batch.at_us, batch.who, batch.duration_us, strict=True
                )
            ]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Which files, how the log is to be understood, and what to leave out."""

    files: tuple[str, ...]
    named: str | None = None  # the format, where the user says it
    keep: Filter = Filter()
    sampling: Sampling | None = None  # of the server, where the user says it
    full: bool = False  # every field of every entry, for those who print events
    batches: bool = True  # read by the thousand where the format can: the same answer, sooner
    guess: bool = True  # where to cut, too, where that can be found out afterwards
    piece_bytes: int = PIECE_BYTES
    range_bytes: int = RANGE_BYTES


@dataclass(frozen=True, slots=True)
class _Task:
    """Where the pieces of a part of a plain file end; without a format, the file is a stream."""

    file: str
    start: int = 0
    cuts: tuple[int, ...] = ()
    guessed_to: int = 0  # a cut before this is a guess
    form: Format | None = None


def prepare(
    names: Sequence[str], *, named: str | None = None, keep: Filter | None = None
) -> Reading:
    """
    Return what is to be read: the files that `names` mean.

    Raises `ConfigError` where there is no such file.
    """
    return Reading(files=tuple(sources.find(names)), named=named, keep=keep or Filter())


def size_bytes(reading: Reading) -> int:
    """Return how many bytes the files take, packed ones as they are; a pipe takes none."""
    paths = [Path(file) for file in reading.files if file != sources.STDIN]
    return sum(path.stat().st_size for path in paths if path.is_file())


def digest(
    reading: Reading, *, jobs: int = 1, seen: Callable[[int], object] = lambda _: None
) -> Digest:
    """
    Return the digest of all that `reading` names; `seen` is told the bytes of each part read.

    Raises `ConfigError` where a file is no log that is known.
    """
    told = 0

    def tell(read_bytes: int) -> None:
        nonlocal told
        told += read_bytes
        seen(read_bytes)

    try:
        return _digest(reading, jobs, tell)
    except Miscut:
        seen(-told)
        return _digest(replace(reading, guess=False), jobs, seen)


def _digest(reading: Reading, jobs: int, seen: Callable[[int], object]) -> Digest:
    tasks = [each for file in reading.files for each in _tasks(reading, file)]
    whole, work = Digest(), partial(_read_task, reading)
    if jobs == 1 or len(tasks) <= 1:
        part = Digest()  # of its own: what goes on beyond a part is PostgreSQL's, whatever is read
        _join(reading, whole, zip(tasks, map(partial(work, part), tasks), strict=True), seen)
        whole.add(part)
        return whole
    workers = min(jobs, JOBS_MAX)
    with closing(
        sharing.shared(work, tasks, workers=workers, total=Digest, add=whole.add)
    ) as answers:  # strict: to its end, where the totals are
        _join(reading, whole, zip(tasks, answers, strict=True), seen)
    return whole


def events(reading: Reading, account: Account) -> Iterator[tuple[Event, Dialect]]:
    """Give every event that `reading` keeps, file by file, and account for the bytes."""
    for file in reading.files:
        ends = Ends()
        dialect: Dialect = "postgresql"
        for piece, form in _pieces(reading, _Task(file)):
            dialect = form.dialect
            for event in ends.parsed(form, piece, account):
                if _kept(reading, event):
                    yield event, dialect
        for event in ends.close(account):
            if _kept(reading, event):
                yield event, dialect


def _tasks(reading: Reading, file: str) -> Iterator[_Task]:
    """Cut `file` where entries begin; where they do, nobody has to find out again."""
    if not sources.is_plain(file):
        yield _Task(file)
        return
    with _mapped(file) as data:
        if not len(data):
            return
        form = _detect(reading, file, data[: formats.HEAD_BYTES])
        if form.whole:
            yield _Task(file)
            return
        unused = deepcopy(form)
        start, cuts, cut, guessed_to = 0, [0], form.start, 0
        piece_bytes, range_bytes = reading.piece_bytes, reading.range_bytes
        if isinstance(form, Guessing):
            if reading.guess and _by_columns(reading):
                cut, guessed_to = form.guess, len(data)
            else:
                piece_bytes, range_bytes = _BLOCK_PIECES * piece_bytes, _BLOCK_PIECES * range_bytes
        elif isinstance(form, Carrying):
            piece_bytes *= _BLOCK_PIECES
            range_bytes = max(piece_bytes, range_bytes)
        while cuts[-1] < len(data):
            range_end = start + range_bytes
            at = min(cuts[-1] + piece_bytes, range_end, len(data))
            cuts.append(cut(data, at, len(data)))
            if cuts[-1] >= min(range_end, len(data)):
                yield _Task(file, start, tuple(cuts[1:]), guessed_to, unused)
                start, cuts = cuts[-1], cuts[-1:]
                _forget(data, start)


def _join(
    reading: Reading,
    whole: Digest,
    parts: Iterable[tuple[_Task, tuple[int, Ends]]],
    seen: Callable[[int], object],
) -> None:
    """Put together what goes on from one part of a file to the next: they follow each other."""
    ends, file = Ends(), ""
    for task, (read_bytes, after) in parts:
        if task.file != file:
            _count(reading, whole, ends.close(whole.account))
            ends, file = Ends(), task.file
        _count(reading, whole, ends.then(after, whole.account))
        seen(read_bytes)
    _count(reading, whole, ends.close(whole.account))
    whole.scaled = reading.sampling.says() if reading.sampling else ""


def _read_task(reading: Reading, part: Digest, task: _Task) -> tuple[int, Ends]:
    """Add a task to `part`; return how many bytes it has, and what goes on beyond it."""
    ends, before = Ends(), part.account.read_bytes
    for piece, form in _pieces(reading, task):
        part.formats[task.file] = f"{form.name}, {form.note}" if form.note else form.name
        part.dialect = form.dialect
        read = ends.told if _by_columns(reading) else ends.parsed
        _count(reading, part, read(form, piece, part.account))
    return part.account.read_bytes - before, ends


def _by_columns(reading: Reading) -> bool:
    return reading.batches and not reading.sampling


def _count(reading: Reading, part: Digest, told: Iterable[Event | Batch]) -> None:
    for each in told:
        if isinstance(each, Batch):
            kept = reading.keep.of(each)
            part.batch(kept)
            part.filtered += len(each.sql) - len(kept.sql)
        elif _kept(reading, each):
            part.event(each)
        else:
            part.filtered += 1


def _kept(reading: Reading, event: Event) -> bool:
    """Let `event` stand for what it does, and tell whether it counts."""
    if reading.sampling is not None:
        reading.sampling.weigh(event)
    return reading.keep.keeps(event)


def _pieces(reading: Reading, task: _Task) -> Iterator[tuple[Piece, Format]]:
    """Give the pieces of `task`, whole entries each; what is too long for one is cut."""
    if task.form is None:
        yield from _streamed(reading, task.file)
        return
    with _opened(task.file) as file:
        form, at = deepcopy(task.form), task.start
        for end in task.cuts:
            file.seek(at)
            raw = file.read(min(end - at, ENTRY_BYTES_MAX))
            left_out, guessed = end - at - len(raw), end < task.guessed_to
            yield Piece(task.file, at, raw, left_out, guessed), form
            at = end


def _streamed(reading: Reading, file: str) -> Iterator[tuple[Piece, Format]]:
    """Read blocks, and give what is before the last entry that begins in what is there."""
    with sources.unpacked(file) as stream:
        held = _read(file, stream, max(_BLOCK_PIECES * reading.piece_bytes, formats.HEAD_BYTES))
        if not held:
            return
        form, at, more = _detect(reading, file, held[: formats.HEAD_BYTES]), 0, True
        while held:
            block = _read(file, stream, _BLOCK_PIECES * reading.piece_bytes) if more else b""
            more = bool(block)
            held += block
            end = _last_start(form, held) if more else len(held)
            if end == 0 and len(held) < ENTRY_BYTES_MAX:
                continue
            yield Piece(file, at, held[: end or len(held)]), form
            at += end or len(held)
            held = held[end:] if end else b""


def _last_start(form: Format, held: bytes) -> int:
    """Return where the last entry of `held` begins: it may go on in what is read next."""
    back = 1 << 16
    while True:
        at = max(0, len(held) - back)
        found = last = form.start(held, at, len(held)) if at else 0
        while last < len(held):
            found, last = last, form.start(held, last + 1, len(held))
        if found < len(held) or at == 0:
            return found if found < len(held) else 0
        back *= 8


def _detect(reading: Reading, file: str, head: bytes) -> Format:
    return formats.detect(head, file=file, named=reading.named, full=reading.full)


def _read(file: str, stream: IO[bytes], size: int) -> bytes:
    """Read up to `size` bytes; a pipe gives less at a time."""
    blocks, left = [], size
    try:
        while left and (block := stream.read(left)):
            blocks.append(block)
            left -= len(block)
    except sources.damaged() as exc:
        raise ConfigError(
            f"{file!r} cannot be unpacked: {exc}", hint="It may be cut off: copy it again."
        ) from exc
    return b"".join(blocks)


@contextmanager
def _mapped(file: str) -> Iterator[mmap.mmap | bytes]:
    with _opened(file) as opened:
        if not os.fstat(opened.fileno()).st_size:
            yield b""
            return
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data


def _forget(data: mmap.mmap | bytes, before: int) -> None:
    """Let go of the pages before an offset: else all that was read of a file stays in memory."""
    whole = before // mmap.PAGESIZE * mmap.PAGESIZE
    if isinstance(data, mmap.mmap) and whole:
        data.madvise(mmap.MADV_DONTNEED, 0, whole)


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    try:
        with Path(file).open("rb") as opened:
            yield opened
    except OSError as exc:
        raise ConfigError(
            f"{file!r} cannot be read: {exc.strerror}", hint=f"Look: ls -l {file}"
        ) from exc
