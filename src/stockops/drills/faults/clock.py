"""What happens to the time of day."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from ...engine import connect
from ...health.probes.host import HOST
from ..inverse import Write
from .base import Args, Driver, Needs, Ordinary, Spot

USUAL_S = 3600
JUMP_S_MAX = 30 * 86_400
_FILE = "clock"
_TELLING_S = 5.0
_HOMES = ("lib/*/faketime", "lib64/faketime", "lib/faketime", "local/lib/faketime")  # under /usr
# Memory that it shares with what the server starts: mapped at once, and left by a server that is
# killed.
_SHARED = ("/dev/shm/faketime_shm_{pid}", "/dev/shm/sem.faketime_sem_{pid}")  # noqa: S108
# MariaDB is one process with many threads, which look at the clock at once.
_LIBRARIES = {"postgresql": "libfaketime.so.1", "mariadb": "libfaketimeMT.so.1"}


def library(engine: str) -> Path | None:
    """Return the library that changes a process's clock; None where there is none."""
    found = (each for home in _HOMES for each in Path("/usr").glob(f"{home}/{_LIBRARIES[engine]}"))
    return next(found, None)


def by_library() -> str | None:
    """Return why a server cannot have a clock of its own here; None where it can."""
    if all(library(engine) for engine in _LIBRARIES):
        return None
    return "there is no libfaketime: install the package libfaketime"


class ClockJump(Ordinary):
    """
    The server's clock jumps back by `back_s` seconds while it works: a bad source of time, a host
    that was resumed. Its other clock, which counts how long something takes, goes on.
    """

    name = "clock_jump"
    title = "The server's clock jumps back"
    drivers = (Driver("libfaketime", by_library),)
    takes = MappingProxyType({"back_s": range(60, JUMP_S_MAX + 1)})

    def needs(self, engine: str, args: Args) -> Needs:
        """Return a server that has its time from a file."""
        preloaded = library(engine)
        environment = {
            "LD_PRELOAD": str(preloaded) if preloaded else "",
            "FAKETIME_TIMESTAMP_FILE": f"{{directory}}/{_FILE}",
            "FAKETIME_CACHE_DURATION": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        return replace(super().needs(engine, args), environment=environment, leaves=_SHARED)

    def inject(self, spot: Spot, driver: str) -> None:
        """Write into that file that it is earlier."""
        del driver
        path = spot.lab.directory / _FILE
        path.write_text("+0\n", "ascii")
        step = Write.of(path)
        spot.memory["clock"] = step, spot.undo.arm(step)
        path.write_text(f"-{_back_s(spot)}\n", "ascii")

    def bites(self, spot: Spot) -> str | None:
        """Return what time it is for the server."""
        with connect(spot.target, application="stockops drill") as server:
            said = server.fetch(HOST)[0].now
        there = said if said.tzinfo else said.replace(tzinfo=UTC)
        behind = datetime.now(UTC) - there
        if behind < timedelta(seconds=_back_s(spot) - _TELLING_S):
            return None
        return f"its clock says {there:%H:%M:%S}, {behind.total_seconds():,.0f} s ago"

    def lift(self, spot: Spot) -> None:
        """Set the clock, where nobody did: it jumps forward."""
        step, token = spot.memory.pop("clock", (None, None))
        if step is not None:
            step.undo(spot.folder)
            spot.undo.undone(token)


def _back_s(spot: Spot) -> int:
    return int(spot.args.get("back_s", USUAL_S))
