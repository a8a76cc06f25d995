"""Daily prices for tests: written down day by day, or walked by chance."""

from collections.abc import Sequence
from datetime import date, timedelta

from trading import Bed

from stockops import prices
from stockops.prices import Path

COLUMNS = (
    "symbol", "price_date", "open_won", "high_won", "low_won", "close_won", "volume", "value_won"
)  # fmt: skip


def weekdays(first: date, count: int) -> list[date]:
    """That many days from Monday to Friday."""
    days = (first + timedelta(n) for n in range(2 * count + 7))
    return [day for day in days if day.weekday() < 5][:count]


def priced(bed: Bed, symbol: str, days: Sequence[tuple[date, int, int]]) -> None:
    """Give an issue its days: date, open, close; a day that opened at 0 had no trade."""
    rows = []
    for on, open_won, close_won in days:
        high, low = (max, min) if open_won else (lambda *_: 0, lambda *_: 0)
        volume = 100 if open_won else 0
        cells = (symbol, on, open_won, high(open_won, close_won), low(open_won, close_won),
                 close_won, volume, volume * close_won)  # fmt: skip
        rows.append(("\t".join(map(str, cells)) + "\n").encode())
    bed.server.load("stock_prices", COLUMNS, rows)


def walked(bed: Bed, symbol: str, days: Sequence[date], *, seed: int = 1) -> None:
    """Give an issue a random walk."""
    path = Path(symbol=symbol, market="KOSPI", close_won=20_000, listed_shares=10**6, halted=False)
    lines = prices.lines(seed, path, [day.isoformat() for day in days])
    bed.server.load("stock_prices", COLUMNS, [line.encode() for line in lines])
