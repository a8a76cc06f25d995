"""
The orders of a day, drawn from its prices: open, high, low and close are what they steer for.

What is drawn depends on the seed, the day's prices and what accounts had when the day began, and on
nothing that happens during the day: so a day that was cut short draws the same orders again.

Prices move where a customer's resting order is met; the house only trades at the last price. So a
price is printed by two customers: one rests there, on the far side of the last price, and the other
meets it with a share more than that, which the house gives or takes at the new price.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ..draws import draws
from ..money import Ticks
from ..orders import Order, Side

OPENING_PERCENT, CLOSING_PERCENT = 15, 10
_ORDERS_PER_ISSUE_MIN = 20  # fewer would steer for no price
_SHARES_MAX = 10
_FEE_ROOM_PERCENT = 1  # more than any commission
_TRIES = 8  # draws of an account that could pay, or is somebody else's


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue's prices on the day, and the limits of its orders."""

    symbol: str
    market: str
    open_won: int
    high_won: int
    low_won: int
    close_won: int
    base_won: int
    lower_won: int
    upper_won: int


@dataclass(frozen=True, slots=True)
class Cash:
    """What an account had when the day began."""

    account_id: int
    user_id: int
    amount: int


@dataclass(frozen=True, slots=True)
class Holding:
    """The shares of one issue that an account had when the day began."""

    symbol: str
    account_id: int
    user_id: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a day begins with; the issues with most value first."""

    issues: Sequence[Issue]
    accounts: Sequence[Cash]
    holdings: Sequence[Holding]
    ticks: Mapping[str, Ticks]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The orders of a day: before the opening, one list for each slot between, before the close."""

    opening: list[Order]
    slots: list[list[Order]]
    closing: list[Order]

    @property
    def orders(self) -> int:
        """How many there are."""
        return len(self.opening) + sum(map(len, self.slots)) + len(self.closing)


@dataclass(slots=True)
class Drawer:
    """Draws from one stream, and remembers who could still pay or deliver."""

    seed: int
    prefix: str
    ticks: Mapping[str, Ticks]
    accounts: Sequence[Cash]
    holdings: Sequence[Holding]
    drawn: Iterator[int] = field(init=False)
    cash: dict[int, int] = field(init=False)
    shares: dict[str, list[list[int]]] = field(init=False)  # account, user, shares left
    sent: int = 0

    def __post_init__(self) -> None:
        self.drawn = _stream(self.seed)
        self.cash = {each.account_id: each.amount for each in self.accounts}
        self.shares = {}
        for held in self.holdings:
            rows = self.shares.setdefault(held.symbol, [])
            rows.append([held.account_id, held.user_id, held.amount])

    def pick(self, count: int) -> int:
        """Return one of the numbers from 0 to `count` - 1."""
        return next(self.drawn) % count

    def seller(self, symbol: str, quantity: int) -> tuple[int, int] | None:
        """Return an account that can deliver, and its user; None where none was found."""
        rows = self.shares.get(symbol, [])
        for _ in range(_TRIES if rows else 0):
            row = rows[self.pick(len(rows))]
            if row[2] >= quantity:
                row[2] -= quantity
                return row[0], row[1]
        return None

    def buyer(self, won: int, *, but: int) -> Cash | None:
        """Return an account that can pay, of another user than `but`; None where none was found."""
        for _ in range(_TRIES):
            account = self.accounts[self.pick(len(self.accounts))]
            if account.user_id != but and self.cash[account.account_id] >= won:
                self.cash[account.account_id] -= won
                return account
        return None

    def order(self, account: int, side: Side, symbol: str, quantity: int, won: int) -> Order:
        """Return the next order, under the next key."""
        self.sent += 1
        return Order(
            key=f"{self.prefix}{self.sent:07d}",
            account_id=account,
            symbol=symbol,
            side=side,
            quantity=quantity,
            limit_won=won,
        )

    def pair(
        self, issue: Issue, sell_won: int, buy_won: int, *, sell_first: bool, more: int = 0
    ) -> list[Order]:
        """Return a sell and a buy of two users, the second of `more` shares more."""
        quantity = 1 + self.pick(_SHARES_MAX)
        sold, bought = quantity, quantity + more
        if not sell_first:
            sold, bought = bought, sold
        found = self.seller(issue.symbol, sold)
        if found is None:
            return []
        seller, user = found
        buyer = self.buyer(bought * buy_won * (100 + _FEE_ROOM_PERCENT) // 100, but=user)
        if buyer is None:
            return []
        # What is bought can be sold later in the day: nearly all of these orders are filled.
        self.shares[issue.symbol].append([buyer.account_id, buyer.user_id, bought])
        sides = [(seller, "sell", sold, sell_won), (buyer.account_id, "buy", bought, buy_won)]
        return [
            self.order(account, side, issue.symbol, shares, won)  # type: ignore[arg-type]
            for account, side, shares, won in (sides if sell_first else reversed(sides))
        ]

    def call(self, issue: Issue, won: int, groups: int) -> list[Order]:
        """Return orders whose single price is `won`: pairs that meet there, or reach beyond it."""
        ticks = self.ticks[issue.market]
        made: list[Order] = []
        for _ in range(groups):
            reach = self.pick(2)
            low = max(_down(ticks, won, reach), issue.lower_won)
            high = min(_up(ticks, won, reach), issue.upper_won)
            # The first pair pins the price; what reaches beyond it only adds to its volume.
            low, high = (won, won) if not made else (low, high)
            made += self.pair(issue, low, high, sell_first=self.pick(2) == 0)
        return made

    def prints(self, issue: Issue, path: Sequence[int]) -> list[list[Order]]:
        """Return the orders of each step of `path`; a step that stays is a buy from the house."""
        last, made = path[0], []
        for won in path[1:]:
            made.append(self.pair(issue, won, won, sell_first=won > last, more=1))
            last = won
        return made


def drawn(start: Start, *, seed: int, prefix: str, orders: int, slots: int) -> Day:
    """Return about `orders` orders, for as many issues, from the first on, as they carry."""
    ticks = start.ticks
    drawer = Drawer(seed, prefix, ticks, start.accounts, start.holdings)
    held = {each.symbol for each in start.holdings}
    traded = [each for each in start.issues if each.symbol in held and each.market in ticks]
    traded = traded[: max(1, orders // _ORDERS_PER_ISSUE_MIN)]
    share = orders // max(len(traded), 1)
    opening_pairs = max(1, share * OPENING_PERCENT // 200)
    closing_pairs = max(1, share * CLOSING_PERCENT // 200)
    steps = max(4, share // 2 - opening_pairs - closing_pairs)
    opening: list[Order] = []
    for issue in traded:
        opening += drawer.call(issue, _fit(issue, ticks, issue.open_won), opening_pairs)
    between: list[list[tuple[Issue, int]]] = [[] for _ in range(slots)]
    paths = {}
    for issue in traded:
        paths[issue.symbol] = path = _path(drawer, issue, ticks, steps)
        for step in range(1, len(path)):
            place = (step * 100 - drawer.pick(100)) * slots // (len(path) * 100)
            between[place].append((issue, step))
    made = [
        [
            order
            for issue, step in slot
            for orders_ in drawer.prints(issue, paths[issue.symbol][step - 1 : step + 1])
            for order in orders_
        ]
        for slot in between
    ]
    closing: list[Order] = []
    for issue in traded:
        closing += drawer.call(issue, _fit(issue, ticks, issue.close_won), closing_pairs)
    return Day(opening=opening, slots=made, closing=closing)


def _path(drawer: Drawer, issue: Issue, ticks: Mapping[str, Ticks], steps: int) -> list[int]:
    """Return prices from the open to the close by way of the high and the low, in either order."""
    turns = [issue.high_won, issue.low_won]
    if drawer.pick(2):
        turns.reverse()
    corners = [issue.open_won, *turns, issue.close_won]
    path = [_fit(issue, ticks, issue.open_won)]
    for leg, (start, end) in enumerate(pairwise(corners)):
        count = (steps * (leg + 1)) // 3 - (steps * leg) // 3
        for n in range(1, count + 1):
            path.append(_fit(issue, ticks, start + (end - start) * n // count))
    return path


def _fit(issue: Issue, ticks: Mapping[str, Ticks], won: int) -> int:
    """Return the price nearest below `won` that an order of the issue may name."""
    inside = min(max(won, issue.lower_won), issue.upper_won)
    below = ticks[issue.market].below(inside + 1)
    return max(below or inside, issue.lower_won)


def _down(ticks: Ticks, won: int, steps: int) -> int:
    for _ in range(steps):
        won = ticks.below(won) or won
    return won


def _up(ticks: Ticks, won: int, steps: int) -> int:
    for _ in range(steps):
        won = ticks.above(won)
    return won


def _stream(seed: int) -> Iterator[int]:
    block, size = 0, 512
    while True:
        yield from draws(seed, "day", block * size, size)
        block += 1
