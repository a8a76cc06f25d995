"""The disk under the log does not do what a sync asks: it takes its time, or answers an error."""

import errno
import secrets
import time
from statistics import median
from types import MappingProxyType

from ...engine import connect
from ...lab import account as accounts
from ...processes import Process
from .. import preloading, tracing
from . import logs
from .base import Driver, Ordinary, Spot
from .processes import pid_of

CALLS = "fsync,fdatasync,sync_file_range,msync"
DELAY_MS = 200
DELAY_MAX_MS = 5000
LOOK_S = 30.0
_COMMITS = 5
_SHARE = 0.8  # of the delay: clocks and schedulers are not that exact
_USUAL = "a commit took, s"
_TABLE = "CREATE TABLE IF NOT EXISTS drill_synced (id integer PRIMARY KEY)"
_COMMIT = "INSERT INTO drill_synced (id) VALUES (%(id)s)"
_ERRORS = (
    b"could not fsync",
    b"could not fdatasync",
    b"sync() returned",
    b"Input/output error",
    b"with error 5",
    b"Errcode: 5",
    b"error number 5",
)


class _Syncs(Ordinary):
    """What these faults have in common: the syncs of the server, and of all it starts, go wrong."""

    drivers = (
        Driver("strace", tracing.why_not),
        Driver(preloading.DRIVER, preloading.syncs_why_not, preloaded=preloading.SYNCS),
    )

    def lift(self, spot: Spot) -> None:
        """Give the server a disk that keeps what it is given, at once."""
        tracing.end(spot)
        preloading.end(spot)


class SlowSync(_Syncs):
    """Every sync that the server asks for takes ``delay_ms`` longer, as on a disk that is busy."""

    name = "slow_fsync"
    title = "The disk takes its time for each sync"
    takes = MappingProxyType({"delay_ms": range(1, DELAY_MAX_MS + 1)})

    def inject(self, spot: Spot, driver: str) -> None:
        """Measure what a commit takes, and slow the syncs."""
        with connect(spot.target, application="stockops drill") as server:
            server.execute(_TABLE)
        spot.memory[_USUAL] = median(_commit_s(spot) for _ in range(_COMMITS))
        if driver == preloading.DRIVER:
            preloading.begin(spot, preloading.SYNCS, preloading.syncing(late_s=_delay_s(spot)))
        else:
            _trace(spot, f"delay_enter={_delay_s(spot) * 1e6:.0f}")

    def bites(self, spot: Spot) -> str | None:
        """Return how long a commit takes, asked by one, once that is about the delay longer."""
        usual_s = spot.memory[_USUAL]
        took_s = _commit_s(spot)
        if took_s < usual_s + _delay_s(spot) * _SHARE:
            return None
        return f"a commit takes {took_s * 1e3:.0f} ms, and took {usual_s * 1e3:.0f} ms before"


class FailingSync(_Syncs):
    """Every sync of the server answers EIO: the disk no longer keeps what it is given."""

    name = "failing_fsync"
    title = "The disk answers an error to each sync"

    def inject(self, spot: Spot, driver: str) -> None:
        """Refuse the syncs."""
        logs.mark(spot)
        if driver == preloading.DRIVER:
            preloading.begin(spot, preloading.SYNCS, preloading.syncing(error=errno.EIO))
        else:
            _trace(spot, "error=EIO")

    def bites(self, spot: Spot) -> str | None:
        """Return how the server says in its log that a sync has failed."""
        return logs.said(spot, _ERRORS)


def _trace(spot: Spot, how: str) -> None:
    server = Process.of(pid_of(spot))
    switch = accounts.serving(spot.lab.user).switch
    tracing.begin(spot, server, switch, calls=CALLS, how=how)


def _delay_s(spot: Spot) -> float:
    return float(spot.args.get("delay_ms", DELAY_MS)) / 1e3


def _commit_s(spot: Spot) -> float:
    """Commit a row, and return how long the server took to say that it is safe."""
    with connect(spot.target, statement_timeout_s=LOOK_S, application="stockops drill") as server:
        began = time.monotonic()
        server.execute(_COMMIT, {"id": secrets.randbits(30)})
        return time.monotonic() - began
