"""PostgreSQL's csvlog: a row for each entry, whose fields may hold lines."""

import csv
import io
from collections.abc import Iterator

from ...statements import Dialect
from ..accounting import Account
from ..events import Event
from . import pgwords
from .base import Piece, Raw
from .pgentry import Entry, event_of
from .pglines import Entries
from .pgtime import microseconds

_FIELDS_MIN = 23  # of PostgreSQL 12; 13 added the backend's type, 14 the leader and the query's id
_FIELD_BYTES_MAX = 1 << 28
_BLOCK_BYTES = 1 << 24


class PgCsv:
    """PostgreSQL's csvlog."""

    name = "postgresql csvlog"
    dialect: Dialect = "postgresql"
    whole = False
    note = ""

    def __init__(self) -> None:
        self.entries = Entries()
        self._counted: Raw = b""  # in which data quotes were counted, how far, and with what result
        self._counted_to = 0
        self._within = False

    def start(self, data: Raw, at: int, end: int) -> int:
        """Return where the next row begins: after a line end that is outside of quotes."""
        if at == 0:
            return 0
        if data is not self._counted or at < self._counted_to:
            self._counted, self._counted_to, self._within = data, 0, False
        # From one byte before: that which ends a row there lets the next one begin at `at`.
        if self._counted_to < at - 1:
            self._within ^= _odd_quotes(data, self._counted_to, at - 1)
            self._counted_to = at - 1
        place, within = at - 1, self._within
        while place < end:
            line_end = data.find(b"\n", place, end)
            if line_end < 0:
                return end
            within ^= _odd_quotes(data, place, line_end)
            place = line_end + 1
            if not within:
                return place
        return end

    def parse(self, piece: Piece, account: Account) -> Iterator[Event]:
        """Give the rows as entries; a row with too few fields, or without a time, is none."""
        account.read_bytes += len(piece.raw)
        csv.field_size_limit(_FIELD_BYTES_MAX)
        text = io.StringIO(piece.raw.decode("utf-8", "replace"), newline="")
        reader = csv.reader(text)
        before = 0
        try:
            for row in reader:
                at_us = microseconds(row[0]) if len(row) >= _FIELDS_MIN else None
                if at_us is None:
                    self._skip(piece, before, reader.line_num, account)
                else:
                    account.entries += 1
                    yield event_of(_entry(row, at_us))
                before = reader.line_num
        except csv.Error:  # a field beyond the limit
            self._skip(piece, before, None, account)

    def _skip(self, piece: Piece, first: int, last: int | None, account: Account) -> None:
        lines = piece.raw.splitlines(keepends=True)
        start = sum(map(len, lines[:first]))
        raw = b"".join(lines[first:last])
        if raw.strip():
            account.skip(piece.file, piece.offset + start, raw)


def _odd_quotes(data: Raw, start: int, end: int) -> bool:
    """Tell whether an odd number of quotes stands between; in blocks, for a line may be long."""
    odd = False
    for at in range(start, end, _BLOCK_BYTES):
        odd ^= bool(data[at : min(at + _BLOCK_BYTES, end)].count(b'"') & 1)
    return odd


def _entry(row: list[str], at_us: int) -> Entry:
    return Entry(
        at_us=at_us,
        severity=pgwords.SEVERITIES.get(row[11], "LOG"),
        message=row[13],
        detail=row[14],
        context=row[18],
        statement=row[19],
        user=row[1],
        database=row[2],
        host=row[4].rpartition(":")[0] or row[4],
        application=row[22],
        session=row[5],
        sql_state=row[12],
        query_id=row[25] if len(row) > 25 else "",
    )
