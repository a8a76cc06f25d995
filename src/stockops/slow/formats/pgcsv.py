"""PostgreSQL's csvlog: a row for each entry, whose fields may hold lines."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from typing import Any

from ... import patterns
from ...statements import Dialect
from ..accounting import Account
from ..batches import Batch, Later, Who, text
from ..events import Event, Source
from . import pgwords
from .base import Miscut, Piece, Raw
from .pgentry import Entry, event_of, query_id
from .pglines import Entries
from .pgmany import apart, durations, kind
from .pgtime import joined_instants, microseconds
from .usual import Parts, parse_others

_FIELDS_MIN = 23  # of PostgreSQL 12; 13 added the backend's type, 14 the leader and the query's id
_FIELD_BYTES_MAX = 1 << 28
_BLOCK_BYTES = 1 << 24
# A quote within a field is told of last: next to no field has one.
_FIELD = rb'(?:"(?:[^"]*+"(?!")|(?:[^"]++|"")*+")|[^",\r\n]*+)'
_BARE = rb'[^",\r\n]*+'  # what the server never quotes
_PLAIN = rb'"[^"]*+"'  # what it always quotes, and without a quote within, if none follows
_WITHIN = rb'[^"]*+(?:""[^"]*+)*+'
# A row of an execution as the server writes it, any other row, and what is none for certain. Every
# byte is in a group. The first ones are the second and what is beyond it; the zone, the user, the
# database, the process and the host; the session, its line, its command, when it began, and its
# transactions. `quoted` is the rest of a statement from the first quote within. The last ones are
# the application, and what newer versions have: the backend's type, the leader, the query's id.
_ROW = patterns.compiled(
    rb'(?P<second>.{17}[0-9]{2})(?P<beyond>\.[0-9]{3})'
    b'(?P<whence> [^",\r\n]++,' + _PLAIN + b"," + _PLAIN + b"," + _BARE + b"," + _PLAIN + b")"
    b"(?P<session>," + _BARE + b"," + _BARE + b"," + _PLAIN + (b"," + _BARE) * 3 + b",)"
    b"(?P<head>" + _BARE + b"," + _BARE
    + rb',"[^:,"\r\n]{1,40}: )(?P<took>[0-9]{1,15}\.[0-9]{3})(?P<step> ms  [^:,"\r\n]{1,100}: )'
    b'(?P<sql>[^"]*+)(?P<quoted>(?:""[^"]*+)*+)'
    b'(?P<detail>",(?:"' + _WITHIN + b'")?)'
    b"(?P<application>(?:,,,,,,,|(?:," + _FIELD + b'){7}),"' + _WITHIN + b'")'
    b"(?P<tail>(?:," + _PLAIN + b"(?:," + _BARE + b"," + _BARE + b")?)?\n)"
    b"|(?P<other>" + _FIELD + b"(?:," + _FIELD + rb")*+\n)"
    rb"|(?P<rest>[\s\S]+)"
)  # fmt: skip
# How the rows of a session begin: no text within quotes does, for its own quotes are doubled.
_BEGINNING = patterns.compiled(
    rb'\n(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [^",\r\n]++,"[^"]++","[^"]++",\d++,")'
)
_GUESS_BYTES_MAX = 1 << 20
_USUAL = (
    "second", "beyond", "whence", "took", "sql", "quoted", "detail", "application", "tail",
)  # fmt: skip
_PEOPLE_MAX = 1 << 14


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

    def guess(self, data: Raw, at: int, end: int) -> int:
        """Return where a row begins by its looks: nobody has to count quotes up to there."""
        if at in {0, end}:
            return at
        found = _BEGINNING.search(data, at - 1, min(end, at + _GUESS_BYTES_MAX))
        if found is None:
            raise Miscut
        return found.end()

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
        rows = Parts(_ROW, piece.raw)
        # As many quotes open as close in each row, and so in all of them.
        if piece.guessed and (rows["rest"][-1] or b"").count(b'"') & 1:
            raise Miscut
        sources = _sources(rows["head"], rows["step"])
        usual = list(map(bool, sources))
        told = {name: rows.of(name, usual) for name in _USUAL}
        at_us = _instants(told)
        if at_us is None:
            yield from self.parse(piece, account)
            return
        yield from parse_others(self, piece, rows, usual, account)
        if at_us:
            yield from apart(_batch(told, at_us), list(compress(sources, usual)))

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


def _sources(heads: Sequence[bytes], steps: Sequence[bytes]) -> list[Source | None]:
    """Return what rows are by what they have before and behind a duration; None for other rows."""
    every: Sequence[Any] = steps
    if len(set(heads) - {None}) > 1:  # in two languages, say: most logs have but one way to begin
        every = list(zip(heads, steps, strict=True))
        known = {each: _source(*each) for each in set(every)}
    else:
        head = next(filter(None, heads), None)
        known = {step: _source(step and head, step) for step in set(steps)}
    return list(map(known.__getitem__, every))


def _source(head: bytes | None, step: bytes) -> Source | None:
    if head is None:
        return None
    severity, said = head.split(b",", 1)
    return kind(severity, said.partition(b'"')[2][:-2], step[len(" ms  ") : -2])


def _instants(told: Mapping[str, Sequence[bytes]]) -> list[int] | None:
    """Return the instants of rows; None where one is none, or they are of two zones."""
    zones = {each.partition(b",")[0] for each in set(told["whence"])}
    if len(zones) > 1:
        return None
    return joined_instants(told["second"], told["beyond"], zones.pop()) if zones else []


def _batch(told: Mapping[str, Sequence[bytes]], at_us: Sequence[int]) -> Batch:
    if len(_PEOPLE) > _PEOPLE_MAX:
        _PEOPLE.clear()
    query_ids = {each: _query_id(each) for each in set(told["tail"])}
    sql, quoted = list(told["sql"]), told["quoted"]
    for place in compress(range(len(sql)), quoted):
        sql[place] += quoted[place].replace(b'""', b'"')
    return Batch(
        sql=sql,
        at_us=at_us,
        duration_us=durations(told["took"]),
        who=list(map(_PEOPLE.__getitem__, zip(told["whence"], told["application"], strict=True))),
        parameters=Later(told["detail"], _parameters) if any(map(_says, told["detail"])) else (),
        query_id=list(map(query_ids.__getitem__, told["tail"])) if any(query_ids.values()) else (),
    )


class _People(dict[tuple[bytes, bytes], Who]):
    """Who it is, by the fields from the zone to the host, and those up to the application."""

    def __missing__(self, said: tuple[bytes, bytes]) -> Who:
        _, user, database, _, host = _fields(said[0])
        self[said] = who = user, _host(host), database, _fields(said[1])[-1]
        return who


_PEOPLE = _People()


def _query_id(tail: bytes) -> int | None:
    """Return the id of the statement that the last fields of a row tell."""
    fields = _fields(tail)
    return query_id(fields[-1]) if len(fields) == 4 else None


def _fields(said: bytes) -> list[str]:
    return next(csv.reader(io.StringIO(text(said), newline="")))


# Before the details stand the quote and the comma that end the message.
_NO_DETAIL = b'",'
_says = _NO_DETAIL.__ne__


def _parameters(detail: bytes) -> str:
    return pgwords.parameters(_field(detail.removeprefix(_NO_DETAIL)))


def _field(said: bytes) -> str:
    """Return what a field holds, as a reader of CSV does."""
    return text(said[1:-1].replace(b'""', b'"') if said[:1] == b'"' else said)
