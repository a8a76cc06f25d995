"""
A whole business day, step by step.

Every batch of orders is one transaction, and its keys say where it stands in the day. So a day that
was cut short goes on where it stopped: what is there is not placed again, and what was to follow
is drawn again from what the day began with.
"""

import time as clocks
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta

from .. import advisory, audit, books, business, market, orders, settlement
from ..engine.base import Server
from ..errors import Refused
from ..market import Hours
from ..orders import Clock, Order, clock_of
from ..plan import Step
from ..queries import Query
from . import auctions, automatic
from .drawing import Cash, Day, Holding, Issue, Start, drawn
from .examining import MARKET, DayPlan, Standing, examine, number, placed

SLOT_MINUTES = 2
# So long after the opening, and before the first of the day's orders.
PREDICTIONS_MINUTE, CONDITIONS_MINUTE, REBALANCING_MINUTE = 0.25, 0.5, 0.75
BATCH_ORDERS = 200
_LAST_EVENT = 2**63 - 1

ISSUES = Query("tradingday/issues", Issue)
CASH = Query("tradingday/cash", Cash)
HOLDINGS = Query("tradingday/holdings", Holding)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """What one step of the day did; `said` is what its figures do not say."""

    step: str
    placed: int
    rejected: int
    trades: int
    traded_won: int
    seconds: float
    said: str
    held: bool = True  # False where the books did not hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the day is, in orders, or in what else a step counts."""

    step: str
    done: int
    total: int
    what: str = "orders"


Seen = Callable[[Progress], None]


def steps(plan: DayPlan) -> list[Step]:
    """Return what `run` would do."""
    day = plan.business_date
    return [
        Step(
            action=f"move every issue to {day}",
            why="what rests of the day before expires; the base price and limits are set",
            lock="share",
        ),
        Step(
            action=f"settle what is due on {day}",
            why="what was traded two business days ago is settled cash from then on",
        ),
        Step(
            action="collect orders before the opening, and uncross them",
            why="each issue opens at the price at which most is traded",
        ),
        *_rules(plan),
        Step(
            action=f"place orders every {SLOT_MINUTES} minutes, {plan.orders} in the whole day",
            why=f"drawn from the daily prices of {day} by seed {plan.seed}: the same again, always",
        ),
        Step(
            action="look at each of these moments which prices moved too far, and call auctions",
            why="volatility interruptions, as interruption_limits has them",
        ),
        Step(
            action="collect orders before the close, and uncross them",
            why="each issue closes at one price; what is left expires",
        ),
        Step(
            action=f"fold the books through {day}, seal the audit log",
            why="no order of a closed day can come any more",
            lock="share",
        ),
        Step(action="check the books", why="every step leaves them balanced"),
    ]


def _rules(plan: DayPlan) -> list[Step]:
    gate = Step(
        action=f"draw {plan.predictions} predictions, and store them as valid or quarantined",
        why="conditions may be met by the valid ones; no order follows from the others",
    )
    return [
        *([gate] if plan.predictions else []),
        Step(
            action="end the conditions whose time is over, execute those that are met",
            why="each is one order, with its notices and its audit row in one transaction",
        ),
        Step(
            action="rebalance the portfolios with a weight outside its band",
            why="sales first, then purchases, by limit orders at the last price",
        ),
    ]


@dataclass(slots=True)
class Drive:
    """One run of a day on `server`; `today` is the real date where only past days may be folded."""

    server: Server
    plan: DayPlan
    today: date | None
    seen: Seen
    hours: Sequence[Hours] = ()
    there: int = 0  # the number in the last key that an earlier run placed
    after: int = field(init=False, default=0)

    @property
    def continuous(self) -> Hours:
        """The session in which orders meet at once."""
        return next(each for each in self.hours if each.matching == "continuous")

    def at(self, minute: float) -> Clock:
        """Return the clock of the day at `minute` after midnight."""
        seconds = round(minute * 60)
        return clock_of(
            self.plan.business_date, time(seconds // 3600, seconds // 60 % 60, seconds % 60)
        )

    def drawn(self) -> Day:
        """Return the orders of the day."""
        on = self.plan.business_date
        start = Start(
            issues=self.server.fetch(ISSUES, on=on),
            accounts=self.server.fetch(CASH, on=on),
            holdings=self.server.fetch(HOLDINGS, on=on),
            ticks=market.ticks(self.server, on),
        )
        found = drawn(
            start,
            seed=self.plan.seed,
            prefix=self.plan.prefix,
            orders=self.plan.orders,
            slots=(self.continuous.closes_minute - self.continuous.opens_minute) // SLOT_MINUTES,
        )
        if not found.orders:
            raise Refused(
                "no customer could trade: nobody holds shares of an issue with prices, and cash",
                hint="Seed customers with: stockops seed run --reset",
            )
        return found

    def has(self, asked: Sequence[Order]) -> bool:
        """Tell whether an earlier run has placed all of `asked`."""
        return all(number(each.key) <= self.there for each in asked)

    def place(self, asked: Sequence[Order], minute: float) -> None:
        """Place what is not there yet, in batches."""
        left = [each for each in asked if number(each.key) > self.there]
        for first in range(0, len(left), BATCH_ORDERS):
            orders.place_many(
                self.server, left[first : first + BATCH_ORDERS], clock=self.at(minute)
            )

    def done(self, step: str, started: float, said: str, *, held: bool = True) -> StepDone:
        """Return what happened since the step before."""
        happened = business.between(self.server, self.after, _LAST_EVENT)
        self.after = happened.last_event
        return StepDone(
            step=step,
            placed=happened.placed,
            rejected=happened.rejected,
            trades=happened.trades,
            traded_won=int(happened.traded_won),
            seconds=round(clocks.monotonic() - started, 1),
            said=said,
            held=held,
        )


def run(
    server: Server, plan: DayPlan, *, today: date | None, seen: Seen = lambda _: None
) -> Iterator[StepDone]:
    """
    Drive the day, and yield what each step did; the last one is the check of the books.

    `Refused` for a day on which the market is closed, that has no prices, or that is out of order.
    """
    with advisory.alone(server, "trading day", wait_s=0):
        standing = examine(server, plan)
        drive = Drive(server, plan, today, seen)
        drive.there = placed(server, plan)
        drive.hours = market.hours(server, plan.business_date, market=MARKET)
        drive.after = business.between(server, _LAST_EVENT, _LAST_EVENT).last_event
        if standing.last_date is not None and standing.last_date <= plan.business_date:
            yield _open(drive, standing)
            yield _settle(drive)
            yield from _trade(drive, drive.drawn())
        yield _close(drive)
        yield _check(drive)


def _open(drive: Drive, standing: Standing) -> StepDone:
    started = clocks.monotonic()
    day = drive.plan.business_date
    moved = 0
    if standing.first_date is not None and standing.first_date < day:
        before = day - timedelta(days=1)
        moved = audit.fold(drive.server, before, today=drive.today).symbols
    return drive.done("open the day", started, f"{moved} issues moved to {day}")


def _settle(drive: Drive) -> StepDone:
    """Settle what was traded two business days ago, and what no earlier day has settled."""
    started = clocks.monotonic()
    days = settlement.settle_due(drive.server, drive.plan.business_date, today=drive.today)
    trades = sum(each.trades for each in days)
    return drive.done("settlement", started, f"{trades} trades of {len(days)} dates settled")


def _trade(drive: Drive, day: Day) -> Iterator[StepDone]:
    """Trade the three sessions; the calendar may leave an auction out."""
    session = drive.continuous
    opening = [
        h for h in drive.hours if h.matching == "auction" and h.opens_minute < session.opens_minute
    ]
    closing = [
        h
        for h in drive.hours
        if h.matching == "auction" and h.opens_minute >= session.closes_minute
    ]
    placed = 0

    def tell(step: str, more: int) -> None:
        nonlocal placed
        placed += more
        drive.seen(Progress(step=step, done=placed, total=day.orders))

    started = clocks.monotonic()
    for hours in opening:
        drive.place(day.opening, hours.opens_minute + 1)
        tell("opening auction", len(day.opening))
        done = auctions.uncross_over(drive.server, clock=drive.at(session.opens_minute))
        yield drive.done("opening auction", started, _uncrossed(done))
    yield from _follow_rules(drive, is_over=drive.there > len(day.opening))
    started = clocks.monotonic()
    called: list[auctions.Interruption] = []
    # What an earlier run placed it had looked at before, at the right moment.
    first = max((n for n, each in enumerate(day.slots, 1) if each and drive.has(each)), default=0)
    moved = True  # whether there is anything to look at
    tell("continuous trading", sum(map(len, day.slots[:first])))
    for slot, asked in list(enumerate(day.slots))[first:]:
        minute = session.opens_minute + slot * SLOT_MINUTES + 1
        if (moved or asked) and not (asked and drive.has(asked[:1])):
            auctions.uncross_over(drive.server, clock=drive.at(minute))
            called += auctions.interrupt(drive.server, clock=drive.at(minute))
        drive.place(asked, minute)
        moved = bool(asked)
        tell("continuous trading", len(asked))
    auctions.uncross_over(drive.server, clock=drive.at(session.closes_minute))
    kinds = [each.kind for each in called]
    static = kinds.count("static")
    said = f"{len(kinds)} interruptions: {static} static, {len(kinds) - static} dynamic"
    yield drive.done("continuous trading", started, said)
    started = clocks.monotonic()
    for hours in closing:
        drive.place(day.closing, hours.opens_minute + 1)
        tell("closing auction", len(day.closing))
        done = auctions.uncross_over(drive.server, clock=drive.at(hours.closes_minute))
        yield drive.done("closing auction", started, _uncrossed(done))


def _follow_rules(drive: Drive, *, is_over: bool) -> Iterator[StepDone]:
    """Let the rules of customers trade; `is_over` says that orders came behind them already."""

    def telling(step: str, what: str) -> automatic.Tell:
        return lambda done, total: drive.seen(
            Progress(step=step, done=done, total=total, what=what)
        )

    opened = drive.continuous.opens_minute
    conditions_at = drive.at(opened + CONDITIONS_MINUTE)
    rebalancing_at = drive.at(opened + REBALANCING_MINUTE)
    if drive.plan.predictions:
        started = clocks.monotonic()
        said = automatic.predict(
            drive.server,
            seed=drive.plan.seed,
            count=drive.plan.predictions,
            clock=drive.at(opened + PREDICTIONS_MINUTE),
            tell=telling("predictions", "predictions"),
        )
        yield drive.done("predictions", started, said)
    was = automatic.handled(
        drive.server, conditions_at=conditions_at, rebalancing_at=rebalancing_at
    )
    started, said = clocks.monotonic(), _DONE_BEFORE
    if not is_over and was.portfolio_id is None:
        said = automatic.execute(
            drive.server,
            clock=conditions_at,
            after=was.condition_id or 0,
            since=drive.after,
            tell=telling("conditions", "conditions"),
        )
    yield drive.done("conditions", started, said)
    started, said = clocks.monotonic(), _DONE_BEFORE
    if not is_over:
        # The one that was cut short is ended before the next one has its turn.
        cut_short = was.open_portfolio_id is not None
        said = automatic.rebalance(
            drive.server,
            clock=rebalancing_at,
            after=(was.portfolio_id or 0) - cut_short,
            since=drive.after,
            tell=telling("rebalancing", "portfolios"),
        )
    yield drive.done("rebalancing", started, said)


_DONE_BEFORE = "done before the day was cut short"


def _uncrossed(done: Sequence[auctions.Uncrossed]) -> str:
    traded = [each for each in done if each.price_won is not None]
    return (
        f"{len(traded)} of {len(done)} issues at one price, {sum(e.volume for e in traded)} shares"
    )


def _close(drive: Drive) -> StepDone:
    started = clocks.monotonic()
    folded = audit.fold(drive.server, drive.plan.business_date, today=drive.today)
    return drive.done(
        "end of day", started, f"{folded.symbols} issues closed, {folded.balances} balances folded"
    )


def _check(drive: Drive) -> StepDone:
    started = clocks.monotonic()
    results = books.check(drive.server)
    bad = [each.name for each in results if each.state != "held"]
    said = f"{len(results) - len(bad)} of {len(results)} invariants held"
    said = ": ".join([said, ", ".join(bad)] if bad else [said])
    return drive.done("books check", started, said, held=not bad)
