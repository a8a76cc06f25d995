"""What is asked of a database about its indicators."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ..queries import Query

# From which day of its history on each indicator has a value.
NEEDS = {
    "stochastic_k": 14,
    "rsi_14": 15,
    "stochastic_d": 16,
    "stochastic_slow_d": 18,
    "sma_20": 20,
    "bollinger_upper": 20,
    "bollinger_lower": 20,
    "macd": 26,
    "macd_signal": 34,
    "macd_histogram": 34,
    "sma_50": 50,
    "sma_200": 200,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """
    A day with a price; its indicators are None where they have no value.

    `day_no` is None where none are stored.
    """

    symbol: str
    price_date: date
    volume: int
    close_won: int
    day_no: int | None
    sma_20: Decimal | None
    sma_50: Decimal | None
    sma_200: Decimal | None
    bollinger_upper: Decimal | None
    bollinger_lower: Decimal | None
    rsi_14: Decimal | None
    macd: Decimal | None
    macd_signal: Decimal | None
    macd_histogram: Decimal | None
    stochastic_k: Decimal | None
    stochastic_d: Decimal | None
    stochastic_slow_d: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded(Day):
    """A day with trades. `limit_bp` is None for a market without a limit."""

    high_won: int
    low_won: int
    limit_bp: int | None


@dataclass(frozen=True, slots=True)
class Lacking:
    """An issue, and how many of its days lack indicators, from which on."""

    symbol: str
    days: int
    starts_on: date


@dataclass(frozen=True, slots=True)
class Symbol:
    """An issue."""

    symbol: str


LACKING = Query("indicators/lacking", Lacking)
STALE = Query("indicators/stale", Lacking)
LISTED = Query("indicators/listed", Day)
COMPUTED = Query("indicators/computed", Symbol)
HISTORY = Query("indicators/history", Traded)
