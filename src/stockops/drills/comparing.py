"""Runs of drills beside each other: the same fault on each engine, in one line each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import TypeVar

from .history import Record, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """
    What the runs of one drill on one engine came to, seconds since the injection.

    `verdict` is the worst of them. Times are None where no run has one; of the lost, the ghosts and
    the duplicates it is the most of any run, `books` the fewest that held, of so many.
    """

    drill: str
    engine: str
    runs: int
    verdict: Verdict
    detected_s: float | None
    rto_s: float | None
    rto_max_s: float | None
    gap_max_s: float | None
    lost: int | None
    ghosts: int | None
    duplicates: int | None
    books: str
    why: str


Number = TypeVar("Number", int, float)

_WORST = (
    Verdict.FAIL,
    Verdict.UNKNOWN,
    Verdict.NOT_INJECTED,
    Verdict.ABORTED,
    Verdict.PASS,
)


def compare(records: Iterable[Record]) -> list[Compared]:
    """Return a line for each drill and engine of `records`, the engines of a drill together."""
    ordered = sorted(records, key=lambda each: (each.drill, each.engine != "postgresql"))
    return [
        _compared(drill, engine, list(runs))
        for (drill, engine), runs in groupby(ordered, key=lambda each: (each.drill, each.engine))
    ]


def _compared(drill: str, engine: str, runs: Sequence[Record]) -> Compared:
    worst = min(runs, key=lambda each: _WORST.index(each.verdict))
    found = [each.measured for each in runs]
    times = [each.rto_s for each in found if each.rto_s is not None]
    seen = [each.detected_s for each in found if each.detected_s is not None]
    held = min(
        (each for each in found if each.books_checked),
        key=lambda each: (each.books_held or 0) / (each.books_checked or 1),
        default=None,
    )
    return Compared(
        drill=drill,
        engine=engine,
        runs=len(runs),
        verdict=worst.verdict,
        detected_s=round(median(seen), 1) if seen else None,
        rto_s=round(median(times), 1) if times else None,
        rto_max_s=round(max(times), 1) if times else None,
        gap_max_s=_most(each.gap_s for each in found),
        lost=_most(each.lost for each in found),
        ghosts=_most(each.ghosts for each in found),
        duplicates=_most(each.duplicates for each in found),
        books=f"{held.books_held}/{held.books_checked}" if held else "-",
        why="; ".join(worst.reasons),
    )


def _most(values: Iterable[Number | None]) -> Number | None:
    return max((each for each in values if each is not None), default=None)
