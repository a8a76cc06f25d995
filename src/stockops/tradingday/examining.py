"""Which day can be driven: its date, its prices, where the issues stand, what is there of it."""

from dataclasses import dataclass
from datetime import date

from .. import audit, market, predictions
from ..engine.base import Server
from ..errors import ConfigError, Finding, Refused
from ..orders import Clock
from ..predictions import COUNT_MAX as PREDICTIONS_MAX
from ..queries import Query

MARKET = "KOSPI"  # whose hours and holidays make the day; the others keep the same
ORDERS_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Standing:
    """The earliest and latest business date that issues are at, and the last that was folded."""

    first_date: date | None
    last_date: date | None
    folded_date: date | None


@dataclass(frozen=True, slots=True)
class Priced:
    """Which dates have daily prices, and of how many issues the date that was asked for."""

    first_date: date | None
    last_date: date | None
    dates: int
    issues: int


@dataclass(frozen=True, slots=True)
class Key:
    """The key of an order that the day has placed."""

    idempotency_key: str


STANDING = Query("tradingday/standing", Standing)
PRICED = Query("tradingday/priced", Priced)
KEYS = Query("tradingday/keys", Key)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPlan:
    """Which day to drive, and what to draw it from."""

    business_date: date
    seed: int = 1
    orders: int = 10_000
    predictions: int = 1_000

    def __post_init__(self) -> None:
        if not 1 <= self.orders <= ORDERS_MAX:
            raise ConfigError(
                f"a day has 1 to {ORDERS_MAX} orders, not {self.orders}", hint="Use --orders 10000"
            )
        if not 0 <= self.predictions <= PREDICTIONS_MAX:
            raise ConfigError(
                f"a day has 0 to {PREDICTIONS_MAX} predictions, not {self.predictions}",
                hint="Use --predictions 1000, or 0 for none",
            )

    @property
    def family(self) -> str:
        """What the keys of every drive of this date begin with."""
        return f"day-{self.business_date:%Y%m%d}-"

    @property
    def prefix(self) -> str:
        """What the keys of this drive begin with."""
        return f"{self.family}{self.seed}-{self.orders}-{self.predictions}-"


def examine(server: Server, plan: DayPlan) -> Standing:
    """Return where the market stands; `Refused` where the day cannot be driven from there."""
    day = plan.business_date
    calendar = market.calendar(server, market=MARKET)
    if not calendar.first <= day <= calendar.last:
        raise Refused(
            f"the calendar of {MARKET} knows the holidays from {calendar.first} to {calendar.last}",
            hint="Add the year's holidays to market_holidays.",
        )
    market.require_business_day(server, day, market=MARKET)
    standing = server.fetch(STANDING)[0]
    if standing.first_date is None or standing.last_date is None:
        raise Refused("no issue is listed", hint="Seed the market with: stockops seed run")
    _in_order(server, plan, standing)
    priced = server.fetch(PRICED, on=day)[0]
    if not priced.issues:
        raise Refused(
            f"there are no prices of {day}: {priced.dates} days have some, "
            f"from {priced.first_date} to {priced.last_date}",
            hint="Load them into stock_prices, or seed a listing of that day.",
        )
    _predictable(server, plan)
    return standing


def _predictable(server: Server, plan: DayPlan) -> None:
    """Raise `Refused` where nothing can be predicted: rather now than in the middle of the day."""
    if not plan.predictions:
        return
    clock = Clock(business_date=plan.business_date)
    try:
        predictions.generate(server, seed=plan.seed, count=1, clock=clock)
    except Finding as exc:
        raise Refused(str(exc), hint="Leave them out with: --predictions 0") from exc


def _in_order(server: Server, plan: DayPlan, standing: Standing) -> None:
    """Raise `Refused` where the issues are past the day, and not because of this very drive."""
    day = plan.business_date
    last = standing.last_date
    if last is None or last <= day:
        return
    folded = standing.folded_date is not None and standing.folded_date >= day
    is_over = folded and _sealed(server, day)
    if not is_over and last == market.next_business_date(server, day) and placed(server, plan):
        return
    raise Refused(
        f"{day} is over: issues stand at {last}",
        hint=f"Drive {last}, or start again with: stockops seed run --reset",
    )


def _sealed(server: Server, day: date) -> bool:
    """Tell whether the audit log is sealed through `day`, the last thing that is done of it."""
    waiting = server.fetch(audit.UNSEALED, after_id=0, row_limit=1)
    return not any(row.business_date <= day for row in waiting)


def placed(server: Server, plan: DayPlan) -> int:
    """Return the number of the last order that is there of this drive; `Refused` for another's."""
    keys = [
        row.idempotency_key
        for row in server.fetch(KEYS, on=plan.business_date, prefix=f"{plan.family}%")
    ]
    other = next((key for key in keys if not key.startswith(plan.prefix)), None)
    if other is not None:
        seed, orders, predicted, _ = other.removeprefix(plan.family).rsplit("-", 3)
        raise Refused(
            f"{plan.business_date} was begun with --seed {seed} --orders {orders} "
            f"--predictions {predicted}",
            hint="Go on with these, or start again with: stockops seed run --reset",
        )
    return max(map(number, keys), default=0)


def number(key: str) -> int:
    """Return the place of an order in its day, from 1 on."""
    return int(key.rpartition("-")[2])
