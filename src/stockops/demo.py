"""The whole story on a fresh lab: schema, seed, trading, and the proof that the books balance."""

import os
import platform
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol

from . import __version__, audit, books, report, schema, seeding, workload
from . import lab as labs
from .books import InvariantResult
from .engine import connect
from .experiments import index_trial, samples
from .experiments.copying import Copy
from .experiments.index_trial import Budget
from .lab import Lab
from .listing import sources
from .report import DemoResult, Fact, StepTime
from .seeding import SeedPlan, SeedResult
from .targets import Target
from .workload import RunPlan, RunResult, Tick

LAB = "demo"
SYMBOLS_MAX = 15
TRY_S = 1.0
REPORT = (
    "SELECT symbol, price_date, volume FROM stock_prices"
    " ORDER BY volume DESC, symbol DESC, price_date DESC LIMIT 20"
)
INDEX = "CREATE INDEX stock_prices_volume_ix ON stock_prices (volume, symbol, price_date)"
_FASTER_MIN = 1.5
_SECOND_SHORT_S = 0.05  # a last second that lacks this much is whole


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlan:
    """What the demo is asked for."""

    engine: str = labs.DEFAULT_ENGINE
    seconds: float = 10.0
    clients: int = 4
    seed: SeedPlan = field(default_factory=SeedPlan)
    report: Path | None = None
    keep: bool = False


class Watcher(Protocol):
    """Who is told how the demo gets on."""

    def began(self, title: str) -> None:
        """Hear that a step began."""

    def moved(self, share: float, words: str) -> None:
        """Hear how far the step is, from 0 to 1."""

    def ended(self, title: str, words: str, took_s: float) -> None:
        """Hear what came of the step."""


def run(plan: DemoPlan, watcher: Watcher) -> DemoResult:
    """
    Make the lab `demo` anew, run the story in it, and stop it; write the report if one is wanted.

    The lab is removed unless the plan keeps it, whatever happens. All that can be known to be
    wrong is an error before the lab is made.
    """
    orders = RunPlan(seconds=plan.seconds, clients=plan.clients)
    plan.seed.check()
    if plan.seed.listing != "krx":
        sources.read(plan.seed.listing, on=plan.seed.on)
    if plan.report:
        report.check(plan.report)
    started_at = datetime.now(UTC)
    steps = _Steps(watcher)
    with ExitStack() as stack:
        with steps.step("lab", "Start a private server") as step:
            lab = stack.enter_context(labs.rebuilt(LAB, engine=plan.engine, keep=plan.keep))
            step.words = f"{lab.engine} {lab.version}"
        result = _story(plan, orders, lab, steps)
        with steps.step("stop", "Stop the server") as step:
            stack.close()
            step.words = "kept" if plan.keep else "removed"
    result = replace(
        result,
        started_at=started_at,
        steps=tuple(steps.taken),
        lab=LAB if plan.keep else None,
        report=plan.report,
    )
    if plan.report:
        report.write(result, plan.report)
    return result


def _story(plan: DemoPlan, orders: RunPlan, lab: Lab, steps: "_Steps") -> DemoResult:
    target = Target(name=LAB, url=lab.url(), lab=lab.name)
    with steps.step("migrate", "Build the schema") as step:
        applied = schema.build(target)
        step.words = f"{len(applied)} migrations"
    with steps.step("seed", "Seed the market") as step:
        seeded = seeding.run(target, plan.seed, progress=step.seeded)
        _fold(target, plan.seed.on)
        step.words = f"{seeded.loaded_rows:,} rows"
    with steps.step("trade", "Trade") as step:
        ran = workload.run(target, orders, progress=step.traded)
        if ran.interrupted:
            raise KeyboardInterrupt
        if ran.failure:
            raise ran.failure
        step.words = f"{ran.orders:,} orders"
    with steps.step("seal", "Seal the audit trail") as step:
        step.words = f"{ran.sealed + _seal(target):,} rows sealed"
    with steps.step("books", "Check the books") as step:
        lines = _check(target, step)
        held = sum(line.state == "held" for line in lines)
        step.words = f"{held} of {len(lines)} invariants held"
    with steps.step("index", "Try an index") as step:
        tried = _try(lab, step)
        faster = tried.before_us / tried.after_us
        step.words = f"{faster:,.0f} times as fast" if faster >= _FASTER_MIN else "no faster"
    return replace(_result(plan, lab, seeded, ran, lines), index=tried)


def _try(lab: Lab, step: "_Step") -> report.IndexTried:
    """Measure the slowest report of a day without an index for it, and with it; it is dropped."""
    query = samples.asked(REPORT, engine=lab.engine, name="the report")
    copy = Copy(lab=lab, database=labs.DATABASE, source="the demo")
    budget = Budget(seconds=TRY_S, cold=False, writes=False)
    done = index_trial.measure(copy, [query], [INDEX], budget=budget, seen=step.said)
    [read] = done.reads
    return report.IndexTried(
        statement=INDEX,
        query=REPORT,
        size_bytes=done.size_bytes,
        before_us=read.warm.before_mean_s * 1e6,
        after_us=read.warm.after_mean_s * 1e6,
        low=read.warm.ratio.low,
        high=read.warm.ratio.high,
        same_rows=not read.differences,
    )


def _fold(target: Target, day: date) -> None:
    """Close the day of the listing: without a folded day one invariant has nothing to look at."""
    with connect(target) as server:
        audit.fold(server, day)


def _seal(target: Target) -> int:
    """Seal what the run left unsealed; return the number of rows."""
    with connect(target, bulk=True) as server:
        return audit.seal_all(server)


def _check(target: Target, step: "_Step") -> tuple[report.Invariant, ...]:
    with connect(target) as server:
        found = books.check(server, seen=step.checked)
    return tuple(
        report.Invariant(
            name=line.name,
            title=line.title,
            state=line.state,
            looked_at=line.looked_at,
            violations=line.violations,
            ms=line.ms,
        )
        for line in found
    )


def _result(
    plan: DemoPlan,
    lab: Lab,
    seeded: SeedResult,
    ran: RunResult,
    lines: tuple[report.Invariant, ...],
) -> DemoResult:
    with connect(lab.url()) as server:
        symbols = server.fetch(report.SYMBOLS, symbols_max=SYMBOLS_MAX)
    return DemoResult(
        engine=lab.engine,
        server_version=lab.version,
        stockops_version=__version__,
        started_at=datetime.now(UTC),
        facts=tuple(_facts(plan, ran)),
        users=plan.seed.users,
        accounts=plan.seed.accounts,
        seeded=tuple(report.TableRows(each.table, each.rows) for each in seeded.tables),
        content_sha256=seeded.sha256,
        orders=ran.orders,
        trades=ran.trades or 0,
        value_won=ran.value_won or 0,
        ran_s=ran.elapsed_s,
        orders_per_s=ran.orders / ran.elapsed_s if ran.elapsed_s else 0.0,
        seconds=_whole_seconds(ran),
        latency=_latency(ran),
        stall=_stall(ran),
        outcomes=tuple(_outcome(name, number) for name, number in ran.outcomes.items()),
        symbols=tuple(symbols),
        books=lines,
        steps=(),
    )


def _whole_seconds(ran: RunResult) -> tuple[report.Second, ...]:
    """Return the seconds that were measured from end to end; a part of one says nothing."""
    return tuple(
        report.Second(each.second, each.answered)
        for each in ran.series
        if each.second + 1 - _SECOND_SHORT_S <= ran.elapsed_s
    )


def _latency(ran: RunResult) -> report.Latency:
    measured = ran.response
    return report.Latency(
        p50_us=measured.p50_us,
        p95_us=measured.p95_us,
        p99_us=measured.p99_us,
        max_us=measured.max_us,
        buckets=tuple(report.Bucket(*each) for each in measured.histogram),
    )


def _stall(ran: RunResult) -> report.Stall | None:
    if ran.stall is None:
        return None
    return report.Stall(start_s=ran.stall.start_s, length_s=ran.stall.length_s)


def _outcome(name: str, number: int) -> report.Outcome:
    status, _, reason = name.partition("/")
    return report.Outcome(status=status, reason=reason or None, orders=number)


def _facts(plan: DemoPlan, ran: RunResult) -> Iterator[Fact]:
    """Yield what ran: the load, the durability settings, the programs, the machine."""
    yield Fact("Load", f"{plan.clients} clients for {plan.seconds:g} s, one order per transaction")
    mix = ", ".join(f"{kind} {weight}" for kind, weight in ran.config["mix"].items())
    yield Fact("Mix", mix)
    yield Fact("Business date", ran.business_date or "the server's")
    yield Fact("Cancellations", f"{ran.cancels:,}")
    yield Fact("Retries", f"{ran.retries:,}")
    yield Fact("Seed", plan.seed.text)
    for name, value in sorted(ran.settings.items()):
        yield Fact(name, value)
    yield Fact("Server", f"{ran.engine} {ran.server_version}")
    yield Fact("Python", platform.python_version())
    yield Fact("System", platform.platform())
    yield Fact("Processor", f"{_processor()}, {len(os.sched_getaffinity(0))} cores")
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    yield Fact("Memory", f"{memory_bytes / 2**30:.1f} GiB")


def _processor() -> str:
    """Return the name that the processor gives itself, or the machine's architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.machine()


@dataclass(slots=True)
class _Step:
    """A step that is running; `words` say in the end what came of it."""

    watcher: Watcher
    words: str = ""
    invariants: int = 0

    def checked(self, told: InvariantResult) -> None:
        """Pass on which invariant was asked last."""
        self.invariants += 1
        self.watcher.moved(self.invariants / len(books.NAMES), f"{told.name}: {told.state}")

    def said(self, words: str) -> None:
        """Pass on what is tried."""
        self.watcher.moved(0.5, words)

    def seeded(self, told: seeding.SeedProgress) -> None:
        """Pass on how far the seed is."""
        share = told.rows_done / max(told.rows_total, 1)
        said = told.stage or f"{told.rows_per_s:,.0f} rows/s"
        self.watcher.moved(share, f"{told.rows_done:,} rows, {said}")

    def traded(self, told: Tick) -> None:
        """Pass on how the trading goes."""
        share = told.elapsed_s / told.planned_s if told.planned_s else 0.0
        self.watcher.moved(
            min(share, 1.0),
            f"{told.answered:,} answers, {told.per_s:,.0f}/s, {told.sealed:,} sealed",
        )


class _Steps:
    """The steps taken so far, and the clock they are measured by."""

    def __init__(self, watcher: Watcher) -> None:
        self.taken: list[StepTime] = []
        self._watcher = watcher
        self._began = time.monotonic()

    @contextmanager
    def step(self, name: str, title: str) -> Iterator[_Step]:
        """Measure the block as a step, and tell the watcher."""
        step = _Step(self._watcher)
        self._watcher.began(title)
        began = time.monotonic()
        yield step
        took_s = time.monotonic() - began
        self.taken.append(
            StepTime(name=name, title=title, started_s=began - self._began, took_s=took_s)
        )
        self._watcher.ended(title, step.words, took_s)
