"""What waits too long in the business; nothing for a database that is not one of stockops."""

from collections.abc import Iterable

from ... import business
from ..outcome import Reading
from .context import Context
from .host import session


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
