"""What a run stands on: who can trade what at which prices, as the database says at its start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from .. import market, money
from ..engine.base import Server
from ..errors import ConfigError
from ..queries import Query
from .plan import RunPlan

LADDER_STEPS = 5  # price steps on either side of the last price
_OWN_CONNECTIONS = 2  # the sealer, and one to look at it all
_SEED = "Fill the database first: stockops seed run"


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue that takes orders. The limits are those of `quote_date`."""

    symbol: str
    last_won: int
    quote_date: date
    lower_won: int
    upper_won: int


@dataclass(frozen=True, slots=True)
class Payer:
    """An account, and the cash that is free on it."""

    account_id: int
    available_won: int


@dataclass(frozen=True, slots=True)
class Holding:
    """Shares that an account can sell."""

    account_id: int
    symbol: str
    available_quantity: int


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of the server."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Room:
    """How many connections there are, are kept back, and are in use."""

    connections_max: int
    reserved: int
    used: int


@dataclass(frozen=True, slots=True)
class Marks:
    """The latest order and trade."""

    order_id: int
    trade_id: int


@dataclass(frozen=True, slots=True)
class Traded:
    """Trades, and what they were worth."""

    trades: int
    value_won: int


ISSUES = Query("workload_issues", Issue)
ACCOUNTS = Query("workload_accounts", Payer)
HOLDINGS = Query("workload_holdings", Holding)
SETTINGS = Query("workload_settings", Setting)
ROOM = Query("workload_room", Room)
MARKS = Query("workload_marks", Marks)
TRADED = Query("workload_traded", Traded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """
    What the orders of a run are drawn from.

    `ladders` holds valid prices around the last one, lowest first, for each of `symbols`.
    """

    engine: str
    server_version: str
    settings: Mapping[str, str]
    business_date: date | None
    symbols: Sequence[str]
    ladders: Sequence[Sequence[int]]
    payers: Sequence[Payer]
    holdings: Sequence[Holding]
    marks: Marks


def survey(server: Server, plan: RunPlan) -> Ground:
    """Read the ground of `plan`; `ConfigError` where the server cannot carry the run."""
    _check_room(server.fetch(ROOM)[0], plan)
    day = plan.business_date
    if day is None and not plan.server_clock:
        day = market.next_business_date(server)
        if day is None:
            raise ConfigError(
                "the database lists no issue, so there is nothing to trade", hint=_SEED
            )
    # By the server's clock, the ladders only have to be near the mark.
    issues = server.fetch(ISSUES, business_date=day or date.max)
    payers = server.fetch(ACCOUNTS)
    if not issues:
        raise ConfigError(
            f"no issue takes orders on {day}: each is halted, or is already past that date",
            hint="Take a later --date, or leave it out; an empty database wants: stockops seed run",
        )
    if not payers:
        raise ConfigError("the database holds no active customer account", hint=_SEED)
    return Ground(
        engine=server.engine,
        server_version=".".join(map(str, server.version)),
        settings={row.name: row.value for row in server.fetch(SETTINGS)},
        business_date=day,
        symbols=[issue.symbol for issue in issues],
        ladders=[ladder(issue, day) for issue in issues],
        payers=payers,
        holdings=server.fetch(HOLDINGS),
        marks=server.fetch(MARKS)[0],
    )


def ladder(issue: Issue, day: date | None) -> list[int]:
    """Return the valid prices of `day` within five steps of the last price, lowest first."""
    last = issue.last_won
    if issue.quote_date == day:
        lower, upper = issue.lower_won, issue.upper_won
    else:
        lower, upper = money.limits_won(last)
    down = money.tick_down(last)
    prices = {down}
    low = high = down
    for _ in range(LADDER_STEPS):
        low = money.tick_down(max(low - 1, 1))
        high = money.tick_up(high + 1)
        prices |= {low, high}
    return sorted(price for price in prices if lower <= price <= upper) or [money.tick_up(lower)]


def _check_room(room: Room, plan: RunPlan) -> None:
    free = room.connections_max - room.reserved - room.used + 1  # this one is used, and ends
    wanted = plan.clients + _OWN_CONNECTIONS
    if wanted > free:
        raise ConfigError(
            f"{plan.clients} clients need {wanted} connections, and {free} of the server's "
            f"{room.connections_max} are free",
            hint=f"Take --clients {free - _OWN_CONNECTIONS}, or raise max_connections."
            if free > _OWN_CONNECTIONS
            else "Wait until others have left, or raise max_connections.",
        )
