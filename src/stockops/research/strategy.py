"""
Mean reversion in one issue: bought far below its usual price, sold when it is back.

What is decided at a close is traded at the next open, by prices that nobody knew at that close.
There is no trading on a day without a trade: a buy lapses, for its reason is old by the next open;
a sale waits for it. The z-score is that of the close among the last `window` closes of days that
traded, this one included, by the sample standard deviation.
"""

import math
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from .parameters import Parameters
from .rules import Rules

Reason = Literal["mean", "stop_loss", "take_profit"]
# Of one day that traded: date, open, close; how many closes the window has, their sum, and that of
# their squares. Whole numbers, so that both engines lead to the same z-score.
Day = Sequence[Any]
_BP = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A position: bought, and sold unless it was held at the end; profit is after all costs."""

    trade_no: int
    symbol: str
    buy_signal_on: date
    bought_on: date
    buy_won: int
    quantity: int
    sell_signal_on: date | None
    sold_on: date | None
    sell_won: int | None
    reason: Reason | None
    fees_won: int
    tax_won: int
    profit_won: int | None


@dataclass(slots=True, kw_only=True)
class Held:
    """The position that is held, and why it is to be sold at the next open, if it is."""

    signal_on: date
    bought_on: date
    buy_won: int
    quantity: int
    fee_won: int
    sell_signal_on: date | None = None
    reason: Reason | None = None


@dataclass(slots=True, kw_only=True)
class Sleeve:
    """The part of the cash that one issue has; `changes` gets what it gains or loses each day."""

    symbol: str
    market: str
    parameters: Parameters
    rules: Rules
    changes: MutableMapping[date, int]
    cash_won: int = 0
    days: int = 0
    trades: list[Trade] = field(default_factory=list)
    held: Held | None = None

    def run(self, days: Iterable[Day]) -> None:
        """Go through the days that traded, in order."""
        window, numbers = self.parameters.window, self.rules.numbers
        entry, value = -float(self.parameters.entry), self.cash_won
        signal_on: date | None = None
        for on, open_won, close_won, count, total, squares in days:
            self.days += 1
            if signal_on is not None:
                if numbers[on] == numbers[signal_on] + 1:
                    self._buy(on, open_won, signal_on)
                signal_on = None
            elif self.held is not None and self.held.reason is not None:
                self._sell(on, open_won)
            if self.held is not None or value != self.cash_won:
                worth = self.cash_won + (self.held.quantity * close_won if self.held else 0)
                self.changes[on] = self.changes.get(on, 0) + worth - value
                value = worth
            if self.held is not None:
                self._watch(on, close_won, z_score(close_won, count, total, squares))
            elif count == window and z_score(close_won, count, total, squares) <= entry:
                signal_on = on
        if self.held is not None:
            self.trades.append(self._trade(self.held))

    def _buy(self, on: date, open_won: int, signal_on: date) -> None:
        price = self.rules.buy_won(on, self.market, open_won)
        quantity = self.cash_won // price
        while quantity and quantity * price + self._fee(on, quantity, price) > self.cash_won:
            quantity -= 1
        if quantity:
            fee = self._fee(on, quantity, price)
            self.cash_won -= quantity * price + fee
            self.held = Held(
                signal_on=signal_on, bought_on=on, buy_won=price, quantity=quantity, fee_won=fee
            )

    def _fee(self, on: date, quantity: int, price_won: int) -> int:
        return self.rules.fee_won(on, quantity * price_won)

    def _sell(self, on: date, open_won: int) -> None:
        held = self.held
        if held is None:
            raise RuntimeError("there is nothing to sell")
        price = self.rules.sell_won(on, self.market, open_won)
        fee = self._fee(on, held.quantity, price)
        tax = self.rules.tax_won(on, self.market, held.quantity * price)
        self.cash_won += held.quantity * price - fee - tax
        self.trades.append(self._trade(held, on, price, fee, tax))
        self.held = None

    def _trade(
        self, held: Held, sold_on: date | None = None, sell_won: int | None = None,
        fee_won: int = 0, tax_won: int = 0,
    ) -> Trade:  # fmt: skip
        fees = held.fee_won + fee_won
        gain = None if sell_won is None else held.quantity * (sell_won - held.buy_won)
        return Trade(
            trade_no=len(self.trades) + 1,
            symbol=self.symbol,
            buy_signal_on=held.signal_on,
            bought_on=held.bought_on,
            buy_won=held.buy_won,
            quantity=held.quantity,
            sell_signal_on=held.sell_signal_on,
            sold_on=sold_on,
            sell_won=sell_won,
            reason=held.reason,
            fees_won=fees,
            tax_won=tax_won,
            profit_won=None if gain is None else gain - fees - tax_won,
        )

    def _watch(self, on: date, close_won: int, z: float) -> None:
        """Decide at a close whether to sell at the next open; the stop comes first."""
        held, said = self.held, self.parameters
        if held is None or held.reason is not None:
            return
        profit = said.profit_bp
        if close_won * _BP <= held.buy_won * (_BP - said.stop_bp):
            held.reason = "stop_loss"
        elif profit is not None and close_won * _BP >= held.buy_won * (_BP + profit):
            held.reason = "take_profit"
        elif z >= float(said.exit):
            held.reason = "mean"
        if held.reason is not None:
            held.sell_signal_on = on


def z_score(close_won: int, count: int, total: int, squares: int) -> float:
    """Return how many standard deviations a close is from its mean; 0 where nothing moved."""
    spread = count * squares - total * total
    if spread <= 0 or count < 2:
        return 0.0
    return (count * close_won - total) / math.sqrt(count * spread / (count - 1))


def wins(trades: Sequence[Trade]) -> tuple[int, int, Decimal | None]:
    """Return how many positions were sold, how many of them with a gain, and their share."""
    profits = [trade.profit_won for trade in trades if trade.profit_won is not None]
    won = sum(profit > 0 for profit in profits)
    share = Decimal(won) / len(profits) if profits else None
    return len(profits), won, None if share is None else share.quantize(Decimal("0.00000001"))
