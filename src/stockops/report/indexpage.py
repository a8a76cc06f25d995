"""What an index is worth, as one page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import plans
from ..experiments.index_trial import Compared, Measured, Read
from ..experiments.verdict import Verdict
from ..trials import Difference, Ratio
from ..workload import latency as latencies
from . import charts
from .charts import Columns
from .page import templates, write_text
from .result import Bucket, Latency

_MARGIN = 0.02  # less of a difference than that is none


@dataclass(frozen=True, slots=True)
class Pair:
    """One way to run a query: what it is called, and both distributions over the same axis."""

    name: str
    says: str
    before: Columns
    after: Columns
    times: Compared


@dataclass(frozen=True, slots=True)
class Shown:
    """One query as the page shows it."""

    read: Read
    pairs: tuple[Pair, ...]
    before_plan: str
    after_plan: str


def write_index(measured: Measured, verdict: Verdict, path: Path) -> None:
    """Write what was measured, and what it comes to, to `path`."""
    write_text(render_index(measured, verdict), path)


def render_index(measured: Measured, verdict: Verdict) -> str:
    """Return the page."""
    page = templates().get_template("index.html")
    return page.render(
        measured=measured,
        verdict=verdict,
        shown=[_shown(read) for read in measured.reads],
        ratio=ratio,
        day=day,
    )


def ratio(found: Ratio | None, *, smaller_is_better: bool) -> str:
    """Write a ratio with its interval, and what may be said of it."""
    if found is None or found.ratio is None:
        return "-"
    if found.low is None or found.high is None:
        return f"{found.ratio:.3g} ({found.pairs} pairs are too few)"
    said = found.verdict(smaller_is_better=smaller_is_better, margin=_MARGIN)
    return f"{found.ratio:.3g} [{found.low:.3g}, {found.high:.3g}] {said}"


def day(found: Difference | None) -> str:
    """Write seconds of a day with their interval."""
    if found is None:
        return "not known"
    if found.low is None or found.high is None or found.low == found.high:
        return f"{found.mean:,.2f} s"
    return f"{found.mean:,.2f} s [{found.low:,.2f}, {found.high:,.2f}]"


def _shown(read: Read) -> Shown:
    ways = [
        ("Warm", "All pages in memory, plans made for the parameters.", read.warm),
        ("Generic plan", "One plan for any parameters.", read.generic),
        ("Cold", "Right after a start of the server.", read.cold),
    ]
    before, after = read.plans["before"].plan, read.plans["after"].plan
    return Shown(
        read=read,
        pairs=tuple(_pair(name, says, times) for name, says, times in ways if times is not None),
        before_plan="\n".join(plans.lines(before)),
        after_plan="\n".join(plans.lines(after)),
    )


def _pair(name: str, says: str, times: Compared) -> Pair:
    before, after = _latency(times.before_s), _latency(times.after_s)
    every = [*before.buckets, *after.buckets]
    span = (min(each.from_us for each in every), max(each.to_us for each in every))
    return Pair(
        name=name,
        says=says,
        before=charts.latency(before, span=span),
        after=charts.latency(after, span=span),
        times=times,
    )


def _latency(runs_s: Sequence[float]) -> Latency:
    runs_us = sorted(max(1, round(each * 1e6)) for each in runs_s)

    def at(share: float) -> int:
        return runs_us[min(len(runs_us) - 1, int(share * len(runs_us)))]

    return Latency(
        p50_us=at(0.5),
        p95_us=at(0.95),
        p99_us=at(0.99),
        max_us=runs_us[-1],
        buckets=tuple(Bucket(*each) for each in latencies.binned(Counter(runs_us))),
    )
