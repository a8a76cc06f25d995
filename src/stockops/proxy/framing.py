"""A stream of bytes as the messages it is made of, whole or in parts as they come."""

from dataclasses import dataclass, field
from struct import Struct

KEPT_BYTES = 4096  # of each message: its head, and the text of a statement that anybody writes

Frame = tuple[bytes, int, int, int]
"""What a message is in, where it begins and stops there, and where the chunk goes on behind it."""


@dataclass(slots=True)
class Framer:
    """
    Finds where messages end; of one that comes in parts it keeps the first `KEPT_BYTES`.

    `header` reads their length, of which `mask` is meant, and `extra` bytes are not counted.
    """

    header: Struct
    extra: int
    mask: int = 0xFFFFFFFF
    _kept: bytearray = field(default_factory=bytearray)
    _missing: int = 0  # bytes of the message in `_kept` that are still to come

    def take(self, data: bytes) -> list[Frame]:
        """Return the messages that end in `data`."""
        found: list[Frame] = []
        at = self._go_on(data, found) if self._kept else 0
        read, extra, mask = self.header.unpack_from, self.extra, self.mask
        size = len(data)
        last = size - self.header.size
        while at <= last:
            end = at + (read(data, at)[0] & mask) + extra
            if end > size:
                self._missing = end - size
                self._kept += data[at : at + KEPT_BYTES]
                return found
            if end == at:
                end = at + self.header.size  # nonsense, which has to end somewhere as well
            found.append((data, at, end, end))
            at = end
        if at < size:
            self._kept += data[at:]
        return found

    def _go_on(self, data: bytes, found: list[Frame]) -> int:
        """Add `data` to the message that is there in part; return where the next one begins."""
        at, head = 0, self.header.size
        if not self._missing:  # not even its header is whole
            at = min(head - len(self._kept), len(data))
            self._kept += data[:at]
            if len(self._kept) < head:
                return at
            whole = (self.header.unpack_from(self._kept, 0)[0] & self.mask) + self.extra
            self._missing = max(0, whole - head)
        step = min(self._missing, len(data) - at)
        self._kept += data[at : min(at + step, at + max(0, KEPT_BYTES - len(self._kept)))]
        self._missing -= step
        if not self._missing:
            found.append((bytes(self._kept), 0, len(self._kept), at + step))
            self._kept.clear()
        return at + step
