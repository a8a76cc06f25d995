"""A repository beside a sandbox: a full backup of it, and the log that goes on from there."""

import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from .. import children, sessions
from ..backups import repository
from ..backups.archive.walreceiver import slot_name
from ..backups.repository import Repository
from ..children import Child
from ..engine import connect
from ..lab.process import environment

if TYPE_CHECKING:  # a fault stops what is started here, and so comes after it
    from .faults.base import Spot

TAKE_S = 300.0
ARCHIVED_S = 60.0
RECEIVER = "stockops archive"  # how the applications of one begin


def add(stack: ExitStack, spot: "Spot", *, archive: bool) -> None:
    """Take a full backup; from before it on, where there is an `archive`, the log is received."""
    spot.repository = spot.folder / "repository"
    repo = repository.make(str(spot.repository))
    if archive:
        stack.callback(_end, spot)
        spot.receiver = receive(spot)
        _await_archive(spot, repo)
    words = _command(spot, "take")
    log = spot.folder / "backup.log"
    children.run(words, cwd=spot.folder, log=log, env=_environment(spot), within_s=TAKE_S)


def receive(spot: "Spot") -> Child:
    """Start a process that receives the log of the server into the repository; it ends with us."""
    return children.start(
        _command(spot, "archive", "run"),
        cwd=spot.folder,
        log=spot.folder / "archive.log",
        env=_environment(spot),
    )


def _command(spot: "Spot", *words: str) -> list[str]:
    where = ("-t", spot.target.name, "--repository", str(spot.repository))
    return [sys.executable, "-m", "stockops", "backup", *words, *where]


def _environment(spot: "Spot") -> dict[str, str]:
    return {**os.environ, **environment(spot.folder)}


def _end(spot: "Spot") -> None:
    if spot.receiver is not None:
        spot.receiver.end()


def _await_archive(spot: "Spot", repo: Repository) -> None:
    """Wait until the log is being received, and say by whom: it is no stranger."""
    streams = {f"{RECEIVER} {slot_name(repo)}", "mysqlbinlog"}
    spot.companions |= {RECEIVER, *streams}

    def receives() -> bool:
        with connect(spot.target, application="stockops drill") as server:
            return any(each.application in streams for each in sessions.activity(server))

    if not children.wait_until(receives, within_s=ARCHIVED_S):
        raise children.failed("the archive does not begin", spot.folder / "archive.log")
