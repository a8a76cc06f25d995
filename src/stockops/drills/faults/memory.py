"""Memory that is refused."""

import resource
from contextlib import ExitStack, suppress
from pathlib import Path
from types import MappingProxyType

from ... import limits, processes
from ...engine import connect
from ...errors import StockopsError
from ...processes import Process
from ..inverse import Limit
from .base import Driver, Ordinary, Spot
from .processes import pid_of

LOOK_S = 2.0
SESSIONS = 24
HEADROOM_MIB = 0
_MOST_MIB = 1 << 20
_MIB = 1 << 20
_LIMIT, _LOG = "limit", "log"
_WORDS = (b"out of memory", b"Out of memory", b"Can't create a new thread", b"Cannot allocate")


def by_limit() -> str | None:
    """Return why the limits of other processes cannot be set here; None where they can."""
    if not hasattr(resource, "prlimit"):
        return "the system has no prlimit"
    return None if Path("/proc/self/statm").exists() else "there is no /proc to look at processes"


class MemoryRefused(Ordinary):
    """
    The server gets no more memory than it has: its soft limit of addresses is what it uses now.

    On PostgreSQL every process has a limit of its own: sessions go on until they need more, and a
    new one, which always does, is refused. MariaDB is one process: no thread of it can be limited
    from outside, and what is refused is refused to whoever asks first: where that is a part of the
    server itself, it ends. ``headroom_mib`` is how much may still be taken.
    """

    name = "memory_refused"
    title = "The server gets no more memory"
    drivers = (Driver("prlimit", by_limit),)
    takes = MappingProxyType({"headroom_mib": range(_MOST_MIB + 1)})

    def inject(self, spot: Spot, driver: str) -> None:
        """Lower the soft limits; the hard ones, which could not be raised again, stay."""
        del driver
        headroom = spot.args.get("headroom_mib", HEADROOM_MIB) * _MIB
        server = Process.of(pid_of(spot))
        spot.memory[_LOG] = spot.lab.log_path.stat().st_size
        step = Limit.of(server, "AS", tree=True)
        spot.memory[_LIMIT] = step, spot.undo.arm(step)
        wanted = {}
        for each in [server, *processes.below(server.pid)]:
            with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                wanted[each] = _size(each.pid) + headroom
        limits.set_soft(wanted, "AS")

    def bites(self, spot: Spot) -> str | None:
        """Return how the server says, in its log or to a new session, that it has no memory."""
        # MariaDB gives the threads of those who left to the next: more are asked for than it keeps.
        with ExitStack() as held:
            try:
                for _ in range(SESSIONS):
                    held.enter_context(
                        connect(spot.target, connect_timeout_s=LOOK_S, application="stockops drill")
                    )
            except StockopsError as exc:
                if any(word in str(exc).encode() for word in _WORDS):
                    return str(exc)
        with spot.lab.log_path.open("rb") as log:
            log.seek(spot.memory[_LOG])
            said = [line for line in log if any(word in line for word in _WORDS)]
        return said[0].decode("utf-8", "replace").strip() if said else None

    def lift(self, spot: Spot) -> None:
        """Give every process its limit back, those that were started meanwhile too."""
        step, token = spot.memory.pop(_LIMIT, (None, None))
        if step is not None:
            step.undo(spot.folder)
            spot.undo.undone(token)


def _size(pid: int) -> int:
    """Return how many bytes of addresses the process has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[0])
    return pages * resource.getpagesize()
