"""
Entries of the usual form, found by the thousand; what is not usual is left to `Format.parse`.

A format says what is usual by a pattern that is stricter than its own rules: it may miss an entry,
and never takes for one what `parse` would not, or would read otherwise.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, pairwise
from operator import itemgetter, methodcaller

from ..accounting import Account
from ..events import Event
from .base import Format, Piece

Found = re.Match[bytes]
_GROUPS = methodcaller("groups", b"")
_SPAN = methodcaller("span")
Columns = Mapping[str, Sequence[bytes]]  # by the names of groups


def groups(found: Sequence[Found], pattern: re.Pattern[bytes]) -> Columns:
    """Return what each named group holds, match by match; b"" where a match does not have it."""
    every = list(zip(*map(_GROUPS, found), strict=True))
    return {name: every[at - 1] if every else () for name, at in pattern.groupindex.items()}


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
    ends = list(map(itemgetter(1), spans))
    if starts[0] == 0 and ends == starts[1:] and all(is_usual):
        return Divided(is_usual, ())
    rest = [(0, starts[0])] if starts[0] else []
    usual = []
    for at, stands, (start, end) in zip(ends, is_usual, pairwise(starts), strict=True):
        usual.append(stands and at == end)
        if usual[-1]:
            continue
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
