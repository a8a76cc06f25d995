"""``stockops trade auctions``."""

import json
import time
from dataclasses import asdict, dataclass

import click

from .. import render
from ..engine import connect
from ..engine.base import Server
from ..orders import Clock
from ..plan import Consent, check_named
from ..targets import Target
from ..tradingday import auctions
from . import numbers, options, tradeclock
from .tradeclock import When


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened to an issue: due (it would be uncrossed), uncrossed, or interrupted."""

    what: str
    symbol: str
    kind: str | None = None
    price_won: int | None = None
    volume: int | None = None


@click.command("auctions")
@options.target
@click.option(
    "--every",
    "every_s",
    type=numbers.Range(min=0.1, max=86_400),
    metavar="SECONDS",
    help="Go on, and look again after so long; a line of JSON for each event.",
)
@tradeclock.options
@options.consent
@options.plan_only
@options.form
def auctions_command(
    target: Target,
    every_s: float | None,
    consent: Consent,
    plan_only: bool,
    form: render.Format,
    when: When,
) -> None:
    """
    Uncross the auctions that are over, and interrupt the issues that moved too far.

    Each issue is one transaction, and what the next order or `books fold` has uncrossed already is
    left alone: several may run. An interruption is seen only when somebody looks, so on a real
    market this goes on with --every, until Ctrl-C. --plan names the auctions that are over; which
    issues moved too far is decided when it runs.

    \b
    Examples:
      stockops trade auctions -t prod --i-mean prod --every 2
      stockops trade auctions -t pg --date 2025-01-03 --at 15:30
    """  # noqa: D301  click reads \b as a character
    clock = tradeclock.said(target, when)
    with connect(target, application="stockops trade auctions") as server:
        clock = tradeclock.of_day(server, target, clock)
        if plan_only:
            over = server.fetch(auctions.OVER, at=clock.cells[1])
            click.echo(render.rows([Event(what="due", symbol=each.symbol) for each in over], form))
            return
        check_named(
            "trade auctions", target=target.name, protected=target.protected, consent=consent
        )
        if every_s is None:
            click.echo(render.rows(_look(server, clock), form))
            return
        while True:
            for event in _look(server, clock):
                click.echo(json.dumps(asdict(event)))
            time.sleep(every_s)


def _look(server: Server, clock: Clock) -> list[Event]:
    """Do what is due at the moment of `clock`."""
    done = [
        Event(
            what="uncrossed",
            symbol=each.symbol,
            kind=each.kind,
            price_won=each.price_won,
            volume=each.volume,
        )
        for each in auctions.uncross_over(server, clock=clock)
    ]
    stopped = auctions.interrupt(server, clock=clock)
    return done + [Event(what="interrupted", symbol=e.symbol, kind=e.kind) for e in stopped]
