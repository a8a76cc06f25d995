"""
Won: how an amount is written, and the exchange's price rules as arithmetic.

The dated tables and functions of the database are the authority for orders: `Ticks` holds the steps
of one date as read from there. The functions know the rows that the schema brings along. Seeding
makes its history by those, so that the same seed is the same market on every database, whatever
rules it was given since; a test compares every valid price with what both engines say.
Source: KOSPI Market Business Regulation, Enforcement Rules 31 and 32(2), in force since 2023-01-25.
"""

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

# From this price on, this step.
TICKS = (
    (0, 1),
    (2_000, 5),
    (5_000, 10),
    (20_000, 50),
    (50_000, 100),
    (200_000, 500),
    (500_000, 1_000),
)
LIMIT_BP = {"KOSPI": 3_000, "KOSDAQ": 3_000, "KONEX": 1_500}

_FROM = [price for price, _ in TICKS]


@dataclass(frozen=True, slots=True)
class Ticks:
    """
    The price steps of one market on one date: pairs of a price and the step from it on, in order.

    Nothing is assumed of the numbers: a band may begin between two of its own steps, and the first
    one above zero.
    """

    bands: tuple[tuple[int, int], ...]

    def below(self, price_won: int) -> int | None:
        """Return the highest price under `price_won` that an order may name, None if none is."""
        highest = price_won - 1
        for start, tick in reversed(self.bands):
            price = highest // tick * tick
            if price >= max(start, 1):
                return price
            highest = min(highest, start - 1)
        return None

    def above(self, price_won: int) -> int:
        """Return the lowest price over `price_won` that an order may name."""
        lowest = price_won + 1
        ends = [start for start, _ in self.bands[1:]]
        for (start, tick), end in zip(self.bands, ends, strict=False):
            price = -(-max(lowest, start, 1) // tick) * tick
            if price < end:
                return price
        start, tick = self.bands[-1]
        return -(-max(lowest, start, 1) // tick) * tick


def won(amount: int) -> str:
    """Write `amount` with thousands separators: ``1,234 won``."""
    return f"{amount:,} won"


@lru_cache(maxsize=8_192)
def tick_won(price_won: int) -> int:
    """Return the price step at `price_won`."""
    return TICKS[bisect_right(_FROM, price_won) - 1][1]


def tick_down(price_won: int) -> int:
    """Return the highest valid price that is not above `price_won`, and at least 1."""
    return max(price_won // tick_won(price_won) * tick_won(price_won), 1)


def tick_up(price_won: int) -> int:
    """Return the lowest valid price that is not below `price_won`."""
    tick = tick_won(price_won)
    return -(-price_won // tick) * tick


@lru_cache(maxsize=8_192)
def limits_won(base_won: int, *, limit_bp: int = 3_000) -> tuple[int, int]:
    """
    Return the lowest and the highest price of a day whose base price is `base_won`.

    The amount is the limit cut to the tick of the base; the ends are then moved inward to a
    valid price. ``ceil(0.7 * base)`` would be wrong for one price in ten.
    """
    tick = tick_won(base_won)
    amount = base_won * limit_bp // 10_000 // tick * tick
    return tick_up(base_won - amount), tick_down(base_won + amount)
