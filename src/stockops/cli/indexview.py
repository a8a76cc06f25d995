"""What `index compare` says."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from .. import counts, plans, render
from ..report import figures
from ..report.indexpage import day, ratio
from ..settings.words import size

if TYPE_CHECKING:
    from ..experiments.index_trial import Compared, Measured, Read
    from ..experiments.index_writes import Writes
    from ..experiments.indexing import Built
    from ..experiments.samples import Asked
    from ..experiments.verdict import Verdict

LINE_EVERY_S = 60.0
WIDTH = 140
_ENGINES = {"postgresql": "PostgreSQL", "mariadb": "MariaDB"}
_COLOURS = {"keep": "green", "drop": "red", "unknown": "yellow"}


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Give what says how far it is: each over the last on a terminal, else a line a minute."""
    alive = sys.stderr.isatty()
    said = time.monotonic()

    def say(words: str) -> None:
        nonlocal said
        if alive:
            click.echo(f"\r\x1b[K{words} ...", err=True, nl=False)
        elif time.monotonic() - said >= LINE_EVERY_S:
            said = time.monotonic()
            click.echo(words, err=True)

    try:
        yield say
    finally:
        if alive:
            click.echo("\r\x1b[K", err=True, nl=False)


def compared(measured: "Measured", verdict: "Verdict", form: render.Format) -> str:
    """Return all that was measured, and what it comes to."""
    if form == "json":
        return json.dumps(as_json(measured, verdict), indent=2)
    lines = [f"on a copy of {measured.source} ({_ENGINES[measured.engine]})"]
    for built in measured.built:
        lines += _built(built)
    for read in measured.reads:
        lines += ["", *_read(read)]
    if measured.writes is not None:
        lines += ["", *_writes(measured.writes)]
    changed = [f"{each.name} {each.value}" for each in measured.settings if not each.is_default]
    lines += ["", f"settings  {', '.join(changed) or 'all at their defaults'}"]
    lines += ["", *_verdict(verdict)]
    return "\n".join(lines)


def _built(built: "Built") -> list[str]:
    live, plain = built.live, built.plain
    lines = [
        f"{live.statement}",
        f"  {size(built.size_bytes)}, built in {figures.latency(live.took_s * 1e6)} under "
        f"{live.lock}: {_waits(live.waiting)}",
    ]
    if plain is not None and plain.statement != live.statement:
        lines.append(
            f"  without CONCURRENTLY in {figures.latency(plain.took_s * 1e6)} under {plain.lock}: "
            f"{_waits(plain.waiting)}"
        )
    return lines


def _waits(waiting: str) -> str:
    return "nobody waits" if waiting == "nobody" else f"{waiting} wait"


def counted(query: "Asked") -> str:
    """Return how many samples of a query there are."""
    return counts.of(len(query.samples), "sample")


def _read(read: "Read") -> list[str]:
    query = read.query
    often = "" if query.calls_per_day is None else f", {query.calls_per_day:,.0f} calls a day"
    rows = counts.of(read.rows, "row")
    lines = [f"{query.name}: {counted(query)}, {query.source}{often}; {rows}"]
    lines.append(f"{'':<9} {'without':>10} {'with':>10}   with/without")
    for name, times in (("warm", read.warm), ("generic", read.generic), ("cold", read.cold)):
        if times is not None:
            lines.append(f"{name:<9} {_times(times)}")
    lines.append(f"{'first run':<9} {'':>10} {figures.latency(read.first_s * 1e6):>10}")
    before, after = read.plans["before"], read.plans["after"]
    lines.append(f"{'pages':<9} {_pages(before):>10} {_pages(after):>10}   of the first sample")
    lines += [f"finding: {each}" for each in read.differences]
    lines += [f"note: {each}" for each in read.notes]
    if not read.is_used:
        return [*lines, "", "no plan reads the index:", *plans.lines(after.plan, details=False)]
    return [*lines, "", *plans.beside(before.plan, after.plan, width=WIDTH)]


def _pages(planned: Any) -> str:
    return f"{planned.hit_pages + planned.read_pages:,}"


def _times(times: "Compared") -> str:
    before, after = (
        figures.latency(each * 1e6) for each in (times.before_mean_s, times.after_mean_s)
    )
    return f"{before:>10} {after:>10}   {ratio(times.ratio, smaller_is_better=True)}"


def _writes(writes: "Writes") -> list[str]:
    before, after = writes.before, writes.after
    if before is None or after is None or writes.orders is None:
        return [f"orders   not measured: {writes.missing}"]
    turn = figures.seconds(writes.seconds)
    lines = [f"orders: {writes.clients} clients, {writes.turns} turns of {turn}"]
    lines.append(f"{'':<9} {'without':>10} {'with':>10}   with/without")
    rows = [
        ("orders/s", "orders_per_s", ",.0f", writes.orders, False),
        ("p95 ms", "p95_ms", ".2f", writes.p95, True),
        ("log bytes", "log_bytes_per_order", ",.0f", writes.log, True),
    ]
    for name, key, form, found, smaller in rows:
        pair = f"{getattr(before, key):>10{form}} {getattr(after, key):>10{form}}"
        said = ratio(found, smaller_is_better=smaller) if found else "-"
        lines.append(f"{name:<9} {pair}   {said}")
    if before.hot_share is not None and after.hot_share is not None:
        lines.append(f"{'HOT':<9} {before.hot_share:>10.1%} {after.hot_share:>10.1%}")
    if not writes.is_written:
        lines.append("note: no order writes the table, so what differs is chance")
    return lines


def _verdict(verdict: "Verdict") -> list[str]:
    word = click.style(verdict.decision, fg=_COLOURS[verdict.decision], bold=True)
    lines = [f"{word}: {verdict.why}" + (f"; {verdict.advice}" if verdict.advice else "")]
    calls, orders = verdict.calls_per_day, verdict.orders_per_day
    if verdict.saved is not None and calls is not None:
        lines.append(f"  saves {day(verdict.saved)} a day: {calls:,.0f} calls")
    if verdict.lost is not None:
        number = "" if orders is None else f": {orders:,.0f} orders"
        lines.append(f"  costs {day(verdict.lost)} a day{number}")
    if verdict.net is not None:
        lines.append(f"  net   {day(verdict.net)} a day")
    if verdict.break_even_calls is not None:
        lines.append(f"  pays from {verdict.break_even_calls:,.0f} calls a day on")
    return lines


def as_json(measured: "Measured", verdict: "Verdict") -> dict[str, Any]:
    """Return all of it as JSON can hold it."""
    return {
        "verdict": asdict(verdict),
        "engine": measured.engine,
        "source": measured.source,
        "took_s": round(measured.took_s, 3),
        "indexes": [_index_json(each) for each in measured.built],
        "queries": [_read_json(each) for each in measured.reads],
        "orders": None if measured.writes is None else asdict(measured.writes),
        "settings": {each.name: each.value for each in measured.settings},
    }


def _index_json(built: "Built") -> dict[str, Any]:
    return {
        "table": built.row.table_name,
        "index": built.row.index_name,
        "size_bytes": built.size_bytes,
        "live": asdict(built.live),
        "plain": None if built.plain is None else asdict(built.plain),
    }


def _read_json(read: "Read") -> dict[str, Any]:
    return {
        "query": asdict(read.query),
        "is_used": read.is_used,
        "rows": read.rows,
        "differences": list(read.differences),
        "notes": list(read.notes),
        "first_s": read.first_s,
        "warm": asdict(read.warm),
        "generic": None if read.generic is None else asdict(read.generic),
        "cold": None if read.cold is None else asdict(read.cold),
        "plans": {
            variant: {
                "hit_pages": planned.hit_pages,
                "read_pages": planned.read_pages,
                "lines": plans.lines(planned.plan),
            }
            for variant, planned in read.plans.items()
        },
    }
