"""PostgreSQL's csvlog: a row for each entry, whose fields may hold lines."""

import csv
import io
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import compress

from ... import patterns
from ...statements import Dialect
from ..accounting import Account
from ..batches import Batch, Later, Who, text
from ..events import Event
from . import pgwords
from .base import Piece, Raw
from .pgentry import Entry, event_of, query_id
from .pglines import Entries
from .pgmany import OPENING, apart, durations, kinds
from .pgtime import instants, microseconds
from .usual import Columns, divide, found, left, parse_rest

_FIELDS_MIN = 23  # of PostgreSQL 12; 13 added the backend's type, 14 the leader and the query's id
_FIELD_BYTES_MAX = 1 << 28
_BLOCK_BYTES = 1 << 24
# A quote within a field is told of last: next to no field has one.
_FIELD = rb'(?:"(?:[^"]*+"(?!")|(?:[^"]++|"")*+")|[^",\r\n]*+)'
_BARE = rb'[^",\r\n]*+'  # what the server never quotes
_SQL = rb'(?P<sql>(?(quote)[^"]*+(?:""[^"]*+)*+|' + _BARE + rb'))(?(quote)")'
_AT = rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (?:[A-Za-z]+|[+-]\d\d(?::?\d\d)?)"
# The user, the database, the process and the host; the application, and the last ones of newer
# versions: the backend's type, the leader, the query's id.
_WHENCE = b"%b,%b,%b,%b" % (_FIELD, _FIELD, _BARE, _FIELD)
_TAIL = b"%b(?:,%b(?:,%b,%b)?)?" % (_FIELD, _FIELD, _BARE, _BARE)
# The session, its line, its command, when it began, and its transactions.
_SESSION = b"%b,%b,%b,%b,%b,%b" % (_BARE, _BARE, _FIELD, _BARE, _BARE, _BARE)
# A row of an execution as the server writes it, any other row, and what is none for certain.
_ROW = patterns.compiled(
    b"(?P<time>" + _AT + b"),(?P<whence>" + _WHENCE + b")," + _SESSION
    + b",(?P<severity>" + _BARE + b")," + _BARE
    + rb',(?P<quote>")?' + OPENING + _SQL + b",(?P<detail>" + _FIELD + b")"
    b"(?:,,,,,,,|(?:," + _FIELD + b"){7}),(?P<tail>" + _TAIL
    + rb")\n|" + _FIELD + b"(?:," + _FIELD + rb")*+\n"
    rb"|[\s\S]+"
)  # fmt: skip


class PgCsv:
    """PostgreSQL's csvlog."""

    name = "postgresql csvlog"
    dialect: Dialect = "postgresql"
    whole = False
    note = ""

    def __init__(self) -> None:
        csv.field_size_limit(_FIELD_BYTES_MAX)
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
        reader = csv.reader(io.StringIO(text(piece.raw), newline=""))
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

    def columns(self, piece: Piece, account: Account) -> Iterator[Event | Batch]:
        """Give the usual executions as batches, and the other rows as `parse` does."""
        told, spans = found(_ROW, piece.raw)
        # What is no execution has no severity, either.
        sources = kinds(zip(told["severity"], told["head"], told["step"], strict=True))
        divided = divide(piece.raw, spans, list(map(bool, sources)))
        rows = left(told, divided.usual)
        at_us = instants(rows["time"]) if rows["time"] else []
        if at_us is None:
            yield from self.parse(piece, account)
            return
        yield from parse_rest(self, piece, divided, account)
        if at_us:
            yield from apart(_batch(rows, at_us), list(compress(sources, divided.usual)))

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


def _host(said: str) -> str:
    """Return the host alone: where a connection comes from has the port behind it."""
    return said.rpartition(":")[0] or said


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
        host=_host(row[4]),
        application=row[22],
        session=row[5],
        sql_state=row[12],
        query_id=row[25] if len(row) > 25 else "",
    )


def _batch(rows: Columns, at_us: Sequence[int]) -> Batch:
    applications, query_ids = zip(*map(_tail, rows["tail"]), strict=True)
    return Batch(
        sql=[each.replace(b'""', b'"') for each in rows["sql"]],
        at_us=at_us,
        duration_us=durations(rows["took"]),
        who=list(map(_who, rows["whence"], applications)),
        parameters=Later(rows["detail"], _parameters) if any(rows["detail"]) else (),
        query_id=query_ids if any(query_ids) else (),
    )


@lru_cache(maxsize=1 << 14)
def _who(whence: bytes, application: str) -> Who:
    """Return who it is that `whence` tells of: the fields from the user to the host."""
    user, database, _, host = _fields(whence)
    return user, _host(host), database, application


@lru_cache(maxsize=1 << 14)
def _tail(said: bytes) -> tuple[str, int | None]:
    """Return the application and the id of the statement, by the last fields of a row."""
    fields = _fields(said)
    return fields[0], query_id(fields[-1]) if len(fields) == 4 else None


def _fields(said: bytes) -> list[str]:
    return next(csv.reader(io.StringIO(text(said), newline="")))


def _parameters(detail: bytes) -> str:
    return pgwords.parameters(_field(detail))


def _field(said: bytes) -> str:
    """Return what a field holds, as a reader of CSV does."""
    return text(said[1:-1].replace(b'""', b'"') if said[:1] == b'"' else said)
