"""The log that PostgreSQL writes for people: lines with a prefix of the operator's choice."""

import re
from collections.abc import Iterator

from ...statements import Dialect
from ..accounting import Account
from ..events import Event
from . import pgwords
from .base import Piece, Raw
from .pgentry import Entry, event_of
from .pgprefix import Prefix
from .pgtime import microseconds

_OF_PREFIX = ("user", "database", "host", "application")


class PgStderr:
    """PostgreSQL's stderr log; a line that goes on begins with a tab, which nothing can forge."""

    name = "postgresql stderr"
    dialect: Dialect = "postgresql"

    def __init__(self, prefix: Prefix) -> None:
        self.note = f"log_line_prefix {prefix.template!r}, in {prefix.share:.0%} of the lines"
        self._line = prefix.line()
        self._groups = {*self._line.groupindex}

    def start(self, data: Raw, at: int, end: int) -> int:
        """Return where the next line stands that is no continuation and no detail of another."""
        line = at if at == 0 else data.rfind(b"\n", 0, at) + 1
        if line < at:
            line = data.find(b"\n", at) + 1 or end
        for found in self._line.finditer(data, line, end):
            if found["label"].decode() in pgwords.SEVERITIES:
                return found.start()
        return end

    def parse(self, piece: Piece, account: Account) -> Iterator[Event]:
        """Give the entries; the details of an entry are those of its session that follow it."""
        raw = piece.raw
        account.read_bytes += len(raw)
        heads = list(self._line.finditer(raw))
        self._gap(piece, 0, heads[0].start() if heads else len(raw), account)
        waiting: dict[str, Entry] = {}
        for head, following in zip(heads, [*heads[1:], None], strict=False):
            text = self._text(piece, head, following.start() if following else len(raw), account)
            label = head["label"].decode()
            session = self._group(head, "session") or self._group(head, "pid")
            if label in pgwords.SEVERITIES:
                account.entries += 1
                if session in waiting:
                    yield event_of(waiting[session])
                waiting[session] = self._entry(head, pgwords.SEVERITIES[label], text, session)
            elif session in waiting:
                field = pgwords.LABELS[label]
                if field in {"detail", "context", "statement"}:
                    setattr(waiting[session], field, text)
            else:
                account.skip(piece.file, piece.offset + head.start(), head[0] + text.encode())
        yield from map(event_of, waiting.values())

    def _text(self, piece: Piece, head: re.Match[bytes], end: int, account: Account) -> str:
        """Return what the entry says, its continuation lines included."""
        said = piece.raw[head.end() : end]
        first, _, rest = said.partition(b"\n")
        kept, at = [first], head.end() + len(first) + 1
        for line in rest.splitlines(keepends=True):
            if line[:1] == b"\t":
                kept.append(line[1:].rstrip(b"\n"))
            elif line.strip():
                self._gap(piece, at, at + len(line), account)
            at += len(line)
        return b"\n".join(kept).decode("utf-8", "replace")

    def _gap(self, piece: Piece, start: int, end: int, account: Account) -> None:
        if piece.raw[start:end].strip():
            account.skip(piece.file, piece.offset + start, piece.raw[start:end])

    def _entry(self, head: re.Match[bytes], severity: str, text: str, session: str) -> Entry:
        entry = Entry(severity=severity, message=text, session=session)
        entry.at_us = microseconds(self._group(head, "time"))
        entry.user, entry.database, entry.host, entry.application = (
            self._group(head, name) for name in _OF_PREFIX
        )
        return entry

    def _group(self, head: re.Match[bytes], name: str) -> str:
        said = head[name] if name in self._groups else None
        text = said.decode("utf-8", "replace") if said else ""
        return "" if text == "[unknown]" else text
