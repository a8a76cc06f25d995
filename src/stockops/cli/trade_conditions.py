"""``stockops trade conditions``."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import IO

import click

from .. import conditions as the_conditions
from .. import counts, render
from ..conditions import LISTED_MAX, STATUSES, Executed
from ..engine import connect, quickly
from ..market import KST
from ..targets import Target
from . import options, tradeclock
from .tradeclock import When

_SHOWN_MAX = 50


@click.group()
def conditions() -> None:
    """Rules that place an order when a prediction or the last price meets them."""


@conditions.command("schema")
def schema_command() -> None:
    """Print the schema of a rule, as JSON."""
    click.echo(the_conditions.schema(), nl=False)


@conditions.command("add")
@options.target
@click.argument("file", type=click.File("rb"), metavar="FILE")
@click.option(
    "--account", "account_id", type=options.WHOLE, required=True, help="Whose orders they place."
)
@click.option(
    "--expires", "expires_at", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), required=True,
    help="Until when they are met, KST.",
)  # fmt: skip
@tradeclock.options
@options.plan_only
@options.form
def add_command(
    target: Target,
    file: IO[bytes],
    expires_at: datetime,
    when: When,
    plan_only: bool,
    form: render.Format,
    **whose: int,
) -> None:
    """
    Make conditions of the rules in FILE: one JSON object, or an array of them; - is stdin.

    A rule says symbol, side, quantity or amount_won, and what it waits for: min_confidence,
    model_version, price_band. It is met once, or again after cool_down_s. All of FILE is added, or
    with the place of what is wrong with it, none.

    \b
    Example:
      echo '{"symbol": "005930", "side": "buy", "quantity": 10, "min_confidence": 0.8}' |
        stockops trade conditions add - --account 1001 --expires 2025-01-31
    """  # noqa: D301  click reads \b as a character
    clock = tradeclock.said(target, when)
    rules = the_conditions.read(file, file.name)
    ends = expires_at.replace(tzinfo=KST)
    with connect(target) as server:
        clock = tradeclock.of_day(server, target, clock)
        make = the_conditions.add_steps if plan_only else the_conditions.add
        made = make(server, rules, expires_at=ends, clock=clock, **whose)
    click.echo(render.rows(made, form))


@conditions.command("list")
@options.target
@options.newest(STATUSES, most=LISTED_MAX)
@options.form
def list_command(
    target: Target, status: str | None, symbol: str | None, row_limit: int, form: render.Format
) -> None:
    """Show conditions, the newest first."""
    with quickly(target) as server:
        found = the_conditions.listed(server, status=status, symbol=symbol, row_limit=row_limit)
    click.echo(render.rows(found, form))


@conditions.command("run")
@options.target
@tradeclock.options
@options.plan_only
@options.form
def run_command(
    target: Target,
    when: When,
    plan_only: bool,
    form: render.Format,
) -> None:
    """
    Execute every condition that is met, and end those whose time is over.

    Each is one transaction: its order with the trades, a notice for each way its owner is told, and
    the audit row. However many run this at a time, and whatever is killed, a condition and a
    prediction have one order. --plan shows what is met, and executes nothing.

    Exits 1 where an order was rejected, or a condition paused because no order can be made of it.
    """
    clock = tradeclock.said(target, when)
    with connect(target) as server:
        clock = tradeclock.of_day(server, target, clock)
        if plan_only:
            click.echo(render.rows(the_conditions.due(server, clock=clock), form))
            return
        done = the_conditions.run(server, clock=clock)
    click.echo(render.rows(done, form) if form == "json" else _table(done))
    if {"rejected", "paused"} & {each.status for each in done}:
        click.get_current_context().exit(1)


@conditions.command("cancel")
@options.target
@click.argument("condition_id", type=options.WHOLE)
@tradeclock.options
@options.plan_only
@options.form
def cancel_command(
    target: Target,
    condition_id: int,
    when: When,
    plan_only: bool,
    form: render.Format,
) -> None:
    """Take a condition back. Exits 1 where there is none that could place an order."""
    clock = tradeclock.said(target, when)
    with connect(target) as server:
        if plan_only:
            click.echo(render.rows(the_conditions.cancel_steps(server, condition_id), form))
            return
        clock = tradeclock.of_day(server, target, clock)
        taken = the_conditions.cancel(server, condition_id, clock=clock)
    click.echo(render.rows([taken], form))


def _table(done: Sequence[Executed]) -> str:
    """Return the first of what was executed, and how many came to what."""
    lines = [render.rows(done[:_SHOWN_MAX], "table")]
    if len(done) > _SHOWN_MAX:
        lines.append(f"and {len(done) - _SHOWN_MAX:,} more")
    count = Counter(each.status for each in done)
    told = ", ".join(f"{n:,} {status}" for status, n in sorted(count.items()))
    return "\n".join(
        [*lines, f"{counts.of(len(done), 'condition')} met{': ' if told else ''}{told}"]
    )
