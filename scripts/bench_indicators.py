"""What ten years of prices cost: loading them, their technical indicators, and a new day's."""

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from bench_orders import server_cpu_s
from bench_seed import raw_load, ready_files

from stockops import indicators, migrations, seeding
from stockops import lab as labs
from stockops.engine import connect
from stockops.lab import Lab
from stockops.listing import sources
from stockops.plan import Consent
from stockops.seeding import Prepared, SeedPlan, SeedProgress
from stockops.seeding.tables import BY_NAME
from stockops.targets import Target

DAYS = 2_460  # ten years
LOAD_GOAL = 0.7
GOAL_S = 60.0
PLAN = SeedPlan(users=1, accounts=1, days=1)
TABLES = tuple(BY_NAME[name] for name in ("stocks", "stock_prices"))
_NEW_DAY = (
    "INSERT INTO stock_prices SELECT symbol, '2025-01-03', open_won, high_won, low_won, close_won, "
    "volume, value_won FROM stock_prices WHERE price_date = '2025-01-02'"
)


@dataclass(frozen=True, slots=True)
class Figures:
    """One engine; `load` is the machine's while the indicators were computed."""

    engine: str
    version: str
    rows: int
    rows_per_s: float
    raw_rows_per_s: float
    days: int
    computed_s: float
    computed_cpu_s: float
    load: float
    new_day_s: float


def measure(engine: str) -> Figures:
    """Measure in a lab of its own."""
    with labs.temporary(engine) as lab, tempfile.TemporaryDirectory() as folder:
        target = Target(name="bench", url=lab.url(), lab=lab.name)
        migrations.up(target)
        prepared = ten_years(target)
        script, rows = ready_files(target, prepared.made_of, TABLES, Path(folder))
        began = time.monotonic()
        raw_load(target, script)
        raw_s = time.monotonic() - began
        seeding.reset(target, consent=Consent(yes=True))
        seen: list[SeedProgress] = []
        seeding.load(target, prepared, seen.append)
        loaded_s = max(each.elapsed_s for each in seen if not each.stage)
        computed, cpu_s = _computed(target, lab)
        load = os.getloadavg()[0]
        with connect(target) as server:
            server.execute(_NEW_DAY)
            version = ".".join(map(str, server.version))
        new_day = indicators.compute(target)
        return Figures(
            engine, version, rows, rows / loaded_s, rows / raw_s, computed.days,
            computed.elapsed_s, cpu_s, load, new_day.elapsed_s,
        )  # fmt: skip


def ten_years(target: Target) -> Prepared:
    """Return a seed of the issues and of `DAYS` weekdays of prices, and of nothing else."""
    prepared = seeding.prepare(target, PLAN, sources.read)
    weekdays, day = [PLAN.on], PLAN.on
    while len(weekdays) < DAYS:
        day -= timedelta(days=1)
        weekdays += [day] if date.weekday(day) < 5 else []
    made_of = replace(prepared.made_of, dates=tuple(str(each) for each in reversed(weekdays)))
    names = {table.name for table in TABLES}
    wanted = tuple(each for each in prepared.wanted if each[0] in names)
    return replace(prepared, made_of=made_of, wanted=wanted)


def _computed(target: Target, lab: Lab) -> tuple[indicators.Computed, float]:
    before_s = server_cpu_s(lab)
    computed = indicators.compute(target)
    return computed, server_cpu_s(lab) - before_s


def section(figures: Sequence[Figures]) -> list[str]:
    """Return the lines of docs/benchmarks.md."""
    lines = [
        f"{DAYS:,} days of prices of all issues of the sample, loaded by a seed and, of the same "
        "rows from ready files, by the engine's own client; then `stockops",
        "indicators apply` over all of them, in two sessions, and again with one day more. A load "
        "above the number of cores means that others had most of them:",
        "what is left on a quiet machine with two cores is about half of the CPU.",
        "",
        "| engine | rows | rows/s | raw rows/s | ratio | goal | | days computed | in, s "
        "| goal, s | | of it CPU of the server, s | at a load of | a new day, s |",
        "|---|---:|---:|---:|---:|---:|---|---:|---:|---:|---|---:|---:|---:|",
    ]
    for each in figures:
        ratio = each.rows_per_s / each.raw_rows_per_s
        lines.append(
            f"| {each.engine} {each.version} | {each.rows:,} | {each.rows_per_s:,.0f} "
            f"| {each.raw_rows_per_s:,.0f} | {ratio:.2f} | {LOAD_GOAL:.2f} "
            f"| {_verdict(ratio >= LOAD_GOAL)} | {each.days:,} | {each.computed_s:.1f} "
            f"| {GOAL_S:.0f} | {_verdict(each.computed_s < GOAL_S)} | {each.computed_cpu_s:.1f} "
            f"| {each.load:.1f} | {each.new_day_s:.1f} |"
        )
    return lines


def _verdict(is_reached: bool) -> str:
    return "reached" if is_reached else "**missed**"
