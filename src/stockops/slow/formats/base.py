"""What a format of log has to answer, and how a file is cut where entries begin."""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from ...statements import Dialect
from ..accounting import Account
from ..events import Event
from ..sessions import Sessions
from .pgentry import event_of
from .pglines import Entries

Raw = bytes | mmap.mmap


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole entries of one file, from `offset` on (in bytes, after decompression)."""

    file: str
    offset: int
    raw: bytes
    left_out: int = 0  # bytes that follow, of an entry that is too long to be held


@dataclass(slots=True)
class Ends:
    """
    What a stretch of a file cannot know alone: what began before it, and what goes on after it.

    Stretches that are put together in their order give what the whole would have given.
    """

    entries: Entries = field(default_factory=Entries)
    sessions: Sessions = field(default_factory=Sessions)

    def parsed(self, form: "Format", piece: Piece, account: Account) -> Iterator[Event]:
        """Give the events that end within `piece`, which follows the one before it."""
        account.read_bytes += piece.left_out
        account.skipped_bytes += piece.left_out
        self.entries = form.entries
        for event in form.parse(piece, account):
            if event.source == "notice":
                yield from self.sessions.feed(event)
            else:
                yield event

    def then(self, later: "Ends", account: Account) -> Iterator[Event]:
        """Add the stretch that follows, and give the events that are whole now."""
        for entry in self.entries.then(later.entries, account):
            yield from self.sessions.feed(event_of(entry))
        yield from self.sessions.then(later.sessions)

    def close(self, account: Account) -> Iterator[Event]:
        """Give what is left at the end of the file."""
        for entry in self.entries.close(account):
            yield from self.sessions.feed(event_of(entry))
        yield from self.sessions.close()


class Format(Protocol):
    """
    One format of log.

    To add one: write these members, and a line in `formats.detect`.
    """

    name: str
    dialect: Dialect
    note: str  # what was inferred from the data, for the report: the prefix of the lines, say
    entries: Entries  # what may go on beyond the pieces that were parsed, if anything can

    def start(self, data: Raw, at: int, end: int) -> int:
        """
        Return where the first entry begins that begins at `at` or later; `end` where none does.

        The answer depends on the bytes alone, never on where the search began: so every cut of a
        file gives the same entries.
        """

    def parse(self, piece: Piece, account: Account) -> Iterator[Event]:
        """Give the entries of `piece` in their order, and account for each byte of it."""
