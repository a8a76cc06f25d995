"""
Backups and archived log of a target. Only what a drill brought back counts as proven.

No repository is named for a private lab: there is nothing to look at then. For any other target
that is UNKNOWN, for nobody can tell whether it could be recovered.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...backups import s3place
from ..outcome import Reading
from .context import Context

if TYPE_CHECKING:
    from ...backups.archive.status import Status
    from ...backups.standing import Standing

FRESH_S = 5.0
_NO_REPOSITORY = "no repository is named: write backup: {repository: ...} into stockops.yaml"
_NO_BACKUP = "the repository holds no backup of it"
_NO_ARCHIVE = "nothing is archived: what is done after a backup is lost with the server"


@dataclass(slots=True)
class _Kept:
    """What the checks of one run share: a repository is read once for all of them."""

    of: tuple[str, str | None, bool] | None = None
    at_s: float = 0.0
    found: "Standing | None" = None
    missing: list[Reading] = field(default_factory=list)


_kept = _Kept()


def usable(context: Context) -> Iterable[Reading]:
    """Give how many backups a restore can begin with."""
    found, missing = _look(context)
    if found is None and missing and missing[0].detail == _NO_BACKUP:
        return [Reading(value=0, detail=f": {_NO_BACKUP}")]
    return missing if found is None else [Reading(value=found.usable)]


def age(context: Context) -> Iterable[Reading]:
    """Give how long ago the last whole backup ended, in seconds."""
    found, missing = _look(context)
    if found is None:
        return missing
    if not found.last:
        return [Reading(value=None, detail="no backup of it is whole")]
    last = max(found.last, key=lambda each: each.ended_at)
    return [Reading(value=(context.now - last.ended_at).total_seconds(), detail=last.id)]


def proven(context: Context) -> Iterable[Reading]:
    """Give how many usable backups a drill has brought back."""
    found, missing = _look(context)
    if found is None:
        return missing
    return [Reading(value=found.proven, allowed=found.usable or None)]


def drill_age(context: Context) -> Iterable[Reading]:
    """Give how long ago a drill passed, in seconds; its detail is how long the restore took."""
    found, missing = _look(context)
    if found is None:
        return missing
    if found.drill_at is None:
        return [Reading(value=None, detail="no drill of it has passed")]
    took = f"restored in {found.drill_rto_s:.0f} s" if found.drill_rto_s else ""
    return [Reading(value=(context.now - found.drill_at).total_seconds(), detail=took)]


def broken(context: Context) -> Iterable[Reading]:
    """Give how many backups a verification or a drill has failed."""
    found, missing = _look(context)
    if found is None:
        return missing
    return [Reading(value=len(found.broken), detail=", ".join(found.broken))]


def unfinished(context: Context) -> Iterable[Reading]:
    """Give how many attempts since the last whole backup came to nothing."""
    found, missing = _look(context)
    if found is None:
        return missing
    return [Reading(value=len(found.unfinished), detail=", ".join(found.unfinished))]


def size(context: Context) -> Iterable[Reading]:
    """Give the size of the last backup of each kind, as a share of what is usual, in percent."""
    found, missing = _look(context)
    if found is None:
        return missing
    return [
        Reading(
            subject=each.kind,
            value=100 * each.stored_bytes / each.usual_bytes,
            detail=f"{each.stored_bytes / 1e6:,.1f} MB, usually {each.usual_bytes / 1e6:,.1f} MB",
        )
        for each in found.last
        if each.usual_bytes
    ]


def gaps(context: Context) -> Iterable[Reading]:
    """Give how many gaps the archived log has; nothing where nothing is archived."""
    status = _archive(context)
    if status is None:
        return []
    return [Reading(value=status.gaps, detail="; ".join(status.notes) if status.gaps else "")]


def stopped(context: Context) -> Iterable[Reading]:
    """Give 1 where nothing reaches the archive any more, else 0; unknown where there is none."""
    status = _archive(context)
    if status is None:
        found, _ = _look(context)
        exposed = found is not None and context.target.lab is None
        return [Reading(value=None, detail=_NO_ARCHIVE)] if exposed else []
    stopped = status.state == "broken"
    return [Reading(value=stopped, detail="; ".join(status.notes) or f"it is {status.state}")]


def lag(context: Context) -> Iterable[Reading]:
    """Give how old the oldest log is that is not archived, in seconds."""
    status = _archive(context)
    if status is None:
        return []
    return [Reading(value=status.lag_s, detail="nobody knows how far behind it is")]


def _archive(context: Context) -> "Status | None":
    found, _ = _look(context)
    return found.archive if found else None


def _look(context: Context) -> "tuple[Standing | None, list[Reading]]":
    """Return how the backups stand, or what to answer where that cannot be said."""
    place = s3place.stated(context.config.backup)
    of = (context.target.name, place, context.server is None)
    if _kept.of != of or time.monotonic() - _kept.at_s > FRESH_S:
        _kept.found, _kept.missing = _ask(context, place)
        _kept.of, _kept.at_s = of, time.monotonic()
    return _kept.found, _kept.missing


def _ask(context: Context, place: str | None) -> "tuple[Standing | None, list[Reading]]":
    if place is None:
        lab = context.target.lab is not None
        return None, [] if lab else [Reading(value=None, detail=_NO_REPOSITORY)]
    from ...backups import repository, standing  # noqa: PLC0415  who has none does not pay for it

    repo = repository.opened(place)
    system = standing.system_of(repo, context.target.name, context.server)
    if system is None or not repo.backups(system):
        return None, [Reading(value=None, detail=_NO_BACKUP)]
    return standing.look(repo, system, server=context.server), []
