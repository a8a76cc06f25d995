"""
Entries of the usual form, found by the thousand; what is not usual is left to `Format.parse`.

A format says what is usual by a pattern that is stricter than its own rules: it may miss an entry,
and never takes for one what `parse` would not, or would read otherwise.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, groupby, islice
from operator import itemgetter, methodcaller, not_

from ..accounting import Account
from ..events import Event
from .base import Format, Piece

Span = tuple[int, int]
_AT_ONCE = 512  # so that what a match takes is used again while the processor has it at hand
_GROUPS = methodcaller("groups", b"")
_SPAN = methodcaller("span")
Columns = Mapping[str, Sequence[bytes]]  # by the names of groups


def found(pattern: re.Pattern[bytes], raw: bytes) -> tuple[Columns, list[Span]]:
    """
    Return what each named group holds, match by match, and from where to where the matches stand.

    A group that a match does not have is b"". A few hundred matches are there at a time.
    """
    matches = pattern.finditer(raw)
    columns: list[list[bytes]] = [[] for _ in range(pattern.groups)]
    spans: list[Span] = []
    while some := list(islice(matches, _AT_ONCE)):
        spans.extend(map(_SPAN, some))
        for column, part in zip(columns, zip(*map(_GROUPS, some), strict=True), strict=True):
            column.extend(part)
    return {name: columns[at - 1] for name, at in pattern.groupindex.items()}, spans


def left(columns: Columns, usual: Sequence[bool]) -> Columns:
    """Return of each column what is usual."""
    if all(usual):
        return columns
    return {name: list(compress(column, usual)) for name, column in columns.items()}


@dataclass(frozen=True, slots=True)
class Divided:
    """What of a piece is usual, match by match, and from where to where the rest stands."""

    usual: Sequence[bool]
    rest: Sequence[tuple[int, int]]


def divide(raw: bytes, spans: Sequence[Span], is_usual: Sequence[bool]) -> Divided:
    """
    Return which of the matches in `raw` stand, and the rest in as few stretches as there are.

    What stands between two matches may belong to the one before it: so that one is left to the
    rest. So is each match of which `is_usual` is false.
    """
    starts = [*map(itemgetter(0), spans), len(raw)]
    rest = [(0, starts[0])] if starts[0] else []
    usual = [
        stands and span[1] == end
        for stands, span, end in zip(is_usual, spans, starts[1:], strict=True)
    ]
    for place in compress(range(len(usual)), map(not_, usual)):
        start, end = starts[place : place + 2]
        if rest and rest[-1][1] == start:
            rest[-1] = (rest[-1][0], end)
        else:
            rest.append((start, end))
    return Divided(usual, rest)


def parse_rest(form: Format, piece: Piece, divided: Divided, account: Account) -> Iterator[Event]:
    """Give the entries of the rest, and account for all of `piece`."""
    account.entries += sum(divided.usual)
    account.read_bytes += len(piece.raw)
    for start, end in divided.rest:
        account.read_bytes -= end - start  # `parse` adds it
        part = Piece(piece.file, piece.offset + start, piece.raw[start:end])
        yield from form.parse(part, account)


class Parts:
    """
    All of a text as the groups of a pattern: between two matches, and two groups, stands nothing.

    This takes half the time of matches that are asked for where they stand. A group that a match
    does not have is None.
    """

    def __init__(self, pattern: re.Pattern[bytes], raw: bytes) -> None:
        """Take a `pattern` that matches wherever it is tried."""
        self._parts: list[bytes] = pattern.split(raw)
        self._names = pattern.groupindex
        self._step = pattern.groups + 1  # before each match stands what is between

    def __getitem__(self, name: str) -> list[bytes]:
        """Return what the group `name` holds, match by match."""
        return self._parts[self._names[name] :: self._step]

    def of(self, name: str, usual: Sequence[bool]) -> list[bytes]:
        """Return so of those matches that are usual."""
        column = self[name]
        return column if all(usual) else list(compress(column, usual))

    def stretch(self, start: int, end: int) -> bytes:
        """Return the text of the matches from `start` to before `end`."""
        return b"".join(filter(None, self._parts[start * self._step : end * self._step]))


def parse_others(
    form: Format, piece: Piece, parts: Parts, usual: Sequence[bool], account: Account
) -> Iterator[Event]:
    """Give the entries of those matches that are not usual, and account for all of `piece`."""
    account.entries += sum(usual)
    account.read_bytes += len(piece.raw)
    others = [parts.stretch(at, at + 1) for at in compress(range(len(usual)), map(not_, usual))]
    trial = Account()  # only what is skipped wants to know where it stands
    events = list(form.parse(Piece(piece.file, piece.offset, b"".join(others)), trial))
    if not trial.skipped_bytes:
        account.entries += trial.entries
        yield from events
        return
    at, offset = 0, piece.offset
    for is_usual, alike in groupby(usual):
        end = at + sum(1 for _ in alike)
        raw = parts.stretch(at, end)
        if not is_usual:
            account.read_bytes -= len(raw)  # `parse` adds it
            yield from form.parse(Piece(piece.file, offset, raw), account)
        at, offset = end, offset + len(raw)
