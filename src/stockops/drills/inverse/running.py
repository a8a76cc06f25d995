"""Processes get back what they had, or end."""

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ... import children, limits, processes
from ...errors import StockopsError
from ...limits import Limited
from ...processes import Process

GONE_S = 5.0  # a killed process is gone at once, or is stuck in the kernel
POLITE_S = 1.0  # a tracer lets go, and ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Continue:
    """Let a stopped process run again, and with `tree` all that it started."""

    process: Process
    tree: bool = True

    @property
    def words(self) -> str:
        """What it does, in words."""
        return f"let process {self.process.pid} run again"

    @property
    def by_hand(self) -> str:
        """The command that does the same where the step cannot."""
        return f"kill -CONT {self.process.pid}"

    def check(self, folder: Path) -> None:
        """Nothing: a process that is another one by now is left alone."""

    def undo(self, folder: Path) -> bool:
        """Send it SIGCONT; first to what it started, so that nobody finds a child that sleeps."""
        del folder
        stopped = False
        if not self.process.lives:
            return False
        for each in [*(processes.below(self.process.pid) if self.tree else []), self.process]:
            stopped |= each.state == "T"
            each.tell(signal.SIGCONT)
        return stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """End a process that the drill started: alone, with all it started, or its process group."""

    process: Process
    whom: Literal["one", "tree", "group"] = "tree"

    @property
    def words(self) -> str:
        """What it does, in words."""
        with_whom = {"one": "", "tree": " and all it started", "group": " and its group"}
        return f"end process {self.process.pid}{with_whom[self.whom]}"

    @property
    def by_hand(self) -> str:
        """The command that does the same where the step cannot."""
        return f"kill -KILL {'-- -' if self.whom == 'group' else ''}{self.process.pid}"

    def check(self, folder: Path) -> None:
        """Nothing: a process that is another one by now is left alone."""

    def undo(self, folder: Path) -> bool:
        """Kill them, and wait until they are gone."""
        del folder
        doomed = self._doomed()
        for each in doomed:
            each.tell(signal.SIGKILL)
        _await_end(doomed)
        return bool(doomed)

    def _doomed(self) -> list[Process]:
        own = self.process
        if own.boot != processes.boot():
            return []
        if self.whom == "group":
            # A group's number is not given again while somebody is in it, whoever led it.
            found = processes.grouped(own.pid)
            led_by = next((each for each in found if each.pid == own.pid), own)
            return found if led_by == own else []
        if not own.lives:
            return []
        return [own, *(processes.below(own.pid) if self.whom == "tree" else [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detach:
    """
    End a tracer, which lets go of what it traces.

    It is told to, and killed only where it does not: who is killed lets go in the middle of a call,
    which then fails in a way that no disk ever does.
    """

    tracer: Process

    @property
    def words(self) -> str:
        """What it does, in words."""
        return f"end the tracer {self.tracer.pid}, which lets its processes go"

    @property
    def by_hand(self) -> str:
        """The command that does the same where the step cannot."""
        return f"kill {self.tracer.pid}"

    def check(self, folder: Path) -> None:
        """Nothing: a process that is another one by now is left alone."""

    def undo(self, folder: Path) -> bool:
        """End it, wait until nobody is traced any more, and wake whom it left stopped."""
        del folder
        held = processes.traced(self.tracer.pid) if self.tracer.lives else []
        if not self.tracer.tell(signal.SIGTERM):
            return False
        if not children.wait_until(lambda: not self.tracer.lives, within_s=POLITE_S):
            self.tracer.tell(signal.SIGKILL)
            _await_end([self.tracer])
        self._require_free(held)
        for each in held:
            if each.state == "T":
                each.tell(signal.SIGCONT)
        return True

    def _require_free(self, held: list[Process]) -> None:
        """Wait until none of `held` is traced; raise where one stays so."""
        own = self.tracer.pid
        left = [*held]

        def free() -> bool:
            left[:] = [each for each in left if each.lives and own in processes.tracers(each.pid)]
            return not left

        if not children.wait_until(free, within_s=GONE_S):
            pids = " ".join(str(each.pid) for each in left)
            raise StockopsError(
                f"the tracer {own} is gone, and still holds: {pids}", hint=f"Look: ps -fp {pids}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """
    Give a process its soft limit back, and with `tree` all it started; no hard one is touched.

    Who is started under a lower limit has it, too, and has not been there when it was lowered.
    """

    process: Process
    what: Limited
    soft: int  # -1: none
    tree: bool = False

    @property
    def words(self) -> str:
        """What it does, in words."""
        return f"give process {self.process.pid} its limit {self.what} back"

    @property
    def by_hand(self) -> str:
        """The command that does the same where the step cannot."""
        return limits.command(self.process.pid, self.what, self.soft)

    @classmethod
    def of(cls, process: Process, what: Limited, *, tree: bool = False) -> "Limit":
        """Return the step that gives `process` the limit that it has now."""
        soft = limits.soft(process, what)
        if soft is None:
            raise StockopsError(f"process {process.pid} has just ended")
        return cls(process=process, what=what, soft=soft, tree=tree)

    def check(self, folder: Path) -> None:
        """Nothing: a process that is another one by now is left alone."""

    def undo(self, folder: Path) -> bool:
        """Set the soft limit of before: first for the process, so that new children have it."""
        del folder
        if not self.process.lives:
            return False
        limited = self._limited([self.process])
        limits.set_soft(limited, self.what)
        if self.tree:
            children_of = self._limited(processes.below(self.process.pid))
            limits.set_soft(children_of, self.what)
            limited |= children_of
        return bool(limited)

    def _limited(self, among: list[Process]) -> dict[Process, int]:
        return {
            each: self.soft
            for each in among
            if limits.soft(each, self.what) not in {None, self.soft}
        }


def _await_end(doomed: list[Process]) -> None:
    if not children.wait_until(lambda: not any(each.lives for each in doomed), within_s=GONE_S):
        left = " ".join(str(each.pid) for each in doomed if each.lives)
        raise StockopsError(f"killed, and still there: {left}", hint=f"Look: ps -fp {left}")
