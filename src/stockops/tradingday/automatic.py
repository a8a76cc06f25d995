"""
What comes of rules in a day: predictions at the gate, conditions that are met, portfolios.

Conditions and portfolios take their turns by number, and what each leaves says that its turn is
over: so a day that was cut short goes on behind the last one. Who else waits is asked once, and
again each time an order has met another customer's. Until then the trades were with the house, at
the last price, and changed nothing that anybody else waits for; so it is the same whether the turns
were taken in one run or in several.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from .. import conditions, counts, predictions, rebalancing
from ..conditions import Due
from ..engine.base import Server
from ..errors import Busy, Refused
from ..orders import Clock
from ..predictions import BATCH_PREDICTIONS_MAX, Line
from ..queries import Query
from ..rebalancing import MINIMUM_WON

Each = TypeVar("Each")
Tell = Callable[[int, int], None]  # how many are done, and of how many

_NOT_EXECUTED = ("rejected", "paused", "skipped")


@dataclass(frozen=True, slots=True)
class Handled:
    """The last condition and portfolio whose turn has come; `open_portfolio_id` is cut short."""

    condition_id: int | None
    portfolio_id: int | None
    open_portfolio_id: int | None


@dataclass(frozen=True, slots=True)
class Met:
    """The last trade since a turn began, None for none, and in how many two customers met."""

    trade_id: int | None
    met: int


HANDLED = Query("tradingday/handled", Handled)
MET = Query("tradingday/met", Met)


def handled(server: Server, *, conditions_at: Clock, rebalancing_at: Clock) -> Handled:
    """Return whose turns an earlier run of the day has brought."""
    moments = {"conditions_at": conditions_at.cells[1], "rebalancing_at": rebalancing_at.cells[1]}
    return server.fetch(HANDLED, **moments)[0]


def predict(server: Server, *, seed: int, count: int, clock: Clock, tell: Tell) -> str:
    """Draw predictions and let them come through the gate; say how many came to what."""
    lines = predictions.generate(server, seed=seed, count=count, clock=clock)

    def passing() -> Iterator[Line]:
        for number, line in enumerate(lines):
            if number % BATCH_PREDICTIONS_MAX == 0:  # the batch before this line is stored
                tell(number, count)
            yield line

    loaded = predictions.load(server, passing(), clock=clock)
    tell(count, count)
    return _said(
        [f"{loaded.valid} valid", f"{loaded.quarantined} quarantined", f"{loaded.refused} refused"],
        {"there before": loaded.there},
    )


def execute(server: Server, *, clock: Clock, after: int, since: int, tell: Tell) -> str:
    """
    Execute the conditions that are met, those beyond number `after`; say how many came to what.

    `since` is the last event before; an order that is rejected is an answer.
    """
    came_to: Counter[str] = Counter()

    def waiting() -> Sequence[tuple[int, Due]]:
        return [(each.condition_id, each) for each in conditions.due(server, clock=clock)]

    def ask(each: Due) -> None:
        came_to[conditions.execute(server, each, clock=clock).status] += 1

    conditions.expire(server, clock=clock)
    _in_turn(server, waiting, ask, after=after, since=since, tell=tell)
    executed = came_to.total() - sum(came_to[each] for each in _NOT_EXECUTED)
    return _said(
        [f"{executed} executed", f"{came_to['rejected']} rejected"],
        {"paused": came_to["paused"], "skipped": came_to["skipped"]},
    )


def rebalance(server: Server, *, clock: Clock, after: int, since: int, tell: Tell) -> str:
    """
    Rebalance the portfolios that are due, those beyond number `after`; say how many.

    One that may not be rebalanced is said, and does not stop the others.
    """
    done: Counter[str] = Counter()

    def waiting() -> Sequence[tuple[int, int]]:
        due = rebalancing.due(server, clock=clock)
        return [(each.portfolio_id, each.portfolio_id) for each in due]

    def ask(number: int) -> None:
        try:
            found = rebalancing.rebalance(server, number, clock=clock, minimum_won=MINIMUM_WON)
        except (Refused, Busy):
            done["refused"] += 1
        else:
            done["nothing" if found.rebalance_id is None else "rebalanced"] += 1

    _in_turn(server, waiting, ask, after=after, since=since, tell=tell)
    return _said(
        [f"{counts.of(done['rebalanced'], 'portfolio')} rebalanced"],
        {"refused": done["refused"], "with nothing to trade": done["nothing"]},
    )


def _in_turn(
    server: Server,
    waiting: Callable[[], Sequence[tuple[int, Each]]],
    ask: Callable[[Each], None],
    *,
    after: int,
    since: int,
    tell: Tell,
) -> None:
    """Ask for each that waits beyond `after`, by number; `since` is the last event before."""
    done, is_stale = 0, True
    left: list[tuple[int, Each]] = []
    while True:
        if is_stale:
            left = [each for each in reversed(waiting()) if each[0] > after]
            tell(done, done + len(left))
        if not left:
            return
        after, each = left.pop()
        ask(each)
        done += 1
        tell(done, done + len(left))
        traded = server.fetch(MET, after_id=since)[0]
        since, is_stale = traded.trade_id or since, traded.met > 0


def _said(always: Sequence[str], rest: dict[str, int]) -> str:
    """Join what is always said with what is said where there was any."""
    return ", ".join([*always, *(f"{count} {what}" for what, count in rest.items() if count)])
