"""Whether the database is what the migrations made."""

from collections.abc import Iterable

from ... import migrations
from ...engine.base import Server
from ...errors import Unreachable
from ...migrations import Status, history
from ..outcome import Reading
from .context import Context


def pending(context: Context) -> Iterable[Reading]:
    """Give how many migrations are not applied yet; nothing where stockops has no history."""
    return _counted(context, "pending")


def drifted(context: Context) -> Iterable[Reading]:
    """Give how many applied migrations are not what the files say, or stopped half way."""
    return _counted(context, "changed", "missing", "out of order", "half applied")


def missing(context: Context) -> Iterable[Reading]:
    """Give how many tables that migrations made are gone; nothing where there is no history."""
    server = _session(context)
    if not history.exists(server):
        return []
    gone = migrations.missing(server)
    return [Reading(value=len(gone), detail=", ".join(gone))]


def _counted(context: Context, *states: str) -> list[Reading]:
    server = _session(context)
    if not history.exists(server):
        return []
    found: list[Status] = migrations.status(server)
    named = [each.migration for each in found if each.state in states]
    return [Reading(value=len(named), allowed=len(found), detail=", ".join(named))]


def _session(context: Context) -> Server:
    if context.server is None:
        raise Unreachable("there is no session")
    return context.server
