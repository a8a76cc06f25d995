"""
Entries of the usual form, found by the thousand; what is not usual is left to `Format.parse`.

A format says what is usual by a pattern that is stricter than its own rules: it may miss an entry,
and never takes for one what `parse` would not, or would read otherwise.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import itemgetter, methodcaller, not_

from ..accounting import Account
from ..events import Event
from .base import Format, Piece

Found = re.Match[bytes]
_AT_ONCE = 512  # rows that are made columns while the processor has them at hand
_GROUPS = methodcaller("groups", b"")
_SPAN = methodcaller("span")
Columns = Mapping[str, Sequence[bytes]]  # by the names of groups


def groups(found: Sequence[Found], pattern: re.Pattern[bytes]) -> Columns:
    """Return what each named group holds, match by match; b"" where a match does not have it."""
    columns: list[list[bytes]] = [[] for _ in range(pattern.groups)]
    for start in range(0, len(found), _AT_ONCE):
        rows = map(_GROUPS, found[start : start + _AT_ONCE])
        for column, part in zip(columns, zip(*rows, strict=True), strict=True):
            column.extend(part)
    return {name: columns[at - 1] for name, at in pattern.groupindex.items()}


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


def divide(raw: bytes, found: Sequence[Found], is_usual: Sequence[bool]) -> Divided:
    """
    Return which of the matches in `raw` stand, and the rest in as few stretches as there are.

    What stands between two matches may belong to the one before it: so that one is left to the
    rest. So is each match of which `is_usual` is false.
    """
    spans = list(map(_SPAN, found))
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
