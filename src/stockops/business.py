"""
What the business does, in figures that its database gives to whoever watches.

The view and the routine behind them run with the rights of their owner: a monitor asks them, and
reads no row of a customer.
"""

from dataclasses import astuple, dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal

from .engine.base import Server
from .errors import Finding
from .queries import Query


@dataclass(frozen=True, slots=True)
class There:
    """Whether there are figures to ask for, and a market that should give some."""

    is_there: bool
    has_market: bool


@dataclass(frozen=True, slots=True)
class Now:
    """
    What rests, waits and is overdue; the times are None where nothing does.

    A settlement is overdue on the days of the market after its date.
    """

    open_orders: int
    oldest_open_at: datetime | None
    oldest_open_days: int | None
    queued_notices: int
    oldest_queued_at: datetime | None
    overdue_conditions: int
    oldest_overdue_at: datetime | None
    unsettled_since: date | None
    overdue_settlement_days: int | None


@dataclass(frozen=True, slots=True)
class Events:
    """What happened between two numbers; `last_event` is the highest number there is."""

    last_event: int
    placed: int
    rejected: int
    cancelled: int
    trades: int
    traded_won: Decimal

    def plus(self, more: "Events") -> "Events":
        """Return both together, as far as `more` saw."""
        _, *mine = astuple(self)
        last_event, *theirs = astuple(more)
        return Events(last_event, *(a + b for a, b in zip(mine, theirs, strict=True)))


THERE = Query("trading/there", There)
NOW = Query("trading/now", Now)
EVENTS = Query("trading/events", Events)


def is_there(server: Server) -> bool:
    """
    Tell whether the database of `server` is one of stockops that gives figures.

    Raises Finding where it should and does not: what nobody can ask for is not at rest.
    """
    found = server.fetch(THERE)[0]
    if found.has_market and not found.is_there:
        raise Finding(
            "there is no view trading_now beside the tables of the market, or the role may not "
            "see it: nobody can tell what rests and waits",
            hint="See what the migrations made with: stockops migrate verify",
        )
    return found.is_there


def now(server: Server) -> Now | None:
    """Return what rests and waits; None for a database that is not one of stockops."""
    if not is_there(server):
        return None
    found = server.fetch(NOW)[0]
    return replace(
        found,
        oldest_open_at=_utc(found.oldest_open_at),
        oldest_queued_at=_utc(found.oldest_queued_at),
        oldest_overdue_at=_utc(found.oldest_overdue_at),
    )


def between(server: Server, after: int, through: int) -> Events:
    """Return what happened in the events after `after` and through `through`."""
    return server.fetch(EVENTS, after_id=after, through_id=through)[0]


def _utc(at: datetime | None) -> datetime | None:
    """Return `at` with its zone: MariaDB gives instants without one, which are UTC."""
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)
