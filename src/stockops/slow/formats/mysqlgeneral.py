"""
The general log of MySQL and MariaDB: what was asked, and by whom, but not how long it took.

It is read from its start to its end by one process: who a thread belongs to stands where it
connected, and when, where the second changed. Nothing in it is escaped, so that a line of a
statement that looks like one of the log is read as one. Seen on MariaDB 10.11; the instants of
MySQL are those of its manual.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ...statements import Dialect
from ..accounting import Account
from ..events import Event
from .base import Piece, Raw
from .mysqlslow import BANNER, BANNER_MARK
from .pglines import Entries
from .pgtime import microseconds
from .signs import GENERAL

THREADS_MAX = 1 << 16  # whose user is remembered, where they do not say that they quit
_WHO = re.compile(rb"(\S*)@(\S*)(?: as \S+)? on (\S*)")
_USE = re.compile(rb"(?i)\s*use\s+`?([^`\s;]+)`?\s*;?\s*\Z")
# The server logs what these run as an entry of its own.
_RUNS = re.compile(rb"(?i)\s*execute\s+(?!immediate\b)")
_SESSION = {b"Connect", b"Quit"}


@dataclass(slots=True)
class _Who:
    user: str = ""
    host: str = ""
    database: str = ""


class MySQLGeneral:
    """The general log of MySQL and MariaDB."""

    name = "mysql general log"
    dialect: Dialect = "mariadb"
    whole = True
    note = "which has no durations; instants as the server's clock had them"

    def __init__(self) -> None:
        self.entries = Entries()
        self._who: dict[bytes, _Who] = {}
        self._at_us: int | None = None

    def start(self, data: Raw, at: int, end: int) -> int:
        """Return where the next entry begins."""
        line = at if at == 0 else data.rfind(b"\n", 0, at) + 1
        if line < at:
            line = data.find(b"\n", at, end) + 1 or end
        while line < end and not GENERAL.match(data, line, end):
            line = data.find(b"\n", line, end) + 1 or end
        return line

    def parse(self, piece: Piece, account: Account) -> Iterator[Event]:
        """Give the entries; a piece follows the one before it."""
        raw = piece.raw
        account.read_bytes += len(raw)
        heads = list(GENERAL.finditer(raw))
        before = raw[: heads[0].start() if heads else len(raw)]
        if BANNER.sub(b"", before).strip():
            account.skip(piece.file, piece.offset, before)
        account.entries += len(heads)
        for head, following in zip(heads, [*heads[1:], None], strict=False):
            said = raw[head.end() : following.start() if following else len(raw)]
            banner = BANNER.search(said) if BANNER_MARK in said else None
            yield from self._told(head, said[: banner.start()] if banner else said)
            if banner:  # the numbers of threads begin again
                self._who.clear()

    def _told(self, head: re.Match[bytes], said: bytes) -> Iterator[Event]:
        if head["old"] or head["new"]:
            self._at_us = _instant(head["old"], head["new"])
        command, argument = head["command"], said.rstrip(b"\n")
        who = self._known(head["thread"])
        if command in {b"Connect", b"Change user"} and (named := _WHO.match(argument)):
            who.user, who.host, who.database = map(_text, named.groups())
        elif command == b"Init DB":
            who.database = _text(argument.strip())
        event = self._event(command, argument)
        if event is not None:
            event.at_us = self._at_us
            event.user, event.host, event.database = who.user, who.host, who.database
            event.session = head["thread"].decode()
            yield event
        if command == b"Query" and (used := _USE.match(argument)):
            who.database = _text(used[1])
        if command == b"Quit":
            self._who.pop(head["thread"], None)

    def _event(self, command: bytes, argument: bytes) -> Event | None:
        if command in _SESSION:
            return Event("notice", kind="connection", text=_text(command + b" " + argument))
        if command == b"Prepare" or (command == b"Query" and _RUNS.match(argument)):
            return None
        if command in {b"Query", b"Execute"}:
            return Event("execution", timed=False, sql=_text(argument.strip()).removesuffix(";"))
        return Event("execution", timed=False, sql=_text(command), admin=True)

    def _known(self, thread: bytes) -> _Who:
        if thread not in self._who and len(self._who) >= THREADS_MAX:
            del self._who[next(iter(self._who))]
        return self._who.setdefault(thread, _Who())


def _instant(old: bytes | None, new: bytes | None) -> int | None:
    if old:
        digits = old.decode().replace(" ", "0")
        day, clock = f"20{digits[:2]}-{digits[2:4]}-{digits[4:6]}", digits[7:]
        return microseconds(f"{day} {clock}")
    text = (new or b"").decode("ascii", "replace").replace("T", " ", 1).replace("Z", " UTC")
    return microseconds(re.sub(r"(?=[+-]\d\d:\d\d$)", " ", text))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
