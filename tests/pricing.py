"""Daily prices for tests: written down day by day, or walked by chance, or split."""

from collections.abc import Sequence
from datetime import date, timedelta

from trading import CLOCK, Bed

from stockops import actions, prices
from stockops.actions import Ratio
from stockops.prices import Path

COLUMNS = (
    "symbol", "price_date", "open_won", "high_won", "low_won", "close_won", "volume", "value_won"
)  # fmt: skip
_WALKED = "000000"


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
    """Give an issue a random walk: the same for a seed, whichever number the issue has."""
    path = Path(symbol=_WALKED, market="KOSPI", close_won=20_000, listed_shares=10**6, halted=False)
    lines = prices.lines(seed, path, [day.isoformat() for day in days])
    named = [line.replace(_WALKED, symbol, 1).encode() for line in lines]
    bed.server.load("stock_prices", COLUMNS, named)


def split(bed: Bed, symbol: str, new: int, old: int, on: date | None = None) -> actions.Done:
    """Split an issue from its next day on, or from `on`."""
    action = actions.splitting(
        bed.server, actions.find(bed.server, symbol), Ratio(new=new, old=old), on=on, today=None
    )
    return actions.apply(bed.server, action, clock=CLOCK)


def split_and_not(bed: Bed, prices_won: Sequence[int], on: date, before: int) -> list[str]:
    """
    Two issues with the same prices of a share of today.

    One of them was split 5:1 on `on`, and has so many days before that.
    """
    first = on - timedelta(days=7 * (before // 5 + 1))
    early = [day for day in weekdays(first, before + 5) if day < on][-before:]
    late = weekdays(on, len(prices_won) - before)
    made = [bed.stock(), bed.stock()]
    for symbol, times in zip(made, (5, 1), strict=True):
        olds = (each * times for each in prices_won[:before])
        priced(bed, symbol, [(day, won, won) for day, won in zip(early, olds, strict=True)])
    change = "UPDATE stock_prices SET volume = 20 WHERE symbol = %(s)s"
    bed.server.execute(change, {"s": made[0]})
    split(bed, made[0], 5, 1, on=on)
    for symbol in made:
        news = zip(late, prices_won[before:], strict=True)
        priced(bed, symbol, [(day, won, won) for day, won in news])
    return made
