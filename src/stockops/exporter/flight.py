"""
One scrape of one target: what it has found by now, and who ends it when it is late.

Whoever asks while a scrape is under way waits for that one. A scrape that passes its deadline is
ended in three steps, each with a limit: the server is asked to cancel the statement, the line is
cut, and nothing more is asked on that session.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..engine.base import Server
from ..engine.reasons import Reason
from .asking import Result
from .connections import Connections, Limits

CANCEL_GRACE_S = 0.5


@dataclass(slots=True)
class Flight:
    """A scrape under way. `reason` is None until somebody has logged in, or could not."""

    deadline: float
    began: float = field(default_factory=time.monotonic)
    done: threading.Event = field(default_factory=threading.Event)
    reason: Reason | None = None
    server: Server | None = None
    is_late: bool = False
    results: dict[str, Result] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, result: Result) -> None:
        """Take note of what a collector gave."""
        with self.lock:
            self.results[result.collector] = result

    def found(self) -> list[Result]:
        """Return what there is by now."""
        with self.lock:
            return list(self.results.values())

    def seat(self, server: Server | None) -> bool:
        """Take note of the session that is asked; False where it is too late to ask."""
        with self.lock:
            self.server = server
            return not self.is_late

    def _call_off(self) -> Server | None:
        with self.lock:
            self.is_late = True
            return None if self.done.is_set() else self.server

    def end(self, connections: Connections, limits: Limits) -> None:
        """End what is late: cancel on the server, then cut the line."""
        server = self._call_off()
        if server is None:
            return  # it waits for a session, which has a limit of its own
        connections.cancel(server, limits)
        if not self.done.wait(CANCEL_GRACE_S):
            server.hang_up()


def launch(
    flight: Flight, fly: Callable[[Flight], None], end: Callable[[Flight], None]
) -> threading.Timer:
    """Start `fly`, and have `end` called when the deadline of `flight` passes before it is done."""
    timer = threading.Timer(max(0.0, flight.deadline - time.monotonic()), end, [flight])
    timer.daemon = True

    def run() -> None:
        try:
            fly(flight)
        finally:
            timer.cancel()
            flight.done.set()

    timer.start()
    threading.Thread(target=run, name="scrape", daemon=True).start()
    return timer
