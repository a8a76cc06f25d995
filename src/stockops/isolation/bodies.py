"""
Transactions as programs with an object mapper write them: read, decide in the client, write.

They are for this experiment alone. stockops itself places orders by the routine `place_order`,
at READ COMMITTED, with the locks that are called ordered here. Every value that is written was
computed by the client from what it had read, so what somebody changed in between is overwritten
unless the locks or the level prevent it. Run alone, each body leaves the books whole.

A body is a generator: it stops at "row" after each row that may be locked, at "read" when all is
read that it decides by, and at "written" before the end of its transaction, so that two of them can
be interleaved step by step. It returns how many orders it wrote; none where it decided against it.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor

from ..engine.base import Server
from .cells import Locks
from .ground import Ground
from .requests import Leg, Quote, Request, Trade
from .rows import Account, Desk, Issue, Order, Position, Resting

_HOUSE, _FEES, _TAX = 1, 2, 3  # the accounts of the house
Body = Generator[str, None, int]


def body(server: Server, request: Request, *, ground: Ground, locks: Locks) -> Body:
    """Return the transaction of `request`, to be run inside `Server.transaction`."""
    desk = Desk(server, ground, locks != "none")
    ordered = locks != "unordered"
    if isinstance(request, Trade):
        return _trade(desk, request, ordered=ordered)
    return _quote(desk, request, ordered=ordered)


@dataclass(frozen=True, slots=True)
class _Fill:
    """What one leg comes to by what was read."""

    leg: Leg
    issue: Issue
    position: Position | None
    fee_won: int
    tax_won: int

    @property
    def buys(self) -> bool:
        return self.leg.side == "buy"

    @property
    def value_won(self) -> int:
        return self.issue.last_won * self.leg.quantity

    @property
    def cash_won(self) -> int:
        """What the cash changes by."""
        return (-self.value_won if self.buys else self.value_won) - self.fee_won - self.tax_won

    @property
    def shares(self) -> int:
        """What the position changes by."""
        return self.leg.quantity if self.buys else -self.leg.quantity

    @property
    def is_possible(self) -> bool:
        if self.buys:
            return self.issue.available_shares >= self.leg.quantity
        held = self.position
        return held is not None and held.quantity - held.reserved_quantity >= self.leg.quantity


def _trade(desk: Desk, wanted: Trade, *, ordered: bool) -> Body:
    """Buy from the house and sell to it, at the last price."""
    account, issues = yield from _read(desk, wanted.account_id, wanted.legs, ordered=ordered)
    fills = [
        _filled(leg, issues[leg.symbol], desk.position(account.account_id, leg.symbol), account)
        for leg in wanted.legs
    ]
    yield "read"
    cash_won = account.cash_won + sum(fill.cash_won for fill in fills)
    if cash_won < account.reserved_won or not all(fill.is_possible for fill in fills):
        return 0
    for number, fill in enumerate(fills):
        _store(desk, fill, account, key=f"{wanted.key}-{number}")
    desk.write("cash", cash_won=cash_won, account_id=account.account_id)
    yield "written"
    return len(fills)


def _quote(desk: Desk, wanted: Quote, *, ordered: bool) -> Body:
    """
    Rest an order in the book, or take back the one that the account has there.

    Where the new one would meet an order of somebody else, and where the book is crossed, nothing
    is done.
    """
    legs = [Leg(wanted.symbol, wanted.side, 1)]
    account, _ = yield from _read(desk, wanted.account_id, legs, ordered=ordered)
    position = desk.position(account.account_id, wanted.symbol)
    book = desk.book(wanted.symbol)
    yield "read"
    mine = [order for order in book if order.account_id == account.account_id]
    if position is None or _is_crossed(book):
        return 0
    won, shares = 0, 0  # what the reservations change by
    if mine:
        won = -sum(each.reserved_won for each in mine)
        shares = -sum(each.quantity for each in mine if each.side == "sell")
    elif wanted.side == "buy":
        won = wanted.price_won + floor(wanted.price_won * account.rate)
    else:
        shares = 1
    reserved_won, reserved = account.reserved_won + won, position.reserved_quantity + shares
    is_there = 0 <= reserved_won <= account.cash_won and 0 <= reserved <= position.quantity
    if not is_there or (not mine and _is_crossed(book, wanted)):
        return 0
    for each in mine:
        desk.cancel(each, account)
    if not mine:
        desk.place(_resting(desk.event(), wanted, won), account)
    whose = {"account_id": account.account_id}
    if won:
        desk.write("reserved_cash", reserved_won=reserved_won, **whose)
    if shares:
        desk.write("reserved_shares", reserved_quantity=reserved, symbol=wanted.symbol, **whose)
    yield "written"
    return 1


def _resting(order_id: int, wanted: Quote, reserved_won: int) -> Order:
    return Order(
        order_id=order_id,
        key=f"{wanted.key}-0",
        symbol=wanted.symbol,
        side=wanted.side,
        limit_won=wanted.price_won,
        quantity=1,
        reserved_won=reserved_won,
        trade_id=None,
    )


def _read(
    desk: Desk, account_id: int, legs: Sequence[Leg], *, ordered: bool
) -> Generator[str, None, tuple[Account, Mapping[str, Issue]]]:
    """
    Read the account and the issues, and lock them where there are locks.

    Ordered, as in `place_order`: issues by symbol, then the account. Else as the program comes to
    need them: who buys first looks at the cash, who sells first at the issue.
    """
    symbols = [leg.symbol for leg in legs]
    if ordered:
        symbols.sort()
    rows = [*symbols, None] if ordered or legs[0].side == "sell" else [None, *symbols]
    issues: dict[str, Issue] = {}
    for symbol in rows:
        if symbol is None:
            account = desk.account(account_id)
        else:
            issues[symbol] = desk.issue(symbol)
        yield "row"
    return account, issues


def _filled(leg: Leg, issue: Issue, position: Position | None, account: Account) -> _Fill:
    value_won = issue.last_won * leg.quantity
    taxed = leg.side == "sell" and not account.tax_exempt
    return _Fill(
        leg,
        issue,
        position,
        fee_won=floor(value_won * account.rate),
        tax_won=floor(value_won * issue.sell_tax_rate) if taxed else 0,
    )


def _store(desk: Desk, fill: _Fill, account: Account, *, key: str) -> None:
    """Write one leg: order, trade, journal, inventory and position."""
    leg, issue = fill.leg, fill.issue
    order_id, trade_id = desk.event(), desk.event()
    order = Order(
        order_id=order_id,
        key=key,
        symbol=leg.symbol,
        side=leg.side,
        limit_won=None,
        quantity=leg.quantity,
        reserved_won=0,
        trade_id=trade_id,
    )
    desk.place(order, account)
    desk.dated(
        "trade",
        trade_id=trade_id,
        symbol=leg.symbol,
        buy_order_id=order_id if fill.buys else None,
        sell_order_id=None if fill.buys else order_id,
        side=leg.side,
        price_won=issue.last_won,
        quantity=leg.quantity,
        buy_fee_won=fill.fee_won if fill.buys else 0,
        sell_fee_won=0 if fill.buys else fill.fee_won,
        tax_won=fill.tax_won,
        settles_on=issue.settles_on,
        at=desk.ground.at,
    )
    for number, (account_id, asset, amount, kind) in enumerate(_legs(fill, account), 1):
        desk.dated(
            "entry",
            journal_id=trade_id,
            leg=number,
            account_id=account_id,
            asset=asset,
            amount=amount,
            kind=kind,
        )
    left = issue.available_shares - fill.shares
    desk.write("inventory", available_shares=left, symbol=leg.symbol)
    _hold(desk, fill, account)


def _legs(fill: _Fill, account: Account) -> Iterator[tuple[int, str, int, str]]:
    """Give the legs of the journal that are not zero: account, asset, amount, kind."""
    won = -fill.value_won if fill.buys else fill.value_won
    yield account.account_id, "KRW", fill.cash_won, "trade"
    yield _HOUSE, "KRW", -won, "trade"
    yield account.account_id, fill.leg.symbol, fill.shares, "trade"
    yield _HOUSE, fill.leg.symbol, -fill.shares, "trade"
    if fill.fee_won:
        yield _FEES, "KRW", fill.fee_won, "fee"
    if fill.tax_won:
        yield _TAX, "KRW", fill.tax_won, "tax"


def _hold(desk: Desk, fill: _Fill, account: Account) -> None:
    """Write the position: what is sold takes its part of the cost along."""
    held = fill.position
    whose = {"account_id": account.account_id, "symbol": fill.leg.symbol}
    if held is None:
        desk.write("new_position", quantity=fill.shares, cost_won=fill.value_won, **whose)
        return
    cost_won = held.cost_won + fill.value_won
    if not fill.buys:
        cost_won = held.cost_won - held.cost_won * fill.leg.quantity // held.quantity
    desk.write("position", quantity=held.quantity + fill.shares, cost_won=cost_won, **whose)


def _is_crossed(book: Sequence[Resting], wanted: Quote | None = None) -> bool:
    """Tell whether a buy in `book` meets a sell, with `wanted` among them."""
    prices: dict[str, list[int]] = {"buy": [], "sell": []}
    for order in book:
        prices[order.side].append(order.price_won)
    if wanted is not None:
        prices[wanted.side].append(wanted.price_won)
    return all(prices.values()) and max(prices["buy"]) >= min(prices["sell"])
