"""
A process that is told apart from the next one with its number.

The kernel gives a number again. When it began, in ticks since the boot, and which boot that was,
make it one of a kind.
"""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .errors import StockopsError

_PROC = Path("/proc")
_GONE = frozenset({"Z", "X"})  # ended; somebody has yet to take note


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process of this machine, living or not: `began` in ticks after the boot `boot`."""

    pid: int
    began: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> "Process":
        """Return the living process that has the number `pid`; raise where there is none."""
        fields = _fields(pid)
        if fields is None or fields[0] in _GONE:
            raise StockopsError(f"no process has the number {pid}", hint=f"Look: ps -fp {pid}")
        return cls(pid=pid, began=int(fields[19]), boot=boot())

    @property
    def state(self) -> str:
        """What it does, in the letter of `ps`: "T" is stopped; empty when it is gone."""
        fields = _fields(self.pid)
        if fields is None or fields[0] in _GONE or not self._is(fields):
            return ""
        return fields[0]

    @property
    def lives(self) -> bool:
        """Whether it is there, and is not another one of its number."""
        return bool(self.state)

    def tell(self, number: int) -> bool:
        """Send it the signal `number`; False when it is gone. `OSError` where we may not."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        except OSError:  # a kernel, or a sandbox, without them
            return self._tell_by_number(number)
        try:
            if not self.lives:  # asked after the handle was opened: it cannot be another one now
                return False
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)
        return True

    def _tell_by_number(self, number: int) -> bool:
        if not self.lives:
            return False
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)
            return True
        return False

    def _is(self, fields: list[str]) -> bool:
        return int(fields[19]) == self.began and self.boot == boot()


@cache
def boot() -> str:
    """Return the name of this boot of the machine, with that of our space of process numbers."""
    said = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return f"{said} {Path('/proc/self/ns/pid').readlink()}"


def below(root: int) -> list[Process]:
    """Return the living processes that `root` started, and those that they did, parents first."""
    children: dict[int, list[int]] = {}
    for pid in _numbers():
        fields = _fields(pid)
        if fields is not None and fields[0] not in _GONE:
            children.setdefault(int(fields[1]), []).append(pid)
    found, waiting = [], [root]
    while waiting:
        for pid in children.get(waiting.pop(0), []):
            waiting.append(pid)
            with suppress(StockopsError):
                found.append(Process.of(pid))
    return found


def grouped(group: int) -> list[Process]:
    """Return the living processes of the process group `group`."""
    found = []
    for pid in _numbers():
        fields = _fields(pid)
        if fields is not None and fields[0] not in _GONE and int(fields[2]) == group:
            with suppress(StockopsError):
                found.append(Process.of(pid))
    return found


def traced(tracer: int) -> list[Process]:
    """Return the living processes that `tracer` traces, by any of their threads."""
    found = []
    for pid in _numbers():
        if tracer in tracers(pid):
            with suppress(StockopsError):
                found.append(Process.of(pid))
    return found


def tracers(pid: int) -> set[int]:
    """Return who traces the threads of `pid`, 0 for nobody; nothing where it is gone."""
    found = set()
    with suppress(OSError):  # it has just ended, or one of its threads has
        for each in (_PROC / str(pid) / "task").iterdir():
            with suppress(OSError):
                lines = (each / "status").read_text("utf-8", "replace").splitlines()
                found |= {int(line.split()[1]) for line in lines if line.startswith("TracerPid:")}
    return found


def _numbers() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]


def _fields(pid: int) -> list[str] | None:
    """Return what ``/proc/PID/stat`` says from the state on; None when there is no such process."""
    try:
        text = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    # The name in parentheses may hold anything: fields count from the last one.
    return text.rpartition(")")[2].split() or None
