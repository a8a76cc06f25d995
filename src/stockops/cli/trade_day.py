"""``stockops trade day``."""

import sys
from datetime import UTC, datetime
from typing import Any

import click

from .. import render, tradingday
from ..engine import connect
from ..errors import Finding
from ..market import KST
from ..plan import Consent, check_named
from ..targets import Target
from ..tradingday import DayPlan, Progress
from . import options


@click.command("day")
@options.target
@click.option(
    "--date",
    "day",
    type=options.DAY,
    required=True,
    help="The business date; stock_prices has to have it.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same draws the same.")
@click.option(
    "--orders",
    type=int,
    default=10_000,
    show_default=True,
    help="About how many, in the whole day.",
)
@click.option(
    "--predictions", type=int, default=1_000, show_default=True,
    help="How many are drawn for conditions to wait for; 0 for none.",
)  # fmt: skip
@options.consent
@options.plan_only
@options.form
def day_command(
    target: Target,
    consent: Consent,
    plan_only: bool,
    form: render.Format,
    **said: Any,
) -> None:
    """
    Drive a whole business day: auctions, what follows rules, orders, interruptions, the books.

    Its orders are drawn from the day's prices in stock_prices, so that issues open and close near
    them; the same seed on the same database makes the same rows. After the opening, predictions are
    drawn and judged, conditions that are met executed, portfolios that are due rebalanced. A day
    that was cut short goes on where it stopped. A target that is no lab has to be named again with
    --i-mean.

    Exits 5 for a day on which the market is closed, that has no prices, or that is over; 1 where
    the books do not hold at its end.

    \b
    Examples:
      stockops trade day --date 2025-01-02 --plan
      stockops trade day --date 2025-01-02 --seed 7 --orders 2000 --predictions 500
    """  # noqa: D301  click reads \b as a character
    plan = DayPlan(business_date=said.pop("day").date(), **said)
    with connect(target, application="stockops trade day") as server:
        if plan_only:
            tradingday.examine(server, plan)
            click.echo(render.rows(tradingday.steps(plan), form))
            return
        check_named(
            "trade day",
            target=target.name,
            protected=target.protected or target.lab is None,
            consent=consent,
        )
        today = None if target.lab else datetime.now(UTC).astimezone(KST).date()
        done = []
        for step in tradingday.run(server, plan, today=today, seen=_progress):
            done.append(step)
    _progress(None)
    click.echo(render.rows(done, form))
    if not done[-1].held:
        raise Finding(
            f"the books do not hold after {plan.business_date}: {done[-1].said}",
            hint=f"See what is wrong with: stockops books check -t {target.name}",
        )


def _progress(at: Progress | None) -> None:
    """Say on a terminal how far the day is, each over the last."""
    if sys.stderr.isatty():
        said = "" if at is None else f"{at.step}: {at.done:,} of {at.total:,} {at.what}"
        click.echo(f"\r\x1b[K{said}\r", err=True, nl=False)
