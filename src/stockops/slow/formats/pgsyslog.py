"""
PostgreSQL's log by way of syslog or the journal.

The server cuts a message at its line ends and at about 900 bytes, and numbers the pieces
(``[7-1]``, ``[7-2]``; ``[8]`` for one that is whole); syslog writes a tab as ``#011`` and a line
end as ``#012``. Lines of other sessions come between. The first piece alone may begin an entry:
what looks like one within a statement is not believed. A ``#011`` that a statement holds itself
reads as a tab, for syslog writes both alike.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...statements import Dialect
from ..accounting import Account
from ..events import Event
from ..sessions import process_of
from . import pgprefix, pgwords
from .base import Piece, Raw
from .pgentry import Entry, event_of
from .pglines import Entries, More
from .pgprefix import Prefix
from .pgtime import microseconds
from .signs import SYSLOG_LINE

_SAID = re.compile(SYSLOG_LINE.encode() + rb"(?:\xef\xbb\xbf)?(?P<text>[^\n]*)")
_NUMBER = re.compile(rb"\[\d+(?:-(\d+))?\] ")
_ESCAPED = re.compile(rb"#01([125])")
_MEANT = {b"1": b"\t", b"2": b"\n", b"5": b"\r"}
_ZONE = re.compile(r"(?=[+-]\d\d:?\d\d$)")
_SHARE_MIN = 0.1  # of a program's lines that have a label, for it to be a server
_OF_PREFIX = ("time", "session", "pid", "user", "database", "host", "application")


@dataclass(frozen=True, slots=True)
class Said:
    """One line, without what syslog put around it."""

    program: bytes
    process: str
    at: str
    text: bytes
    part: int  # of its message, from 1


class PgSyslog:
    """PostgreSQL's log as syslog writes it: RFC 3164 and 5424, and with ISO instants."""

    name = "postgresql syslog"
    dialect: Dialect = "postgresql"
    whole = False

    def __init__(self, prefix: Prefix, programs: frozenset[bytes]) -> None:
        """Lines of other programs than `programs` are understood, and say nothing."""
        named = ", ".join(sorted(each.decode("utf-8", "replace") for each in programs))
        self.note = f"of {named}; log_line_prefix {prefix.template!r}"
        self.entries = Entries()
        self._programs = programs
        self._line = prefix.line()

    def start(self, data: Raw, at: int, end: int) -> int:
        """Return where the next line begins."""
        if at == 0:
            return 0
        return data.find(b"\n", at - 1, end) + 1 or end

    def parse(self, piece: Piece, account: Account) -> Iterator[Event]:
        """Give the entries; what goes on with one is what the same process wrote after it."""
        raw, at = piece.raw, 0
        account.read_bytes += len(raw)
        if self.entries.start is None:
            self.entries.start = piece.offset
        while at < len(raw):
            end = raw.find(b"\n", at) + 1 or len(raw)
            line = raw[at:end]
            said = self.said(line)
            if said is not None:
                yield from map(event_of, self._message(said, piece, at, line, account))
            elif line.strip():
                account.skip(piece.file, piece.offset + at, line)
            at = end
        yield from map(event_of, self.entries.settle(piece.offset + len(raw)))

    @staticmethod
    def said(line: bytes) -> Said | None:
        """Return what `line` says; None where it is no line of syslog."""
        found = _SAID.match(line)
        if found is None:
            return None
        iso = found["iso"]
        return _said(
            found["program"], (found["pid"] or found["process"]).decode(), _instant(iso),
            _ESCAPED.sub(lambda hit: _MEANT[hit[1]], found["text"]),
        )  # fmt: skip

    def _message(
        self, said: Said, piece: Piece, at: int, line: bytes, account: Account
    ) -> Iterator[Entry]:
        """Read one message, which may hold lines; give the entry that it ends."""
        if said.program not in self._programs:
            return
        for number, text in enumerate(said.text.split(b"\n")):
            head = self._line.match(text)
            label = _word(head["label"]) if head else ""
            if head and label in pgwords.SEVERITIES and number == 0 and said.part == 1:
                account.entries += 1
                entry = _entry(head, said, text)
                ended = self.entries.begin(said.process, entry, piece.offset + at + len(line))
                if ended is not None:
                    yield ended
                continue
            more = More(
                said.process, "", "", piece.file, piece.offset + at, b"" if number else line
            )
            if head and label in pgwords.LABELS:
                more.field, more.text = pgwords.LABELS[label], _text(text[head.end() :])
            elif text[:1] == b"\t":
                more.glue, more.text = "\n", _text(text[1:])
            else:
                more.glue, more.text = "\n" if number else "", _text(text)
            self.entries.go_on(more, account)


class PgJournal(PgSyslog):
    """PostgreSQL's log as ``journalctl -o json`` gives it."""

    name = "postgresql journal"

    @staticmethod
    def said(line: bytes) -> Said | None:
        """Return what `line` says; None where it is no entry of a journal."""
        try:
            row = json.loads(line)
            text = row["MESSAGE"]
            raw = bytes(text) if isinstance(text, list) else str(text or "").encode()
            program = str(row.get("SYSLOG_IDENTIFIER") or row.get("_COMM") or "").encode()
            process = str(row.get("SYSLOG_PID") or row.get("_PID") or "")
            at = str(row.get("__REALTIME_TIMESTAMP") or "")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        return _said(program, process, f"{at[:-6]}.{at[-6:]}", raw.rstrip(b"\n"))


def infer(lines: Sequence[bytes], *, journal: bool = False) -> PgSyslog | None:
    """Return the format of `lines`; None where no program among them speaks as PostgreSQL does."""
    kind = PgJournal if journal else PgSyslog
    first = [said for line in lines if (said := kind.said(line)) and said.part == 1]
    every = Counter(said.program for said in first)
    labelled = Counter(said.program for said in first if pgprefix.labelled(said.text))
    programs = frozenset(name for name, n in labelled.items() if n >= _SHARE_MIN * every[name])
    prefix = pgprefix.infer([said.text for said in first if said.program in programs])
    return None if prefix is None else kind(prefix, programs)


def _said(program: bytes, process: str, at: str, text: bytes) -> Said:
    number = _NUMBER.match(text)
    if number is None:
        return Said(program, process, at, text, 1)
    return Said(program, process, at, text[number.end() :], int(number[1] or 1))


def _entry(head: re.Match[bytes], said: Said, text: bytes) -> Entry:
    known = head.groupdict()
    of = {name: _word(known.get(name) or b"") for name in _OF_PREFIX}
    return Entry(
        at_us=microseconds(of["time"] or said.at),
        severity=pgwords.SEVERITIES[_word(head["label"])],
        message=_text(text[head.end() :]),
        session=_session(of["session"] or of["pid"], said.process),
        user=of["user"],
        database=of["database"],
        host=of["host"],
        application=of["application"],
    )


def _session(said: str, process: str) -> str:
    """
    Return the session that the prefix names, if any, and never one of several processes.

    The journal names the postmaster for all that goes by way of its stderr.
    """
    number = process_of(said)
    if (
        not said
        or number == process
        or (said != number and f"{int(process) if process.isdecimal() else 0:x}" == number)
    ):
        return said or process
    return f"{process}/{said}".replace(".", "/")


def _instant(iso: bytes | None) -> str:
    """Return the instant as the server writes them; "" for one of RFC 3164, which has no year."""
    return _ZONE.sub(" ", iso.decode().replace("T", " ").replace("Z", " UTC")) if iso else ""


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


@lru_cache(maxsize=1 << 14)
def _word(raw: bytes) -> str:
    text = _text(raw)
    return "" if text == "[unknown]" else text
