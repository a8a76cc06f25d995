"""
What statements a binary log of MariaDB holds: what changed tables, and the SQL of changed rows.

The layouts are those of the server's ``sql/log_event.h``. Bodies are read of the events that say
something; the rows themselves are passed over, so memory does not grow with them.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from ...errors import StorageError

_HEADER = struct.Struct("<IBIIIH")
_QUERY, _FORMAT, _TABLE_MAP = 2, 15, 19
_ANNOTATE, _GTID, _QUERY_COMPRESSED = 160, 162, 165
_ROWS = frozenset({20, 21, 22, 23, 24, 25, 30, 31, 32, 166, 167, 168, 169, 170, 171})
_READ = frozenset({_QUERY, _FORMAT, _TABLE_MAP, _ANNOTATE, _GTID, _QUERY_COMPRESSED})
_FIXED = {0: 4, 1: 8, 3: 4, 4: 6, 7: 2, 8: 2, 9: 8, 10: 4, 128: 3, 129: 8}  # of status variables
_COUNTED = frozenset({5, 6})
_CATALOG, _CHARSET, _INVOKER, _MICROSECONDS = 2, 4, 11, 128
_NO_PAD = 1024  # of a collation number: another one of the same character set
_CODECS = {  # of clients, by the numbers of their collations; to the server, euckr is all of cp949
    **dict.fromkeys((19, 85), "cp949"),
    **dict.fromkeys((13, 88, 95, 96), "cp932"),
    **dict.fromkeys((12, 91, 97, 98), "euc_jp"),
    **dict.fromkeys((24, 28, 86, 87), "gbk"),
    **dict.fromkeys((1, 84), "big5"),
}
_FRAME = (b"BEGIN", b"COMMIT", b"ROLLBACK", b"SAVEPOINT", b"RELEASE", b"XA ", b"# Dum")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """
    One statement. `gtid` and `offset` are those of its transaction; `offset` is where that begins.

    `text` is None for rows that were changed without a word (binlog_annotate_row_events = OFF).
    """

    gtid: str
    offset: int
    at: datetime
    database: str
    user: str | None
    text: str | None


def statements(path: Path) -> Iterator[Said]:
    """Give the statements in the binary log at `path`, in their order."""
    with path.open("rb") as log:
        if log.read(4) != b"\xfebin":
            raise StorageError(f"{path.name!r} is no binary log", hint="stockops backup verify")
        going, checksum = _Going(), 0
        while len(header := log.read(_HEADER.size)) == _HEADER.size:
            at_s, kind, server, length, _, _ = _HEADER.unpack(header)
            offset = log.tell() - _HEADER.size
            body = _body(log, kind, length - _HEADER.size, checksum)
            if kind == _FORMAT:
                checksum = 4 if body[-5] == 1 else 0
            elif kind == _GTID:
                sequence, domain = struct.unpack_from("<QI", body)
                going = _Going(f"{domain}-{server}-{sequence}", offset)
            elif said := going.take(kind, body, datetime.fromtimestamp(at_s, UTC)):
                yield said


@dataclass(slots=True)
class _Going:
    """The transaction going by, and the SQL of rows whose table has not been named yet."""

    gtid: str = ""
    offset: int = 0
    text: str | None = None
    told: bool = False  # that rows change, by an annotation or without

    def take(self, kind: int, body: bytes, at: datetime) -> Said | None:
        """Take the next event; return the statement that it completes."""
        if kind in {_QUERY, _QUERY_COMPRESSED}:
            return self._query(body, at, packed=kind == _QUERY_COMPRESSED)
        if kind == _ANNOTATE:
            self.text, self.told = _text(body), True
        elif kind == _TABLE_MAP and self.text is not None:
            text, self.text = self.text, None
            return self._said(at, text, database=body[9 : 9 + body[8]])
        elif kind in _ROWS and not self.told:
            self.told = True
            return self._said(at, None)
        return None

    def _query(self, body: bytes, at: datetime, *, packed: bool) -> Said | None:
        named, status = body[8], struct.unpack_from("<H", body, 11)[0]
        variables, rest = body[13 : 13 + status], body[13 + status :]
        sql = rest[named + 1 :]
        sql = _unpacked(sql) if packed else sql
        if not self.gtid or sql.upper().startswith(_FRAME):
            return None
        about = _variables(variables)
        at += timedelta(microseconds=about.microseconds)
        text = _text(sql, about.codec)
        return self._said(at, text, database=rest[:named], user=about.user)

    def _said(
        self, at: datetime, text: str | None, *, database: bytes = b"", user: str | None = None
    ) -> Said:
        return Said(
            gtid=self.gtid,
            offset=self.offset,
            at=at,
            database=database.decode("utf-8", "replace"),
            user=user,
            text=text,
        )


def _body(log: IO[bytes], kind: int, length: int, checksum: int) -> bytes:
    """Return what the event says, or nothing of one that is passed over."""
    if kind not in _READ:
        log.seek(length, 1)
        return b""
    body = log.read(length)
    return body[:-checksum] if checksum and kind != _FORMAT else body


def _unpacked(sql: bytes) -> bytes:
    """Return the text of a statement that log_bin_compress made smaller."""
    return zlib.decompress(sql[1 + (sql[0] & 0x07) :])


def _text(sql: bytes, codec: str | None = None) -> str:
    """
    Return `sql`, which a client wrote in its own character set.

    The log does not say in which one where rows were changed: what is not UTF-8 is taken as Korean.
    """
    for each in (codec,) if codec else ("utf-8", "cp949"):
        with suppress(UnicodeDecodeError):
            return sql.decode(each)
    return sql.decode("utf-8", "replace")


@dataclass(slots=True)
class _About:
    """What the log says about a statement: who, in which character set, when within a second."""

    user: str | None = None
    codec: str | None = None
    microseconds: int = 0


def _variables(said: bytes) -> _About:
    """Return what the status variables `said` say about the statement."""
    found, at = _About(), 0
    while at < len(said):
        code = said[at]
        at += 1
        if code == _INVOKER:
            names = []
            for _ in range(2):
                names.append(said[at + 1 : at + 1 + said[at]].decode("utf-8", "replace"))
                at += 1 + said[at]
            found.user = f"{names[0]}@{names[1]}" if names[1] else names[0]
        elif code == _CATALOG:
            at += said[at] + 2
        elif code in _COUNTED:
            at += said[at] + 1
        elif code in _FIXED:
            if code == _MICROSECONDS:
                found.microseconds = int.from_bytes(said[at : at + 3], "little")
            elif code == _CHARSET:
                found.codec = _CODECS.get(int.from_bytes(said[at : at + 2], "little") % _NO_PAD)
            at += _FIXED[code]
        else:
            break  # of a later version: what comes after it cannot be told apart
    return found
