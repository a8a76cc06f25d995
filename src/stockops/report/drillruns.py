"""Runs of failure drills as one HTML page: what came of each, and a picture of its time."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ..drills import comparing
from ..drills.history import Measured, Moment, Record
from . import charts, figures
from .charts import Mark, Tick
from .page import templates, write_text

SHOWN_MAX = 60  # pictures on a page; the table names all runs
HEIGHT = 250.0
BASE = HEIGHT - 40.0
_TOP = 26.0 + 4 * charts.MARK_ROW


@dataclass(frozen=True, slots=True)
class Stretch:
    """The orders of one stretch of time: a column, and on it the errors."""

    x: float
    width: float
    y: float
    height: float
    errors_y: float
    errors_height: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Orders over time, and what happened when; seconds after the fault."""

    stretches: tuple[Stretch, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One run, with its picture; None where no order was timed."""

    run: Record
    timeline: Timeline | None


def write(records: Sequence[Record], path: Path, *, tried: Sequence[Record] = ()) -> None:
    """
    Write a page of `records` to `path`, whole or not at all; pictures for the newest.

    Runs that `tried` settings have a table of their own.
    """
    write_text(render(records, tried), path)


def render(records: Sequence[Record], tried: Sequence[Record] = ()) -> str:
    """Return the page of `records`; every name in it is text, whatever it holds."""
    newest = sorted(records, key=lambda each: each.run, reverse=True)[:SHOWN_MAX]
    ordered = sorted(newest, key=lambda each: (each.drill, each.engine != "postgresql", each.run))
    return (
        templates()
        .get_template("drillruns.html")
        .render(
            passed=sum(each.passed for each in records),
            runs=len(records),
            lost=sum(each.measured.lost or 0 for each in records),
            unread=sum(each.measured.lost is None for each in records),
            acknowledged=sum(each.measured.acknowledged for each in records),
            compared=comparing.compare(records),
            priced=comparing.price(tried),
            shown=[Shown(run=each, timeline=timeline(each)) for each in ordered],
            left_out=len(records) - len(newest),
            chart_height=HEIGHT,
            base=BASE,
        )
    )


def timeline(record: Record) -> Timeline | None:
    """Return where everything in the picture of `record` goes."""
    moments = _merged(record.timeline)
    if not moments:
        return None
    begin_s = moments[0].at_s
    each_s = _each_s(moments)
    end_s = max(moments[-1].at_s + each_s, *_times(record.measured), begin_s + 1.0)
    unit_x = (charts.RIGHT - charts.LEFT) / (end_s - begin_s)
    ticks = charts.scale(max(each.per_s + each.errors / each_s for each in moments))
    unit_y = (BASE - _TOP) / ticks[-1]

    def x(at_s: float) -> float:
        return charts.LEFT + (at_s - begin_s) * unit_x

    return Timeline(
        stretches=tuple(
            _stretch(each, x(each.at_s), each_s * unit_x, (unit_y, unit_y / each_s))
            for each in moments
        ),
        x_ticks=tuple(Tick(x(at), f"{at:g} s") for at in _seconds(begin_s, end_s)),
        y_ticks=tuple(Tick(BASE - at * unit_y, figures.count(round(at))) for at in ticks),
        marks=charts.marks([(x(at_s), label) for at_s, label in events(record.measured)]),
        words=_words(record.measured, moments),
    )


def events(measured: Measured) -> list[tuple[float, str]]:
    """Return what happened when, in order: the fault, what told of it, the recovery, orders."""
    found = [
        (0.0, "fault"),
        (measured.detected_s, "detected"),
        (measured.act_s, "recovery"),
        (measured.rto_s, "orders again"),
    ]
    known = [(at_s, f"{name} {at_s:.1f} s") for at_s, name in found if at_s]
    return sorted([(0.0, "fault"), *known], key=lambda each: each[0])


def _times(measured: Measured) -> list[float]:
    return [at_s for at_s, _ in events(measured)]


def _each_s(moments: Sequence[Moment]) -> float:
    apart = [b.at_s - a.at_s for a, b in pairwise(moments)]
    return min((each for each in apart if each > 0), default=1.0)


def _merged(moments: Sequence[Moment]) -> list[Moment]:
    """Return at most `charts.COLUMNS_MAX` stretches: neighbours become one."""
    size = -(-len(moments) // charts.COLUMNS_MAX) or 1
    groups = [moments[at : at + size] for at in range(0, len(moments), size)]
    return [
        Moment(
            at_s=group[0].at_s,
            per_s=sum(each.per_s for each in group) / len(group),
            p99_ms=max((x.p99_ms for x in group if x.p99_ms is not None), default=None),
            errors=sum(each.errors for each in group),
        )
        for group in groups
    ]


def _stretch(moment: Moment, x: float, width: float, units: tuple[float, float]) -> Stretch:
    """Return the column at `x`; `units` are those of an order a second, and of one error."""
    height, errors = moment.per_s * units[0], moment.errors * units[1]
    late = "" if moment.p99_ms is None else f", p99 {moment.p99_ms:.1f} ms"
    return Stretch(
        x=x + width * 0.1,
        width=width * 0.8,
        y=BASE - height,
        height=height,
        errors_y=max(_TOP, BASE - height - errors),
        errors_height=min(errors, BASE - height - _TOP),
        words=f"{moment.at_s:.1f} s: {moment.per_s:.0f} orders/s{late}, {moment.errors} errors",
    )


def _seconds(begin_s: float, end_s: float) -> list[int]:
    every = next(n for n in (1, 2, 5, 10, 20, 60, 300, 3600) if (end_s - begin_s) / n <= 9)
    first = int(begin_s // every) * every
    return [at for at in range(first, int(end_s) + 1, every) if at >= begin_s]


def _words(measured: Measured, moments: Sequence[Moment]) -> str:
    told = ", ".join(label for _, label in events(measured))
    top = max(each.per_s for each in moments)
    return f"Orders a second over time, at most {top:.0f}; {told}."
