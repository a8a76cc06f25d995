"""What a simulated trade costs, by the dated tables of the database: ticks, commission, tax."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from difflib import get_close_matches

from .. import market
from ..engine.base import Server
from ..errors import ConfigError, Finding
from ..money import Ticks
from ..queries import Query


@dataclass(frozen=True, slots=True)
class Commission:
    """A rate of a broker, and from which business date on it holds; None for a broker without."""

    code: str
    valid_from: date | None
    commission_rate: Decimal | None


@dataclass(frozen=True, slots=True)
class TaxedDay:
    """A date with prices, and what a sale on it is taxed at; None where no rate is in force."""

    price_date: date
    market: str
    sell_rate: Decimal | None


@dataclass(frozen=True, slots=True)
class TickDate:
    """A date from which on a set of price steps holds."""

    valid_from: date


COMMISSIONS = Query("research/commissions", Commission)
TAXED_DAYS = Query("research/taxed_days", TaxedDay)
TICK_DATES = Query("research/tick_dates", TickDate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The dates with prices, in order, and what trading costs on each of them."""

    days: Sequence[date]
    tax: Mapping[tuple[str, date], Decimal | None]
    commission: Sequence[tuple[date, Decimal]]
    ticks: Sequence[tuple[date, Mapping[str, Ticks]]]
    numbers: Mapping[date, int] = field(default_factory=dict)

    def fee_won(self, on: date, value_won: int) -> int:
        """Return the commission on `value_won`; parts of a won are cut off."""
        place = bisect_right([start for start, _ in self.commission], on)
        if not place:
            raise _without("commission", on, "fee_schedules", self.commission[0][0])
        return int(value_won * self.commission[place - 1][1])

    def tax_won(self, on: date, market_code: str, value_won: int) -> int:
        """Return the tax on a sale on `on`, by its settlement date; parts of a won are cut off."""
        rate = self.tax[market_code, on]
        if rate is None:
            known = [day for (code, day), it in self.tax.items() if code == market_code and it]
            raise _without(f"sell tax of {market_code}", on, "tax_rates", min(known, default=None))
        return int(value_won * rate)

    def buy_won(self, on: date, market_code: str, open_won: int) -> int:
        """Return what is paid for a share at an open: the next price on the tick."""
        steps = self._steps(on, market_code)
        return open_won if steps is None else steps.above(open_won - 1)

    def sell_won(self, on: date, market_code: str, open_won: int) -> int:
        """Return what is had for a share at an open: the price on the tick below, if there is."""
        steps = self._steps(on, market_code)
        return open_won if steps is None else steps.below(open_won + 1) or steps.above(open_won)

    def _steps(self, on: date, market_code: str) -> Ticks | None:
        """Return the price steps of a date; None before the first that are known."""
        place = bisect_right([start for start, _ in self.ticks], on)
        return self.ticks[place - 1][1].get(market_code) if place else None


def rules_of(server: Server, *, broker: str, since: date | None, until: date | None) -> Rules:
    """Read the rules for the dates with prices from `since` to `until`."""
    commission = _commission(server, broker)
    taxed = server.fetch(TAXED_DAYS, since=since, until=until)
    days = sorted({row.price_date for row in taxed})
    if not days:
        span = f"from {since or 'the beginning'} to {until or 'the end'}"
        raise Finding(f"there are no prices {span}", hint="See from when: stockops seed status")
    return Rules(
        days=days,
        tax={(row.market, row.price_date): row.sell_rate for row in taxed},
        commission=commission,
        ticks=[
            (row.valid_from, market.ticks(server, row.valid_from))
            for row in server.fetch(TICK_DATES)
        ],
        numbers={day: number for number, day in enumerate(days)},
    )


def _commission(server: Server, broker: str) -> list[tuple[date, Decimal]]:
    rates: dict[str, list[tuple[date, Decimal]]] = {}
    for row in server.fetch(COMMISSIONS):
        known = rates.setdefault(row.code, [])
        if row.valid_from is not None and row.commission_rate is not None:
            known.append((row.valid_from, row.commission_rate))
    if broker not in rates:
        near = get_close_matches(broker, rates, 1)
        hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(rates)}."
        raise ConfigError(f"there is no broker {broker!r}", hint=hint)
    if not rates[broker]:
        raise ConfigError(f"the broker {broker!r} has no rate", hint="Add it to fee_schedules.")
    return rates[broker]


def _without(what: str, on: date, table: str, first: date | None) -> ConfigError:
    since = "" if first is None else f", or begin with --from {first}"
    return ConfigError(
        f"no {what} is in force on {on}", hint=f"Add the rate to the table {table}{since}."
    )
