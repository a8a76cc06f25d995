"""Disks that are full: under the data, and under the log of changes."""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit, urlunsplit

from ...engine import connect
from ...errors import StockopsError
from .. import volumes
from ..inverse import Remove
from ..volumes import Volumes
from . import logs
from .base import Args, Driver, Needs, Ordinary, Spot

MESSAGES = "server.log"  # the file of the server's messages, on a disk of their own
BALLAST = "ballast"  # a file's name, and a spot's memory of it
_FLOOR_KIB_MAX = 16 * 1024  # half of a disk of ours
FLOOR_KIB = 64  # what is left free, and too little for whatever the server writes in one piece
TRIES = 20
SWITCHES = 6
SWITCH_S = 10.0
_ROOM_MIB: Mapping[str, int] = {"data": 32, "log": 40, "messages": 16}
_OLD = {"messages": f"{MESSAGES}.1"}  # as logrotate names what is old
_REFUSED = 40
_WORDS = (
    b"No space left on device",
    b"error number 28",
    b"with error 28",
    b"Errcode: 28",
    b"Disk is full",
    b"Disk full",
)


class DiskFull(Ordinary):
    """
    A disk of the server is full: of its tables (``volume: data``), its log, or its messages.

    Other programs have filled it, as far as the server sees, but for ``floor_kib``. The disk of the
    messages is filled by messages of days that are over, which nobody has removed.
    """

    name = "disk_full"
    title = "A disk of the server is full"
    drivers = (
        Driver("namespace", volumes.why_not),
        Driver("mount", volumes.why_not_by_root, mounts_by_root=True),
    )
    takes = MappingProxyType({"volume": tuple(_ROOM_MIB), "floor_kib": range(_FLOOR_KIB_MAX)})

    def needs(self, engine: str, args: Args) -> Needs:
        """Return the one disk that is filled; it has room for what begins to be written."""
        volume = args.get("volume", "data")
        return replace(super().needs(engine, args), volumes={volume: _ROOM_MIB[volume]})

    def inject(self, spot: Spot, driver: str) -> None:
        """Take what is free; of a log, use up what was allotted before, too."""
        del driver
        disks, volume = _disks(spot), spot.args.get("volume", "data")
        ballast = disks.places[volume] / _OLD.get(volume, "stockops-ballast")
        step = Remove(path=ballast, seen_by=disks.holder)
        logs.mark(spot)
        spot.memory[BALLAST] = step, spot.undo.arm(step)
        _fill(disks, volume, ballast, int(spot.args.get("floor_kib", FLOOR_KIB)))
        if volume == "log" and spot.engine == "postgresql":
            _use_up(spot)

    def bites(self, spot: Spot) -> str | None:
        """Return how the server says in its log that there is no room, or what it cannot say."""
        if spot.args.get("volume") == "messages":
            return _unsaid(spot)
        return logs.said(spot, _WORDS)

    def lift(self, spot: Spot) -> None:
        """Give the room back."""
        step, token = spot.memory.pop(BALLAST, (None, None))
        if step is not None:
            _disks(spot).run("rm", "-f", str(step.path))
            spot.undo.undone(token)


def _disks(spot: Spot) -> Volumes:
    if spot.volumes is None:
        raise StockopsError("the sandbox has no disk of its own that could be filled")
    return spot.volumes


def _fill(disks: Volumes, volume: str, ballast: Path, floor_kib: int) -> None:
    """Write a file that leaves `floor_kib`; the server writes, too, and may be quicker."""
    size_kib = 0
    for _ in range(TRIES):
        free_kib = disks.free_kib(volume)
        if free_kib <= floor_kib:
            return
        more_kib = free_kib - floor_kib
        with suppress(StockopsError):  # it was taken meanwhile: there is less now
            disks.run("fallocate", "--length", f"{size_kib + more_kib}KiB", str(ballast))
            size_kib += more_kib
    raise StockopsError(f"the disk of the {volume} cannot be filled: the server frees it meanwhile")


def _use_up(spot: Spot) -> None:
    """Finish segments until a new one is needed, which nothing is left for."""
    with suppress(StockopsError):
        for _ in range(SWITCHES):
            with connect(
                spot.target,
                statement_timeout_s=SWITCH_S,
                connect_timeout_s=SWITCH_S,
                application="stockops drill",
            ) as server:
                server.rows("SELECT pg_switch_wal()::text AS lsn")


def _unsaid(spot: Spot) -> str | None:
    """Have the server refuse some logins, and return how many of them its log does not name."""
    nobody = f"nobody_{secrets.token_hex(8)}"
    parts = urlsplit(spot.target.url)
    host = parts.netloc.rpartition("@")[2]
    url = urlunsplit(parts._replace(netloc=f"{nobody}@{host}"))
    for _ in range(_REFUSED):
        with suppress(StockopsError), connect(url, connect_timeout_s=SWITCH_S):
            pass
    disks = _disks(spot)
    count = 'grep -c -e "$1" "$2" || true'
    file = str(disks.places["messages"] / MESSAGES)
    named = int(disks.run("/bin/sh", "-c", count, "sh", nobody, file))
    if named >= _REFUSED:
        return None
    return f"{_REFUSED} logins were refused, and the log speaks of {named}"
