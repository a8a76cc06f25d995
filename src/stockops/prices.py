"""
Daily prices that lead to a given close.

The walk goes backwards from the close of the listing: every day lies on the tick and within the
price limit of the day before it, as the exchange's rules have it, so that a check of the rules
finds nothing. Whole numbers only: the same on every machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from .draws import draw, draws
from .money import LIMIT_BP, limits_won, tick_won

# Open, high, low, close in won; shares; won. A day without a trade has a close and zeros.
Day = tuple[int, int, int, int, int, int]

_HIGHEST_WON = 5_000_000  # no share has cost more: a walk turns back there
_SPREAD = 147  # standard deviation of the sum of four even bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """What the prices of one issue are made from."""

    symbol: str
    market: str
    close_won: int
    listed_shares: int
    halted: bool


def walk(seed: int, path: Path, count: int) -> list[Day]:
    """
    Return the last `count` days of an issue, the earliest first.

    The last close is `path.close_won`. A halted issue has not traded for its last days, 5 of
    them at least, and carries its close.
    """
    character = draw(seed, f"issue/{path.symbol}", 0)
    volatility_bp = 120 + character % 200
    turnover = path.listed_shares * (2 + (character >> 8) % 60)
    limit_bp = LIMIT_BP[path.market]
    still = min(5 + (character >> 16) % 200, count) if path.halted else 0
    days: list[Day] = [(0, 0, 0, path.close_won, 0, 0)] * still
    close = path.close_won
    tick = _bounds(close, limit_bp)[2]
    for x in draws(seed, f"prices/{path.symbol}", still, count - still) if count > still else ():
        bell = (x & 255) + (x >> 8 & 255) + (x >> 16 & 255) + (x >> 24 & 255) - 510
        before = min(close * 10_000 // (10_000 + bell * volatility_bp // _SPREAD), _HIGHEST_WON)
        before = before - before % tick or 1
        lowest, highest, next_tick = _bounds(before, limit_bp)
        if not lowest <= close <= highest:
            before = close - close % tick_won(close)
            lowest, highest, next_tick = _bounds(before, limit_bp)
        open_ = before * (10_000 + ((x >> 32 & 255) - 128) * volatility_bp // 256) // 10_000
        open_ = min(max(open_ - open_ % next_tick, lowest), highest)
        top, bottom = (open_, close) if open_ > close else (close, open_)
        high = top * (10_000 + (x >> 40 & 255) * volatility_bp // 384) // 10_000
        high = max(min(high - high % next_tick, highest), top)
        low = bottom * (10_000 - (x >> 48 & 255) * volatility_bp // 384) // 10_000
        low = min(max(low - low % next_tick, lowest), bottom)
        volume = 1 + turnover * (16 + (x >> 56)) // 10_000_000
        days.append((open_, high, low, close, volume, volume * (open_ + high + low + close) // 4))
        close, tick = before, next_tick
    days.reverse()
    return days


def lines(seed: int, path: Path, dates: Sequence[str]) -> list[str]:
    """
    Return the walk over `dates` as lines of tab-separated text.

    Columns: symbol, price_date, open_won, high_won, low_won, close_won, volume, value_won.
    """
    return [
        f"{path.symbol}\t{day}\t{open_}\t{high}\t{low}\t{close}\t{volume}\t{value}\n"
        for day, (open_, high, low, close, volume, value) in zip(
            dates, walk(seed, path, len(dates)), strict=True
        )
    ]


@lru_cache(maxsize=16_384)
def _bounds(base_won: int, limit_bp: int) -> tuple[int, int, int]:
    """Return the limits of a day, and a tick that is valid at every price between them."""
    lowest, highest = limits_won(base_won, limit_bp=limit_bp)
    return lowest, highest, tick_won(highest)  # each tick divides the next
