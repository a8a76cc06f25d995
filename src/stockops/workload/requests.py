"""
The orders of a run, drawn from a hash.

Order `i` of a client depends on the seed, the client, what it draws from and `i` alone, whatever
the server answered and however often it was asked. Only which order a cancel takes back depends on
the answers.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from ..draws import draws
from .ground import Ground
from .plan import RunPlan

QUANTITY_MAX = 20
OPEN_ORDERS_MAX = 10_000
_DRAWS = 8  # an order takes that many, used or not
_UNIT = 1 / 2**64
_SELL_SHARE = 0.4
_CASH_SHARE = 50  # a buy takes a fiftieth of the cash at most
_SHARES_SHARE = 10  # a sell takes a tenth of the holding at most

Body = tuple[str, int, str, str, str, int | None, int]  # the first arguments of place_order


@dataclass(frozen=True, slots=True)
class Cancel:
    """An order of ours to take back."""

    key: str
    order_id: int


Request = Body | Cancel


class Requests:
    """One client's requests, in their order."""

    def __init__(self, ground: Ground, plan: RunPlan, *, run_id: str, client: int) -> None:
        self._ground = ground
        self._seed, self._stream = plan.seed, f"orders/{client}"
        self._prefix = f"{run_id}-{client:03d}-"
        self._next = 0
        market, limit = plan.mix.get("market", 0), plan.mix.get("limit", 0)
        whole = market + limit + plan.mix.get("cancel", 0)
        self._market_below, self._order_below = market / whole, (market + limit) / whole
        exponent = 1.0 if plan.skew == "zipf" else 0.0
        self._symbols = _shares(len(ground.symbols), exponent)
        self._payers = _shares(len(ground.payers), exponent)
        self._holdings = _shares(len(ground.holdings), exponent)
        self._index = {symbol: n for n, symbol in enumerate(ground.symbols)}
        self.open_orders: deque[Cancel] = deque(maxlen=OPEN_ORDERS_MAX)

    def take(self, count: int) -> list[Request]:
        """Return the next `count` requests."""
        first, self._next = self._next, self._next + count
        drawn = draws(self._seed, self._stream, first * _DRAWS, count * _DRAWS)
        return [self._request(first + n, drawn, n * _DRAWS) for n in range(count)]

    def _request(self, number: int, drawn: Sequence[int], at: int) -> Request:
        chance = drawn[at] * _UNIT
        if chance >= self._order_below:
            if self.open_orders:
                return self.open_orders.popleft()
            chance *= self._order_below
        key = f"{self._prefix}{number:09d}"
        ground = self._ground
        u_side, u_who, u_what = drawn[at + 1], drawn[at + 2] * _UNIT, drawn[at + 3] * _UNIT
        quantity = drawn[at + 4] % QUANTITY_MAX + 1
        if u_side * _UNIT < _SELL_SHARE and ground.holdings:
            holding = ground.holdings[bisect_right(self._holdings, u_who)]
            side, account, symbol = "sell", holding.account_id, holding.symbol
            prices = ground.ladders[self._index[symbol]] if symbol in self._index else ()
            quantity = min(quantity, holding.available_quantity // _SHARES_SHARE) or 1
        else:
            payer = ground.payers[bisect_right(self._payers, u_who)]
            which = bisect_right(self._symbols, u_what)
            side, account, symbol = "buy", payer.account_id, ground.symbols[which]
            prices = ground.ladders[which]
            dearest = prices[-1] if prices else 1
            quantity = min(quantity, payer.available_won // (dearest * _CASH_SHARE)) or 1
        if chance < self._market_below or not prices:
            return (key, account, symbol, side, "market", None, quantity)
        return (key, account, symbol, side, "limit", prices[drawn[at + 5] % len(prices)], quantity)


def _shares(count: int, exponent: float) -> list[float]:
    """Return where each of `count` ends on the way from 0 to 1; the first ones get the most."""
    sums = list(accumulate((n + 1) ** -exponent for n in range(count)))
    if not sums:
        return []
    ends = [each / sums[-1] for each in sums]
    ends[-1] = 2.0  # a draw that rounds up to 1 is the last one's
    return ends
