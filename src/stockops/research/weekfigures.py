"""The figures of a week, asked for all users at once and put together for each."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter

from ..queries import Query


@dataclass(frozen=True, slots=True)
class User:
    """A user, and whether they are active."""

    user_id: int
    status: str


@dataclass(frozen=True, slots=True)
class Orders:
    """How many orders somebody or something asked for, that ended or stand alike."""

    user_id: int
    asked_by: str
    status: str
    orders: int


@dataclass(frozen=True, slots=True)
class Cash:
    """
    Cash by the journal: before the week, what changed it in the week, and after.

    What trades brought is after commission and tax.
    """

    user_id: int
    before_won: int
    traded_won: int
    other_won: int
    after_won: int


@dataclass(frozen=True, slots=True)
class Costs:
    """Commission and tax of all customers, by the journal."""

    fees_won: int
    tax_won: int


@dataclass(frozen=True, slots=True)
class Holding:
    """Shares by the journal before the week and at its end, and their prices; None for none."""

    user_id: int
    account_id: int
    symbol: str
    name: str
    shares_before: int
    shares_after: int
    price_before: int | None
    price_after: int | None


@dataclass(frozen=True, slots=True)
class Event:
    """
    Shares that came to a position or went (below 0), and for how much; None where not known.

    What an issuer did has its costs, and what it paid out as its value.
    """

    user_id: int
    account_id: int
    symbol: str
    business_date: date
    quantity: int
    value_won: int | None
    fees_won: int
    tax_won: int
    trades: int
    cost_before: int | None
    cost_after: int | None


@dataclass(frozen=True, slots=True)
class Signals:
    """How often something happened for a user by predictions or conditions, for how much."""

    user_id: int
    what: str
    times: int
    value_won: int


@dataclass(frozen=True, slots=True)
class StoredWeek:
    """A report as it is stored."""

    user_id: int
    through_date: date
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """
    A position in a week; None where a price or a cost is not known.

    `realised_won` is what sales brought over the average cost of what they sold, as the books have
    it; `unrealised_won` what is held is worth over its cost; both before commission and tax.
    `profit_won` is what the position gained or lost in the week, after both.
    """

    account_id: int
    symbol: str
    name: str
    shares_before: int
    shares_after: int
    value_won: int | None
    cost_won: int | None
    trades: int
    bought_won: int
    sold_won: int
    fees_won: int
    tax_won: int
    realised_won: int | None
    unrealised_won: int | None
    profit_won: int | None


USERS = Query("research/weekly_users", User)
ORDERS = Query("research/weekly_orders", Orders)
CASH = Query("research/weekly_cash", Cash)
COSTS = Query("research/weekly_costs", Costs)
HOLDINGS = Query("research/weekly_holdings", Holding)
EVENTS = Query("research/weekly_events", Event)
SIGNALS = Query("research/weekly_signals", Signals)
STORED = Query("research/weekly_stored", StoredWeek)


def positions(
    holdings: Sequence[Holding], events: Iterable[Event], first: date
) -> dict[int, list[Position]]:
    """Return the positions of each user that were held or traded in the week from `first` on."""
    groups = itertools.groupby(events, attrgetter("account_id", "symbol"))
    happened = {key: [*group] for key, group in groups}
    found: dict[int, list[Position]] = {}
    for holding in holdings:
        its = happened.get((holding.account_id, holding.symbol), [])
        in_week = [event for event in its if event.business_date >= first]
        if holding.shares_before or holding.shares_after or in_week:
            found.setdefault(holding.user_id, []).append(_position(holding, its, in_week, first))
    return found


def _position(
    holding: Holding, events: Sequence[Event], in_week: Sequence[Event], first: date
) -> Position:
    cost, realised = replayed(events, first)
    value = _worth(holding.shares_after, holding.price_after)
    before = _worth(holding.shares_before, holding.price_before)
    trades = [event for event in in_week if event.trades]
    bought = sum(event.value_won or 0 for event in trades if event.quantity > 0)
    sold = sum(event.value_won or 0 for event in trades if event.quantity < 0)
    fees = sum(event.fees_won for event in trades)
    tax = sum(event.tax_won for event in trades)
    acted = [event for event in in_week if event.cost_after is not None]
    brought = [e.value_won for e in in_week if not e.trades and e.cost_after is None]
    profit = None
    if value is not None and before is not None and None not in brought:
        given = sum(each or 0 for each in brought) - sum(event.value_won or 0 for event in acted)
        profit = value - before - given + sold - bought - fees - tax
    return Position(
        account_id=holding.account_id,
        symbol=holding.symbol,
        name=holding.name,
        shares_before=holding.shares_before,
        shares_after=holding.shares_after,
        value_won=value,
        cost_won=cost,
        trades=sum(event.trades for event in trades),
        bought_won=bought,
        sold_won=sold,
        fees_won=fees,
        tax_won=tax,
        realised_won=realised,
        unrealised_won=None if value is None or cost is None else value - cost,
        profit_won=profit,
    )


def replayed(events: Sequence[Event], first: date) -> tuple[int | None, int | None]:
    """
    Return what a position costs after `events`, and what its sales from `first` on realised.

    By the average method as the books have it: each sale takes its part of the cost along, parts
    of a won cut off. What an issuer paid out is a sale of the part of the cost that went with it.
    None where the cost of shares that came in or went is not known.
    """
    cost: int | None = 0
    realised: int | None = 0
    held = 0
    for event in events:
        if event.cost_before is not None and event.cost_after is not None:
            if event.business_date >= first and realised is not None:
                realised += (event.value_won or 0) - (event.cost_before - event.cost_after)
            cost = event.cost_after
        elif event.quantity > 0:
            cost = None if cost is None or event.value_won is None else cost + event.value_won
        else:
            unknown = cost is None or event.value_won is None
            part = None if unknown else (cost or 0) * -event.quantity // held
            cost = None if part is None else (cost or 0) - part
            if event.business_date >= first:
                known = None not in {realised, part, event.value_won}
                realised = (realised or 0) + (event.value_won or 0) - (part or 0) if known else None
        held += event.quantity
        if not held:
            cost = 0
    return cost, realised


def _worth(shares: int, price_won: int | None) -> int | None:
    if not shares:
        return 0
    return None if price_won is None else shares * price_won


def counted(mine: Sequence[Orders]) -> Mapping[str, int]:
    """Return how many orders there are, in all, by what asked for them and by where they ended."""
    counts = {"placed": sum(row.orders for row in mine)}
    for name in ("hand", "condition", "prediction", "rebalancing"):
        counts[f"by_{name}"] = sum(row.orders for row in mine if row.asked_by == name)
    for name in ("filled", "open", "cancelled", "rejected"):
        counts[name] = sum(row.orders for row in mine if row.status == name)
    return counts
