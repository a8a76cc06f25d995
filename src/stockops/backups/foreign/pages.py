"""
The checksums of PostgreSQL's pages, as its own `checksum_impl.h` defines them.

pg_verifybackup compares a file with the manifest, and the manifest is made from what was copied:
a page that was broken on the server, or that pg_combinebackup took from a broken link, is in both.
pg_checksums refuses a backup, for its server was not shut down. So the pages are checked here.

Thirty-two sums run side by side through a page, and many pages are done at once: they lie in one
large integer, each in a slot of 64 bits, so that Python's own arithmetic does the work.
"""

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import count

from .compressed import Readable

PAGE_BYTES = 8192
SEGMENT_PAGES = 131072
BATCH_PAGES = 32
_PRIME = 16777619
_ROW_BYTES = 128  # 32 words of 4
_OFFSETS = (
    0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
    0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
    0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
    0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756,
)  # fmt: skip
_RELATION = re.compile(
    r"(?:base/\d+|global|pg_tblspc/\d+/PG_[^/]+/\d+)/(INCREMENTAL\.)?"
    r"\d+(?:_(?:fsm|vm|init))?(?:\.(\d+))?"
)
_INCREMENTAL_MAGIC = 0xD3AE1F0D
_ZEROS = bytes(PAGE_BYTES)


class PageCheck:
    """
    Checks the pages of one backup, some at a time, whichever files they are of.

    A page that was written after the backup began, at `before_lsn`, may be torn: the log holds it
    whole and puts it right, so it is passed over, as PostgreSQL does when it takes a backup.
    """

    def __init__(self, *, before_lsn: int) -> None:
        self.broken: dict[str, list[int]] = {}  # the numbers of pages, by file
        self.checked = 0
        self._before_lsn = before_lsn
        self._waiting: list[tuple[str, int, bytes]] = []

    def read(self, path: str, file: Readable) -> None:
        """Check all of `file`, which is `path` in its data directory, if it holds pages."""
        relation = _RELATION.fullmatch(path)
        if relation is None:
            return
        first = int(relation[2] or 0) * SEGMENT_PAGES
        if relation[1]:
            numbers: Iterator[int] = iter([first + each for each in _held(file)])
        else:
            numbers = count(first)
        data = b""
        while more := file.read(BATCH_PAGES * PAGE_BYTES):
            data += more
            whole = len(data) // PAGE_BYTES * PAGE_BYTES
            for at in range(0, whole, PAGE_BYTES):
                self._take(path, next(numbers, first), data[at : at + PAGE_BYTES])
            data = data[whole:]

    def end(self) -> None:
        """Check what waits."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        found = checksums([each[1] for each in waiting], [each[2] for each in waiting])
        for (path, number, page), right in zip(waiting, found, strict=True):
            if struct.unpack_from("<H", page, 8)[0] != right:
                self.broken.setdefault(path, []).append(number)

    def _take(self, path: str, number: int, page: bytes) -> None:
        high, low, _, _, _, upper = struct.unpack_from("<IIHHHH", page)
        if upper == 0:  # a new page is all zeros
            if page != _ZEROS:
                self.broken.setdefault(path, []).append(number)
        elif (high << 32 | low) < self._before_lsn:
            self._waiting.append((path, number, page))
            self.checked += 1
            if len(self._waiting) == BATCH_PAGES:
                self.end()


def _held(file: Readable) -> list[int]:
    """Return which pages an incremental file holds; they follow its head."""
    magic, held, _ = struct.unpack("<III", file.read(12).ljust(12, b"\0"))
    if magic != _INCREMENTAL_MAGIC:
        return []
    numbers = [each for (each,) in struct.iter_unpack("<I", file.read(4 * held))]
    if held:
        file.read(-(12 + 4 * held) % PAGE_BYTES)
    return numbers


def checksums(numbers: Sequence[int], pages: Sequence[bytes]) -> list[int]:
    """Return what each page, of that number in its relation, should have as its checksum."""
    low, word, fifteen, sums = _constants(len(pages))
    cleared = [page[:8] + b"\0\0" + page[10:] for page in pages]
    half = len(pages) * _ROW_BYTES * 8  # the even words below, the odd ones above
    for at in range(0, PAGE_BYTES, _ROW_BYTES):
        row = int.from_bytes(b"".join([page[at : at + _ROW_BYTES] for page in cleared]), "little")
        mixed = sums ^ ((row & low) | ((row >> 32 & low) << half))
        sums = (mixed * _PRIME & word) ^ (mixed >> 17 & fifteen)
    for _ in range(2):
        sums = (sums * _PRIME & word) ^ (sums >> 17 & fifteen)
    slots = struct.unpack(f"<{len(pages) * 32}Q", sums.to_bytes(len(pages) * 256, "little"))
    return [(_xor(slots, at, len(pages)) ^ number) % 65535 + 1 for at, number in enumerate(numbers)]


def _xor(slots: Sequence[int], page: int, pages: int) -> int:
    found = 0
    for half in (0, pages * 16):
        for each in slots[half + page * 16 : half + page * 16 + 16]:
            found ^= each
    return found


@cache
def _constants(pages: int) -> tuple[int, int, int, int]:
    """Return masks (of half the lanes, of all, after the shift), and where the sums begin."""

    def spread(words: Iterable[int]) -> int:
        return int.from_bytes(struct.pack(f"<{16 * pages}Q", *words), "little")

    low = spread([0xFFFFFFFF] * 16 * pages)
    half = pages * _ROW_BYTES * 8
    begin = spread(_OFFSETS[::2] * pages) | spread(_OFFSETS[1::2] * pages) << half
    fifteen = spread([0x7FFF] * 16 * pages)
    return low, low | low << half, fifteen | fifteen << half, begin
