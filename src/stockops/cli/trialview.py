"""How a trial of settings looks on a terminal: its plan, its progress, its verdict."""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass

import click

from .. import render
from ..experiments.advised import LeftOut, Tryable
from ..experiments.changes import Change, strongest
from ..experiments.moments import Moment
from ..experiments.settings_trial import Trial, TrialPlan
from ..experiments.stand import Stand
from ..report import Rate, SettingsPage

_EVERY_LINE_S = 60.0  # in a log
_HOW = {
    "new sessions": "by a default that new sessions begin with",
    "reload": "while the server runs",
    "restart": "by a restart before every turn",
}
_DURABLE = {
    "fsync",
    "full_page_writes",
    "synchronous_commit",
    "innodb_flush_log_at_trx_commit",
    "sync_binlog",
    "innodb_doublewrite",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One measure in the table."""

    measure: str
    before: str
    after: str
    change: str
    interval_95: str
    verdict: str


def progress() -> tuple[Callable[[str], None], Callable[[Moment], None]]:
    """Return what shows a step on stderr, and what shows a moment: live, or a line a minute."""
    live = sys.stderr.isatty()
    said = time.monotonic()

    def step(words: str) -> None:
        click.echo(f"\r{words}\x1b[K" if live else words, nl=not live, err=True)

    def moment(here: Moment) -> None:
        nonlocal said
        line = f"turn {here.number} of {here.of}, {here.what}"
        if here.tick is not None:
            line += f": {here.tick.answered:,} answered, {here.tick.per_s:,.0f}/s"
        if live:
            click.echo(f"\r{line}\x1b[K", nl=False, err=True)
        elif time.monotonic() - said >= _EVERY_LINE_S:
            said = time.monotonic()
            click.echo(line, err=True)

    return step, moment


def wipe() -> None:
    """Take the live line away."""
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", nl=False, err=True)


def planned(
    asked: Stand, wanted: Mapping[str, str] | Tryable, plan: TrialPlan, form: render.Format
) -> str:
    """Return what a trial of `wanted` would do, as `form`, by the server `asked`."""
    now: Mapping[str, str] = {}
    left_out: Sequence[LeftOut] = ()
    if isinstance(wanted, Tryable):
        now, left_out = wanted.now, wanted.left_out
        wanted = wanted.wanted
    changes = asked.resolve(wanted)
    takes = strongest(changes)
    order = "".join("A" if turn == "before" else "B" for turn in plan.turns)
    if form == "json":
        return json.dumps(
            {
                "engine": asked.lab.engine,
                "source": asked.source,
                "changes": [
                    {**asdict(each), "before": now.get(each.name, each.before)} for each in changes
                ],
                "left_out": [asdict(each) for each in left_out],
                "turns": order,
                "seconds": plan.seconds,
                "clients": plan.clients,
                "restarts": plan.restarts(takes),
                "planned_s": plan.planned_s(takes),
            },
            indent=2,
        )
    lines = [f"make a private {asked.lab.engine} lab with {asked.source}; remove it at the end"]
    for each in changes:
        put = each.put or f"{each.line} in the option file"
        before = now.get(each.name, each.before)
        lines.append(f"{each.name}: {before} -> {each.value}, {_HOW[each.takes]}: {put}")
    lines += _not_tried(left_out)
    lines.append(
        f"{len(plan.turns)} turns of {plan.seconds:g} s with {plan.clients} clients "
        f"(A without, B with): {order}, after one of each that is left out"
    )
    lines.append(f"{plan.restarts(takes)} restarts; about {plan.planned_s(takes):.0f} s in all")
    return "\n".join(lines)


def table(trial: Trial) -> str:
    """Return what came of a trial, for a person."""
    return "\n".join([*_forced(trial), "", render.rows(_rows(trial), "table"), "", *_under(trial)])


def page(trial: Trial) -> SettingsPage:
    """Return what came of a trial, for a file."""
    shown = {"before": "without", "after": "with"}
    return SettingsPage(
        title="Settings tried: " + ", ".join(f"{x.name}={x.value}" for x in trial.changes),
        lead=_forced(trial),
        rates=[
            Rate(
                f"turn {number}, {shown[turn.variant]}",
                turn.load.orders_per_s,
                "good" if turn.variant == "after" else "quiet",
            )
            for number, turn in enumerate(trial.turns, 1)
        ],
        legend="Every turn, in the order in which they were taken.",
        headers=["measure", "without", "with", "change", "95 % interval", "verdict"],
        rows=[astuple(row) for row in _rows(trial)],
        notes=_under(trial),
    )


def _rows(trial: Trial) -> list[Row]:
    return [
        Row(
            line.measure,
            _figure(line.before),
            _figure(line.after),
            "-" if line.ratio is None else f"{line.ratio - 1:+.1%}",
            "-" if line.low is None else f"{line.low - 1:+.1%} to {(line.high or 0) - 1:+.1%}",
            f"{line.verdict}: {line.note}" if line.note else line.verdict,
        )
        for line in trial.lines
    ]


def _forced(trial: Trial) -> list[str]:
    """Return what was in force, a line a setting."""
    return [
        f"{each.name}: {each.before} before, {_seen(trial, each)} after, as the server says "
        f"in each turn ({_HOW[each.takes]})"
        for each in trial.changes
    ]


def _not_tried(left_out: Sequence[LeftOut]) -> list[str]:
    return [f"not tried: {each.name}: {each.why}" for each in left_out]


def _under(trial: Trial) -> list[str]:
    """Return how it was measured, and what to look at next."""
    plan = trial.plan
    under = [
        f"{trial.engine} {trial.version} with {trial.source}, {len(trial.turns)} turns of "
        f"{plan.seconds:g} s, {plan.clients} clients, {trial.restarts} restarts, "
        f"{trial.took_s:.0f} s in all; "
        f"a difference below {plan.margin:.0%} is none"
    ]
    under += _not_tried(trial.left_out)
    if trial.in_memory:
        under.append(
            "the lab lay in memory, where a sync costs nothing: set STOCKOPS_LABS to a directory "
            "on a disk"
        )
    under += [
        f"{each.name} decides what a crash loses: stockops settings compare --matrix "
        f"--engine {trial.engine}"
        for each in trial.changes
        if each.name in _DURABLE
    ]
    return under


def _seen(trial: Trial, change: Change) -> str:
    """Return what was in force in the turns with the change."""
    seen = {turn.in_force[change.name] for turn in trial.turns if turn.variant == "after"}
    return ", ".join(sorted(seen))


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
