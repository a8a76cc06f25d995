"""Which issues and accounts a load draws from: few for a hot one, many for one that is spread."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from .. import market, workload
from ..engine.base import Server
from ..errors import ConfigError
from ..market import KST
from ..queries import Query
from ..workload import RunPlan
from .cells import Load

_TRADED = {"hot": 2, "spread": 80}
_QUOTED = {"hot": 1, "spread": 80}
_MAKERS_MAX = 4
_MAKERS_MIN = 2
_STEPS = 2  # of the price on either side, for quotes
_SHARES_MIN = 20  # who has fewer soon has none to sell
_CASH_MIN_WON = 10_000_000
_TEN = time(10)


@dataclass(frozen=True, slots=True)
class Resting:
    """An issue in whose book orders rest."""

    symbol: str


RESTING = Query("isolation/resting", Resting)


@dataclass(frozen=True, slots=True)
class Traded:
    """An issue that is bought from the house and sold to it, and who has shares to sell."""

    symbol: str
    sellers: Sequence[int]


@dataclass(frozen=True, slots=True)
class Quoted:
    """An issue in whose book orders rest: at which prices, and of whom."""

    symbol: str
    prices_won: Sequence[int]
    makers: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """
    What requests are drawn from; no issue is both traded and quoted.

    So a trade with the house never passes a resting order by, which would be a violation that has
    nothing to do with isolation. `at` is 10:00 KST of `business_date`, in UTC.
    """

    business_date: date
    at: str
    traded: Sequence[Traded]
    quoted: Sequence[Quoted]
    buyers: Sequence[int]


def survey(server: Server, load: Load) -> Ground:
    """Return the ground of `load`; `ConfigError` where the market has too little for it."""
    day = server.fetch(market.QUOTE_DATE)[0].business_date
    whole = workload.survey(server, RunPlan(orders=1, business_date=day))
    resting = {each.symbol for each in server.fetch(RESTING)}
    holders: dict[str, list[int]] = {}
    for holding in whole.holdings:
        if holding.available_quantity >= _SHARES_MIN:
            holders.setdefault(holding.symbol, []).append(holding.account_id)
    ladders = dict(zip(whole.symbols, whole.ladders, strict=True))
    free = [
        symbol
        for symbol, found in holders.items()
        if symbol not in resting and symbol in ladders and len(found) >= _MAKERS_MIN
    ]
    ranked = sorted(free, key=lambda symbol: (-len(holders[symbol]), symbol))
    buyers = [payer.account_id for payer in whole.payers if payer.available_won >= _CASH_MIN_WON]
    if len(ranked) < 2 * _TRADED["hot"] or not buyers or day is None:
        raise ConfigError(
            "the market has too few issues with two holders and an empty book, or nobody has cash",
            hint="This is a market of stockops that was changed; make a new one.",
        )
    opened = datetime.combine(day, _TEN, KST).astimezone(UTC)
    return Ground(
        business_date=day,
        at=opened.strftime("%Y-%m-%d %H:%M:%S"),
        traded=[Traded(symbol, holders[symbol]) for symbol in ranked[0::2][: _TRADED[load]]],
        quoted=[
            Quoted(symbol, _middle(ladders[symbol]), holders[symbol][:_MAKERS_MAX])
            for symbol in ranked[1::2][: _QUOTED[load]]
        ],
        buyers=buyers,
    )


def _middle(ladder: Sequence[int]) -> Sequence[int]:
    """Return the prices next to the middle of `ladder`."""
    middle = len(ladder) // 2
    return ladder[max(0, middle - _STEPS) : middle + _STEPS + 1]
