"""How a run of the workload looks on a terminal: its progress, its result, its audit."""

import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import click

from .. import counts
from ..money import won

if TYPE_CHECKING:
    from ..journal import Audit
    from ..workload import Latency, RunPlan, RunResult, Tick

_EVERY_LINE_S = 60.0  # in a log, for a run that is longer than that


def progress(plan: "RunPlan") -> Callable[["Tick"], None]:
    """Return what shows a run's progress on stderr: one live line, or lines in a log."""
    live = sys.stderr.isatty()
    long = plan.whole_s is None or plan.whole_s > _EVERY_LINE_S
    next_s = 0.0

    def show(tick: "Tick") -> None:
        nonlocal next_s
        line = _line(tick)
        if live:
            over = tick.planned_s is not None and tick.elapsed_s >= tick.planned_s
            click.echo(f"\r{line}\x1b[K", nl=over, err=True)
        elif not long or tick.elapsed_s >= next_s:
            next_s = tick.elapsed_s + _EVERY_LINE_S
            click.echo(line, err=True)

    return show


def table(result: "RunResult") -> str:
    """Return the result of a run for a person."""
    unknown = result.unknowns
    lines = [
        ("run", f"{result.run_id} on {result.target}"),
        ("server", f"{result.engine} {result.server_version}; {_settings(result)}"),
        ("business date", result.business_date or "by the server's clock"),
        (
            "requests",
            f"{counts.of(result.orders, 'order')}, {counts.of(result.cancels, 'cancel')} "
            f"in {result.elapsed_s:.1f} s",
        ),
        ("rate", _rate(result)),
        ("warm-up", _warmup(result)),
        ("longest stall", _stall(result)),
        ("drawn from", _drawn_from(result)),
        ("accepted", f"{result.accepted:,}; rejected {result.rejected:,}"),
        ("traded", _traded(result)),
        ("response", _latency(result.response)),
        ("service", _latency(result.service)),
        ("sample", result.sample),
        ("outcomes", _counts(result.outcomes)),
        ("errors", f"{_counts(result.errors)}; {counts.of(result.retries, 'retry', 'retries')}"),
        (
            "unknown",
            f"{unknown.met:,} met: {unknown.committed:,} had committed, "
            f"{unknown.not_committed:,} had not, {unknown.unsettled:,} unsettled",
        ),
        ("sealed", f"{counts.of(result.sealed, 'audit row')}"),
        ("client", f"{result.client_cpu_us_per_order:.0f} us of CPU an order"),
        ("journal", result.journal or "none"),
    ]
    return "\n".join(f"{name:<14} {text}" for name, text in lines)


def audited(verdict: "Audit") -> str:
    """Return the verdict on a journal for a person, with the first findings."""
    numbers = [
        ("orders sent", verdict.intents - verdict.withdrawn),
        ("acknowledged", verdict.acknowledged),
        ("  accepted", verdict.accepted),
        ("  rejected", verdict.rejected),
        ("answers lost", verdict.unknown),
        ("  settled by asking again", verdict.unknown_settled),
        ("unanswered, committed", verdict.resolved_committed),
        ("unanswered, not committed", verdict.resolved_absent),
        ("rolled back, given up", verdict.given_up),
        ("cancels answered", verdict.cancels),
        ("cancels unanswered", verdict.cancels_unanswered),
        ("in the database", verdict.in_database),
        ("acknowledged but missing", verdict.findings["missing"]),
        ("committed but never sent", verdict.findings["never_sent"]),
        ("duplicates", verdict.findings["duplicate"]),
        ("contradictory", verdict.findings["contradictory"]),
    ]
    lines = [f"{name:<26} {number:>12,}" for name, number in numbers]
    lines.append(f"{'RPO':<26} {_lost(verdict):>12}")
    for each in verdict.examples:
        lines += ["", f"{each.what}: {each.key}", f"  journal:  {each.expected}"]
        lines += [f"  database: {each.found}"]
    return "\n".join(lines)


def _lost(verdict: "Audit") -> str:
    """Return what was acknowledged and is gone, in orders, seconds and won."""
    cancels = verdict.missing_cancels
    parts = [counts.of(verdict.findings["missing"] - cancels, "order")]
    if cancels:
        parts.append(counts.of(cancels, "cancel"))
    seconds = verdict.missing_s
    parts.append("unknown seconds" if seconds is None else f"{seconds:g} s")
    parts.append(won(verdict.missing_won))
    said = ", ".join(parts)
    if verdict.missing_from and verdict.missing_to:
        said += f"; answered {_clock(verdict.missing_from)} to {_clock(verdict.missing_to)}"
    return said


def _clock(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="milliseconds")


def _line(tick: "Tick") -> str:
    whole = f"/{tick.planned_s:.0f}" if tick.planned_s else ""
    parts = [
        f"{tick.elapsed_s:.0f}{whole} s",
        f"{tick.answered:,} answered",
        f"{tick.per_s:,.0f}/s",
        f"{tick.accepted:,} accepted",
    ]
    if tick.mean_us is not None:
        parts.append(f"{tick.mean_us / 1000:.1f} ms")
    if tick.troubles:
        parts.append(counts.of(tick.troubles, "retry", "retries"))
    return ", ".join(parts)


def _latency(latency: "Latency") -> str:
    points = [
        ("p50", latency.p50_us),
        ("p90", latency.p90_us),
        ("p95", latency.p95_us),
        ("p99", latency.p99_us),
        ("p99.9", latency.p999_us),
        ("max", latency.max_us),
    ]
    return ", ".join(f"{name} {us / 1000:.2f} ms" for name, us in points)


def _rate(result: "RunResult") -> str:
    achieved = f"{result.achieved_per_s:,.0f}/s"
    if result.offered_per_s is None:
        return achieved
    return (
        f"{achieved} of {result.offered_per_s:,.0f}/s offered; "
        f"{result.late:,} started late, {result.dropped:,} dropped"
    )


def _warmup(result: "RunResult") -> str:
    if not result.warmup_s:
        return "none"
    return (
        f"{result.warmup_s:g} s; its {result.warmup_answered:,} answers are left out of the rate "
        "and the times"
    )


def _stall(result: "RunResult") -> str:
    if result.stall is None:
        return "none of 10 ms"
    return f"{result.stall.length_s:.3f} s without an answer, {result.stall.start_s:.3f} s in"


def _drawn_from(result: "RunResult") -> str:
    if result.shares == 1:
        return "the whole market, by every client"
    return f"{result.shares} shares of issues and accounts, each client from one"


def _traded(result: "RunResult") -> str:
    if result.trades is None or result.value_won is None:
        return "the server could not be asked"
    return f"{result.trades:,} trades, {won(result.value_won)}"


def _settings(result: "RunResult") -> str:
    known = ("fsync", "synchronous_commit", "innodb_flush_log_at_trx_commit", "sync_binlog")
    return ", ".join(f"{name}={result.settings[name]}" for name in known if name in result.settings)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"
