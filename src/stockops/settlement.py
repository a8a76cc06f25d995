"""
Settlement: what was traded two business days ago becomes settled cash.

An order moves cash when it trades, and that cash is unsettled until the settlement date of the
trade. No order knows of it: a date is settled once, later, by adding up the KRW entries of its
trades account by account into ``settlements``. What an account has settled is its cash less the
entries of the trades that are not settled yet.

A date is one transaction: it is settled as a whole or not at all, and its primary key lets nobody
settle it twice.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from . import advisory, audit, counts, market, queries
from .engine.base import Server
from .errors import Finding, Refused
from .plan import Step
from .queries import Query

Outcome = Literal["settled", "settled before", "nothing"]

# An order that was slow may commit a trade with a number below the mark of the date before.
LOOK_BACK_IDS = 1_000_000

_BEGINNING = date(1, 1, 1)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far trades are settled; `first_due` is asked for only where nothing is settled yet."""

    settled_through: date | None
    open_from_id: int
    first_due: date | None

    @property
    def after(self) -> date:
        """The date after which trades are not settled."""
        return self.settled_through or _BEGINNING

    @property
    def from_id(self) -> int:
        """The number from which on trades have to be looked at."""
        return max(0, self.open_from_id - LOOK_BACK_IDS)


@dataclass(frozen=True, slots=True)
class Ahead:
    """What waits to be settled, and how many issues are still at a business date of it."""

    trades: int
    value_won: Decimal
    symbols: int


@dataclass(frozen=True, slots=True)
class Stored:
    """One settled date, as the database has it."""

    settles_on: date
    trades: int
    value_won: int
    fees_won: int
    taxes_won: int
    accounts: int


@dataclass(frozen=True, slots=True)
class Total:
    """What the settlements of a date add up to."""

    total_won: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """
    What became of a date: settled now, settled before, or nothing was traded that settles by it.

    `accounts` counts those of the house, too.
    """

    settles_on: date
    outcome: Outcome
    trades: int
    value_won: int
    fees_won: int
    taxes_won: int
    accounts: int


STANDING = Query("settlement/standing", Standing)
NEXT_DAY = Query("settlement/next_day", market.BusinessDate)
TRADED_ON = Query("settlement/traded_on", market.BusinessDate)
AHEAD = Query("settlement/ahead", Ahead)
DAY = Query("settlement/day", Stored)
TOTAL = Query("settlement/total", Total)


def next_day(server: Server) -> date | None:
    """Return the date that is to be settled next; None where nothing was traded yet."""
    return _next(server, server.fetch(STANDING)[0])


def due(server: Server, through: date) -> Iterator[date]:
    """Yield the dates up to `through` that are not settled yet, the earliest first."""
    day = next_day(server)
    while day is not None and day <= through:
        yield day
        day = server.fetch(NEXT_DAY, after=day)[0].business_date


def settle(server: Server, day: date, *, today: date | None, wait_s: float = 5.0) -> Settled:
    """
    Settle `day`: everything that settles on it, in one transaction; asking twice does it once.

    The business dates whose trades settle on it are closed first, as `books fold` closes them, so
    no trade can come later. Raises `Refused` for a day on which no market is open, for one that is
    not the next one to settle, and for one after `today`, where the market's clock stands; None
    leaves that to the caller. `Busy` where another session settles for longer than `wait_s`.
    """
    _check(server, day, today)
    with advisory.alone(server, "settlement", wait_s=wait_s):
        before = _stored(server, day, "settled before")
        if before is not None:
            return before
        standing = server.fetch(STANDING)[0]
        first = _next(server, standing)
        if first is None or day < first:
            return Settled(
                settles_on=day,
                outcome="nothing",
                trades=0,
                value_won=0,
                fees_won=0,
                taxes_won=0,
                accounts=0,
            )
        if day > first:
            raise Refused(
                f"{first} is to be settled before {day}",
                hint=f"Settle it with --date {first}, or all that is due without --date.",
            )
        traded_on = server.fetch(TRADED_ON, day=day)[0].business_date
        if traded_on is not None:
            audit.close_days(server, traded_on)
        return _settle(server, day, standing)


def settle_due(
    server: Server,
    through: date,
    *,
    today: date | None,
    seen: Callable[[int, int], None] = lambda _done, _of: None,
) -> list[Settled]:
    """
    Settle every date up to `through` that is not settled yet, the earliest first.

    `seen` is told after each of them how many are done, and of how many.
    """
    days = list(due(server, through))
    done: list[Settled] = []
    for day in days:
        done.append(settle(server, day, today=today))
        seen(len(done), len(days))
    return done


def steps(server: Server, through: date) -> list[Step]:
    """Return what settling every date up to `through` would do."""
    standing = server.fetch(STANDING)[0]
    planned: list[Step] = []
    after, symbols = standing.after, 0
    for day in due(server, through):
        ahead = server.fetch(AHEAD, day=day, after=after, from_id=standing.from_id)[0]
        after, symbols = day, ahead.symbols
        planned.append(
            Step(
                action=f"settle {counts.of(ahead.trades, 'trade')} of {ahead.value_won:,} won "
                f"on {day}",
                why="their cash is settled from that date on",
            )
        )
    if symbols:
        closing = Step(
            action=f"open the next business day of {counts.of(symbols, 'issue')}",
            why=f"no order of a day that settles by {after} can come any more",
            lock="share",
        )
        planned.insert(0, closing)
    return planned


def _check(server: Server, day: date, today: date | None) -> None:
    opens = server.fetch(NEXT_DAY, after=day - timedelta(days=1))[0].business_date
    if opens is not None and opens != day:
        raise Refused(
            f"no market is open on {day}, so nothing settles on it",
            hint=f"The next business day is {opens}.",
        )
    if today is not None and day > today:
        raise Refused(
            f"{day} has not come: the market's clock stands at {today}",
            hint="Settle a date on its day, or later.",
        )


def _next(server: Server, standing: Standing) -> date | None:
    after = standing.settled_through
    if after is None and standing.first_due is not None:
        after = standing.first_due - timedelta(days=1)
    return None if after is None else server.fetch(NEXT_DAY, after=after)[0].business_date


def _settle(server: Server, day: date, standing: Standing) -> Settled:
    """Add up the trades of `day`, with their audit row, in one transaction."""
    which = {"day": day, "after": standing.after, "from_id": standing.from_id}
    with server.transaction(isolation="read committed"):
        for name in ("store_day", "store_accounts"):
            server.execute(_sql(server, name), which)
        total = server.fetch(TOTAL, day=day)[0].total_won
        if total:
            raise Finding(
                f"the trades that settle on {day} add up to {total:,} won, not to 0",
                hint="See which with: stockops books check --only trade_journal",
            )
        done = _stored(server, day, "settled")
        if done is None:
            raise RuntimeError(f"{day} was stored, and is not there")
        detail = (
            f"{done.trades} trades value {done.value_won} fees {done.fees_won} "
            f"taxes {done.taxes_won} accounts {done.accounts}"
        )
        server.execute(_sql(server, "log"), {"day": day, "name": day.isoformat(), "detail": detail})
    return done


def _stored(server: Server, day: date, outcome: Outcome) -> Settled | None:
    for row in server.fetch(DAY, day=day):
        return Settled(
            settles_on=row.settles_on,
            outcome=outcome,
            trades=row.trades,
            value_won=row.value_won,
            fees_won=row.fees_won,
            taxes_won=row.taxes_won,
            accounts=row.accounts,
        )
    return None


def _sql(server: Server, name: str) -> str:
    return queries.text(server.engine, f"settling/{name}", server.version[0])
