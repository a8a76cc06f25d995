"""Orders that go on while everything breaks, and what their clients write down meanwhile."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from .. import workload
from ..errors import StockopsError
from ..processes import Process
from ..targets import Target
from ..workload import Answered, Failed, Reader, RunPlan
from .head import Load
from .inverse import Kill
from .undoing import Undo

END_S = 60.0
LONGEST_S = 3600.0  # the drill ends it; this is for a drill that cannot


class Orders:
    """Orders that are being sent. `answered` and `failed` hold what came until the last `look`."""

    def __init__(self, target: Target, load: Load, folder: Path, undo: Undo) -> None:
        """Begin; no thread and no connection of this process may be open."""
        folder.mkdir()
        self.journal = folder / "journal"
        self.answered: list[Answered] = []
        self.failed: list[Failed] = []
        self._failure: str | None = None
        self.unknown = 0  # answers that were lost
        self.settled = 0  # of these, what asking again by the same key could tell
        self._reader = Reader(folder)
        plan = RunPlan(
            clients=load.clients,
            rate_per_s=float(load.rate_per_s),
            seconds=LONGEST_S,
            patience_s=LONGEST_S,
            journal=self.journal,
            stubborn=True,
            moments=folder,
        )
        fork = get_context("fork")
        self._pipe, theirs = fork.Pipe(duplex=False)
        self._process = fork.Process(target=_send, args=(target, plan, theirs), name="the load")
        self._process.start()
        theirs.close()
        self._undo = undo
        self._token = undo.arm(Kill(process=Process.of(self._process.pid or 0)))

    def look(self) -> None:
        """Take what the clients wrote; `StockopsError` where they have ended by themselves."""
        self._take()
        if not self._process.is_alive():
            raise StockopsError(f"the load ended by itself: {self._said()}")

    def end(self) -> str | None:
        """Bring every client to its end; return what went wrong with that, None where nothing."""
        if self._process.is_alive() and self._process.pid:
            os.kill(self._process.pid, signal.SIGINT)
        self._process.join(END_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._undo.undone(self._token)
        self._take()
        return self._said()

    def _take(self) -> None:
        for each in self._reader.new():
            if isinstance(each, Answered):
                self.answered.append(each)
            else:
                self.failed.append(each)

    def _said(self) -> str | None:
        """Return what went wrong with the load, by its own word."""
        try:
            if not self._pipe.poll(0):
                return self._failure
            self._failure, self.unknown, self.settled = self._pipe.recv()
        except EOFError:
            self._failure = f"it left with exit code {self._process.exitcode}"
        return self._failure


@contextmanager
def running(target: Target, load: Load, folder: Path, undo: Undo) -> Iterator[Orders]:
    """Send orders to `target` for the block; none is sent any more after it."""
    orders = Orders(target, load, folder, undo)
    try:
        yield orders
    finally:
        orders.end()


def _send(target: Target, plan: RunPlan, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        result = workload.run(target, plan)
    except StockopsError as exc:
        pipe.send((str(exc), 0, 0))
        return
    except KeyboardInterrupt:  # before the first order
        pipe.send((None, 0, 0))
        return
    met = result.unknowns
    failure = None if result.failure is None else str(result.failure)
    pipe.send((failure, met.met, met.committed + met.not_committed))
