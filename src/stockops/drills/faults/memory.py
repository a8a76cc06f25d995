"""Memory that is refused."""

import resource
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import MappingProxyType

from ...engine import connect
from ...errors import StockopsError
from ...processes import Process
from .. import preloading
from . import logs
from .base import Driver, Spot
from .limited import ByLimit, wanted
from .processes import pid_of

LOOK_S = 2.0
SESSIONS = 24
REFUSED = 6
HEADROOM_MIB = 0
_MOST_MIB = 1 << 20
_MIB = 1 << 20
_KEPT = "sessions"
_PAUSE_S = 0.1
_WORDS = (b"out of memory", b"Out of memory", b"Can't create a new thread", b"Cannot allocate")


class MemoryRefused(ByLimit):
    """
    The server gets no more memory than it has: its soft limit of addresses is what it uses now.

    On PostgreSQL every process has a limit of its own: sessions go on until they need more, and a
    new one, which always does, is refused. MariaDB is one process: no thread of it can be limited
    from outside, and what is refused is refused to whoever asks first: where that is a part of the
    server itself, it ends. ``headroom_mib`` is how much may still be taken.
    """

    name = "memory_refused"
    title = "The server gets no more memory"
    drivers = (
        *ByLimit.drivers,
        Driver(preloading.DRIVER, preloading.memory_why_not, preloaded=preloading.MEMORY),
    )
    takes = MappingProxyType({"headroom_mib": range(_MOST_MIB + 1)})

    def inject(self, spot: Spot, driver: str) -> None:
        """Lower the limits to what is used now, or have the server do so by itself."""
        headroom: int = spot.args.get("headroom_mib", HEADROOM_MIB) * _MIB
        logs.mark(spot)

        def most(each: Process) -> int:
            return _size(each.pid) + headroom

        if driver == preloading.DRIVER:
            limited = wanted(Process.of(pid_of(spot)), most)
            says = preloading.limiting({each.pid: count for each, count in limited.items()})
            preloading.begin(spot, preloading.MEMORY, says)
        else:
            self.lower(spot, "AS", most)

    def bites(self, spot: Spot) -> str | None:
        """Return how the server says, in its log or to a new session, that it has no memory."""
        # MariaDB gives the threads of those who left to the next: more are asked for than it keeps,
        # and held. One that somebody has at this moment is waited for: who looks on has one, too.
        kept = spot.memory.setdefault(_KEPT, ExitStack())
        refused: list[str] = []
        for _ in range(SESSIONS):
            try:
                kept.enter_context(
                    connect(spot.target, connect_timeout_s=LOOK_S, application="stockops drill")
                )
            except StockopsError as exc:
                if not any(word in str(exc).encode() for word in _WORDS):
                    break
                refused.append(str(exc))
                if len(refused) == REFUSED:
                    return refused[0]
                time.sleep(_PAUSE_S)
        if not refused:
            self._let_go(spot)
        return logs.said(spot, _WORDS)

    def lift(self, spot: Spot) -> None:
        """Give every process its limit back, and let the sessions that were had go."""
        super().lift(spot)
        preloading.end(spot)
        self._let_go(spot)

    def _let_go(self, spot: Spot) -> None:
        with suppress(StockopsError):  # the server may have ended
            spot.memory.pop(_KEPT, ExitStack()).close()


def _size(pid: int) -> int:
    """Return how many bytes of addresses the process has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[0])
    return pages * resource.getpagesize()
