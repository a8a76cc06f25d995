"""
What is inside a stream of a physical backup, told as it goes by.

A tool that leaves with 0 has not said that a file is missing: so the names and sizes in its
archive are read off while it is stored, and small files that say where the backup begins are kept.
"""

import struct
from collections.abc import Collection
from typing import Protocol

KEPT_BYTES_MAX = 64 << 20
_BLOCK = 512


class Watch(Protocol):
    """Follows a stream. `sizes` holds the bytes of each member, `kept` the content of a few."""

    sizes: dict[str, int]
    kept: dict[str, bytes]

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""

    @property
    def ended(self) -> bool:
        """Whether the archive said itself that it is over."""


class TarWatch:
    """Follows a tar archive (POSIX ustar, as PostgreSQL writes it)."""

    def __init__(self, keep: Collection[str]) -> None:
        self.sizes: dict[str, int] = {}
        self.kept: dict[str, bytes] = {}
        self.links: dict[str, str] = {}
        self._keep = frozenset(keep)
        self._header = bytearray()
        self._left = 0  # bytes of the member that is going by, its padding included
        self._content: bytearray | None = None
        self._name = ""
        self._zeros = 0

    @property
    def ended(self) -> bool:
        """Two blocks of zeros came."""
        return self._zeros >= 2

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        view, at = memoryview(data), 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                if self._content is not None:
                    self._content += view[at : at + step]
                self._left -= step
                at += step
                if not self._left:
                    self._close()
            else:
                step = min(_BLOCK - len(self._header), len(data) - at)
                self._header += view[at : at + step]
                at += step
                if len(self._header) == _BLOCK:
                    self._open(bytes(self._header))
                    self._header.clear()

    def _open(self, header: bytes) -> None:
        if header.count(0) == _BLOCK:
            self._zeros += 1
            return
        name = _text(header[:100])
        if header[257:262] == b"ustar" and (prefix := _text(header[345:500])):
            name = f"{prefix}/{name}"
        size = _number(header[124:136])
        kind = header[156:157]
        self._name = name.removeprefix("./")
        if kind == b"2":
            self.links[self._name] = _text(header[157:257])
        elif kind in b"0\0":
            self.sizes[self._name] = size
            if self._name in self._keep and size <= KEPT_BYTES_MAX:
                self._content = bytearray()
        self._left = -(-size // _BLOCK) * _BLOCK if kind in b"0\0" else 0
        if not self._left:
            self._close()

    def _close(self) -> None:
        if self._content is not None:
            self.kept[self._name] = bytes(self._content[: self.sizes[self._name]])
            self._content = None


class MbstreamWatch:
    """
    Follows an mbstream, as mariadb-backup writes it: chunks of files, interleaved.

    A chunk is ``XBSTCK01``, flags, type, the path with its length; one of type P goes on with the
    length, the offset and a checksum of the bytes that follow, one of type E ends its file.
    """

    def __init__(self, keep: Collection[str]) -> None:
        self.sizes: dict[str, int] = {}
        self.kept: dict[str, bytes] = {}
        self.whole: set[str] = set()
        self._keep = frozenset(keep)
        self._head = bytearray()
        self._left = 0
        self._name = ""

    @property
    def ended(self) -> bool:
        """Every file that began has ended."""
        return not self._left and not self._head and self.whole == self.sizes.keys()

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        view, at = memoryview(data), 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                if self._name in self._keep:
                    self.kept[self._name] = self.kept.get(self._name, b"") + view[at : at + step]
                self._left -= step
                at += step
            else:
                wanted = self._wanted() - len(self._head)
                step = min(wanted, len(data) - at)
                self._head += view[at : at + step]
                at += step
                if len(self._head) == self._wanted():
                    self._open(bytes(self._head))

    def _wanted(self) -> int:
        """Return how long the header is, as far as what came of it tells."""
        if len(self._head) < 14:
            return 14
        path = struct.unpack_from("<I", self._head, 10)[0]
        return int(14 + path + (20 if self._head[9:10] == b"P" else 0))

    def _open(self, header: bytes) -> None:
        if header[:8] != b"XBSTCK01":
            raise ValueError("this is not an mbstream")
        path = struct.unpack_from("<I", header, 10)[0]
        self._name = header[14 : 14 + path].decode("utf-8", "replace").removeprefix("./")
        self.sizes.setdefault(self._name, 0)
        if header[9:10] == b"P":
            length, offset = struct.unpack_from("<QQ", header, 14 + path)
            self._left = length
            self.sizes[self._name] = max(self.sizes[self._name], offset + length)
        else:
            self.whole.add(self._name)
        self._head.clear()


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "replace")


def _number(field: bytes) -> int:
    if field[0] & 0x80:  # a size of 8 GiB and more is written in binary
        return int.from_bytes(field, "big") & ((1 << 95) - 1)
    return int(field.split(b"\0", 1)[0].strip() or b"0", 8)
