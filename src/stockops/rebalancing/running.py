"""
From orders to fills, and what they led to.

The plan is stored before the first order, and every order has a key that follows from it. A run
that was killed is ended by the next one: it takes the stored plan, sends what has no order yet, and
closes it with the one message and the one audit row. A lock that dies with the session keeps two
runs apart; were it lost, the keys would still keep each order single.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from .. import advisory, market, orders
from ..engine.base import Server
from ..errors import Fault, ServerError
from ..orders import REASONS, Answer, Clock, Order, Side
from ..queries import Query
from .planning import (
    Plan,
    PlannedLine,
    in_bp,
    is_due,
    is_outside,
    of_cash,
    one_share,
    plan,
)
from .weights import CASH, Portfolio, Weight, every, one, value_of

_TRIES = 3
_START_ARITY, _FINISH_ARITY = 6, 3
_CHANGED = "prices or holdings of the account changed meanwhile"


@dataclass(frozen=True, slots=True)
class Begun:
    """A rebalancing that was started and not finished."""

    rebalance_id: int
    account_id: int
    business_date: date


@dataclass(frozen=True, slots=True)
class CutShort:
    """A portfolio whose rebalancing was started and not finished."""

    portfolio_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLine:
    """One line of a stored plan, and what became of its order: None where there is none yet."""

    line_no: int
    symbol: str
    target_bp: int
    weight_bp: int | None
    expected_bp: int | None
    price_won: int | None
    side: Side | None
    quantity: int
    limit_won: int | None
    reason: str | None
    order_id: int | None
    order_status: str | None
    order_reason: str | None
    filled_quantity: int
    in_auction: bool


OPEN = Query("rebalancing/open", Begun)
BEGUN = Query("rebalancing/begun", CutShort)
LINES = Query("rebalancing/lines", StoredLine)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneLine:
    """
    One asset after the orders; `KRW` is the cash.

    Weights are in basis points, None without a price. `reason` says why a weight is still outside
    its band, or why less than planned was traded.
    """

    portfolio_id: int
    symbol: str
    target_bp: int
    before_bp: int | None
    after_bp: int | None
    side: Side | None
    quantity: int
    filled_quantity: int
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a run did: `rebalance_id` is None where nothing was to trade."""

    portfolio_id: int
    rebalance_id: int | None
    resumed: bool
    lines: tuple[DoneLine, ...]


def business_date_of(server: Server, clock: Clock) -> date:
    """Return the business date that `clock` stands at; the server's own where it says none."""
    return clock.business_date or market.today(server)


def planned(server: Server, portfolio: Portfolio, *, on: date, minimum_won: int) -> Plan:
    """Return the plan for `portfolio` by the price steps of the database."""
    return plan(portfolio, market.ticks(server, on), minimum_won=minimum_won)


def due(server: Server, *, clock: Clock) -> list[Portfolio]:
    """
    Return the portfolios to rebalance: a weight is outside its band, or a run was cut short.

    Those that would be refused are among them, for somebody has to hear of it.
    """
    on = business_date_of(server, clock)
    begun = {row.portfolio_id for row in server.fetch(BEGUN)}
    return [
        each
        for each in every(server, on=on)
        if each.portfolio_id in begun or each.refusal() is not None or is_due(each)
    ]


def rebalance(server: Server, portfolio_id: int, *, clock: Clock, minimum_won: int) -> Done:
    """
    Lead one portfolio back to its targets, or end what an earlier run began.

    `Busy` where another session rebalances it, `Refused` where there is no rebalancing it, or the
    market would reject every order.
    """
    with advisory.alone(server, f"rebalance of portfolio {portfolio_id}", wait_s=0):
        on = business_date_of(server, clock)
        begun = next(iter(server.fetch(OPEN, portfolio_id=portfolio_id)), None)
        if begun is not None:
            _carry_out(server, begun, portfolio_id, on=on, clock=clock)
            if begun.business_date >= on:
                return _told(server, portfolio_id, begun.rebalance_id, on=on, resumed=True)
        found = planned(server, one(server, portfolio_id, on=on), on=on, minimum_won=minimum_won)
        if not found.orders:
            lines = tuple(map(_as_it_is, found.lines))
            return Done(portfolio_id=portfolio_id, rebalance_id=None, resumed=False, lines=lines)
        market.require_session(server, clock.at or datetime.now(market.KST))
        number = _start(server, found, clock)
        stored = Begun(number, found.portfolio.head.account_id, on)
        _carry_out(server, stored, portfolio_id, on=on, clock=clock)
        return _told(server, portfolio_id, number, on=on, resumed=False)


def _start(server: Server, found: Plan, clock: Clock) -> int:
    """Store the plan; from here on it is ended by whoever runs next."""
    lines = [
        {
            "line_no": number,
            "symbol": line.symbol,
            "target_bp": line.target_bp,
            "weight_bp": line.weight_bp,
            "expected_bp": line.expected_bp,
            "price_won": line.price_won,
            "side": line.side,
            "quantity": line.quantity,
            "limit_won": line.limit_won,
            "reason": line.reason,
        }
        for number, line in enumerate((line for line in found.lines if line.symbol != CASH), 1)
    ]
    call = server.prepare_call("start_rebalance", _START_ARITY)
    portfolio = found.portfolio
    (number,) = call(
        (
            portfolio.portfolio_id,
            found.minimum_won,
            portfolio.value_won,
            json.dumps(lines),
            *clock.cells,
        )
    )
    return int(number or 0)


def _carry_out(server: Server, begun: Begun, portfolio_id: int, *, on: date, clock: Clock) -> None:
    """Place what has no order yet, take back what rests, and finish; no order after its day."""
    for line in server.fetch(LINES, rebalance_id=begun.rebalance_id):
        order_id, status = line.order_id, line.order_status
        if line.side is not None and order_id is None and begun.business_date == on:
            order = Order(
                key=f"rebalance-{begun.rebalance_id}-{line.line_no}",
                account_id=begun.account_id,
                symbol=line.symbol,
                side=line.side,
                quantity=line.quantity,
                limit_won=line.limit_won,
                portfolio_id=portfolio_id,
            )
            answer = _sent(partial(orders.place, server, order, clock=clock))
            order_id, status = answer.order_id, answer.status
        if order_id is not None and status == "open":
            _sent(partial(orders.cancel, server, order_id, clock=clock))
    server.prepare_call("finish_rebalance", _FINISH_ARITY)((begun.rebalance_id, *clock.cells))


def _sent(ask: Callable[[], Answer]) -> Answer:
    """Ask, and again where the server had to roll it back: the key keeps the order single."""
    for _ in range(_TRIES - 1):
        try:
            return ask()
        except ServerError as exc:
            if exc.fault not in {Fault.RETRY, Fault.LOCKED}:
                raise
    return ask()


def _told(server: Server, portfolio_id: int, rebalance_id: int, *, on: date, resumed: bool) -> Done:
    """Return how the portfolio stands after the orders of a rebalancing."""
    now = one(server, portfolio_id, on=on)
    stored = {line.symbol: line for line in server.fetch(LINES, rebalance_id=rebalance_id)}
    before = sum(line.weight_bp or 0 for line in stored.values())
    rows = {row.symbol or "": row for row in now.issues}
    lines = [_of_issue(line, rows.get(line.symbol), now) for line in stored.values()]
    head, total = now.head, now.value_won
    is_out = is_outside(head.cash_won, head.cash_bp, total, head.band_bp)
    cash = DoneLine(
        portfolio_id=portfolio_id,
        symbol=CASH,
        target_bp=head.cash_bp,
        before_bp=10_000 - before,
        after_bp=in_bp(head.cash_won, total),
        side=None,
        quantity=0,
        filled_quantity=0,
        reason=of_cash(is_out, [line.reason for line in lines]),
    )
    return Done(
        portfolio_id=portfolio_id,
        rebalance_id=rebalance_id,
        resumed=resumed,
        lines=(*lines, cash),
    )


def _of_issue(line: StoredLine, row: Weight | None, now: Portfolio) -> DoneLine:
    value = 0 if row is None else value_of(row)
    priced = line.price_won is not None
    return DoneLine(
        portfolio_id=now.portfolio_id,
        symbol=line.symbol,
        target_bp=line.target_bp,
        before_bp=line.weight_bp,
        after_bp=in_bp(value, now.value_won) if priced else None,
        side=line.side,
        quantity=line.quantity,
        filled_quantity=line.filled_quantity,
        reason=_why(line, row, now),
    )


def _why(line: StoredLine, row: Weight | None, now: Portfolio) -> str | None:
    """Say why less was traded, or why the weight is outside its band; None where neither is so."""
    if line.side is not None and line.filled_quantity < line.quantity:
        return _unfilled(line)
    if line.reason is not None or row is None or row.price_won is None:
        return line.reason
    value, total = value_of(row), now.value_won
    if not is_outside(value, row.target_bp, total, now.head.band_bp):
        return None
    if row.price_won != line.price_won:
        return f"the last price moved from {line.price_won} to {row.price_won} won meanwhile"
    return one_share(row.price_won, value, row.target_bp, total) or _CHANGED


def _unfilled(line: StoredLine) -> str:
    match line.order_status, line.order_reason:
        case None, _:
            return "its day ended before the order was placed"
        case "rejected", reason:
            return f"the order was rejected: {REASONS.get(reason or '', reason)}"
        case _ if line.in_auction:
            return (
                "the issue is in a call auction, which trades nothing before its end: "
                "the order was taken back"
            )
        case _:
            return (
                f"the market had {line.filled_quantity} of {line.quantity} shares "
                f"at {line.limit_won} won"
            )


def _as_it_is(line: PlannedLine) -> DoneLine:
    """Return a line of a plan without orders as one that is done."""
    return DoneLine(
        portfolio_id=line.portfolio_id,
        symbol=line.symbol,
        target_bp=line.target_bp,
        before_bp=line.weight_bp,
        after_bp=line.weight_bp,
        side=None,
        quantity=0,
        filled_quantity=0,
        reason=line.reason,
    )
