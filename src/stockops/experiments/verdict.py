"""Keep an index or drop it: what it saves in a day less what it costs, in seconds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Literal

from ..trials import Difference
from .index_trial import Measured, Read
from .index_writes import Writes

Decision = Literal["keep", "drop", "unknown"]
_NOTHING = Difference(pairs=0, mean=0.0, low=0.0, high=0.0)
_HOW_OFTEN = "say how often: --calls-per-day N"
_HOW_MANY = "say how many orders a day has: --orders-per-day N"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """
    The decision and its reason; `advice` is what would make an unknown known.

    `saved`, `lost` and `net` are seconds of a day with their 95 % intervals; each is None where it
    is not known. `break_even_calls` are calls a day from which the index pays, where it costs
    something, saves something, and the orders of a day are known.
    """

    decision: Decision
    why: str
    advice: str = ""
    saved: Difference | None = None
    lost: Difference | None = None
    net: Difference | None = None
    calls_per_day: float | None = None
    orders_per_day: float | None = None
    break_even_calls: float | None = None


def judge(measured: Measured, *, orders_per_day: float | None = None) -> Verdict:
    """
    Say what `measured` says of its indexes.

    A query whose plans read none of them saves exactly nothing, and tables that no order writes
    cost the orders exactly nothing. Costs that were not measured do not count, and `why` says so.
    """
    saved, calls = _saved(measured.reads)
    lost = _lost(measured.writes, orders_per_day)
    verdict = Verdict(
        decision="unknown",
        why="",
        saved=saved,
        lost=lost,
        calls_per_day=calls,
        orders_per_day=orders_per_day,
        break_even_calls=_break_even(measured, lost),
    )
    if measured.differences:
        return replace(verdict, why="the rows are not the same with it and without it")
    if not any(read.is_used for read in measured.reads):
        return replace(verdict, decision="drop", why="no plan reads it")
    paid = lost if _is_measured(measured.writes) else _NOTHING
    if saved is None or paid is None:
        return _without_numbers(verdict, measured)
    return _with_numbers(replace(verdict, net=saved.plus(paid.times(-1))), measured)


def _is_measured(writes: Writes | None) -> bool:
    return writes is not None and writes.lost is not None


def _with_numbers(verdict: Verdict, measured: Measured) -> Verdict:
    apart = "" if _is_measured(measured.writes) else "; what it costs the orders was not measured"
    net = verdict.net or _NOTHING
    if net.low is None or net.high is None:
        return replace(
            verdict, why="there were too few turns to be certain", advice="give it more: --seconds"
        )
    if net.low > 0:
        return replace(verdict, decision="keep", why=f"it saves more than it costs{apart}")
    if net.high < 0:
        return replace(verdict, decision="drop", why=f"it costs more than it saves{apart}")
    return replace(
        verdict,
        why=f"the interval holds gains and losses{apart}",
        advice="give it more time, on a quiet machine: --seconds",
    )


def _without_numbers(verdict: Verdict, measured: Measured) -> Verdict:
    """Judge without knowing how often: what holds for any number of calls and orders."""
    used = [read.warm.saved for read in measured.reads if read.is_used]
    faster = all(each.low is not None and each.low > 0 for each in used)
    slower = all(each.high is not None and each.high <= 0 for each in used)
    free = _is_measured(measured.writes) and _lost(measured.writes, 1.0) == _NOTHING
    if slower:
        return replace(verdict, decision="drop", why="it makes no query faster, however often")
    if faster and free:
        return replace(
            verdict, decision="keep", why="each call is faster, and the orders do not pay for it"
        )
    advice = _HOW_OFTEN if verdict.saved is None else _HOW_MANY
    return replace(
        verdict,
        why="each call is faster, and orders pay for it" if faster else "not every call is faster",
        advice=advice,
    )


def _saved(reads: Sequence[Read]) -> tuple[Difference | None, float | None]:
    """Return the seconds of a day that all queries save, and how often they are asked."""
    calls = [read.query.calls_per_day for read in reads]
    known = [each for each in calls if each is not None]
    if len(known) < len(calls):
        return None, None
    parts = [
        read.warm.saved.times(often) if read.is_used else _NOTHING
        for read, often in zip(reads, known, strict=True)
    ]
    return reduce(Difference.plus, parts, _NOTHING), sum(known)


def _lost(writes: Writes | None, orders_per_day: float | None) -> Difference | None:
    if writes is None or writes.lost is None:
        return None
    if not writes.is_written:
        return _NOTHING
    return None if orders_per_day is None else writes.lost.times(orders_per_day)


def _break_even(measured: Measured, lost: Difference | None) -> float | None:
    """Return how often a day the queries must be asked, in the shares in which they are."""
    used = [read for read in measured.reads if read.is_used]
    if lost is None or lost.mean <= 0 or len(used) != 1 or used[0].warm.saved.mean <= 0:
        return None
    return lost.mean / used[0].warm.saved.mean
