"""What faults by a lowered limit have in common: how it is lowered, and given back."""

import resource
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ... import limits, processes
from ...processes import Process
from ..inverse import Limit
from .base import Driver, Ordinary, Spot
from .processes import pid_of

_LIMIT = "limit"


def by_limit() -> str | None:
    """Return why the limits of other processes cannot be set here; None where they can."""
    if not hasattr(resource, "prlimit"):
        return "the system has no prlimit"
    return None if Path("/proc/self/statm").exists() else "there is no /proc to look at processes"


class ByLimit(Ordinary):
    """A soft limit of the server and of all it started is lowered."""

    drivers: Sequence[Driver] = (Driver("prlimit", by_limit),)

    def lower(self, spot: Spot, what: limits.Limited, most: Callable[[Process], int]) -> Process:
        """
        Lower `what` to the `most` that each may have, and return the server.

        The hard limits, which could not be raised again, stay.
        """
        server = Process.of(pid_of(spot))
        step = Limit.of(server, what, tree=True)
        spot.memory[_LIMIT] = step, spot.undo.arm(step)
        limits.set_soft(wanted(server, most), what)
        return server

    def lift(self, spot: Spot) -> None:
        """Give every process its limit back, those that were started meanwhile too."""
        step, token = spot.memory.pop(_LIMIT, (None, None))
        if step is not None:
            step.undo(spot.folder)
            spot.undo.undone(token)


def wanted(server: Process, most: Callable[[Process], int]) -> dict[Process, int]:
    """Return what each process of the server may have; who has just ended is left out."""
    found = {}
    for each in [server, *processes.below(server.pid)]:
        with suppress(FileNotFoundError, ProcessLookupError):
            found[each] = most(each)
    return found
