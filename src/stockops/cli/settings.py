"""``stockops settings``."""

from collections.abc import Sequence
from dataclasses import dataclass

import click

from .. import render
from .. import settings as the_settings
from ..engine import connect
from ..settings import Advice, Facts
from ..settings.words import size
from ..targets import Target
from . import numbers, options, servermachine
from .settings_apply import apply_command, revert_command
from .settings_compare import compare_command

_WINDOW_S_LEAST = 60.0
_VALUE_MAX = 32
_ORDER = ("risk", "waste", "hint", "unknown", "satisfied")


@dataclass(frozen=True, slots=True)
class Line:
    """One rule in the table."""

    rule: str
    state: str
    now: str
    proposed: str
    why: str


@click.group()
def settings() -> None:
    """Advice on a server's settings, with its evidence, and what a change of them does."""


settings.add_command(compare_command)
settings.add_command(apply_command)
settings.add_command(revert_command)


@settings.command("advise")
@options.target
@options.form
@click.option("--rule", "rules", multiple=True, metavar="NAME", help="Only this rule; repeat.")
@click.option("--all", "show_all", is_flag=True, help="Show the rules that are satisfied, too.")
@servermachine.said
@click.option(
    "--window",
    "window_s",
    type=numbers.Range(min=_WINDOW_S_LEAST),
    default=the_settings.WINDOW_S_MIN,
    show_default=True,
    metavar="SECONDS",
    help="Believe counters that have counted for this long.",
)
def advise_command(
    target: Target,
    form: render.Format,
    rules: tuple[str, ...],
    show_all: bool,
    told: servermachine.Told,
    window_s: float,
) -> None:
    """
    Judge the settings of a server by its machine, its counters and fifty rules.

    Each rule says what it looked at, over which time, by which formula, and how to change the
    setting. Nothing is written: the statements are printed, and `settings apply` runs them. All
    that is proposed fits into memory together, in the worst case that docs/settings.md names, and
    is followed by no more advice.

    A rule that cannot see what it needs says unknown, why, and what to do; so it does with a
    counter that was reset a moment ago. Memory, CPUs and disk are looked up where the server runs
    on this machine, within the limits of its control group; else say them.

    Exits 1 when there is advice, and when no rule could be judged.

    \b
    Examples:
      stockops settings advise -t prod
      stockops settings advise -t prod --memory 64GB --cpus 16 --disk ssd
      stockops settings advise -t prod --rule work_mem --rule max_wal_size --format json
    """  # noqa: D301  click reads \b as a character
    with connect(target) as server:
        facts = the_settings.read(target, server, window_s_min=window_s)
    facts = the_settings.said(facts, memory_bytes=told.memory_bytes, cpus=told.cpus, disk=told.disk)
    everything = the_settings.advise(facts)
    advice = the_settings.only(everything, rules, facts.engine)
    counted = the_settings.totals(advice, facts.machine.memory_bytes)
    if form == "json":
        click.echo(render.rows(advice, form))
    else:
        click.echo(_table(advice, show_all=show_all or bool(rules)))
        click.echo(_verdict(everything, advice, facts))
    click.get_current_context().exit(1 if counted.advised or not counted.judged else 0)


def _table(advice: Sequence[Advice], *, show_all: bool) -> str:
    """Return the rules as a table, then the next steps of the unknown and what makes the change."""
    shown = [each for each in advice if show_all or each.state != "satisfied"]
    lines = [
        Line(each.rule, _mark(each), _short(each.now), _short(each.proposed), each.why)
        for each in sorted(shown, key=lambda each: _ORDER.index(_mark(each)))
    ]
    parts = [render.rows(lines, "table")] if lines else []
    hints = dict.fromkeys(each.hint for each in shown if each.hint)
    if hints:
        parts.append("\n".join(["to know more:", *(f"  {hint}" for hint in hints)]))
    advised = [each for each in advice if each.state == "advised"]
    statements = dict.fromkeys(line for each in advised for line in each.statements)
    if statements:
        # What is done once, for all of them, comes last.
        once = {"SELECT pg_reload_conf();", "-- restart the server"}
        ordered = [line for line in statements if line not in once]
        ordered += [line for line in statements if line in once]
        parts.append("\n".join(["to follow the advice:", *(f"  {line}" for line in ordered)]))
    lines_of_file = dict.fromkeys(line for each in advised for line in each.option_lines)
    if lines_of_file:
        restart = [each.rule for each in advised if each.context == "restart"]
        head = "to keep it, in the option file"
        head += f" (a restart is needed for {', '.join(restart)}):" if restart else ":"
        parts.append("\n".join([head, *(f"  {line}" for line in lines_of_file)]))
    return "\n\n".join(parts)


def _short(value: str) -> str:
    return value if len(value) <= _VALUE_MAX else value[: _VALUE_MAX - 1] + "…"


def _mark(advice: Advice) -> str:
    return advice.severity if advice.state == "advised" else advice.state


def _verdict(everything: Sequence[Advice], advice: Sequence[Advice], facts: Facts) -> str:
    counted = the_settings.totals(advice, facts.machine.memory_bytes)
    verdict = (
        f"{counted.judged} of {counted.rules} rules judged: {counted.advised} with advice, "
        f"{counted.satisfied} satisfied; {counted.unknown} unknown"
    )
    memory = facts.machine.memory_bytes
    if memory is None:
        return f"{verdict}\nmemory is not known: nothing is said of what fits into it"
    claimed = the_settings.totals(everything, memory).claimed_bytes
    return (
        f"{verdict}\nthe advice followed, at most {size(claimed)} of {size(memory)} are claimed"
        f" (machine: {facts.machine.known_by})"
    )
