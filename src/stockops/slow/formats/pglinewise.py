"""
Lines of a PostgreSQL log by the thousand: no regular expression looks at any of them.

This module guesses, and `pgheads` checks. The guess is that every line is one that the server
writes most of the time; such a line can be cut blindly, at bytes that stand in each of them::

    2026-01-05 10:00:00.123 UTC [7] user=ops LOG:  duration: 1.234 ms  statement: SELECT 1
    <-------- time -------><------- head ------>   <-head->: <took> ms  <-step-->: <-sql->

The check is to look up what was cut off. What is found there was read before by the strict rules,
as the same bytes; what a wrong cut leaves is not found, or was found to be nothing usual:

- what stands between the time and the words of a line, in `Heads`: whether such a line begins an
  entry or goes on with one, of which session, and who asked;
- the words before and behind the duration, in the `Kinds` of that head: whether the entry is an
  execution or a preparation, in whatever language;
- the second of the time, in the `Seconds` of that head, for it names the zone.

What is another thing in each line is checked here, column by column: that a duration is a number,
that the lines of a statement begin with a tab, that details are of the session before them. A line
that fails any check is left to `Format.parse` with its whole entry, and a piece with a time that is
none as a whole. So a wrong guess costs time, and never changes the answer.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, compress, repeat
from typing import Any

from ..batches import Batch, Later, Who, text
from ..events import Source
from . import pgwords
from .pgheads import CENTURY, END, Head, Heads
from .pgmany import checked_durations, durations
from .pgtime import THOUSANDTHS
from .usual import Span

_BLOCK_BYTES = 1 << 17  # so that what is cut is looked at while the processor has it at hand
_BETWEEN = b"\n" + CENTURY
_MARK = b": "
_PARTS = 3  # behind its label, as cut there: " duration", "1.234 ms  statement", "SELECT 1"
_SECOND = len("26-01-05 10:00:00")
_NOT = bytes([True, False]) + bytes(254)
_TOOK = re.compile(rb"[0-9]{1,15}\.[0-9]{3}")


@dataclass(frozen=True, slots=True)
class Linewise:
    """What is usual of some lines, what each of it is, and from where to where the rest stands."""

    batch: Batch
    sources: Sequence[Source]
    rest: Sequence[Span]


@dataclass(slots=True)
class _Lines:
    """
    Lines, and column by column those of them that begin an execution or a preparation.

    `usual` tells which lines begin one, `said` what the others say.
    """

    sizes: list[int] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    usual: bytearray = field(default_factory=bytearray)
    said: dict[int, bytes] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    sql: list[bytes] = field(default_factory=list)
    at_us: list[int] = field(default_factory=list)
    duration_us: list[int] = field(default_factory=list)
    who: list[Who] = field(default_factory=list)

    def add(self, block: bytes, heads: Heads, time_bytes: int) -> None:
        """Add lines that begin with their times; raise `KeyError`, `ValueError` for one of none."""
        lines = block.split(_BETWEEN)
        at = heads.marks  # of a part: before it are those that the prefix itself is cut into
        cut = [line.split(_MARK, at + _PARTS) for line in lines]
        begun = [_MARK.join(each[: at + 1]) for each in cut] if at else [each[0] for each in cut]
        found = [heads[each[time_bytes:]] for each in begun]
        places = [place for place, each in enumerate(cut) if len(each) > at + _PARTS]
        timed = [cut[place][at + 2].partition(b" ms  ") for place in places]
        sources: list[Any] = [
            found[place].kinds[cut[place][at + 1], step]
            for place, (_, _, step) in zip(places, timed, strict=True)
        ]
        places, timed, sources = _where(sources, places, timed, sources)
        took = [each[0] for each in timed]
        duration_us = checked_durations(took)
        if duration_us is None:
            are_usual = [_TOOK.fullmatch(each) is not None for each in took]
            places, took, sources = _where(are_usual, places, took, sources)
            duration_us = durations(took)
        sql, are_whole = _joined([cut[place][at + _PARTS] for place in places])
        places, duration_us, sources, sql = _where(are_whole, places, duration_us, sources, sql)

        usual = bytearray(len(lines))
        for place in places:
            usual[place] = True
        for place in _others(usual):
            said = lines[place][len(begun[place]) :]
            if said.startswith(END):
                self.said[len(self.usual) + place] = said[len(END) :]
            else:
                found[place] = heads.unusual
        self.sizes += map(len, lines)
        self.heads += found
        self.usual += usual
        self.sources += sources
        self.sql += sql
        self.duration_us += duration_us
        self.who += [found[place].who for place in places]
        self.at_us += [
            found[place].seconds[begun[place][:_SECOND]]
            + THOUSANDTHS[begun[place][_SECOND:time_bytes]]
            for place in places
        ]


class _Starts:
    """Where lines begin: that of one more is where the last one ends."""

    def __init__(self, sizes: Sequence[int], end: int) -> None:
        """Take how long the lines are without what stands between them."""
        self.end = end
        self._sums = list(accumulate(sizes, initial=0))

    def __getitem__(self, place: int) -> int:
        return min(self._sums[place] + len(_BETWEEN) * place, self.end)


def read(raw: bytes, heads: Heads, time_bytes: int, reach_bytes: int) -> Linewise | None:
    """
    Return what is usual in `raw`, whose lines begin with the time; None where one time is none.

    The last entry of a session that ends in the last `reach_bytes` is left to the rest, as is one
    that goes on with more than a line of details.
    """
    if not raw.startswith(CENTURY):
        return None
    lines, at = _Lines(), 0
    is_whole = raw.endswith(b"\n")
    while at < len(raw):
        end = raw.find(_BETWEEN, at + _BLOCK_BYTES) + 1 or len(raw)
        block = raw[at + len(CENTURY) : end - (is_whole or end < len(raw))]
        try:
            lines.add(block, heads, time_bytes - len(CENTURY))
        except (KeyError, ValueError):
            return None
        at = end
    return _usual(lines, _Starts(lines.sizes, len(raw)), reach_bytes, is_whole)


def _usual(lines: _Lines, starts: _Starts, reach_bytes: int, is_whole: bool) -> Linewise:
    """Return what stays usual when what goes on with entries is known."""
    opening = bytes(lines.usual)
    lines.usual[-1] &= is_whole  # else nobody knows what comes
    details = _details(lines, is_whole)
    _leave_last(lines, details, starts, reach_bytes)

    usual = lines.usual
    stays = list(compress(usual, opening))
    at_us, duration_us, who, sql, sources = _where(
        stays, lines.at_us, lines.duration_us, lines.who, lines.sql, lines.sources
    )
    places = compress(range(len(usual)), usual)
    told = list(map(details.get, places, repeat(b""))) if details else []
    batch = Batch(
        sql=sql,
        at_us=at_us,
        duration_us=duration_us,
        who=who,
        parameters=Later(told, parameters) if told else (),
    )
    rest = [at for at in _others(usual) if at - 1 not in details]
    return Linewise(batch, sources, list(_stretches(rest, starts)))


def _others(usual: bytearray) -> list[int]:
    """Return the places of what is not usual."""
    return list(compress(range(len(usual)), usual.translate(_NOT)))


def _where(kept: Sequence[object], *columns: list[Any]) -> tuple[list[Any], ...]:
    """Return of each column that of which `kept` is true."""
    return columns if all(kept) else tuple(list(compress(each, kept)) for each in columns)


def _joined(said: list[bytes]) -> tuple[list[bytes], list[bool]]:
    """Return what entries say in one text each, and which have no line of somebody else."""
    one, are_whole = list(said), [True] * len(said)
    for at in [at for at, each in enumerate(said) if b"\n" in each]:
        one[at] = joined(said[at])
        are_whole[at] = _is_joined(one[at], said[at])
    return one, are_whole


def joined(said: bytes) -> bytes:
    """Return what an entry says without what the server put between its lines."""
    return said.replace(b"\n\t", b"\n")


def _is_joined(one: bytes, said: bytes) -> bool:
    """Tell whether all lines of `said`, which joined are `one`, were of one entry."""
    return one.count(b"\n") == len(said) - len(one)


def _details(lines: _Lines, is_whole: bool) -> dict[int, bytes]:
    """
    Return the details of entries, by where those stand.

    Entries that go on in another way are taken out of the usual ones.
    """
    details: dict[int, bytes] = {}
    usual, heads = lines.usual, lines.heads
    for place in _others(usual):
        before, head = place - 1, heads[place]
        if head.begins or not place:
            continue
        if usual[before]:
            is_theirs = head.is_detail and heads[before].session == head.session
            said = lines.said[place] if is_theirs else b""
            detail, ends = joined(said), is_whole or place + 1 < len(usual)
            if ends and is_theirs and _is_joined(detail, said):
                details[before] = detail
            else:
                usual[before] = False
        elif details.pop(before - 1, None) is not None:
            usual[before - 1] = False
    return details


def _leave_last(
    lines: _Lines, details: dict[int, bytes], starts: _Starts, reach_bytes: int
) -> None:
    """Take out of the usual entries those that a line behind all could go on with."""
    usual, count = lines.usual, len(lines.usual)
    first = bisect_left(range(count), starts.end - reach_bytes, key=starts.__getitem__)
    first = max(0, first - 2)  # an entry and its details, of which but the end is within
    near = compress(range(first, count), usual[first:])
    for place in {lines.heads[place].session: place for place in near}.values():
        usual[place] = False
        details.pop(place, None)


def _stretches(places: Sequence[int], starts: _Starts) -> Iterator[Span]:
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
