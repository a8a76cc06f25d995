"""
Lines of a PostgreSQL log by the thousand: no regular expression looks at any of them.

A line that begins an entry is cut where all of them are alike, and its parts are looked up. What is
not found there, or not as the server writes it, is left to `Format.parse`, with its whole entry.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, compress

from ..batches import Batch, Later, text
from ..events import Source
from . import pgwords
from .pgheads import CENTURY, END, Head, Heads
from .pgmany import are_durations, durations
from .pgtime import THOUSANDTHS
from .usual import Span

_BETWEEN = b"\n" + CENTURY
_PARTS = 3  # "duration", "1.234 ms  statement", "SELECT 1"
_SECOND = len("26-01-05 10:00:00")
_TOOK = re.compile(rb"[0-9]{1,15}\.[0-9]{3}")


@dataclass(frozen=True, slots=True)
class Linewise:
    """What is usual of some lines, what each of it is, and from where to where the rest stands."""

    batch: Batch
    sources: Sequence[Source]
    rest: Sequence[Span]


@dataclass(frozen=True, slots=True)
class _Openings:
    """Lines that begin an execution or a preparation, column by column; `places` in the log."""

    places: Sequence[int]
    heads: Sequence[Head]
    sources: Sequence[Source]
    took: Sequence[bytes]
    sql: Sequence[bytes]

    def where(self, kept: Sequence[object]) -> "_Openings":
        """Return those of which `kept` is true."""
        if all(kept):
            return self
        return _Openings(
            list(compress(self.places, kept)),
            list(compress(self.heads, kept)),
            list(compress(self.sources, kept)),
            list(compress(self.took, kept)),
            list(compress(self.sql, kept)),
        )


def read(raw: bytes, heads: Heads, time_bytes: int, reach_bytes: int) -> Linewise | None:
    """
    Return what is usual in `raw`, whose lines begin with the time; None where one time is none.

    The last entry of a session that ends in the last `reach_bytes` is left to the rest, as is one
    that goes on with more than a line of details.
    """
    if not raw.startswith(CENTURY):
        return None
    lines = raw[len(CENTURY) :].split(_BETWEEN)
    is_whole = lines[-1].endswith(b"\n")
    lines[-1] = lines[-1].removesuffix(b"\n")
    starts = [0, *accumulate(len(_BETWEEN) + len(line) for line in lines)]
    starts[-1] = len(raw)
    begun, _, said = zip(*[line.partition(END) for line in lines], strict=True)
    after = time_bytes - len(CENTURY)
    found = [heads[each[after:]] for each in begun]
    opened = _opened(found, said)
    usual = bytearray(len(lines))
    for place in opened.places:
        usual[place] = True
    usual[-1] &= is_whole  # else nobody knows what comes
    details = _details(found, said, usual, is_whole=is_whole)
    _leave_last(found, usual, details, starts, reach_bytes)

    opened = opened.where([usual[place] for place in opened.places])
    try:
        at_us = [
            head.seconds[time[:_SECOND]] + THOUSANDTHS[time[_SECOND:after]]
            for head, time in zip(opened.heads, map(begun.__getitem__, opened.places), strict=True)
        ]
    except (KeyError, ValueError):
        return None
    told = [details.get(place, b"") for place in opened.places] if details else []
    batch = Batch(
        sql=opened.sql,
        at_us=at_us,
        duration_us=durations(opened.took),
        who=[head.who for head in opened.heads],
        parameters=Later(told, parameters) if told else (),
    )
    rest = [at for at, each in enumerate(usual) if not each and at - 1 not in details]
    return Linewise(batch, opened.sources, list(_stretches(rest, starts)))


def _opened(heads: Sequence[Head], said: Sequence[bytes]) -> _Openings:
    """Return the executions and preparations that lines say, each whole in its own lines."""
    cut = [each.split(b": ", 2) for each in said]
    places = [place for place, each in enumerate(cut) if len(each) == _PARTS]
    theirs = [heads[place] for place in places]
    timed = [cut[place][1].partition(b" ms  ") for place in places]
    known = [
        head.kinds[cut[place][0], step]
        for place, head, (_, _, step) in zip(places, theirs, timed, strict=True)
    ]
    sources = [each or "notice" for each in known]
    sql = [cut[place][2] for place in places]
    opened = _Openings(places, theirs, sources, [each[0] for each in timed], sql).where(known)
    if not are_durations(opened.took):
        opened = opened.where([bool(_TOOK.fullmatch(each)) for each in opened.took])
    sql, are_whole = list(opened.sql), [True] * len(opened.sql)
    for at in [at for at, each in enumerate(sql) if b"\n" in each]:
        sql[at] = joined(sql[at])
        are_whole[at] = _is_joined(sql[at], opened.sql[at])
    return replace(opened, sql=sql).where(are_whole)


def joined(said: bytes) -> bytes:
    """Return what an entry says without what the server put between its lines."""
    return said.replace(b"\n\t", b"\n")


def _is_joined(one: bytes, said: bytes) -> bool:
    """Tell whether all lines of `said`, which joined are `one`, were of one entry."""
    return one.count(b"\n") == len(said) - len(one)


def _details(
    heads: Sequence[Head], said: Sequence[bytes], usual: bytearray, *, is_whole: bool
) -> dict[int, bytes]:
    """
    Return the details of entries, by where those stand.

    Entries that go on in another way are taken out of `usual`.
    """
    details: dict[int, bytes] = {}
    for place in [at for at, each in enumerate(usual) if not each]:
        before, head = place - 1, heads[place]
        if head.begins or not place:
            continue
        if usual[before]:
            detail = joined(said[place])
            ends = is_whole or place + 1 < len(usual)
            is_theirs = head.is_detail and heads[before].session == head.session
            if ends and is_theirs and _is_joined(detail, said[place]):
                details[before] = detail
            else:
                usual[before] = False
        elif details.pop(before - 1, None) is not None:
            usual[before - 1] = False
    return details


def _leave_last(
    heads: Sequence[Head],
    usual: bytearray,
    details: dict[int, bytes],
    starts: Sequence[int],
    reach_bytes: int,
) -> None:
    """Take out of `usual` the entries that a line behind all could go on with."""
    seen = set()
    for place in range(len(usual) - 1, -1, -1):
        if starts[place + 1 + (place in details)] < starts[-1] - reach_bytes:
            break
        if usual[place] and heads[place].session not in seen:
            seen.add(heads[place].session)
            usual[place] = False
            details.pop(place, None)


def _stretches(places: Sequence[int], starts: Sequence[int]) -> Iterator[Span]:
    """Give from where to where lines stand, those together that follow each other."""
    begin = end = -1
    for place in places:
        if starts[place] != end:
            if begin >= 0:
                yield begin, end
            begin = starts[place]
        end = starts[place + 1]
    if begin >= 0:
        yield begin, end


def parameters(detail: bytes) -> str:
    """Return the parameters that the details of an entry name."""
    return pgwords.parameters(text(detail))
