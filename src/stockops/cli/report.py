"""``stockops report``."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Literal

import click

from .. import market, render, scenarios
from ..engine import connect
from ..engine.base import Server
from ..errors import ConfigError
from ..scenarios import Answered
from ..targets import Target
from . import options

Form = Literal["table", "json", "csv", "html"]


@click.group()
def report() -> None:
    """Answer what an operator asks, without writing anything."""


@report.command("scenario")
@options.target_when_needed
@click.argument("name")
@click.option(
    "--param", "given", multiple=True, metavar="KEY=VALUE", help="A parameter; may be repeated."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "html"]),
    default="table",
    show_default=True,
    help="How to print the answer; html is a page of its own.",
)
@options.server_seconds(
    "--time-limit", default=scenarios.TIME_LIMIT_S, help="When the server gives up the question."
)
def scenario_command(
    target: Callable[[], Target],
    name: str,
    given: tuple[str, ...],
    form: Form,
    time_limit_s: float,
) -> None:
    """
    Answer the scenario NAME; NAME list shows all of them with their parameters.

    It is asked in one snapshot, in a transaction that cannot write, and for --time-limit at most.
    Moments are the market's. In a lab "now" is the end of the day that its issues stand at.
    Exits 1 where the answer shows what may not be: an order of a suspicious prediction.

    \b
    Examples:
      stockops report scenario list
      stockops report scenario history --param user=1001
      stockops report scenario weights --param portfolio=3 --format html > weights.html
    """  # noqa: D301  click reads \b as a character
    if name == "list":
        if form == "html":
            raise ConfigError("the list is no page", hint="Take --format table, json or csv.")
        found = scenarios.listed()
        click.echo(render.csv(found) if form == "csv" else render.rows(found, form))
        return
    scenario = scenarios.find(name)
    params = scenarios.parse(scenario, given)
    asked = target()
    if not time_limit_s:
        raise ConfigError("a question without time has no answer", hint="Give it more time.")
    with connect(asked, application="stockops report", statement_timeout_s=time_limit_s) as server:
        answered = scenarios.ask(server, scenario, params, now=_now(server, asked))
    click.echo(_written(answered, form, asked))
    if answered.is_cut:
        click.echo("there may be more rows: --param rows=NUMBER", err=True)
    if scenario.proves is not None:
        scenario.proves(answered.rows)


def _written(answered: Answered, form: Form, target: Target) -> str:
    if form == "html":
        from ..report.scenariopage import render_scenario  # noqa: PLC0415  a table does without

        return render_scenario(answered, where=target.name)
    return render.csv(answered.rows) if form == "csv" else render.rows(answered.rows, form)


def _now(server: Server, target: Target) -> datetime:
    """Return the moment of the question: in a lab the end of the day that its issues stand at."""
    if target.lab is not None and not target.protected:
        day = server.fetch(market.QUOTE_DATE)[0].business_date
        if day is not None:
            return datetime.combine(day, time(), market.KST) + timedelta(days=1)
    return datetime.now(UTC)
