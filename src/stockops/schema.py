"""
The schema of stockops as it is on the day it is built: its migrations, and the months ahead.

A migration is the same text for ever, and can name partitions up to a date alone. What it makes is
brought up to the months ahead here, so that a schema built years later is not behind already.
"""

from collections.abc import Collection
from functools import partial
from pathlib import Path

from . import market, migrations, partitions
from .engine import connect
from .engine.base import Server
from .errors import Busy
from .migrations import Applied, Patience
from .partitions import PARTS, Table
from .plan import Consent
from .sessions.waiting import Say
from .targets import Target

AHEAD_MONTHS = 3
_PATIENCE = Patience()
_CONSENT = Consent()


def build(
    target: Target,
    *,
    folder: Path | None = None,
    patience: Patience = _PATIENCE,
    consent: Consent = _CONSENT,
    say: Say = lambda _: None,
) -> list[Applied]:
    """
    Apply what is pending, as `migrations.up`; what it raises is raised.

    Tables that this run made, and that are partitioned by date, get the partitions of the months
    ahead. Tables that were there are left to ``partitions apply``.
    """
    applied = migrations.up(target, folder=folder, patience=patience, consent=consent, say=say)
    made = migrations.made(target.engine, {each.migration for each in applied}, folder=folder)
    if not made:
        return applied
    with connect(target) as server:
        if made.isdisjoint(part.table_name.lower() for part in server.fetch(PARTS)):
            return applied
    new = partial(_new, made)
    try:
        done = partitions.apply(target, new, consent=consent, patience=patience, say=say)
    except Busy as exc:  # another migration has the lock now: what was applied stays applied
        say(f"the months ahead are left to stockops partitions apply: {exc}")
        return applied
    for each in done:
        if each.outcome == "failed":
            say(f"{each.table_name} lacks the months ahead: {each.note}")
    return applied


def _new(made: Collection[str], server: Server) -> list[Table]:
    today = market.today(server)
    found = partitions.look(server, today=today, ahead=AHEAD_MONTHS, every="month")
    return [each for each in found if each.table_name.lower() in made]
