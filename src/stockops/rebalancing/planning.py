"""
From weights to orders: arithmetic alone, so that it can be tried without a server.

A portfolio is due where an asset that can be traded, or its cash, is further from its target than
the band allows. Then every issue goes to its target, not to the edge of the band: otherwise the
cash for what is bought would be missing. Money is whole won and weights are compared as exact
products, never as rounded ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ..errors import ConfigError
from ..money import Ticks, won
from ..orders import REASONS, Side
from .weights import CASH, WHOLE_BP, Portfolio, Weight, value_of

MINIMUM_WON = 10_000
LOT_SHARES = 1  # the trading unit of KOSPI, KOSDAQ and KONEX


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLine:
    """
    One asset of a plan; `KRW` is the cash.

    Weights are in basis points of the account's value, before and as the plan leads to them, None
    without a price. `side` is None where nothing is traded, and `reason` says why it is not all.
    """

    portfolio_id: int
    symbol: str
    target_bp: int
    weight_bp: int | None
    expected_bp: int | None
    side: Side | None
    quantity: int
    limit_won: int | None
    price_won: int | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What leads a portfolio back: sells, then buys, then what is left as it is, then the cash."""

    portfolio: Portfolio
    minimum_won: int
    is_due: bool
    lines: tuple[PlannedLine, ...]

    @property
    def orders(self) -> tuple[PlannedLine, ...]:
        """The lines to place, in this order."""
        return tuple(line for line in self.lines if line.side is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """What is meant for one issue: shares to buy (above 0) or to sell, and why it is not all."""

    row: Weight
    price_won: int  # 0 without a price
    limit_won: int
    quantity: int = 0
    reason: str | None = None

    @property
    def cash_won(self) -> int:
        """What the trade does to the cash at its limit, commission and tax taken off."""
        value = abs(self.quantity) * self.limit_won
        fee = int(value * (self.row.commission_rate or Decimal(0)))
        tax = int(value * (self.row.tax_rate or Decimal(0))) if self.quantity < 0 else 0
        return (-value if self.quantity > 0 else value) - fee - tax


def plan(portfolio: Portfolio, ticks: Mapping[str, Ticks], *, minimum_won: int) -> Plan:
    """Return what leads `portfolio` back to its targets; `Refused` where nothing may."""
    portfolio.check()
    trades = [_opened(row, portfolio, ticks) for row in portfolio.issues]
    if is_due(portfolio):
        sells = [_sold(each, portfolio, minimum_won) for each in trades]
        trades = _bought(sells, portfolio, minimum_won)
    trades.sort(key=_turn)
    return Plan(
        portfolio=portfolio,
        minimum_won=minimum_won,
        is_due=is_due(portfolio),
        lines=_lines(trades, portfolio),
    )


def is_outside(value_won: int, target_bp: int, total_won: int, band_bp: int) -> bool:
    """Tell whether a value is further from its target weight than the band allows."""
    return abs(value_won * WHOLE_BP - target_bp * total_won) > band_bp * total_won


def is_due(portfolio: Portfolio) -> bool:
    """Tell whether the cash, or an issue that can be traded, is outside its band."""
    head, total = portfolio.head, portfolio.value_won
    return is_outside(head.cash_won, head.cash_bp, total, head.band_bp) or any(
        is_outside(value_of(row), row.target_bp, total, head.band_bp)
        for row in portfolio.issues
        if _untradable(row) is None
    )


def in_bp(value_won: int, total_won: int) -> int:
    """Return a value as basis points of the whole, rounded to the nearest."""
    return (2 * value_won * WHOLE_BP + total_won) // (2 * total_won) if total_won > 0 else 0


def one_share(price_won: int, value_won: int, target_bp: int, total_won: int) -> str | None:
    """Say that a weight cannot come nearer because shares are whole; None where it could."""
    if abs(value_won * WHOLE_BP - target_bp * total_won) > price_won * WHOLE_BP:
        return None
    return f"one share is {won(price_won)}, so the weight cannot come nearer"


def _untradable(row: Weight) -> str | None:
    if row.stock_status in {"halted", "delisted"}:
        return REASONS[row.stock_status]
    if row.price_won is None:
        return "the issue has no price"
    return None


def _opened(row: Weight, portfolio: Portfolio, ticks: Mapping[str, Ticks]) -> Trade:
    """Return the trade of nothing yet: at which price, or why there is no trading the issue."""
    reason = _untradable(row)
    trade = Trade(row=row, price_won=row.price_won or 0, limit_won=0, reason=reason)
    if reason is not None:
        return trade
    if row.market not in ticks:
        raise ConfigError(
            f"no price steps are in force for {row.market}", hint="Add them to tick_sizes."
        )
    # Between two steps: the one at which the house still trades.
    steps, price = ticks[row.market or ""], trade.price_won
    if _wanted(trade, portfolio) > 0:
        return replace(trade, limit_won=steps.above(price - 1))
    return replace(trade, limit_won=steps.below(price + 1) or steps.above(price))


def _wanted(trade: Trade, portfolio: Portfolio) -> int:
    """Return by how many shares the position is short of the nearest number to its target."""
    target = trade.row.target_bp * portfolio.value_won
    unit = WHOLE_BP * trade.price_won * LOT_SHARES
    return (2 * target + unit) // (2 * unit) * LOT_SHARES - trade.row.quantity


def _sold(trade: Trade, portfolio: Portfolio, minimum_won: int) -> Trade:
    if trade.reason is not None:
        return trade
    surplus = -_wanted(trade, portfolio)
    if surplus <= 0:
        return trade
    free = trade.row.quantity - trade.row.reserved_quantity
    quantity, reason = min(surplus, free), None
    if quantity < surplus:
        reason = f"open sell orders hold {trade.row.reserved_quantity} of its shares"
    return _worth_it(replace(trade, quantity=-quantity, reason=reason), minimum_won)


def _bought(trades: Sequence[Trade], portfolio: Portfolio, minimum_won: int) -> list[Trade]:
    """Return the trades with what is bought: all of it, or as much as the free cash pays for."""
    head, total = portfolio.head, portfolio.value_won
    wanted = {
        n: _wanted(trade, portfolio)
        for n, trade in enumerate(trades)
        if trade.reason is None and not trade.quantity and _wanted(trade, portfolio) > 0
    }
    cash = head.cash_won + sum(trade.cash_won for trade in trades)
    # What has to stay: what open orders hold, and no less cash than the target's band allows.
    floor = -(-max(0, head.cash_bp - head.band_bp) * total // WHOLE_BP)
    budget = max(0, cash - max(head.reserved_won, head.cash_bp * total // WHOLE_BP))
    most = max(0, cash - max(head.reserved_won, floor))
    found = list(trades)
    cost = -sum(replace(trades[n], quantity=wish).cash_won for n, wish in wanted.items())
    for n, wish in wanted.items():
        # The commission of each is cut off on its own, so a share of the cost may be a won short.
        quantity = wish if cost <= budget else wish * max(0, budget - len(wanted)) // cost
        found[n] = replace(trades[n], quantity=quantity)
    left = most + sum(found[n].cash_won for n in wanted)
    for n in sorted(wanted, key=lambda n: (found[n].quantity - wanted[n], n)):
        filled = _topped_up(found[n], wanted[n], left)
        left += filled.cash_won - found[n].cash_won
        found[n] = filled
    for n, wish in wanted.items():
        if found[n].quantity < wish:
            why = f"the cash to spend pays for {found[n].quantity} of {wish} shares"
            found[n] = replace(found[n], reason=why)
        found[n] = _worth_it(found[n], minimum_won)
    return found


def _topped_up(trade: Trade, wish: int, left_won: int) -> Trade:
    """Return the trade with as many of the missing shares as `left_won` pays for."""
    more = min(wish - trade.quantity, max(0, left_won) // max(1, trade.limit_won))
    while more > 0:
        fuller = replace(trade, quantity=trade.quantity + more)
        if trade.cash_won - fuller.cash_won <= left_won:
            return fuller
        more -= 1 + more // 1_000  # the commission of that many shares, and no more
    return trade


def _worth_it(trade: Trade, minimum_won: int) -> Trade:
    """Return the trade, or none of it where it is too small to be worth it."""
    value = abs(trade.quantity) * trade.limit_won
    if not trade.quantity or value >= minimum_won:
        return trade
    why = f"a trade of {won(value)} is below the minimum of {won(minimum_won)}"
    return replace(trade, quantity=0, reason=trade.reason or why)


def _turn(trade: Trade) -> tuple[int, str]:
    kind = 0 if trade.quantity < 0 else 1 if trade.quantity > 0 else 2
    return kind, trade.row.symbol or ""


def _lines(trades: Sequence[Trade], portfolio: Portfolio) -> tuple[PlannedLine, ...]:
    head = portfolio.head
    cash = head.cash_won + sum(trade.cash_won for trade in trades)
    after = cash + sum((t.row.quantity + t.quantity) * t.price_won for t in trades)
    lines = [_line(trade, portfolio, after) for trade in trades]
    left = PlannedLine(
        portfolio_id=portfolio.portfolio_id,
        symbol=CASH,
        target_bp=head.cash_bp,
        weight_bp=in_bp(head.cash_won, portfolio.value_won),
        expected_bp=in_bp(cash, after),
        side=None,
        quantity=0,
        limit_won=None,
        price_won=None,
        reason=of_cash(
            is_outside(cash, head.cash_bp, after, head.band_bp), [line.reason for line in lines]
        ),
    )
    return (*lines, left)


def of_cash(is_out: bool, reasons: Sequence[str | None]) -> str | None:
    """Say why the cash is outside its band, where it is; `reasons` are those of the issues."""
    if not is_out:
        return None
    return LEFT_OVER if any(reasons) else WHOLE_SHARES


LEFT_OVER = "it is what the issues above leave or lack"
WHOLE_SHARES = "it is what whole shares leave, and what commission and tax take"


def _line(trade: Trade, portfolio: Portfolio, after_won: int) -> PlannedLine:
    row, head, reason = trade.row, portfolio.head, trade.reason
    value = (row.quantity + trade.quantity) * trade.price_won
    if reason is None and is_outside(value, row.target_bp, after_won, head.band_bp):
        reason = one_share(trade.price_won, value, row.target_bp, after_won) or COSTS
    priced = row.price_won is not None
    return PlannedLine(
        portfolio_id=portfolio.portfolio_id,
        symbol=row.symbol or "",
        target_bp=row.target_bp,
        weight_bp=in_bp(value_of(row), portfolio.value_won) if priced else None,
        expected_bp=in_bp(value, after_won) if priced else None,
        side=None if not trade.quantity else "buy" if trade.quantity > 0 else "sell",
        quantity=abs(trade.quantity),
        limit_won=trade.limit_won if trade.quantity else None,
        price_won=row.price_won,
        reason=reason,
    )


COSTS = "commission and tax came out of the account's value"
