"""What a run stands on: who can trade what at which prices, as the database says at its start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from .. import market
from ..engine.base import Server
from ..errors import ConfigError
from ..market import KST
from ..money import Ticks
from ..queries import Query
from .plan import RunPlan

LADDER_STEPS = 5  # price steps on either side of the last price
_OWN_CONNECTIONS = 2  # the sealer, and one to look at it all
_SEED = "Fill the database first: stockops seed run"


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue that takes orders, and the limits of the day; None where no rule is in force."""

    symbol: str
    market: str
    last_won: int
    lower_won: int | None
    upper_won: int | None


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

    `ladders` holds valid prices around the last one, lowest first, for each of `symbols`; they
    come from the database's own rules, so that a change of those is a change of the orders.
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
    # The server's clock may pass midnight, and the ladders only have to be near the mark.
    on = day or datetime.now(KST).date()
    issues = server.fetch(ISSUES, on=on)
    payers = server.fetch(ACCOUNTS)
    if not issues:
        raise ConfigError(
            f"no issue takes orders on {on}: each is halted, or is already past that date",
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
        ladders=_ladders(issues, market.ticks(server, on), on),
        payers=payers,
        holdings=server.fetch(HOLDINGS),
        marks=server.fetch(MARKS)[0],
    )


def ladder(issue: Issue, ticks: Ticks) -> list[int]:
    """
    Return the valid prices within five steps of the last price and within the limits, in order.

    There are none where the limits lie closer together than the steps.
    """
    lower, upper = issue.lower_won or 0, issue.upper_won or 0
    prices = []
    low: int | None = issue.last_won + 1  # the last price itself may be one of them
    high = issue.last_won
    for _ in range(LADDER_STEPS + 1):
        low = None if low is None else ticks.below(low)
        prices += [] if low is None else [low]
    for _ in range(LADDER_STEPS):
        high = ticks.above(high)
        prices.append(high)
    return sorted(price for price in prices if lower <= price <= upper)


def _ladders(
    issues: Sequence[Issue], ticks: Mapping[str, Ticks], on: date
) -> Sequence[Sequence[int]]:
    """Return the ladder of each issue; `ConfigError` where an issue cannot have a price."""
    for issue in issues:
        lower, upper = issue.lower_won, issue.upper_won
        if issue.market not in ticks or lower is None or upper is None or lower > upper:
            raise ConfigError(
                f"the price rules of {issue.market} leave {issue.symbol} no price on {on}: "
                "the market would refuse every order",
                hint="Mend the rows of tick_sizes and price_limits that hold on that date.",
            )
    return [ladder(issue, ticks[issue.market]) for issue in issues]


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
