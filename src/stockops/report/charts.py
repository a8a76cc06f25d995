"""
Where everything in a chart goes; the templates draw it.

Lengths are units of the chart's own ``viewBox``, `WIDTH` units wide: about what a phone shows, so
that a label of 12 units is read there as it is on a desk.
"""

import itertools
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from . import figures
from .result import Bucket, IndexTried, Latency, Outcome, Second, StepTime, SymbolTrades

WIDTH = 400.0
HEIGHT = 210.0
LEFT, RIGHT = 52.0, WIDTH - 8.0
BASE = HEIGHT - 40.0
COLUMNS_MAX = 120
BAR_ROW = 34.0
LABEL_CELLS_MAX = 30
MARK_ROW = 16.0
_LABEL_UNITS = 7.6  # a character of a bold label at 14 units, which a phone gets
_TICKS_APART = 54.0


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis and what is written there."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its box, and the words that say what it is."""

    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A line through the chart with a label at its top."""

    x: float
    label_x: float
    label_y: float
    anchor: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A chart of columns over an axis."""

    top: float
    columns: tuple[Column, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_title: str
    y_title: str
    words: str
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, under its label and its value; `tone` is a class of the style sheet."""

    y: float
    x: float
    width: float
    label: str
    value: str
    words: str
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class Bars:
    """A chart of bars, one below the other."""

    height: float
    bars: tuple[Bar, ...]
    words: str


def throughput(series: Sequence[Second]) -> Columns:
    """Lay out answers per second over time; seconds are averaged where there are too many."""
    top = 26.0
    each_s = max(1, math.ceil(len(series) / COLUMNS_MAX))
    groups = [series[i : i + each_s] for i in range(0, len(series), each_s)]
    rates = [sum(second.answers for second in group) / len(group) for group in groups]
    ticks = scale(max(rates, default=0))
    unit = (BASE - top) / ticks[-1]
    step = (RIGHT - LEFT) / max(1, len(groups))
    columns = tuple(
        Column(
            x=LEFT + i * step + step * 0.1,
            y=BASE - rate * unit,
            width=step * 0.8,
            height=rate * unit,
            words=f"second {group[0].second + 1}: {figures.count(round(rate))} answers/s",
        )
        for i, (group, rate) in enumerate(zip(groups, rates, strict=True))
    )
    every = next(n for n in (1, 2, 5, 10, 20, 50, 100) if n * 12 >= len(groups) or n == 100)
    x_ticks = tuple(
        Tick(LEFT + (i + 0.5) * step, figures.count(groups[i][0].second + 1))
        for i in range(every - 1, len(groups), every)
    )
    return Columns(
        top=top,
        columns=columns,
        x_ticks=x_ticks,
        y_ticks=tuple(Tick(BASE - at * unit, figures.count(round(at))) for at in ticks),
        x_title="second of the run",
        y_title="answers/s",
        words=_throughput_words(rates),
    )


def _throughput_words(rates: Sequence[float]) -> str:
    if not rates:
        return "No second was measured."
    low, high = (figures.count(round(rate)) for rate in (min(rates), max(rates)))
    return f"{len(rates)} columns, from {low} to {high} answers per second."


def latency(measured: Latency, *, span: tuple[float, float] | None = None) -> Columns:
    """
    Lay out the distribution of the response time over a logarithmic axis.

    With a `span` the axis reaches that far, as those of others that it is compared with.
    """
    top = 26.0 + 3 * MARK_ROW
    used = _trimmed(measured.buckets)
    total = sum(bucket.answers for bucket in used)
    low = used[0].from_us if used else 100.0
    high = used[-1].to_us if used else 10_000.0
    low, high = span or (low, high)
    place = _LogAxis(low, max(high, low * 1.01))
    shares = [100 * bucket.answers / total for bucket in used]
    ticks = scale(max(shares, default=0))
    unit = (BASE - top) / ticks[-1]
    columns = tuple(
        Column(
            x=place(bucket.from_us),
            y=BASE - share * unit,
            width=max(0.5, place(bucket.to_us) - place(bucket.from_us) - 0.8),
            height=share * unit,
            words=f"{figures.latency(bucket.from_us)} to {figures.latency(bucket.to_us)}: "
            f"{figures.count(bucket.answers)} answers",
        )
        for bucket, share in zip(used, shares, strict=True)
    )
    percentiles = (
        ("p50", measured.p50_us),
        ("p95", measured.p95_us),
        ("p99", measured.p99_us),
    )
    return Columns(
        top=top,
        columns=columns,
        x_ticks=tuple(Tick(place(at), figures.latency(at)) for at in place.ticks()),
        y_ticks=tuple(Tick(BASE - at * unit, f"{at:g} %") for at in ticks),
        x_title="response time, logarithmic",
        y_title="answers",
        words=_latency_words(percentiles, measured.max_us, total),
        marks=marks([(place(at_us), f"{n} {figures.latency(at_us)}") for n, at_us in percentiles])
        if total
        else (),
    )


def _latency_words(percentiles: Sequence[tuple[str, int]], max_us: int, total: int) -> str:
    if not total:
        return "No response was measured."
    said = ", ".join(f"{name} {figures.latency(at_us)}" for name, at_us in percentiles)
    return f"{figures.count(total)} answers: {said}, longest {figures.latency(max_us)}."


def _trimmed(buckets: Sequence[Bucket]) -> Sequence[Bucket]:
    """Return `buckets` without the empty ones at both ends."""
    filled = [i for i, bucket in enumerate(buckets) if bucket.answers]
    return buckets[filled[0] : filled[-1] + 1] if filled else ()


def marks(places: Sequence[tuple[float, str]]) -> tuple[Mark, ...]:
    """
    Put labels left of their lines, the last one highest: lines left of it begin below it.

    Where the last one has no room there, all go to the right, and the first one is highest.
    """
    last_x, last_label = places[-1]
    rows = range(len(places)) if not _fits(last_x, last_label) else reversed(range(len(places)))
    return tuple(_mark(x, row, label) for row, (x, label) in zip(rows, places, strict=True))


def _fits(x: float, label: str) -> bool:
    return min(max(x, LEFT), RIGHT) - 5 - len(label) * _LABEL_UNITS >= LEFT


def _mark(x: float, row: int, label: str) -> Mark:
    x = min(max(x, LEFT), RIGHT)
    fits = _fits(x, label)
    return Mark(
        x=x,
        label_x=x - 5 if fits else x + 5,
        label_y=24.0 + row * MARK_ROW,
        anchor="end" if fits else "start",
        label=label,
    )


@dataclass(frozen=True, slots=True)
class _LogAxis:
    low: float
    high: float

    def __call__(self, value: float) -> float:
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return LEFT + (RIGHT - LEFT) * min(share, 1.0)

    def ticks(self) -> list[float]:
        """Return round values inside the axis that leave room for their labels."""
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        choices = ((1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,))
        for steps in choices:
            ticks = [step * 10.0**n for n in range(first, last + 1) for step in steps]
            inside = [at for at in ticks if self.low <= at <= self.high]
            places = [self(at) for at in inside]
            if all(b - a >= _TICKS_APART for a, b in itertools.pairwise(places)):
                return inside
        return inside


def symbols(traded: Sequence[SymbolTrades]) -> Bars:
    """Lay out the issues by the value traded in them."""
    most = max((each.value_won for each in traded), default=0)
    bars = [
        Bar(
            y=row * BAR_ROW,
            x=0,
            width=_width(each.value_won, most),
            label=f"{shortened(each.name, LABEL_CELLS_MAX - 8)} {each.symbol}",
            value=figures.won(each.value_won),
            words=f"{each.name} ({each.symbol}): {figures.count(each.trades)} trades, "
            f"{figures.count(each.shares)} shares, {figures.won(each.value_won)}",
        )
        for row, each in enumerate(traded)
    ]
    return _bars(bars)


def outcomes(ended: Sequence[Outcome]) -> Bars:
    """Lay out how orders ended, the commonest first."""
    total = sum(each.orders for each in ended)
    most = max((each.orders for each in ended), default=0)
    ranked = sorted(ended, key=lambda each: (-each.orders, each.status, each.reason or ""))
    tones = {"filled": "good", "open": "plain", "cancelled": "quiet", "rejected": "warn"}
    bars = [
        Bar(
            y=row * BAR_ROW,
            x=0,
            width=_width(each.orders, most),
            label=each.status if each.reason is None else f"{each.status}: {each.reason}",
            value=f"{figures.count(each.orders)} ({figures.percent(each.orders, total)})",
            words=f"{each.status} {each.reason or ''}: {figures.count(each.orders)} orders",
            tone=tones.get(each.status, "plain"),
        )
        for row, each in enumerate(ranked)
    ]
    return _bars(bars)


def tried(index: IndexTried) -> Bars:
    """Lay out how long a query took without the index and with it."""
    most = max(index.before_us, index.after_us)
    bars = [
        Bar(
            y=row * BAR_ROW,
            x=0,
            width=_width(took_us, most),
            label=label,
            value=figures.latency(took_us),
            words=f"{label}: {figures.latency(took_us)}",
            tone=tone,
        )
        for row, (label, took_us, tone) in enumerate(
            [
                ("without the index", index.before_us, "quiet"),
                ("with the index", index.after_us, "good"),
            ]
        )
    ]
    return _bars(bars)


def steps(taken: Sequence[StepTime]) -> Bars:
    """Lay out the steps over the time of the whole run."""
    total_s = max((step.started_s + step.took_s for step in taken), default=0.0) or 1.0
    bars = [
        Bar(
            y=row * BAR_ROW,
            x=WIDTH * step.started_s / total_s,
            width=max(2.0, WIDTH * step.took_s / total_s),
            label=step.title,
            value=figures.seconds(step.took_s),
            words=f"{step.title}: began at {figures.seconds(step.started_s)}, "
            f"took {figures.seconds(step.took_s)}",
        )
        for row, step in enumerate(taken)
    ]
    return _bars(bars)


def gains(moved: Sequence[tuple[str, int, str]]) -> Bars:
    """Lay out gains and losses in the order they come in: a label, an amount, its text."""
    most = max((abs(amount) for _, amount, _ in moved), default=0)
    bars = [
        Bar(
            y=row * BAR_ROW,
            x=0,
            width=_width(abs(amount), most),
            label=shortened(label, LABEL_CELLS_MAX),
            value=value,
            words=f"{label}: {value}",
            tone="good" if amount >= 0 else "warn",
        )
        for row, (label, amount, value) in enumerate(moved)
    ]
    return _bars(bars)


def _bars(bars: Sequence[Bar]) -> Bars:
    words = "; ".join(bar.words for bar in bars) or "Nothing to show"
    return Bars(height=max(1, len(bars)) * BAR_ROW, bars=tuple(bars), words=f"{words}.")


def _width(part: float, whole: float) -> float:
    return max(2.0, WIDTH * part / whole) if whole else 2.0


def scale(highest: float) -> list[float]:
    """Return round values from 0 to the first one that is not below `highest`, 3 to 6 of them."""
    if highest <= 0:
        return [0.0, 1.0]
    power = 10.0 ** math.floor(math.log10(highest))
    for step in (power / 5, power / 4, power / 2, power, power * 2):
        number = math.ceil(highest / step - 1e-9)
        if number <= 5:
            return [step * i for i in range(number + 1)]
    return [0.0, power * 10]


def shortened(text: str, cells: int) -> str:
    """Return `text`, cut with an ellipsis where it needs more than `cells` Latin widths."""
    used = 0
    for i, character in enumerate(text):
        used += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if used > cells:
            return text[: max(0, i - 1)] + "…"
    return text
