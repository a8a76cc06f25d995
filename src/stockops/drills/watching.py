"""When our own health checks see what is wrong, and from when on they see nothing any more."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import children, health
from ..errors import StockopsError
from ..health import State
from .faults.base import Spot
from .head import Detect

READY_S = 30.0
_BAD = {State.WARNING, State.CRITICAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look of all checks, from a session of its own."""

    began_ns: int
    ended_ns: int
    reason: str  # "ok", or why there was no session
    states: dict[str, int]
    messages: dict[str, str]

    def tells(self, checks: Sequence[str]) -> str | None:
        """Return what the first of `checks` that finds something says; None where none does."""
        for name in checks:
            if self.states.get(name) in _BAD:
                return f"{name}: {self.messages.get(name, '')}"
        return None


class Watch:
    """Health checks that are asked again and again, by a process of ours."""

    def __init__(self, child: children.Child, file: Path, log: Path) -> None:
        self._child = child
        self._file = file
        self._log = log
        self._read = 0
        self.looks: list[Look] = []

    def look(self) -> None:
        """Take the looks that came since; `StockopsError` where nobody looks any more."""
        if self._file.exists():
            with self._file.open("rb") as file:
                file.seek(self._read)
                for line in file:
                    if line.endswith(b"\n"):
                        self._read += len(line)
                        self.looks.append(Look(**json.loads(line)))
        if self._child.code is not None:
            raise children.failed("the health checks of the drill ended", self._log)

    def first(self, checks: Sequence[str], *, since_ns: int) -> tuple[int, str] | None:
        """Return when, and what, one of `checks` told first of what was since `since_ns`."""
        for look in self.looks:
            if look.ended_ns >= since_ns and (said := look.tells(checks)):
                return look.ended_ns, said
        return None

    def back_ns(self, *, since_ns: int) -> int | None:
        """Return when there was a new session again for good; None where there always was one."""
        looks = [look for look in self.looks if look.ended_ns >= since_ns]
        bad = [n for n, look in enumerate(looks) if look.reason != "ok"]
        if not bad:
            return None
        return looks[min(bad[-1] + 1, len(looks) - 1)].ended_ns


@contextmanager
def watching(spot: Spot, detect: Detect) -> Iterator[Watch]:
    """
    Have checks asked for the block, and whether there is a session; begin with one look.

    They reach the server as the load does: a network between is broken for them, too.
    """
    file = spot.folder / "watch.jsonl"
    said: dict[str, Any] = {
        "name": spot.target.name,
        "url": spot.front.url,
        "lab": spot.target.lab,
        "beside": _beside(spot),
        "repository": str(spot.repository) if spot.repository else None,
        "checks": sorted({*detect.checks, health.checking.REACHABLE}),
        "thresholds": {name: str(limit) for name, limit in detect.thresholds.items()},
    }
    # The checks look at disks, and have to see those that the server sees.
    inside = spot.volumes.seeing if spot.volumes else ()
    words = [*inside, sys.executable, "-m", f"{__package__}.watcher", json.dumps(said), str(file)]
    log = spot.folder / "watch.log"
    child = children.start(words, cwd=spot.folder, log=log, env=dict(os.environ), pipes="w")
    watch = Watch(child, file, log)

    def looked() -> bool:
        watch.look()
        return bool(watch.looks)

    try:
        if not children.wait_until(looked, within_s=READY_S):
            raise StockopsError("the health checks of the drill do not begin")
        yield watch
    finally:
        child.end()


def _beside(spot: Spot) -> dict[str, str] | None:
    """Return the replica, whose checks tell what the primary cannot know of it."""
    if spot.replica is None:
        return None
    return {"name": spot.replica.name, "url": spot.replica.url(spot.target.database)}
