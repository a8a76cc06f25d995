"""
What was broken is mended, however the tool that broke it ends.

The inverse of a fault is written down, and durable, before the fault is made. A guardian, a process
of its own, undoes it within a second of this one's death, or when the run has taken too long; after
a reboot ``stockops drill undo`` does.

    with Undo.begin(run, folder=sandbox, within_s=120) as undo:
        token = undo.arm(Continue(process=postmaster))
        postmaster.tell(signal.SIGSTOP)
        ...
        postmaster.tell(signal.SIGCONT)
        undo.undone(token)
"""

import os
import select
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from weakref import WeakSet

from ..errors import StockopsError, StorageError
from ..processes import Process
from . import pending
from .inverse import Step
from .pending import Armed, Done, Head

READY_S = 30.0
_TOP = Path(__file__).parents[2]  # where our package is found, from wherever
END_S = 10.0
WORD = b"the run has ended\n"  # whoever hears nothing but the end of the pipe undoes everything


class Undo:
    """The journal of one run, with its guardian. Made by `begin`; `close` ends a block."""

    def __init__(
        self, head: Head, handle: int, guardian: "subprocess.Popen[bytes]", *, within_s: float
    ) -> None:
        self.head = head
        self.path = pending.path_of(head.run)
        self._deadline = time.monotonic() + within_s
        self._handle = handle
        self._guardian = guardian
        self.guardian = Process.of(guardian.pid)
        self._owner = os.getpid()
        self._count = 0
        _open.add(self)

    @classmethod
    def begin(cls, run: str, *, folder: Path, within_s: float) -> "Undo":
        """
        Make the journal of `run` and start its guardian, which is ready when this returns.

        What steps may touch lies in `folder`, or in a lab. After `within_s` the guardian undoes
        everything, whether the tool lives or not.
        """
        path = pending.path_of(run)
        head = Head(run=run, folder=folder, tool=Process.of(os.getpid()), began=pending.now())
        handle = pending.create(path, head)
        try:
            return cls(head, handle, _start(path, within_s), within_s=within_s)
        except BaseException:
            os.close(handle)
            path.unlink(missing_ok=True)
            raise

    @property
    def guarded(self) -> bool:
        """Whether the guardian is there, and has not had to act because the time was over."""
        return self._guardian.poll() is None and time.monotonic() < self._deadline

    def arm(self, step: Step) -> int:
        """
        Write the inverse of what comes next down, and return its number when it is durable.

        Raises `Refused` for a step that would touch what is not the drill's, and `StockopsError`
        where nobody guards, or the time is over: nothing is broken then.
        """
        step.check(self.head.folder)
        if not self.guarded:
            raise StockopsError(
                "the guardian of this drill is gone, or its time is over: nothing more is broken",
                hint=f"See what is left of it: stockops drill undo --plan {self.head.run}",
            )
        self._count += 1
        pending.arm(self._handle, Armed(number=self._count, step=step))
        return self._count

    def undone(self, token: int) -> None:
        """Take note that what `arm` wrote down has been undone by the run itself."""
        pending.append(self._handle, {"undone": token})

    def run(self) -> list[Done]:
        """Undo what is left, the last first, and may be broken again; say what became of each."""
        return pending.replay(self.path, goes_on=True)

    def close(self) -> list[Done]:
        """End the guardian; undo what is left, and return what could not be: its journal stays."""
        if os.getpid() != self._owner:
            return []
        done = pending.replay(self.path)
        self.forget()
        _leave(self._guardian)
        return [each for each in done if each.outcome == "failed"]

    def forget(self) -> None:
        """Close the journal, and in a child of this process the pipe, which it must not hold."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        if os.getpid() != self._owner and self._guardian.stdin is not None:
            with suppress(OSError):
                self._guardian.stdin.close()

    def __enter__(self) -> "Undo":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        left = self.close()
        if left and kind is None:
            raise StockopsError(
                f"{len(left)} of the steps that undo the drill failed: {left[0].why}",
                hint=f"stockops drill undo {self.head.run}",
            )


_open: "WeakSet[Undo]" = WeakSet()


def _forget_all() -> None:
    for each in _open:
        each.forget()


os.register_at_fork(after_in_child=_forget_all)


def _start(path: Path, within_s: float) -> "subprocess.Popen[bytes]":
    """Start the guardian in a session of its own, where no signal of a terminal reaches it."""
    words = [sys.executable, "-P", "-m", f"{__package__}.guardian", str(path), str(within_s)]
    guardian = subprocess.Popen(
        words,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",  # it holds no folder that somebody may want to unmount
        env={**os.environ, "PYTHONPATH": str(_TOP)},
        start_new_session=True,
    )
    if _hears(guardian):
        return guardian
    guardian.kill()
    guardian.wait()
    raise StockopsError(
        "the guardian of the drill does not start", hint=f"Try it: {' '.join(words)}"
    )


def _hears(guardian: "subprocess.Popen[bytes]") -> bool:
    """Tell whether it says that it is ready."""
    if guardian.stdout is None:
        return False
    deadline = time.monotonic() + READY_S
    with guardian.stdout as said:
        while time.monotonic() < deadline:
            if select.select([said], [], [], deadline - time.monotonic())[0]:
                return bool(os.read(said.fileno(), 16))
    return False


def _leave(guardian: "subprocess.Popen[bytes]") -> None:
    pipe = guardian.stdin
    if pipe is not None and not pipe.closed:
        with suppress(BrokenPipeError):
            pipe.write(WORD)
        pipe.close()
    try:
        guardian.wait(END_S)
    except subprocess.TimeoutExpired:
        raise StorageError(
            f"the guardian of the drill stays: process {guardian.pid}",
            hint=f"What is left: stockops drill undo; then: kill -KILL {guardian.pid}",
        ) from None
