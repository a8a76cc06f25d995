"""What changes a table is tried a bounded number of times, and gives way in between."""

from collections.abc import Callable
from typing import TypeVar

from ..engine import connect
from ..engine.base import Server
from ..sessions.waiting import Blocker, Patience, Say, patiently, watched
from ..targets import Target

APPLICATION = "stockops partitions"

Result = TypeVar("Result")


def in_tries(
    target: Target, work: Callable[[Server], Result], *, patience: Patience, say: Say
) -> Result:
    """Return what `work` returns, given a session of its own in each try; say who is in the way."""
    blockers: list[Blocker] = []

    def attempt() -> Result:
        with (
            connect(
                target, application=APPLICATION, lock_timeout_s=patience.lock_timeout_s
            ) as server,
            watched(target, server.session_id, after_s=patience.lock_timeout_s / 2) as seen,
        ):
            try:
                return work(server)
            finally:
                blockers[:] = seen

    return patiently(attempt, patience=patience, blockers=blockers, say=say)
