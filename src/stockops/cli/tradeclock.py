"""The market's clock of a command: what the user says in a lab, the server's elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

import click

from .. import market, orders
from ..engine.base import Server
from ..errors import ConfigError, Refused
from ..orders import SERVER_CLOCK, Clock
from ..targets import Target
from .options import DAY, Command

OPENS_AT = time(10, 0)  # KST: later than that a market opens on no day of the year


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """What the user said of the moment: a day, and a time of it; None for the usual one."""

    day: datetime | None = None
    at: datetime | None = None


def options(command: Command) -> Command:
    """Add ``--date`` and ``--at``; the command gets ``when``, a `When`."""

    def remember(key: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
        def store(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
            given = ctx.meta.setdefault("stockops.when", {})
            given[key] = value
            ctx.params["when"] = When(**given)

        return store

    day = click.option(
        "--date",
        type=DAY,
        expose_value=False,
        callback=remember("day"),
        help="Business date, in a lab.",
    )
    at = click.option(
        "--at",
        type=click.DateTime(["%H:%M"]),
        expose_value=False,
        callback=remember("at"),
        help="Time of the market, KST, in a lab.",
    )
    return day(at(command))


def said(target: Target, when: When) -> Clock:
    """Return the market's clock: a lab's is what the user says, a protected target's is real."""
    if target.protected and (when.day or when.at):
        raise Refused(
            f"the protected target {target.name!r} trades by its server's clock",
            hint="Leave --date and --at out, or use a lab.",
        )
    if when.at and not when.day:
        raise ConfigError("a time without a date", hint="Give --date as well.")
    if when.day is None:
        return SERVER_CLOCK
    return orders.clock_of(when.day.date(), when.at.time() if when.at else OPENS_AT)


def of_day(server: Server, target: Target, clock: Clock) -> Clock:
    """Return `clock`, or in a lab where nobody set it, 10:00 KST of the day it trades on."""
    if clock is not SERVER_CLOCK or target.lab is None or target.protected:
        return clock
    day = server.fetch(market.QUOTE_DATE)[0].business_date
    return SERVER_CLOCK if day is None else orders.clock_of(day, OPENS_AT)
