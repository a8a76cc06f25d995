"""What the last check of the books came to; who makes it is ``stockops books check``."""

from collections.abc import Iterable

from ... import business
from ...books import record
from ..outcome import Reading
from .context import Context


def age(context: Context) -> Iterable[Reading]:
    """Give how old the last whole check of the books is, in seconds."""
    said = record.read(context.target.name)
    if said is None:
        return _never(context)
    age_s = (context.now - said.checked_at).total_seconds()
    return [Reading(value=max(0.0, age_s))]


def violated(context: Context) -> Iterable[Reading]:
    """Give how many invariants the last whole check found violated."""
    said = record.read(context.target.name)
    if said is None:
        return _never(context)
    return [Reading(value=said.violated, detail=", ".join(said.names))]


def inconclusive(context: Context) -> Iterable[Reading]:
    """Give how many invariants had nothing to look at, of how many."""
    said = record.read(context.target.name)
    if said is None:
        return _never(context)
    asked = said.held + said.violated + said.inconclusive
    return [Reading(value=said.inconclusive, allowed=asked)]


def _never(context: Context) -> list[Reading]:
    """Return what is known of books that nobody checked: nothing, where there are none."""
    if context.server is not None and not business.is_there(context.server):
        return []
    return [Reading(value=None, detail="the books were never checked from here")]
