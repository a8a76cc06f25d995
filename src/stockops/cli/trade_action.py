"""``stockops trade action``."""

from datetime import date, datetime
from typing import Any

import click

from .. import actions, market, plan, render
from ..actions import Action
from ..engine import connect
from ..engine.base import Server
from ..orders import SERVER_CLOCK, Clock
from ..plan import Consent
from ..targets import Target
from . import options

_day = click.option(
    "--date", "day", type=options.DAY,
    help="The business day from which on it holds.  [default: the next one]",
)  # fmt: skip


@click.group("action")
def action_group() -> None:
    """What an issuer does to an issue: another name, a split, the end of its listing."""


@action_group.command("rename")
@options.target
@click.argument("symbol")
@click.option("--name", required=True, help="The name from now on.")
@options.plan_only
@options.consent
@options.form
def rename_command(target: Target, symbol: str, name: str, **how: Any) -> None:
    """
    Give the issue SYMBOL another name. Its code stays, and with it all that goes by it.

    \b
    Examples:
      stockops trade action rename 036570 --name NC -t pg
    """  # noqa: D301  click reads \b as a character
    with connect(target, application="stockops trade action") as server:
        today = _clock(server, target)[0]
        issue = actions.find(server, symbol)
        _run(server, target, actions.renaming(issue, name, today=today), **how)


@action_group.command("split")
@options.target
@click.argument("symbol")
@click.option("--ratio", required=True, metavar="NEW:OLD", help="5:1 splits, 1:5 joins shares.")
@_day
@options.plan_only
@options.consent
@options.form
def split_command(
    target: Target, symbol: str, ratio: str, day: datetime | None, **how: Any
) -> None:
    """
    Split the shares of the issue SYMBOL, or join them.

    In one transaction: the issue's day ends (what rests expires, its owners are told), the next one
    opens at the base price by the ratio, and every holding, the house's too, changes by a journal
    of its own. Parts of a share are paid in cash by the house, at the new base price. What the
    shares cost stays. Prices and quantities of waiting conditions and targets of predictions follow
    the ratio; stock_prices stays as it was traded (see the view adjusted_prices).

    \b
    Examples:
      stockops trade action split 005930 --ratio 50:1 -t pg --plan
      stockops trade action split 034020 --ratio 1:5 -t pg --date 2025-01-06
    """  # noqa: D301  click reads \b as a character
    parsed = actions.ratio_of(ratio)
    with connect(target, application="stockops trade action") as server:
        today = _clock(server, target)[1]
        issue = actions.find(server, symbol)
        on = day.date() if day else None
        _run(server, target, actions.splitting(server, issue, parsed, on=on, today=today), **how)


@action_group.command("delist")
@options.target
@click.argument("symbol")
@click.option("--price", "price_won", type=click.IntRange(0), metavar="WON",
              help="Pay every share out at this; without it, holdings stay.")  # fmt: skip
@_day
@options.plan_only
@options.consent
@options.form
def delist_command(
    target: Target, symbol: str, price_won: int | None, day: datetime | None, **how: Any
) -> None:
    """
    End the listing of the issue SYMBOL. It cannot be taken back: wants --yes.

    In one transaction: the issue's day ends (what rests expires, its owners are told), conditions
    and predictions of it end, and it takes no order any more. Its trades, journals and prices stay.

    \b
    Examples:
      stockops trade action delist 018880 -t pg --plan
      stockops trade action delist 018880 --price 4000 -t pg --yes
    """  # noqa: D301  click reads \b as a character
    with connect(target, application="stockops trade action") as server:
        today = _clock(server, target)[1]
        issue = actions.find(server, symbol)
        on = day.date() if day else None
        asked = actions.delisting(server, issue, price_won, on=on, today=today)
        _run(server, target, asked, **how)


def _run(
    server: Server, target: Target, action: Action, *, plan_only: bool, consent: Consent,
    form: render.Format,
) -> None:  # fmt: skip
    """Say what would be done, or do it."""
    steps = actions.steps(action)
    if plan_only:
        click.echo(render.rows(steps, form))
        return
    plan.check_named(
        f"trade action {action.kind}",
        target=target.name,
        protected=target.protected,
        consent=consent,
    )
    plan.check(steps, target=target.name, protected=target.protected, consent=consent)
    clock = SERVER_CLOCK if target.lab is None else Clock(business_date=action.on)
    click.echo(render.rows([actions.apply(server, action, clock=clock)], form))


def _clock(server: Server, target: Target) -> tuple[date, date | None]:
    """Return today, and today again where it binds: a lab's clock is what the user says."""
    if target.lab is None:
        today = market.today(server)
        return today, today
    return server.fetch(market.QUOTE_DATE)[0].business_date or market.today(server), None
