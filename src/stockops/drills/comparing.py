"""Runs of drills beside each other: the same fault on each engine, in one line each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import TypeVar

from ..experiments.changes import in_one_line
from .history import Alarm, Record, Verdict


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """
    What one combination of settings costs, and what the drill came to under it.

    `capacity_per_s` and `p99_ms` are of what the sandbox could take before any fault. Medians of
    the runs, and the most of any where the name says so; `verdict` and `books` are the worst.
    """

    drill: str
    engine: str
    settings: str
    runs: int
    capacity_per_s: float | None
    p99_ms: float | None
    p99_ms_max: float | None
    rto_s: float | None
    rto_s_max: float | None
    lost: float | None
    lost_max: int | None
    books: str
    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """
    What came of an alert that a drill expects: medians of the runs that Prometheus watched.

    `silent` of them did not even have it pending. See `Alarm` for the rest.
    """

    drill: str
    engine: str
    alert: str
    runs: int
    silent: int
    pending_s: float | None
    firing_s: float | None
    lasts: str
    here: str


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


def price(records: Iterable[Record]) -> list[Priced]:
    """Return a line for each drill, engine and combination of settings, in their order."""
    lines: dict[tuple[str, str, str], list[Record]] = {}
    for each in records:
        key = (each.drill, each.engine, in_one_line(each.settings))
        lines.setdefault(key, []).append(each)
    return [_priced(*key, runs) for key, runs in lines.items()]


def _priced(drill: str, engine: str, settings: str, runs: Sequence[Record]) -> Priced:
    line = _compared(drill, engine, runs)
    p99s = [each.measured.capacity_p99_ms for each in runs]
    lost = [each.measured.lost for each in runs if each.measured.lost is not None]
    return Priced(
        drill=drill,
        engine=engine,
        settings=settings,
        runs=line.runs,
        capacity_per_s=_middle(each.measured.capacity_per_s for each in runs),
        p99_ms=_middle(p99s),
        p99_ms_max=_most(p99s),
        rto_s=line.rto_s,
        rto_s_max=line.rto_max_s,
        lost=median(lost) if lost else None,
        lost_max=line.lost,
        books=line.books,
        verdict=line.verdict,
        why=line.why,
    )


def alerts(records: Iterable[Record]) -> list[Heard]:
    """Return a line for each alert that was expected of `records`, in their order."""
    found: dict[tuple[str, str, str], list[Alarm]] = {}
    for record in records:
        for each in record.alarms:
            found.setdefault((record.drill, record.engine, each.alert), []).append(each)
    return [
        Heard(
            drill=drill,
            engine=engine,
            alert=alert,
            runs=len(alarms),
            silent=sum(each.pending_s is None for each in alarms),
            pending_s=_middle(each.pending_s for each in alarms),
            firing_s=_middle(each.firing_s for each in alarms),
            lasts=alarms[-1].lasts,
            here=alarms[-1].here,
        )
        for (drill, engine, alert), alarms in found.items()
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


def _middle(values: Iterable[float | None]) -> float | None:
    found = [each for each in values if each is not None]
    return round(median(found), 2) if found else None


def _most(values: Iterable[Number | None]) -> Number | None:
    return max((each for each in values if each is not None), default=None)
