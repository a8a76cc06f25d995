"""
What was done about a target and written down: checks of its books, its backups, their drills.

It is told whether the server is up or not: that is when somebody wants to know of a backup. The
repository is read again after `FRESH_S`, one on S3 after `FRESH_S3_S`; the former no less often
than the slow lane asks.
"""

import time
from collections.abc import Iterable

from ...backups import repository, s3place, standing
from ...backups.standing import Standing
from ...books import record
from ..context import Context
from ..families import Family, by, one

NAME = "records"
FRESH_S = 30.0
FRESH_S3_S = 300.0
_KEPT = "standing"


def read(context: Context) -> Iterable[Family]:
    """Give what is known of the target's books and backups; nothing of what was never done."""
    yield from _books(context)
    found = _standing(context)
    if found is not None:
        yield from _backups(found)


def _books(context: Context) -> Iterable[Family]:
    said = record.read(context.target.name)
    if said is None:
        return
    yield one(
        "stockops_books_last_check_timestamp_seconds",
        "gauge",
        "When all invariants of the books were checked last.",
        said.checked_at.timestamp(),
    )
    yield by(
        "state",
        "stockops_books_invariants",
        "gauge",
        "Invariants by what the last check of the books found.",
        {"held": said.held, "violated": said.violated, "inconclusive": said.inconclusive},
    )


def _standing(context: Context) -> Standing | None:
    """Return how the backups of the target stand; None where there is no repository."""
    place = s3place.stated(context.config.backup)
    if place is None:
        return None
    kept: tuple[float, Standing | None] | None = context.memory.get(_KEPT)
    fresh_s = FRESH_S3_S if s3place.is_one(place) else min(FRESH_S, context.slow_every_s)
    if kept is not None and time.monotonic() - kept[0] < fresh_s:
        return kept[1]
    repo = repository.opened(place)
    system = standing.system_of(repo, context.target.name, None)
    found = None if system is None else standing.look(repo, system)
    context.memory[_KEPT] = (time.monotonic(), found)
    return found


def _backups(found: Standing) -> Iterable[Family]:
    yield by(
        "kind",
        "stockops_backup_last_success_timestamp_seconds",
        "gauge",
        "When the last whole backup ended.",
        {each.kind: each.ended_at.timestamp() for each in found.last},
    )
    yield by(
        "kind",
        "stockops_backup_last_size_bytes",
        "gauge",
        "What the last whole backup takes in the repository.",
        {each.kind: each.stored_bytes for each in found.last},
    )
    yield one(
        "stockops_backup_last_drill_timestamp_seconds",
        "gauge",
        "When a backup was last restored and proven.",
        found.drill_at.timestamp() if found.drill_at else None,
    )
    yield one(
        "stockops_backup_last_drill_rto_seconds",
        "gauge",
        "How long the restore of the last proven backup took.",
        found.drill_rto_s,
    )
    yield one(
        "stockops_backup_broken",
        "gauge",
        "Backups that a verification or a drill has failed.",
        len(found.broken),
    )
