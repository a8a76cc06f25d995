"""``stockops trade rebalance``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click

from .. import counts, rebalancing, render
from ..engine import connect
from ..engine.base import Server
from ..errors import Busy, Finding, Refused, StockopsError
from ..orders import Clock
from ..rebalancing import MINIMUM_WON, Done, Plan, Portfolio
from ..targets import Target
from . import options, tradeclock
from .tradeclock import When

Answer = TypeVar("Answer")


@dataclass(slots=True)
class Round:
    """One run of the command; `refused` are the portfolios that could not be rebalanced, why."""

    server: Server
    clock: Clock
    minimum_won: int
    refused: list[StockopsError] = field(default_factory=list)

    def plan(self, portfolio_id: int | None) -> list[Plan]:
        """Return the plan for one portfolio, or for each that is due."""
        on = rebalancing.business_date_of(self.server, self.clock)

        def ask(portfolio: Portfolio) -> Plan:
            return rebalancing.planned(self.server, portfolio, on=on, minimum_won=self.minimum_won)

        if portfolio_id is not None:
            return [ask(rebalancing.one(self.server, portfolio_id, on=on))]
        return self._each(ask)

    def run(self, portfolio_id: int | None) -> list[Done]:
        """Rebalance one portfolio, or each that is due."""

        def ask(number: int) -> Done:
            return rebalancing.rebalance(
                self.server, number, clock=self.clock, minimum_won=self.minimum_won
            )

        if portfolio_id is not None:
            return [ask(portfolio_id)]
        return self._each(lambda portfolio: ask(portfolio.portfolio_id))

    def _each(self, ask: Callable[[Portfolio], Answer]) -> list[Answer]:
        """Ask for each that is due; one that is refused is said, and does not stop the others."""
        answers = []
        for portfolio in rebalancing.due(self.server, clock=self.clock):
            try:
                answers.append(ask(portfolio))
            except (Refused, Busy) as exc:
                click.echo(str(exc), err=True)
                self.refused.append(exc)
        return answers


@click.command("rebalance")
@options.target
@click.argument("portfolio_id", type=options.WHOLE, required=False, metavar="[PORTFOLIO]")
@click.option("--due", is_flag=True, help="Every active portfolio with a weight outside its band.")
@click.option(
    "--min-trade", "minimum_won", type=click.IntRange(0), default=MINIMUM_WON, show_default=True,
    metavar="WON", help="Smaller trades are left out.",
)  # fmt: skip
@tradeclock.options
@options.plan_only
@options.form
def rebalance_command(
    target: Target,
    portfolio_id: int | None,
    when: When,
    plan_only: bool,
    form: render.Format,
    **how: Any,
) -> None:
    """
    Lead the weights of PORTFOLIO back to its targets: sells first, then buys.

    Looked at is the whole account: cash, and every share at its last price; what has no target is
    to have none. Where a weight is outside the band of the portfolio, each issue goes to its target
    by one limit order at the last price; what the market does not have at it is taken back. Issues
    that are halted, delisted or without a price are left, and said. A run that was killed is ended
    by the next one, without doing anything twice.

    Exits 5 where the weights do not come to 100 %, 6 where another run is at this portfolio; with
    --due, 1 where a portfolio was refused.

    \b
    Examples:
      stockops trade rebalance 3 --plan
      stockops trade rebalance --due --min-trade 50000
    """  # noqa: D301  click reads \b as a character
    if (portfolio_id is None) == (not how["due"]):
        raise click.UsageError("name one PORTFOLIO, or give --due")
    clock = tradeclock.said(target, when)
    with connect(target, application="stockops trade rebalance") as server:
        asked = Round(server, tradeclock.of_day(server, target, clock), how["minimum_won"])
        if plan_only:
            plans = asked.plan(portfolio_id)
            click.echo(render.rows([line for plan in plans for line in plan.lines], form))
        else:
            runs = asked.run(portfolio_id)
            click.echo(render.rows([line for run in runs for line in run.lines], form))
            _say(runs)
    if asked.refused:
        raise Finding(
            f"{counts.of(len(asked.refused), 'portfolio was', 'portfolios were')} not rebalanced",
            hint="Correct what is said above, and run it again.",
        )


def _say(runs: Sequence[Done]) -> None:
    """Say what no line says: that a run had been cut short, or that there was nothing to do."""
    for run in runs:
        if run.resumed:
            click.echo(
                f"portfolio {run.portfolio_id}: rebalancing {run.rebalance_id} had been cut short, "
                "and was ended now",
                err=True,
            )
        elif run.rebalance_id is None:
            click.echo(f"portfolio {run.portfolio_id}: there is nothing to trade", err=True)
