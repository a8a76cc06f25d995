"""
Lines of a PostgreSQL log that make one entry, whatever other sessions write between them.

DETAIL, STATEMENT and the like are lines of their own. In a log that several processes write to, as
by way of syslog, lines of others come between, and so may a cut of the file. What a stretch of a
file cannot know alone is kept with it: the lines whose entry began before it, and the entries that
may go on after it. So stretches that are put together give what the whole would have given.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..accounting import Account
from .pgentry import Entry

KEPT = {"detail", "context", "statement"}
REACH_BYTES = 1 << 20  # a line that goes on with an entry stands within so much of it


@dataclass(slots=True)
class More:
    """A line that goes on with the entry of `writer`; `glue` stands between, None for a label."""

    writer: str
    field: str  # of `Entry`, or one that is not kept; "" for that of the line before
    text: str
    file: str
    offset: int
    raw: bytes
    glue: str | None = None


@dataclass(slots=True)
class _Open:
    entry: Entry
    until: int  # where its last line ends
    field: str = "message"


@dataclass(slots=True)
class Entries:
    """
    The entries of one stretch of a file, for as long as lines may go on with them.

    By their writer: the process that sent the line, or the session that its prefix names.
    """

    start: int | None = None
    before: list[More] = field(default_factory=list)
    open: dict[str, _Open] = field(default_factory=dict)

    def begin(self, writer: str, entry: Entry, until: int) -> Entry | None:
        """Open the entry of `writer`, whose line ends at `until`; return its one before that."""
        known = self.open.pop(writer, None)  # popped, so that the oldest stays the first
        self.open[writer] = _Open(entry, until)
        return known.entry if known else None

    def go_on(self, more: More, account: Account) -> None:
        """Add `more` to its entry; it is skipped where there is none that it could belong to."""
        known = self.open.get(more.writer)
        if known is not None and more.offset - known.until <= REACH_BYTES:
            _extend(known, more)
        elif known is None and self.start is not None and more.offset - self.start <= REACH_BYTES:
            self.before.append(more)
        else:
            account.skip(more.file, more.offset, more.raw)

    def settle(self, offset: int) -> Iterator[Entry]:
        """Give, and forget, the entries that no line from `offset` on can belong to."""
        for writer, known in list(self.open.items()):
            if offset - known.until > REACH_BYTES:
                yield self.open.pop(writer).entry

    def then(self, later: "Entries", account: Account) -> Iterator[Entry]:
        """Add the stretch that follows, and give the entries that it ends."""
        if self.start is None:
            self.start = later.start
        for more in later.before:
            self.go_on(more, account)
        for writer, known in later.open.items():
            ended = self.open.pop(writer, None)
            self.open[writer] = known
            if ended:
                yield ended.entry

    def close(self, account: Account) -> Iterator[Entry]:
        """Give what is left at the end of the file; lines without an entry are skipped."""
        for more in self.before:
            account.skip(more.file, more.offset, more.raw)
        self.before = []
        yield from (known.entry for known in self.open.values())
        self.open = {}


def _extend(known: _Open, more: More) -> None:
    known.until = more.offset + len(more.raw)
    if more.glue is None:
        known.field = more.field if more.field in KEPT else ""
        if known.field:
            setattr(known.entry, more.field, more.text)
    elif known.field:
        said = getattr(known.entry, known.field)
        setattr(known.entry, known.field, f"{said}{more.glue}{more.text}")
