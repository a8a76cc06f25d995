"""The log that PostgreSQL writes for people: lines with a prefix of the operator's choice."""

import re
from collections.abc import Iterator, Sequence
from itertools import compress

from ... import patterns
from ...statements import Dialect
from ..accounting import Account
from ..batches import Batch, Later, text
from ..events import Event, Source
from ..sessions import process_of
from . import pglines, pglinewise, pgwords
from .base import Piece, Raw
from .pgentry import Entry, event_of
from .pgheads import Heads, word
from .pgheads import who as who_of
from .pglines import Entries, More
from .pglinewise import Linewise, joined
from .pgmany import OPENING, apart, durations, kinds
from .pgprefix import TIME_BYTES, Prefix
from .pgtime import instants, microseconds
from .usual import Columns, Divided, Span, divide, found, left, parse_rest

_OF_PREFIX = ("time", "session", "pid", "user", "database", "host", "application")
_REST_OF_TEXT = rb"[^\n]*+\n(?:\t[^\n]*+\n)*+"
_DETAILS = [f"{label}:  ".encode() for label, field in pgwords.LABELS.items() if field == "detail"]


class PgStderr:
    """PostgreSQL's stderr log; a line that goes on begins with a tab, which nothing can forge."""

    name = "postgresql stderr"
    dialect: Dialect = "postgresql"
    whole = False
    carries = True
    envelope = ""  # what somebody else writes before each line, as a regular expression

    def __init__(self, prefix: Prefix) -> None:
        self.note = f"log_line_prefix {prefix.template!r}, in {prefix.share:.0%} of the lines"
        self._line = prefix.line(self.envelope)
        self.entries = Entries()
        known = self._line.groupindex
        # A group that the prefix does not have is read as the label, and left out again.
        self._asked = [known.get(name, known["label"]) for name in _OF_PREFIX]
        self._has = [name in known for name in _OF_PREFIX]
        self._session_names = [name for name in ("session", "pid") if name in known]
        # Two ways to read by the thousand: by looking up what lines begin with, or by a pattern.
        after_time = None if self.envelope else prefix.after_time()
        marks = prefix.template.replace("%q", "", 1).count(": ")
        self._heads = None if after_time is None else Heads(after_time, marks)
        self._time_bytes = TIME_BYTES.get(prefix.template[:2], 0)
        by_pattern = after_time is None and "time" in known and not self.envelope
        self._usual = _usual(self._line) if by_pattern else None

    def start(self, data: Raw, at: int, end: int) -> int:
        """Return where the next line stands that is no continuation and no detail of another."""
        line = at if at == 0 else data.rfind(b"\n", 0, at) + 1
        if line < at:
            line = data.find(b"\n", at) + 1 or end
        while line < end:  # line by line: a search would stop at each byte of a line that is long
            found = self._line.match(data, line, end)
            if found and found["label"].decode() in pgwords.SEVERITIES:
                return line
            line = data.find(b"\n", line, end) + 1 or end
        return end

    def parse(self, piece: Piece, account: Account) -> Iterator[Event]:
        """Give the entries; the details of an entry are those of its session that follow it."""
        raw = piece.raw
        account.read_bytes += len(raw)
        heads = list(self._line.finditer(raw))
        if self.entries.start is None:
            self.entries.start = piece.offset
        self._gap(piece, 0, heads[0].start() if heads else len(raw), account)
        for head, following in zip(heads, [*heads[1:], None], strict=False):
            end = following.start() if following else len(raw)
            said = self._text(piece, head, end, account)
            label = word(head["label"])
            entry = self._entry(head, said)
            writer = process_of(entry.session)
            if label in pgwords.SEVERITIES:
                account.entries += 1
                entry.severity = pgwords.SEVERITIES[label]
                ended = self.entries.begin(writer, entry, piece.offset + end)
                if ended is not None:
                    yield event_of(ended)
            else:
                field, at = pgwords.LABELS[label], head.start()
                line = More(writer, field, said, piece.file, piece.offset + at, raw[at:end])
                self.entries.go_on(line, account)
        yield from map(event_of, self.entries.settle(piece.offset + len(raw)))

    def columns(self, piece: Piece, account: Account) -> Iterator[Event | Batch]:
        """
        Give the usual executions as batches, and the other entries as `parse` does.

        Where another session wrote between an entry and its details all is left to `parse`. So is
        the last entry of each session that may go on in the next piece.
        """
        raw = piece.raw
        if self._heads is not None:
            usual = pglinewise.read(raw, self._heads, self._time_bytes, pglines.REACH_BYTES)
        else:
            usual = self._matched(piece)
        if usual is None or self._has_stray(raw, usual.rest):
            yield from self.parse(piece, account)
            return
        if self.entries.start is None:
            self.entries.start = piece.offset
        divided = Divided([True] * len(usual.sources), usual.rest)
        yield from parse_rest(self, piece, divided, account)
        yield from map(event_of, self.entries.settle(piece.offset + len(raw)))
        yield from apart(usual.batch, usual.sources)

    def _matched(self, piece: Piece) -> Linewise | None:
        """Return what is usual of `piece` where a prefix is another one in each line."""
        if self._usual is None:
            return None
        told, spans = found(self._usual, piece.raw)
        sessions, of_details = self._sessions(told), self._sessions(told, "detail_")
        sources = kinds(zip(told["label"], told["head"], told["step"], strict=True))
        for place in compress(range(len(spans)), told["detail"]):
            if sessions[place] != of_details[place]:  # a line of another session
                sources[place] = None
        self._leave_last(piece, spans, sessions, sources)
        divided = divide(piece.raw, spans, list(map(bool, sources)))
        rows = left(told, divided.usual)
        at_us = instants(rows["time"]) if rows["time"] else None
        if at_us is None:
            return None
        usual = [each for each in compress(sources, divided.usual) if each]
        return Linewise(self._batch(rows, at_us), usual, divided.rest)

    def _sessions(self, told: Columns, which: str = "") -> list[tuple[bytes, ...]]:
        if not self._session_names:  # there is but one, as far as the prefix says
            return [()] * len(told["label"])
        return list(zip(*(told[which + name] for name in self._session_names), strict=True))

    def _leave_last(
        self,
        piece: Piece,
        spans: Sequence[Span],
        sessions: Sequence[tuple[bytes, ...]],
        sources: list[Source | None],
    ) -> None:
        """Take out of `sources` the entries that a line in the next piece could go on with."""
        seen = set()
        for place in range(len(spans) - 1, -1, -1):
            if spans[place][1] < len(piece.raw) - pglines.REACH_BYTES:
                break
            if sessions[place] not in seen:
                sources[place] = None
                seen.add(sessions[place])

    def _has_stray(self, raw: bytes, stretches: Sequence[tuple[int, int]]) -> bool:
        """Tell whether a line goes on with an entry that is not in its stretch."""
        for start, end in stretches:
            begun = set()
            for head in self._line.finditer(raw, start, end):
                session = head.group(*self._session_names, "label")[:-1]
                if word(head["label"]) in pgwords.SEVERITIES:
                    begun.add(session)
                elif session not in begun:
                    return True
        return False

    def _batch(self, rows: Columns, at_us: Sequence[int]) -> Batch:
        nobody = (b"",) * len(at_us)
        who = (rows.get(name, nobody) for name in ("user", "host", "database", "application"))
        return Batch(
            sql=[joined(each[:-1]) for each in rows["sql"]],
            at_us=at_us,
            duration_us=durations(rows["took"]),
            who=list(map(who_of, *who)),
            parameters=Later(rows["detail"], _parameters) if any(rows["detail"]) else (),
        )

    def _text(self, piece: Piece, head: re.Match[bytes], end: int, account: Account) -> str:
        """Return what the entry says, its continuation lines included."""
        said = piece.raw[head.end() : end]
        if said.find(b"\n") == len(said) - 1:
            return text(said[:-1])
        first, _, rest = said.partition(b"\n")
        kept, at = [first], head.end() + len(first) + 1
        for line in rest.split(b"\n"):  # not at a carriage return, which a statement may hold
            more = self._goes_on(line)
            if more is not None:
                kept.append(more)
            elif line.strip():
                self._gap(piece, at, at + len(line) + 1, account)
            at += len(line) + 1
        return text(b"".join(kept))

    def _goes_on(self, line: bytes) -> bytes | None:
        """Return what `line` adds to the entry before it; None where it is none of its lines."""
        return b"\n" + line[1:] if line[:1] == b"\t" else None

    def _gap(self, piece: Piece, start: int, end: int, account: Account) -> None:
        if piece.raw[start:end].strip():
            account.skip(piece.file, piece.offset + start, piece.raw[start:end])

    def _entry(self, head: re.Match[bytes], said: str) -> Entry:
        time, session, pid, user, database, host, application = self._words(head)
        return Entry(
            at_us=microseconds(time),
            message=said,
            session=session or pid,
            user=user,
            database=database,
            host=host,
            application=application,
        )

    def _words(self, head: re.Match[bytes]) -> list[str]:
        """Return what the prefix says, in the order of `_OF_PREFIX`; "" for what it does not."""
        return [
            word(raw) if raw and has else ""
            for raw, has in zip(head.group(*self._asked), self._has, strict=True)
        ]


def _usual(line: re.Pattern[bytes]) -> re.Pattern[bytes]:
    """Return what an execution looks like whose lines begin with `line`, its details included."""
    # Of the line of details only the session is asked for: each group more is paid for each time.
    detail = re.sub(rb"\(\?P<(?!session>|pid>)\w+>", b"(?:", line.pattern)
    detail = detail.replace(b"(?P<", b"(?P<detail_")
    is_detail = b"|".join(b"(?<=%b)" % re.escape(label) for label in _DETAILS)
    return patterns.compiled(
        b"(?>" + line.pattern + b")" + OPENING + b"(?P<sql>" + _REST_OF_TEXT + b")"
        b"(?:(?>" + detail + b")(?:" + is_detail + b")(?P<detail>" + _REST_OF_TEXT + b"))?",
        re.MULTILINE,
    )  # fmt: skip


def _parameters(detail: bytes) -> str:
    return pglinewise.parameters(joined(detail[:-1]))
