"""
Waits for the end of the tool that broke something, and undoes what it left.

    python -m stockops.drills.guardian JOURNAL SECONDS

A word on its input ends it. When that closes without one, when the tool is gone, or when the time
is over, it undoes what the journal says; what it did last stands beside the journal afterwards, in
``RUN.guardian.json``. It hears no signal but KILL: who needs it gone ends the tool.
"""

import os
import select
import signal
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from .. import children, scratch, state
from ..errors import StockopsError
from . import pending
from .pending import Done

# Loaded while there is time: a driver alone takes longer than the second that is promised.
NEEDED = ("stockops.lab", "stockops.proxy", "stockops.engine.postgresql", "stockops.engine.mariadb")
URGENT = -10
CLEAR_S = 10.0
_ACCOUNT = ".guardian.json"
_DEAF_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE)


def account_of(journal: Path) -> Path:
    """Return the file that says what the guardian of `journal` did."""
    return journal.with_name(f"{journal.stem}{_ACCOUNT}")


def journal_of(account: Path) -> Path:
    """Return the journal, which may be gone, of the guardian that wrote `account`."""
    return pending.path_of(account.name.removesuffix(_ACCOUNT))


def accounts() -> list[Path]:
    """Return what guardians wrote that had to act."""
    return sorted(pending.folder().glob(f"*{_ACCOUNT}"))


def main(journal: Path, within_s: float) -> None:
    """Wait, and undo if need be."""
    for number in _DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):  # what it undoes may be what keeps everybody waiting; root may do this
        os.setpriority(os.PRIO_PROCESS, 0, URGENT)
    head = pending.read(journal).head
    tool = head.tool
    watched = select.poll()
    watched.register(0, select.POLLIN)
    with suppress(OSError):  # whatever else holds the pipe, the tool's own end is heard
        watched.register(os.pidfd_open(tool.pid), select.POLLIN)
    with suppress(BrokenPipeError):  # nobody hears it where the tool died meanwhile
        os.write(1, b"ready\n")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for name in NEEDED:
        import_module(name)
    heard = watched.poll(within_s * 1000)
    if not heard:
        _act(journal, "the time was over", goes_on=True)
        heard = watched.poll()
    has_word = any(number == 0 for number, _ in heard) and os.read(0, 64)
    if not has_word:
        _act(journal, "the tool ended", goes_on=False)
        _clear(head.folder)


def _clear(folder: Path) -> None:
    """Remove where the drill worked. What the tool started ends after it, and writes until then."""

    def cleared() -> bool:
        scratch.sweep(folder.parent)
        return not (folder.name.startswith(scratch.PREFIX) and folder.exists())

    children.wait_until(cleared, within_s=CLEAR_S)


def _act(journal: Path, why: str, *, goes_on: bool) -> None:
    """Undo, and write down what was done."""
    began = time.monotonic()
    done = _replay(journal, goes_on=goes_on)
    took_ms = round((time.monotonic() - began) * 1000, 1)
    said = {"why": why, "at": pending.now(), "took_ms": took_ms, "done": list(map(asdict, done))}
    state.write(account_of(journal), said)


def _replay(journal: Path, *, goes_on: bool) -> list[Done]:
    try:
        return pending.replay(journal, goes_on=goes_on)
    except (StockopsError, OSError) as exc:
        return [
            Done(
                run=journal.stem,
                number=0,
                words="the journal",
                outcome="failed",
                why=str(exc),
                by_hand=f"stockops drill undo {journal.stem}",
                took_ms=0.0,
            )
        ]


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
