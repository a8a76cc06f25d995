"""The slow lane: what is too dear for every scrape is asked in the background, by one thread."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from ..errors import Busy, StockopsError
from .asking import Asking, Gone, Result
from .connections import Connections, Limits
from .context import ServerCollector

LIMITS = Limits(statement_s=15.0)
IDLE_S = 300.0  # nobody scrapes: nothing is asked
STALE_ROUNDS = 5  # a value that nobody could renew for so long is gone
LATE_S = 5.0  # past the server's own limit


class SlowLane:
    """The last results of slow collectors; `is_paused` says whether a server may be asked."""

    def __init__(
        self,
        asking: Asking,
        connections: Connections,
        collectors: Sequence[ServerCollector],
        *,
        every_s: float,
        is_paused: Callable[[], bool],
    ) -> None:
        self._asking = asking
        self._connections = connections
        self._collectors = collectors
        self._every_s = every_s
        self._is_paused = is_paused
        self._results: dict[str, Result] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._wanted_at = 0.0

    def found(self) -> list[Result]:
        """Return the last results of those that were asked; the values of a stale one are gone."""
        oldest = time.time() - self._every_s * STALE_ROUNDS
        with self._lock:
            found = list(self._results.values())
        return [
            each if each.at > oldest else replace(each, families=(), succeeded=False)
            for each in found
        ]

    def wake(self) -> None:
        """See that the thread goes round, as somebody wants to know."""
        self._wanted_at = time.monotonic()
        with self._lock:
            if not self._collectors or self._stop.is_set() or self._thread is not None:
                return
            self._thread = threading.Thread(target=self._go_round, name="slow", daemon=True)
            self._thread.start()

    def go_once(self) -> None:
        """Ask every slow collector once, on a session that is closed afterwards."""
        if not self._collectors or self._is_paused():
            return
        with suppress(Busy), self._connections.turn():
            self._ask_all()

    def _ask_all(self) -> None:
        try:
            server = self._connections.open(LIMITS)
        except StockopsError:
            return  # the scrape says why there is no session
        cut = None
        try:
            for collector in self._asking.in_order(self._collectors):
                if self._stop.is_set() or self._is_paused():
                    break
                # The server's limit is for one statement; a collector may have several.
                timer = threading.Timer(LIMITS.statement_s + LATE_S, server.hang_up)
                timer.daemon = True
                timer.start()
                try:
                    self._keep(self._asking.ask(collector, server))
                finally:
                    timer.cancel()
        except Gone:
            cut = LIMITS
        finally:
            self._connections.close(server, cut=cut)

    def close(self) -> None:
        """Stop going round; what is being asked ends by its own limit."""
        self._stop.set()

    def _keep(self, result: Result) -> None:
        with self._lock:
            before = self._results.get(result.collector)
            if result.succeeded or before is None or not before.families:
                self._results[result.collector] = result
                return
            # The old values stand, with their time, until they are stale; the failure shows.
            self._results[result.collector] = replace(
                result, families=before.families, at=before.at
            )

    def _go_round(self) -> None:
        try:
            while time.monotonic() - self._wanted_at < IDLE_S:
                self.go_once()
                if self._stop.wait(self._every_s):
                    break
        finally:
            with self._lock:
                self._thread = None
