"""
MariaDB's binary log as files: a reader that follows one as it grows, event by event.

An event is a header of 19 bytes (when, what, which server, its length, where it ends, flags), a
body, and where checksums are on a CRC-32. A file begins with a format description and the list of
the last GTIDs before it; it ends with a rotation, with a stop, or where its server was killed.
"""

import struct
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ...errors import StorageError

MAGIC = b"\xfebin"
_HEADER = struct.Struct("<IBIIIH")
_QUERY, _STOP, _ROTATE, _FORMAT, _XID, _XA_PREPARE = 2, 3, 4, 15, 16, 38
_GTID, _GTID_LIST = 162, 163
_STANDALONE = 1
_IN_USE = 0x01
_FLAGS_AT = 4 + 17  # of the first event, behind the magic
EVENT_BYTES_MAX = 1 << 30

Gtids = dict[tuple[int, int], int]  # of each domain and server, the last sequence number


@dataclass(slots=True)
class Follower:
    """
    Takes a binary log piece by piece, and knows how far it is whole.

    `whole_bytes` is where the last event ends that ends a transaction (or stands outside of one);
    `before` the GTIDs that were there before the file, `after` those with it up to there, in the
    order of the log within a domain. Times are the server's, to the second.
    """

    name: str
    read_bytes: int = 0
    whole_bytes: int = 0
    server_id: int = 0
    server_version: str = ""
    began_at: datetime | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None
    before: Gtids | None = None
    after: Gtids = field(default_factory=dict)
    firsts: Gtids = field(default_factory=dict)  # of what is in this file, the first ones
    ended: str = ""  # "rotate" or "stop"
    next_name: str = ""
    head_crc: int = 0  # of the bytes up to the list of GTIDs: tells two files of one name apart
    _rest: bytearray = field(default_factory=bytearray)
    _checksums: bool = False
    _open: tuple[tuple[int, int], int, datetime] | None = None  # the transaction going by
    _standalone: bool = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes; raise `StorageError` where they are not those of a binary log."""
        self._rest += data
        at = 0
        if self.read_bytes == 0:
            if len(self._rest) < len(MAGIC):
                return
            if self._rest[:4] != MAGIC:
                raise self._damaged("it does not begin as one")
            self.head_crc = zlib.crc32(MAGIC)
            at = self.read_bytes = self.whole_bytes = 4
        with memoryview(self._rest) as view:
            while at + _HEADER.size <= len(view):
                moment, kind, server_id, length, _, flags = _HEADER.unpack_from(view, at)
                if not _HEADER.size <= length <= EVENT_BYTES_MAX:
                    raise self._damaged(f"an event of {length:,} bytes")
                if at + length > len(view):
                    break
                with view[at : at + length] as event:
                    self._take(event, kind, flags)
                    self._note(event, kind, server_id, datetime.fromtimestamp(moment, UTC))
                at += length
        del self._rest[:at]

    def drop_rest(self) -> None:
        """Forget what came of an event that is not whole yet; it has to be given again."""
        self._rest.clear()

    @property
    def complete(self) -> bool:
        """Whether it says itself that it is over, and nothing comes after that."""
        return bool(self.ended) and not self._rest

    @property
    def taken_bytes(self) -> int:
        """How many bytes it was given."""
        return self.read_bytes + len(self._rest)

    @property
    def number(self) -> int:
        """Its place in the sequence of files."""
        return number_of(self.name)

    def _take(self, event: memoryview, kind: int, flags: int) -> None:
        if kind == _FORMAT:
            self._checksums = event[len(event) - 5] == 1
        if self._checksums:
            body = event[:-4]
            if kind == _FORMAT and flags & _IN_USE:  # its checksum is that without the flag
                body = memoryview(bytes(body[:17]) + bytes([body[17] & ~_IN_USE]) + body[18:])
            (stated,) = struct.unpack_from("<I", event, len(event) - 4)
            if zlib.crc32(body) != stated:
                raise self._damaged("the checksum of an event is another one")
        if self.ended:
            raise self._damaged(f"it goes on after its {self.ended}")
        if self.before is None:
            self.head_crc = zlib.crc32(event, self.head_crc)
        self.read_bytes += len(event)

    def _note(self, event: memoryview, kind: int, server_id: int, moment: datetime) -> None:
        body = event[_HEADER.size : -4] if self._checksums else event[_HEADER.size :]
        if kind == _FORMAT:
            self.server_id, self.began_at = server_id, moment
            self.server_version = bytes(body[2:52]).rstrip(b"\0").decode("ascii", "replace")
        elif kind == _GTID_LIST:
            if self.before is None:
                self.before = _listed(body)
                self.after = dict(self.before)
        elif kind == _GTID:
            self._close()
            sequence, domain = struct.unpack_from("<QI", body)
            self._open = ((domain, server_id), sequence, moment)
            self._standalone = bool(body[12] & _STANDALONE)
            return
        elif kind == _ROTATE:
            self._close()
            self.ended, self.next_name = "rotate", bytes(body[8:]).decode("utf-8", "replace")
        elif kind == _STOP:
            self._close()
            self.ended = "stop"
        elif self._open and self._ends(body, kind):
            self._close()
        if not self._open:
            self.whole_bytes = self.read_bytes

    def _ends(self, body: memoryview, kind: int) -> bool:
        if kind in {_XID, _XA_PREPARE}:
            return True
        if kind != _QUERY:
            return False
        database, status = body[8], struct.unpack_from("<H", body, 11)[0]
        said = bytes(body[13 + status + database + 1 :][:16])
        return self._standalone or said in {b"COMMIT", b"ROLLBACK"}

    def _close(self) -> None:
        """The transaction that went by is whole."""
        if self._open is None:
            return
        pair, sequence, moment = self._open
        self.after.pop(pair, None)  # the last of a domain stands last
        self.after[pair] = sequence
        self.firsts.setdefault(pair, sequence)
        self.first_at = self.first_at or moment
        self.last_at = moment
        self._open = None

    def _damaged(self, why: str) -> StorageError:
        return StorageError(
            f"the binary log {self.name!r} is damaged at byte {self.read_bytes:,}: {why}",
            hint="Read it with mariadb-binlog --verify-binlog-checksum; take a new backup.",
        )


def mark_unused(head: bytearray) -> None:
    """Take the mark that it is being written from the first bytes of a binary log."""
    if len(head) > _FLAGS_AT:
        head[_FLAGS_AT] &= ~_IN_USE


def number_of(name: str) -> int:
    """Return the number of the binary log `name`."""
    return int(name.rpartition(".")[2])


def position_text(gtids: Gtids) -> str:
    """Return `gtids` as the server prints a position: the last one of each domain."""
    last = {domain: (server, sequence) for (domain, server), sequence in gtids.items()}
    return ",".join(f"{domain}-{last[domain][0]}-{last[domain][1]}" for domain in sorted(last))


def listed_text(gtids: Gtids) -> list[str]:
    """Return `gtids` as text, every domain and server, in their order."""
    return [f"{domain}-{server}-{sequence}" for (domain, server), sequence in gtids.items()]


def from_text(texts: list[str]) -> Gtids:
    """Return the GTIDs of which `listed_text` made `texts`."""
    found: Gtids = {}
    for text in texts:
        domain, server, sequence = map(int, text.split("-"))
        found[(domain, server)] = sequence
    return found


def _listed(body: memoryview) -> Gtids:
    (count,) = struct.unpack_from("<I", body)
    found: Gtids = {}
    for index in range(count & 0x0FFFFFFF):
        domain, server, sequence = struct.unpack_from("<IIQ", body, 4 + 16 * index)
        found[(domain, server)] = sequence
    return found
