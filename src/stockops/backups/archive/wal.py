"""
PostgreSQL's write-ahead log as files: names, positions, and what a segment says of itself.

The layouts are those of ``access/xlog_internal.h`` and ``access/xlogrecord.h``, the same from
PostgreSQL 15 to 18. Numbers are in the byte order of the machine that wrote them: ours.
"""

import re
import struct
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from ...errors import StorageError
from ..manifest import Position

SEGMENT = re.compile(r"[0-9A-F]{24}")
HISTORY = re.compile(r"([0-9A-F]{8})\.history")
# What else the server archives: where a base backup began, and the torso of an ended timeline.
BESIDE = re.compile(r"[0-9A-F]{24}(\.[0-9A-F]{8}\.backup|\.partial)")
_PAGE = struct.Struct("=HHIQI4x")
_LONG = struct.Struct("=QII")
_RECORD = struct.Struct("=IIQBBxxI")
_CHECKPOINT_AT = 32  # in the control file, before its redo position and its timeline
_CONTINUES, _LONG_HEADER = 0x0001, 0x0002
_TRANSACTIONS = 1  # the resource manager of commits and aborts
_ENDS = {0x00, 0x20, 0x30, 0x40}  # commit, abort, and those of what was prepared
_OF_2000 = datetime(2000, 1, 1, tzinfo=UTC)
_PAGES_AT_ONCE = 16
_PAGES_LOOKED_AT = 128  # from the end: a push must not take long


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """
    What a segment holds. `last_at` is when its last transaction ended, by the server's clock.

    `end` is where its last whole record ends, and the next would begin; `last` where that record
    begins: the last position that a recovery can be told to stop at. `last_at` is None where no
    transaction ended in the last MB of it.
    """

    system: str
    timeline: int
    segment_bytes: int
    start: int
    end: int
    last: int
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Fork:
    """A timeline that came before, and where it was left."""

    timeline: int
    lsn: int


def lsn(text: str) -> int:
    """Return the position that the server prints as ``0/3000028``."""
    high, _, low = text.partition("/")
    return int(high, 16) << 32 | int(low, 16)


def lsn_text(position: int) -> str:
    """Return `position` as the server prints it."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def segment_name(timeline: int, number: int, segment_bytes: int) -> str:
    """Return the name of segment `number` of `timeline`."""
    each = 0x1_0000_0000 // segment_bytes
    return f"{timeline:08X}{number // each:08X}{number % each:08X}"


def numbered(name: str, segment_bytes: int) -> tuple[int, int]:
    """Return the timeline and the number of the segment `name`."""
    each = 0x1_0000_0000 // segment_bytes
    return int(name[:8], 16), int(name[8:16], 16) * each + int(name[16:24], 16)


def forks(text: bytes, *, name: str) -> list[Fork]:
    """Return what the history file `name` says, the oldest timeline first."""
    found = []
    for line in text.decode("utf-8", "replace").splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            found.append(Fork(int(words[0]), lsn(words[1])))
        except (ValueError, IndexError):
            raise StorageError(
                f"{name!r} is not the history of a timeline: {line[:60]!r}",
                hint="Fetch it again from the server's pg_wal.",
            ) from None
    return found


def system_in(data_directory: Path) -> str | None:
    """Return the system whose data directory this is, as its control file says; None if none."""
    try:
        with (data_directory / "global" / "pg_control").open("rb") as file:
            return f"pg-{struct.unpack('=Q', file.read(8))[0]}"
    except (FileNotFoundError, NotADirectoryError, struct.error):
        return None


def checkpoint_in(data_directory: Path) -> Position:
    """
    Return where the record of the last checkpoint begins, as the control file says.

    Of a server that was stopped in good order that is its last record. The layout is that of
    ``catalog/pg_control.h``, the same from PostgreSQL 15 to 18.
    """
    content = (data_directory / "global" / "pg_control").read_bytes()
    at, _, timeline = struct.unpack_from("=QQI", content, _CHECKPOINT_AT)
    return Position(lsn=lsn_text(at), timeline=timeline)


def read(data: bytes, *, name: str, whole: bool = True) -> Segment:
    """
    Return what the segment `name` with the bytes `data` says of itself, page by page.

    Raises `StorageError` where it is not that segment, or where pages in its middle are not log.
    `whole` False is for one that is being written: what is not log yet ends it.
    """
    if len(data) < _PAGE.size + _LONG.size:
        raise _not_log(name, f"it has {len(data)} bytes")
    magic, info, timeline, address, _ = _PAGE.unpack_from(data)
    if not info & _LONG_HEADER or magic >> 8 != 0xD1:
        raise _not_log(name, "its first page has no header of one")
    system, segment_bytes, page_bytes = _LONG.unpack_from(data, _PAGE.size)
    if segment_bytes < page_bytes or not page_bytes or segment_bytes % page_bytes:
        raise _not_log(name, "its first page has an impossible header")
    if len(data) != segment_bytes:
        raise _not_log(name, f"it has {len(data):,} of {segment_bytes:,} bytes")
    named, number = numbered(name, segment_bytes)
    if address != number * segment_bytes or timeline > named:
        place = segment_name(timeline, address // segment_bytes, segment_bytes)
        raise _not_log(name, f"what it holds is {place}")
    pages = _Pages(data, page_bytes, magic, address)
    if whole and pages.islands():
        raise _not_log(name, f"page {pages.count} in its middle is not log")
    last, end, last_at = pages.ending()
    return Segment(
        system=f"pg-{system}",
        timeline=named,
        segment_bytes=segment_bytes,
        start=address,
        end=end,
        last=last,
        last_at=last_at,
    )


@dataclass(slots=True)
class _Pages:
    """The pages of a segment, and the records in them."""

    data: bytes
    page_bytes: int
    magic: int
    address: int
    count: int = 0  # of pages that are log, from the first on

    def __post_init__(self) -> None:
        pages = len(self.data) // self.page_bytes
        while self.count < pages and self._is_log(self.count):
            self.count += 1

    def islands(self) -> bool:
        """Tell whether there is log after what is not."""
        pages = len(self.data) // self.page_bytes
        return any(self._is_log(page) for page in range(self.count, pages))

    def ending(self) -> tuple[int, int, datetime | None]:
        """Return where the last whole record begins and ends, and when the last transaction did."""
        last = end = self.address
        first = self.count
        lowest = max(0, self.count - _PAGES_LOOKED_AT)
        while first > lowest:
            first = max(lowest, first - _PAGES_AT_ONCE)
            stream, starts = self._stream(first)
            records = list(self._records(first, stream, starts))
            if records and end == self.address:
                begin, stop, _ = records[-1]
                last = self._address_of(first, begin, begins=True)
                end = -(-self._address_of(first, stop) // 8) * 8
            moments = [moment for _, _, moment in records if moment]
            if moments:
                return last, end, moments[-1]
        return last, end, None

    def _is_log(self, page: int) -> bool:
        magic, _, _, address, _ = _PAGE.unpack_from(self.data, page * self.page_bytes)
        return bool(magic == self.magic and address == self.address + page * self.page_bytes)

    def _header_bytes(self, page: int) -> int:
        return _PAGE.size + (_LONG.size if page == 0 else 0)

    def _stream(self, first: int) -> tuple[bytes, int]:
        """Return what the pages from `first` hold without headers, and where a record begins."""
        parts, begins, left = [], -1, 0
        for page in range(first, min(self.count, first + _PAGES_AT_ONCE + 1)):
            at = page * self.page_bytes
            head = self._header_bytes(page)
            parts.append(self.data[at + head : at + self.page_bytes])
            if begins < 0:
                _, info, _, _, rest = _PAGE.unpack_from(self.data, at)
                rest = -(-rest // 8) * 8 if info & _CONTINUES else 0
                body = self.page_bytes - head
                if rest < body:
                    begins = left + rest
                left += body
        stream = b"".join(parts)
        return stream, begins if begins >= 0 else len(stream)

    def _address_of(self, first: int, offset: int, *, begins: bool = False) -> int:
        """Return the position in the log of `offset` in the stream from page `first` on."""
        page = first
        while True:
            body = self.page_bytes - self._header_bytes(page)
            # A record that ends with its page ends there, not after the next header.
            if offset < body + (not begins) or page + 1 >= self.count:
                return self.address + page * self.page_bytes + self._header_bytes(page) + offset
            offset -= body
            page += 1

    def _records(
        self, first: int, stream: bytes, at: int
    ) -> Iterator[tuple[int, int, datetime | None]]:
        """Give where each whole record begins and ends, and when it ended a transaction if so."""
        held: tuple[int, int] | None = None
        while at + _RECORD.size <= len(stream):
            length, _, before = struct.unpack_from("=IIQ", stream, at)
            if length < _RECORD.size:
                break
            if held:
                # A file that the server uses again holds records of before behind the last one.
                if before != self._address_of(first, held[0], begins=True):
                    break
                yield *held, _ended_at(stream, *held)
            if at + length > len(stream):
                held = None
                break
            held = (at, at + length)
            at += -(-length // 8) * 8
        # Whether more than its beginning came of the last one, only its checksum tells.
        if held and _is_whole(stream, *held):
            yield *held, _ended_at(stream, *held)


def _ended_at(stream: bytes, at: int, end: int) -> datetime | None:
    info, manager = stream[at + 16], stream[at + 17]
    if manager != _TRANSACTIONS or info & 0x70 not in _ENDS:
        return None
    at += _RECORD.size
    while at < end:
        kind = stream[at]
        if kind in {253, 252}:  # an origin, a transaction above this one
            at += 3 if kind == 253 else 5
            continue
        at += 2 if kind == 255 else 5
        if kind not in {254, 255} or at + 8 > end:
            return None
        (moment,) = struct.unpack_from("=q", stream, at)
        return _OF_2000 + timedelta(microseconds=moment)
    return None


def _is_whole(stream: bytes, at: int, end: int) -> bool:
    stated = int.from_bytes(stream[at + _RECORD.size - 4 : at + _RECORD.size], sys.byteorder)
    return _crc32c(stream[at + _RECORD.size : end] + stream[at : at + _RECORD.size - 4]) == stated


def _crc32c(data: bytes) -> int:
    table = _crc_table()
    value = 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


@cache
def _crc_table() -> Sequence[int]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


def _not_log(name: str, why: str) -> StorageError:
    return StorageError(
        f"{name!r} is not that segment of the log: {why}",
        hint="Look at it with pg_waldump; nothing was archived.",
    )
