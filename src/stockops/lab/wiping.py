"""Remove a temporary lab whose maker is dead."""

import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path

from .. import children, filelock
from ..errors import StockopsError
from . import marker, memory, place, proc
from .base import Lab

GONE_S = 10.0


def wipe(directory: Path) -> bool:
    """
    Kill the server of the temporary lab in `directory`, and remove the lab; False where none is.

    It does not matter where $STOCKOPS_LABS points by now. `Busy` while its maker holds it.
    """
    half_made = place.making_beside(directory)
    if not directory.is_dir() and not half_made.is_dir():
        return False
    with filelock.hold(place.lock_beside(directory), what=f"the lab {directory.name!r}"):
        if half_made.is_dir():
            _end(half_made / "data", None)
            memory.release(half_made / "data")
            place.discard(half_made)
        lab = marker.read(directory)
        if lab is not None and lab.temporary:
            _end(lab.data, lab)
            memory.release(lab.data)
            if lab.sockets.parent != lab.directory:
                shutil.rmtree(lab.sockets, ignore_errors=True)
            place.discard(lab.directory)
    return not directory.is_dir()


def _end(data: Path, lab: Lab | None) -> None:
    """Kill all that works in `data` or beside it; what is stopped dies as well."""

    def gone() -> bool:
        alive = {*proc.inside(data, data.parent)}
        alive |= {lab.pid} if lab and lab.pid else set()
        for pid in alive:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not alive

    if not children.wait_until(gone, within_s=GONE_S):
        raise StockopsError(
            f"processes stay that work in {str(data)!r}", hint=f"Look at them: fuser -v {data}"
        )
