"""What changes a table is tried a bounded number of times, and gives way in between."""

from collections.abc import Callable
from typing import TypeVar

from ..engine import connect
from ..engine.base import Server
from ..errors import StorageError
from ..sessions.waiting import Blocker, Patience, Say, patiently, watched
from ..targets import Target
from . import statements
from .questions import Part, has_rows

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


def require_empty(server: Server, part: Part) -> None:
    """Raise `StorageError` where a partition that was found empty has rows by now."""
    if has_rows(server, statements.source(part, engine=server.engine)):
        raise StorageError(
            f"{part.part_name} was empty, and has rows by now",
            hint="Run the same command again.",
        )
