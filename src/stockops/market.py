"""The market: its time zone, its codes, and the days it is open as the database's tables say."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from .engine.base import Server
from .errors import ConfigError, Refused
from .money import Ticks
from .queries import Query

KST = timezone(timedelta(hours=9), "KST")  # no daylight saving since 1988
MARKETS = ("KOSPI", "KOSDAQ", "KONEX")
KINDS = ("common", "preferred", "reit", "fund")

_SYMBOL = re.compile(r"[0-9][0-9A-Z]{5}")
_ISIN = re.compile(r"[A-Z]{2}[0-9A-Z]{9}[0-9]")
# The last character of a code, and what stands for it in the ISIN.
_ENDINGS = {"0": "000", "5": "100", "7": "200", "9": "300", "K": "K01", "L": "K02", "M": "K03"}


@dataclass(frozen=True, slots=True)
class Holiday:
    """A weekday on which the market is closed."""

    holiday: date
    name: str


@dataclass(frozen=True, slots=True)
class BusinessDate:
    """One business date; None where the question has no answer."""

    business_date: date | None


@dataclass(frozen=True, slots=True)
class TickSize:
    """A price step of a market, and the price from which on it holds."""

    market: str
    price_from_won: int
    tick_won: int


@dataclass(frozen=True, slots=True)
class Hours:
    """One session in which orders are taken, in minutes after midnight, Korean time."""

    matching: str
    opens_minute: int
    closes_minute: int


HOLIDAYS = Query("market_holidays", Holiday)
NEXT_DATE = Query("market_next_date", BusinessDate)
QUOTE_DATE = Query("market_quote_date", BusinessDate)
SESSIONS = Query("market_sessions", Hours)
TICK_SIZES = Query("market_tick_sizes", TickSize)
TODAY = Query("market_today", BusinessDate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The closed days of one market. It knows whole years only, from `first` to `last`."""

    market: str
    holidays: frozenset[date]

    @property
    def first(self) -> date:
        """The first day of the first year that the calendar has holidays of."""
        return date(min(self.holidays).year, 1, 1)

    @property
    def last(self) -> date:
        """The last day of the last year that the calendar has holidays of."""
        return date(max(self.holidays).year, 12, 31)

    def is_business_day(self, day: date) -> bool:
        """Tell whether the market opens on `day`."""
        return day.weekday() < 5 and day not in self.holidays

    def nearest_before(self, day: date) -> date:
        """Return the last business day before `day`."""
        return self.ending(day - timedelta(days=1), 1)[0]

    def ending(self, day: date, count: int) -> list[date]:
        """Return the last `count` business days up to `day`, the earliest first."""
        days: list[date] = []
        while len(days) < count and day >= self.first:
            if self.is_business_day(day):
                days.append(day)
            day -= timedelta(days=1)
        if len(days) < count:
            raise ConfigError(
                f"the calendar of {self.market} begins on {self.first}: "
                f"it has {len(days)} of the {count} business days asked for",
                hint=f"Ask for {len(days)} days, or add the earlier years to market_holidays.",
            )
        return days[::-1]


def calendar(server: Server, *, market: str = "KOSPI") -> Calendar:
    """Read the calendar of `market`."""
    rows = server.fetch(HOLIDAYS, market=market)
    if not rows:
        raise ConfigError(
            f"the table market_holidays has no row for {market}",
            hint="Apply the schema: stockops migrate up",
        )
    return Calendar(market=market, holidays=frozenset(row.holiday for row in rows))


def next_business_date(
    server: Server, after: date | None = None, *, market: str = "KOSPI"
) -> date | None:
    """
    Return the first business date after `after`, by the database's own function.

    Without `after`: the one after the latest date that any issue has prices for, which is where
    trading goes on; None where nothing is listed.
    """
    if after is None:
        after = server.fetch(QUOTE_DATE)[0].business_date
    if after is None:
        return None
    return server.fetch(NEXT_DATE, market=market, after=after)[0].business_date


def require_business_day(server: Server, day: date, *, market: str = "KOSPI") -> None:
    """Raise `Refused` where the market is closed on `day`: why it is, and which day is next."""
    if calendar(server, market=market).is_business_day(day):
        return
    names = {row.holiday: row.name for row in server.fetch(HOLIDAYS, market=market)}
    raise Refused(
        f"the market is closed on {day}: {names.get(day, 'a weekend')}",
        hint=f"The next business day is {next_business_date(server, day, market=market)}.",
    )


def hours(server: Server, day: date, *, market: str = "KOSPI") -> Sequence[Hours]:
    """Return the sessions of `market` in which orders are taken on the business date `day`."""
    return server.fetch(SESSIONS, market=market, on=day)


def require_session(server: Server, at: datetime, *, market: str = "KOSPI") -> None:
    """Raise `Refused` where the market takes no order at `at`: when it does, that day or next."""
    at = at.astimezone(KST)
    require_business_day(server, at.date(), market=market)
    sessions = hours(server, at.date(), market=market)
    minute = at.hour * 60 + at.minute
    if any(each.opens_minute <= minute < each.closes_minute for each in sessions):
        return
    said = ", ".join(f"{_clock(h.opens_minute)} to {_clock(h.closes_minute)}" for h in sessions)
    raise Refused(
        f"the market takes no orders at {at:%H:%M} KST on {at.date()}",
        hint=f"It takes them from {said}." if said else "market_sessions has no hours for it.",
    )


def _clock(minute: int) -> str:
    return time(minute // 60, minute % 60).isoformat("minutes")


def today(server: Server) -> date:
    """Return the business date of the server's clock: today in KST."""
    found = server.fetch(TODAY)[0].business_date
    if found is None:
        raise RuntimeError("the server knows no date")
    return found


def ticks(server: Server, on: date) -> Mapping[str, Ticks]:
    """Return the price steps that are in force on `on`, of each market that has any."""
    bands: dict[str, list[tuple[int, int]]] = {}
    for row in server.fetch(TICK_SIZES, on=on):
        bands.setdefault(row.market, []).append((row.price_from_won, row.tick_won))
    return {name: Ticks(tuple(steps)) for name, steps in bands.items()}


def is_symbol(text: str) -> bool:
    """Tell whether `text` is a code of an issue: six characters, the first one a digit."""
    return _SYMBOL.fullmatch(text) is not None


def isin_of(symbol: str) -> str:
    """
    Return the ISIN of the Korean issue `symbol`.

    An issue of a foreign issuer (codes from 900000 on), or with an ending of no known rule, has an
    ISIN that does not follow from its code: it gets one of the country code ZZ, which ISO 3166
    never assigns.
    """
    ending = _ENDINGS.get(symbol[-1])
    foreign = symbol[0] == "9" and symbol[:5].isdigit()
    body = f"ZZ000{symbol}" if ending is None or foreign else f"KR7{symbol[:5]}{ending}"
    return body + str(check_digit(body))


def is_isin(text: str) -> bool:
    """Tell whether `text` is an ISIN with the right check digit."""
    return _ISIN.fullmatch(text) is not None and check_digit(text[:-1]) == int(text[-1])


def check_digit(body: str) -> int:
    """Return the check digit of the first eleven characters of an ISIN (ISO 6166, Luhn)."""
    digits = "".join(str(int(character, 36)) for character in body)
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return -total % 10
