"""``stockops research``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import click

from .. import render
from .. import research as the_research
from ..engine import connect
from ..research import Asked, Parameters
from ..targets import Target
from . import options
from .indexview import progress
from .options import Command
from .research_users import recommend_command, weekly_command

_APPLICATION = "stockops research"
_ROWS_MAX = 10_000


@click.group()
def research() -> None:
    """Find out and trade nothing: backtests, patterns in prices, recommendations, weeks."""


research.add_command(recommend_command)
research.add_command(weekly_command)


def _span(command: Command) -> Command:
    """Add ``--symbol``, ``--from`` and ``--until``: which prices are looked at."""
    symbol = click.option(
        "--symbol",
        "symbols",
        multiple=True,
        metavar="CODE",
        help="Only this issue; may be repeated.",
    )
    since = _date("--from", "since", "The first business date that is looked at.")
    until = _date("--until", "until", "The last one.")
    return symbol(since(until(command)))


def _date(flag: str, name: str, help: str) -> Callable[[Command], Command]:  # noqa: A002
    def day(_ctx: click.Context, _param: click.Parameter, value: datetime | None) -> date | None:
        return None if value is None else value.date()

    return click.option(flag, name, type=options.DAY, callback=day, metavar="DATE", help=help)


def _number(flag: str, default: str, help: str) -> Callable[[Command], Command]:  # noqa: A002
    """Return an option that takes an exact number of up to two decimal places."""

    def exact(_ctx: click.Context, _param: click.Parameter, value: str) -> Decimal:
        try:
            number = Decimal(value)
            if number.is_finite() and number == round(number, 2):
                return number
        except ArithmeticError:
            pass
        raise click.BadParameter(f"{value!r} is not a number with two decimal places at most.")

    return click.option(flag, default=default, show_default=True, callback=exact, help=help)


@research.command("backtest")
@options.target
@_span
@click.option("--window", type=int, default=20, show_default=True, help="Closes of a z-score.")
@_number("--entry", "2", "Buy at this many standard deviations below the mean.")
@_number("--exit", "0", "Sell at this z-score.")
@_number("--stop-loss", "10", "Sell this many percent below the price paid; 0 for never.")
@_number("--take-profit", "20", "Sell this many percent above the price paid; 0 for never.")
@click.option(
    "--cash", "cash_won", type=int, default=10_000_000, show_default=True, metavar="WON",
    help="What each issue has.",
)  # fmt: skip
@click.option(
    "--broker", default="HANGANG", show_default=True, metavar="CODE", help="Whose commission."
)
@options.plan_only
@options.form
def backtest_command(
    target: Target, symbols: tuple[str, ...], plan_only: bool, form: render.Format, **how: Any
) -> None:
    """
    Try mean reversion on past prices, and store what it came to.

    Each issue has its own cash. It is bought at the open after a close that is --entry standard
    deviations below the mean of the last --window closes, and sold at the open after a close that
    is back at --exit, or at the stop-loss or take-profit. Nothing is traded on a day without a
    trade. Prices are on the tick; commission and tax are those of the date. Issues that traded on
    too few days are left out, and said; one that was named is an error.

    The Sharpe ratio is that of the daily returns, annualised by 252 days, over a risk-free rate of
    0. The same prices and parameters give the same figures on either engine, and are stored once.

    \b
    Examples:
      stockops research backtest --plan
      stockops research backtest --symbol 005930 --window 60 --entry 2.5 --stop-loss 8
      stockops research simulations 1 --trades
    """  # noqa: D301  click reads \b as a character
    for name in ("stop_loss", "take_profit"):
        how[name] = how[name] or None
    parameters = Parameters(**how)
    with connect(target, application=_APPLICATION, bulk=True) as server:
        if plan_only:
            found = the_research.backtest_steps(server, parameters, symbols)
            click.echo(render.rows(found, form))
            return
        with _progress() as done:
            run = the_research.backtest(server, parameters, symbols, done=done)
        stored = the_research.store(server, run)
    if run.skipped:
        click.echo(
            f"{len(run.skipped)} issues traded on too few days and are left out: "
            f"{render.cell(run.skipped)}",
            err=True,
        )
    click.echo(_shown(stored, form))


@research.command("simulations")
@options.target
@click.argument("number", type=options.WHOLE, required=False)
@click.option("--trades", is_flag=True, help="Show the positions of simulation NUMBER.")
@click.option("--curve", is_flag=True, help="Show what simulation NUMBER was worth each day.")
@click.option(
    "--limit", "row_limit", type=click.IntRange(1, 1_000), default=20, show_default=True,
    help="How many of the newest.",
)  # fmt: skip
@options.form
def simulations_command(
    target: Target, number: int | None, trades: bool, curve: bool, row_limit: int,
    form: render.Format,
) -> None:  # fmt: skip
    """Show the simulations that are stored, or one of them: --trades, --curve."""
    if (trades or curve) and (number is None or (trades and curve)):
        raise click.UsageError("name one simulation, and give --trades or --curve")
    with connect(target, application=_APPLICATION) as server:
        if number is None:
            found = the_research.simulations(server, row_limit=row_limit)
            click.echo(render.rows(found, form))
        elif trades:
            click.echo(render.rows(the_research.trades_of(server, number), form))
        elif curve:
            click.echo(render.rows(the_research.days_of(server, number), form))
        else:
            click.echo(_shown(the_research.simulation(server, number), form))


@research.command("patterns")
@options.target
@_span
@click.option("--list", "listing", is_flag=True, help="Show the newest that are stored instead.")
@click.option("--kind", type=click.Choice(the_research.KINDS), help="With --list: only these.")
@click.option(
    "--limit", "row_limit", type=click.IntRange(1, _ROWS_MAX), default=50, show_default=True,
    help="With --list: how many.",
)  # fmt: skip
@options.plan_only
@options.form
def patterns_command(
    target: Target, listing: bool, kind: str | None, row_limit: int, plan_only: bool,
    form: render.Format, **span: Any,
) -> None:  # fmt: skip
    """
    Find patterns in daily prices, and store each once.

    Golden and dead crosses of the averages of 20 and 50 days and of 50 and 200, a close above the
    highest price of 20 days, three times the usual volume, a gap of 3 percent at the open. Days
    without a trade are no part of any average. Found again they are left as they are; what
    corrected prices do not show any more is taken back.
    """
    with connect(target, application=_APPLICATION, bulk=True) as server:
        if listing:
            symbol = span["symbols"][0] if span["symbols"] else None
            found = the_research.patterns(server, symbol=symbol, kind=kind, row_limit=row_limit)
            click.echo(render.rows(found, form))
            return
        with _progress() as done:
            spotted = the_research.spot(server, Asked(**span), write=not plan_only, done=done)
    shown = the_research.spot_steps(spotted) if plan_only else spotted
    click.echo(render.rows(shown, form))


@dataclass(frozen=True, slots=True)
class _Figure:
    """One line of a simulation as a person reads it."""

    figure: str
    value: str


def _shown(found: the_research.Simulation, form: render.Format) -> str:
    """Return one simulation: for a person a line for each figure, for there are many."""
    if form == "json":
        return render.rows([found], form)
    figures = [_Figure(each.name, render.cell(getattr(found, each.name))) for each in fields(found)]
    return render.rows(figures, form)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Say how many issues are through."""
    with progress() as say:
        yield lambda count, of: say(f"{count:,} of {of:,} issues")
