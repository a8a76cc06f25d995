"""What a format of log has to answer, and how a file is cut where entries begin."""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from ...statements import Dialect
from ..accounting import Account
from ..batches import Batch
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
    guessed: bool = False  # whether the next piece begins where an entry only seems to


class Miscut(Exception):
    """A piece does not end where it was guessed to, or nothing could be guessed."""


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
        self._begin(form, piece, account)
        for event in form.parse(piece, account):
            yield from self._joined(event)

    def told(self, form: "Format", piece: Piece, account: Account) -> Iterator[Event | Batch]:
        """Give what `parsed` gives, by the thousand where the format can."""
        self._begin(form, piece, account)
        if not isinstance(form, Columnar):
            for event in form.parse(piece, account):
                yield from self._joined(event)
            return
        for told in form.columns(piece, account):
            if isinstance(told, Batch):
                yield told
            else:
                yield from self._joined(told)

    def _begin(self, form: "Format", piece: Piece, account: Account) -> None:
        account.read_bytes += piece.left_out
        account.skipped_bytes += piece.left_out
        self.entries = form.entries

    def _joined(self, event: Event) -> Iterator[Event]:
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
    whole: bool  # whether it has to be read from its start, so that a file is not shared out
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


@runtime_checkable
class Columnar(Format, Protocol):
    """A format whose usual entries are read by the thousand: the same answer, sooner."""

    def columns(self, piece: Piece, account: Account) -> Iterator[Event | Batch]:
        """Give what `parse` gives, in any order and mostly as batches; account for the same."""


@runtime_checkable
class Carrying(Format, Protocol):
    """A format that reads the last entries of a piece one by one: fewer pieces, fewer of those."""

    carries: bool


@runtime_checkable
class Guessing(Columnar, Protocol):
    """A format that has to count all that stands before a cut, or may guess and find out later."""

    def guess(self, data: Raw, at: int, end: int) -> int:
        """
        Return where an entry seems to begin, at `at` or soon after it, or `end`.

        Raises `Miscut` where none does. `columns` raises it where a guess was wrong.
        """
