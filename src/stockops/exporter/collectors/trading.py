"""
The business in figures: orders by what became of them, trades, won, what rests and what waits.

Totals are counted once and then carried on: each time only the events since are looked at, and the
last `TAIL_EVENTS` of those before again, whose transactions may have ended in another order than
their numbers. Until the past is counted, `PAGE_EVENTS` at a time within `COUNTING_S`, there are no
totals: a part of one would look like a drop. They are kept every `KEPT_EVERY_S` for the exporter
that is started next, which need not count the past again.
"""

import time
from collections.abc import Iterable
from functools import partial

from ... import business
from ...business import Events
from ...engine.base import Server
from .. import counted as kept
from ..context import Context, Lane
from ..counted import NOTHING, Counted
from ..families import Family, by, one

NAME = "trading"
LANE: Lane = "slow"
TAIL_EVENTS = 20_000
PAGE_EVENTS = 100_000
COUNTING_S = 1.0
KEPT_EVERY_S = 300.0
_KEPT = "counted"
_KEPT_AT = "kept at"


def collect(server: Server, context: Context) -> Iterable[Family]:
    """Give what the business does; nothing for a database that is not one of it."""
    with server.transaction(isolation="repeatable read", read_only=True):
        now = business.now(server)
        if now is None:
            return
        events = _total(server, context)
    yield one("stockops_open_orders", "gauge", "Orders that rest in the book.", now.open_orders)
    yield one(
        "stockops_oldest_open_order_timestamp_seconds",
        "gauge",
        "When the oldest order that rests was recorded.",
        None if now.oldest_open_at is None else now.oldest_open_at.timestamp(),
    )
    yield one(
        "stockops_undelivered_notices",
        "gauge",
        "Messages to users that are queued.",
        now.queued_notices,
    )
    if events is None:
        return
    closed = events.rejected + events.cancelled
    yield by(
        "status",
        "stockops_orders",
        "gauge",
        "Orders by what became of them.",
        {
            "open": now.open_orders,
            "filled": events.placed - closed - now.open_orders,
            "cancelled": events.cancelled,
            "rejected": events.rejected,
        },
    )
    yield one("stockops_trades", "gauge", "Trades.", events.trades)
    yield one("stockops_traded_won", "gauge", "Value of all trades, in won.", events.traded_won)


def _total(server: Server, context: Context) -> Events | None:
    """Return all that ever happened; None while the past is still being counted."""
    between = partial(business.between, server)
    counted: Counted = context.memory.get(_KEPT) or kept.recall(context.target.name, between)
    last = between(0, 0).last_event
    if last < counted.through:  # another database is there now, or it was seeded anew
        counted = NOTHING
    ends = time.monotonic() + COUNTING_S
    while counted.through < last - TAIL_EVENTS:
        if time.monotonic() > ends:
            context.memory[_KEPT] = counted
            return None
        through = min(counted.through + PAGE_EVENTS, last - TAIL_EVENTS)
        more = between(counted.through, through)
        counted = Counted(through, counted.events.plus(more))
    context.memory[_KEPT] = counted
    _keep(context, counted, between)
    return counted.events.plus(between(counted.through, last))


def _keep(context: Context, counted: Counted, between: kept.Between) -> None:
    """Keep `counted` where it is time to, and there is a past that took time to count."""
    at_s = time.monotonic()
    if counted.through and at_s - context.memory.get(_KEPT_AT, -KEPT_EVERY_S) >= KEPT_EVERY_S:
        kept.keep(context.target.name, counted, between)
        context.memory[_KEPT_AT] = at_s
