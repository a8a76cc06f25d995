"""
The longest time in which no client was answered.

A client keeps only its own gaps of 10 ms and more: a stall of the run lies in a gap of every one
of them, so that is all that has to be kept, and no more than 100 gaps a second.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SHORTEST_NS = 10_000_000
NEVER_NS = 1 << 62

Gap = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """A time without any answer. `start_s` counts from the start of the run, warm-up included."""

    start_s: float
    length_s: float


class Gaps:
    """The gaps between the answers of one client, by the clock of `time.perf_counter_ns`."""

    def __init__(self) -> None:
        self._ends = array("q")
        self._last_ns = 0

    def answered(self, ended_ns: Iterable[int]) -> None:
        """Take the instants of answers, in their order."""
        for at_ns in ended_ns:
            if at_ns - self._last_ns >= SHORTEST_NS:
                self._ends.extend((self._last_ns, at_ns))
            self._last_ns = at_ns

    def all(self) -> list[Gap]:
        """Return the gaps, the earliest first; the last one is still open."""
        closed = zip(self._ends[::2], self._ends[1::2], strict=True)
        return [*closed, (self._last_ns, NEVER_NS)]


def longest(clients: Iterable[Gaps], *, measured: Gap, start_ns: int) -> Stall | None:
    """Return the longest stall within `measured`; None where none lasted 10 ms."""
    stalls = [measured]
    for gaps in clients:
        stalls = _both(stalls, gaps.all())
    if not stalls:
        return None
    begin_ns, end_ns = max(stalls, key=lambda stall: stall[1] - stall[0])
    if end_ns - begin_ns < SHORTEST_NS:
        return None
    return Stall(
        start_s=round((begin_ns - start_ns) / 1e9, 3),
        length_s=round((end_ns - begin_ns) / 1e9, 3),
    )


def _both(ours: Sequence[Gap], theirs: Sequence[Gap]) -> list[Gap]:
    """Return what lies in a gap of both and is long enough; both are in order."""
    found: list[Gap] = []
    n = 0
    for begin, end in theirs:
        while n < len(ours) and ours[n][1] <= begin:
            n += 1
        at = n
        while at < len(ours) and ours[at][0] < end:
            both = max(begin, ours[at][0]), min(end, ours[at][1])
            if both[1] - both[0] >= SHORTEST_NS:
                found.append(both)
            at += 1
    return found
