"""
Entries of the usual form, found by the thousand; what is not usual is left to `Format.parse`.

A format says what is usual by a pattern that is stricter than its own rules: it may miss an entry,
and never takes for one what `parse` would not, or would read otherwise.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..accounting import Account
from ..events import Event
from .base import Format, Piece

Found = re.Match[bytes]


@dataclass(frozen=True, slots=True)
class Divided:
    """The usual entries of a piece, and from where to where the others stand."""

    entries: list[Found]
    rest: list[tuple[int, int]]


def divide(raw: bytes, usual: re.Pattern[bytes], *, odd: Callable[[Found], bool]) -> Divided:
    """
    Return what of `raw` is `usual`, and the rest in as few stretches as there are.

    What stands between two matches may belong to the one before it: so that one is left to the
    rest. So is each match that is `odd`.
    """
    found = list(usual.finditer(raw))
    starts = [*(each.start() for each in found), len(raw)]
    entries, rest = [], [(0, starts[0])] if starts[0] else []
    for each, (start, end) in zip(found, pairwise(starts), strict=True):
        if each.end() == end and not odd(each):
            entries.append(each)
        elif rest and rest[-1][1] == start:
            rest[-1] = (rest[-1][0], end)
        else:
            rest.append((start, end))
    return Divided(entries, rest)


def parse_rest(
    form: Format, piece: Piece, rest: Sequence[tuple[int, int]], account: Account
) -> Iterator[Event]:
    """Give the entries of the stretches `rest` of `piece`, and account for them."""
    for start, end in rest:
        part = Piece(piece.file, piece.offset + start, piece.raw[start:end])
        yield from form.parse(part, account)
