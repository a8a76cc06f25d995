"""``stockops research recommend`` and ``stockops research weekly``."""

import json
from datetime import UTC, datetime
from typing import Literal

import click

from .. import counts, rebalancing, render
from .. import research as the_research
from ..engine import connect
from ..errors import ConfigError
from ..research import TOP, Moment, Position, Report, Reports
from ..targets import Target
from . import options, tradeclock
from .tradeclock import When

_APPLICATION = "stockops research"
_SHOWN_MAX = 50
_TOP_MAX = 100

_user = click.option("--user", "user_id", type=click.IntRange(1), help="Only this user.")


@click.command("recommend")
@options.target
@_user
@click.option(
    "--top", type=click.IntRange(1, _TOP_MAX), default=TOP, show_default=True,
    help="How many for each user.",
)  # fmt: skip
@tradeclock.options
@options.plan_only
@options.form
def recommend_command(
    target: Target, user_id: int | None, top: int, when: When, plan_only: bool, form: render.Format
) -> None:
    """
    Rank what valid predictions advise each user, and store it for the business date.

    The score is the gain that a prediction expects, in percent, times its confidence; for each
    issue the best one counts. To sell is advised only what is held. Asked again, the list stays,
    or gives way to another one where predictions or prices are others by then. The database
    refuses a recommendation by a quarantined prediction, and takes back those of one that is
    quarantined afterwards.

    Exits 5 on a day when the market is closed.
    """
    clock = tradeclock.said(target, when)
    with connect(target, application=_APPLICATION, bulk=True) as server:
        clock = tradeclock.of_day(server, target, clock)
        moment = Moment(
            on=rebalancing.business_date_of(server, clock), at=clock.at or datetime.now(UTC)
        )
        lists = the_research.recommend(
            server, moment, user_id=user_id, top=top, write=not plan_only
        )
    if plan_only:
        click.echo(render.rows(the_research.recommend_steps(lists, moment), form))
        return
    if form == "json":
        click.echo(render.rows(lists.lines, form))
        return
    click.echo(render.rows(lists.lines[:_SHOWN_MAX], form))
    if len(lists.lines) > _SHOWN_MAX:
        click.echo(f"and {len(lists.lines) - _SHOWN_MAX:,} more")
    click.echo(
        f"{moment.on}: {counts.of(lists.new, 'list is', 'lists are')} new, "
        f"{lists.changed:,} changed, "
        f"{lists.kept:,} as they were, {lists.gone:,} taken back",
        err=True,
    )


@click.command("weekly")
@options.target
@_user
@click.option("--week", metavar="YEAR-WNN", help="By ISO 8601, 2025-W01; without it this week.")
@tradeclock.options
@options.plan_only
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "html"]),
    default="table",
    show_default=True,
    help="How to print the reports; html is a page of its own, of one user.",
)
def weekly_command(
    target: Target,
    user_id: int | None,
    week: str | None,
    when: When,
    plan_only: bool,
    form: Literal["table", "json", "html"],
) -> None:
    """
    Tell what each user did in a week, and what came of it; store it as JSON.

    Orders, trades, commission and tax, profit or loss realised and not, the best and the worst
    position, and what predictions and conditions did. Figures of trades have to agree with the
    journal to the won, or the command says so and exits 1. A week that is not over is told as far
    as it went, and again when it is asked for later.

    \b
    Examples:
      stockops research weekly --plan
      stockops research weekly --user 1001 --week 2025-W01 --format html > week.html
    """  # noqa: D301  click reads \b as a character
    if form == "html" and (user_id is None or plan_only):
        raise ConfigError("a page is of one user's week", hint="Give --user NUMBER.")
    clock = tradeclock.said(target, when)
    with connect(target, application=_APPLICATION) as server:
        clock = tradeclock.of_day(server, target, clock)
        asked = the_research.week_of(week, rebalancing.business_date_of(server, clock))
        found = the_research.weekly(server, asked, user_id=user_id, write=not plan_only)
    if plan_only:
        plan = the_research.weekly_steps(found, asked)
        click.echo(render.rows(plan, "json" if form == "json" else "table"))
        return
    click.echo(_written(found, form, target))


def _written(found: Reports, form: Literal["table", "json", "html"], target: Target) -> str:
    if form == "json":
        return json.dumps([each.body for each in found.reports], indent=2)
    [first, *others] = found.reports
    if form == "html":
        from ..report.weekpage import render_week  # noqa: PLC0415  a table does without

        return render_week(first, where=target.name)
    lines = render.rows([the_research.week_line(each) for each in found.reports], "table")
    return lines if others else f"{lines}\n\n{render.rows(_positions(first), 'table')}"


def _positions(report: Report) -> list[Position]:
    return [Position(**each) for each in report.body["positions"]]
