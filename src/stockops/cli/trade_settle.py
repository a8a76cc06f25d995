"""``stockops trade settle``."""

from datetime import date, datetime

import click

from .. import market, render, settlement
from ..engine import connect
from ..engine.base import Server
from ..plan import Consent, check_named
from ..settlement import Settled
from ..targets import Target
from . import indexview, options


@click.command("settle")
@options.target
@click.option(
    "--date", "day", type=options.DAY,
    help="The settlement date; without it, every date that is due.",
)  # fmt: skip
@options.plan_only
@options.consent
@options.form
def settle_command(
    target: Target, day: datetime | None, plan_only: bool, consent: Consent, form: render.Format
) -> None:
    """
    Settle trades: their cash becomes settled on the second business day after they were made.

    A date is settled once, in one transaction with its audit row; whoever is killed leaves all of
    it or nothing, and the same command goes on. Dates come one after the other. The business days
    whose trades settle are closed first: what still rests of them expires.

    Without --date, every date is settled that has come by the market's clock: the server's, or in
    a lab the day that its issues stand at. With nothing to settle it says so, and exits 0. Exits 5
    for a holiday, for a date that is not the next one, and elsewhere than in a lab for one that has
    not come; 6 where another run settles.

    \b
    Examples:
      stockops trade settle -t prod --plan
      stockops trade settle -t pg --date 2025-01-07
    """  # noqa: D301  click reads \b as a character
    with connect(target, application="stockops trade settle") as server:
        today = _clock(server, target)
        asked = day.date() if day else None
        if plan_only:
            click.echo(render.rows(settlement.steps(server, asked or today), form))
            return
        check_named("trade settle", target=target.name, protected=target.protected, consent=consent)
        limit = None if target.lab else today
        done = (
            [settlement.settle(server, asked, today=limit)]
            if asked
            else _settled(server, today, limit)
        )
        click.echo(render.rows(done, form))
        _say(server, done, today)


def _settled(server: Server, through: date, limit: date | None) -> list[Settled]:
    """Settle all that is due, and say how far that is: after a long standstill it takes minutes."""
    with indexview.progress() as say:
        return settlement.settle_due(
            server,
            through,
            today=limit,
            seen=lambda done, of: say(f"{done:,} of {of:,} dates settled"),
        )


def _clock(server: Server, target: Target) -> date:
    """Return where the market's clock stands: in a lab at the latest day that an issue is at."""
    stands = server.fetch(market.QUOTE_DATE)[0].business_date if target.lab else None
    return stands or market.today(server)


def _say(server: Server, done: list[Settled], today: date) -> None:
    """Say what no row says: that nothing had to be done, and which date comes next."""
    if any(each.outcome == "settled" for each in done):
        return
    if done and done[0].outcome == "settled before":
        click.echo(f"{done[0].settles_on} was settled before", err=True)
        return
    following = settlement.next_day(server)
    click.echo(
        "nothing was traded yet that could settle"
        if following is None
        else f"nothing settles by {done[0].settles_on if done else today}: "
        f"the next date is {following}",
        err=True,
    )
