"""
What waits too long in the business, and what is refused; nothing for a database that is not ours.

Rejected orders are counted on from look to look, in a small file of the state folder: an order is
an event with a number, and nobody can count those of the last minutes by their time.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from ... import business, state
from ...engine.base import Server
from ...targets import Target
from .. import rates
from ..outcome import Reading
from .context import Context
from .host import session

# The last events are counted again by each look: they may be committed in another order than that
# of their numbers. After a pause with more of them than a page counting begins anew.
TAIL_EVENTS = 5_000
PAGE_EVENTS = 200_000
WHO = "orders counted"


@dataclass(frozen=True, slots=True)
class Counted:
    """The orders of all events through `through`, since somebody began to count."""

    through: int
    placed: int = 0
    rejected: int = 0


def orders_rejected(context: Context) -> Iterable[Reading]:
    """Give how many orders were rejected, of how many, since somebody first looked."""
    server = session(context)
    if not business.is_there(server):
        return []
    settled = _settled(server, context.target)
    recent = business.between(server, settled.through, settled.through + PAGE_EVENTS)
    return [
        Reading(
            value=settled.rejected + recent.rejected,
            allowed=float(settled.placed + recent.placed),
        )
    ]


def _settled(server: Server, target: Target) -> Counted:
    """
    Return what was counted through all events but the last ones, and keep it.

    Nobody has to wait for whoever else looks: each count is whole, and goes on from a whole one.
    """
    file = rates.path_of(target, WHO)
    through = max(0, business.between(server, 0, 0).last_event - TAIL_EVENTS)
    found = _kept(state.read(file), through)
    if found is None:
        found = Counted(through)
    else:
        more = business.between(server, found.through, through)
        found = Counted(through, found.placed + more.placed, found.rejected + more.rejected)
    state.write(file, asdict(found))
    return found


def _kept(said: dict[str, int] | None, through: int) -> Counted | None:
    """Return the count that was kept; None where it is another database's, or too long ago."""
    found = Counted(**said) if said else None
    if found is None or not 0 <= through - found.through <= PAGE_EVENTS:
        return None
    return found


def stuck_orders(context: Context) -> Iterable[Reading]:
    """Give the days between the business date of the oldest open order and that of the latest."""
    said = business.now(session(context))
    if said is None or said.oldest_open_days is None:
        return []
    return [Reading(value=said.oldest_open_days, detail=f"{said.open_orders:,} rest in the book")]


def undelivered_notices(context: Context) -> Iterable[Reading]:
    """Give how long the oldest message to a user has been waiting, in seconds."""
    said = business.now(session(context))
    if said is None or said.oldest_queued_at is None:
        return []
    waited_s = (context.now - said.oldest_queued_at).total_seconds()
    return [Reading(value=max(0.0, waited_s), detail=f"{said.queued_notices:,}")]


def unsettled_conditions(context: Context) -> Iterable[Reading]:
    """Give how many conditions are past their end, and nobody ended them."""
    said = business.now(session(context))
    if said is None:
        return []
    since = said.oldest_overdue_at
    return [
        Reading(
            value=said.overdue_conditions,
            detail=f"the oldest since {since:%Y-%m-%d %H:%M} UTC" if since else "",
        )
    ]


def unsettled_trades(context: Context) -> Iterable[Reading]:
    """Give for how many days trades wait that should be settled."""
    said = business.now(session(context))
    if said is None or said.overdue_settlement_days is None:
        return []
    return [
        Reading(
            value=said.overdue_settlement_days, detail=f"those that settle {said.unsettled_since}"
        )
    ]
