"""The log that PostgreSQL writes for people: lines with a prefix of the operator's choice."""

import re
from collections.abc import Iterator
from functools import lru_cache

from ...statements import Dialect
from ..accounting import Account
from ..events import Event
from . import pgwords
from .base import Piece, Raw
from .pgentry import Entry, event_of
from .pglines import Entries, More
from .pgprefix import Prefix
from .pgtime import microseconds

_OF_PREFIX = ("time", "session", "pid", "user", "database", "host", "application")


class PgStderr:
    """PostgreSQL's stderr log; a line that goes on begins with a tab, which nothing can forge."""

    name = "postgresql stderr"
    dialect: Dialect = "postgresql"
    whole = False
    envelope = ""  # what somebody else writes before each line, as a regular expression

    def __init__(self, prefix: Prefix) -> None:
        self.note = f"log_line_prefix {prefix.template!r}, in {prefix.share:.0%} of the lines"
        self._line = prefix.line(self.envelope)
        self.entries = Entries()
        known = self._line.groupindex
        # A group that the prefix does not have is read as the label, and left out again.
        self._asked = [known.get(name, known["label"]) for name in _OF_PREFIX]
        self._has = [name in known for name in _OF_PREFIX]

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
            text = self._text(piece, head, end, account)
            label = _word(head["label"])
            entry = self._entry(head, text)
            if label in pgwords.SEVERITIES:
                account.entries += 1
                entry.severity = pgwords.SEVERITIES[label]
                ended = self.entries.begin(entry.session, entry, piece.offset + end)
                if ended is not None:
                    yield event_of(ended)
            else:
                field, at = pgwords.LABELS[label], head.start()
                line = More(entry.session, field, text, piece.file, piece.offset + at, raw[at:end])
                self.entries.go_on(line, account)
        yield from map(event_of, self.entries.settle(piece.offset + len(raw)))

    def _text(self, piece: Piece, head: re.Match[bytes], end: int, account: Account) -> str:
        """Return what the entry says, its continuation lines included."""
        said = piece.raw[head.end() : end]
        if said.find(b"\n") == len(said) - 1:
            return said[:-1].decode("utf-8", "replace")
        first, _, rest = said.partition(b"\n")
        kept, at = [first], head.end() + len(first) + 1
        for line in rest.split(b"\n"):  # not at a carriage return, which a statement may hold
            more = self._goes_on(line)
            if more is not None:
                kept.append(more)
            elif line.strip():
                self._gap(piece, at, at + len(line) + 1, account)
            at += len(line) + 1
        return b"".join(kept).decode("utf-8", "replace")

    def _goes_on(self, line: bytes) -> bytes | None:
        """Return what `line` adds to the entry before it; None where it is none of its lines."""
        return b"\n" + line[1:] if line[:1] == b"\t" else None

    def _gap(self, piece: Piece, start: int, end: int, account: Account) -> None:
        if piece.raw[start:end].strip():
            account.skip(piece.file, piece.offset + start, piece.raw[start:end])

    def _entry(self, head: re.Match[bytes], text: str) -> Entry:
        said = [
            _word(raw) if raw and has else ""
            for raw, has in zip(head.group(*self._asked), self._has, strict=True)
        ]
        time, session, pid, user, database, host, application = said
        return Entry(
            at_us=microseconds(time),
            message=text,
            session=session or pid,
            user=user,
            database=database,
            host=host,
            application=application,
        )


@lru_cache(maxsize=1 << 14)
def _word(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    return "" if text == "[unknown]" else text
