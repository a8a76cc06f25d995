"""A row that says once a second that log is being written: a restored copy is as old as it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ... import queries
from ...engine import open_server
from ...engine.base import Server
from ...errors import StockopsError
from ...targets import Target

BEAT_S = 1.0
_WRITER_LENGTH = 64
_END_S = 10.0


class Heart:
    """Beats in a thread of its own; `problem` is what stands in its way now, or ""."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._server: Server | None = None
        self._over = threading.Event()
        self.problem = ""
        self.beats = 0

    def beat(self) -> None:
        """Beat once; what goes wrong is noted, and tried again with the next beat."""
        try:
            if self._server is None:
                self._server = open_server(
                    self._target, application="stockops archive", lock_timeout_s=BEAT_S
                )
            sql = queries.text(self._server.engine, "archive/beat", self._server.version[0])
            self._server.execute(sql, {"writer": self._target.name[:_WRITER_LENGTH]})
        except StockopsError as exc:
            self.problem = f"no heartbeat: {exc}"
            self.stop()
        else:
            self.problem = ""
            self.beats += 1

    def stop(self) -> None:
        """Close the connection."""
        if self._server is not None:
            with suppress(StockopsError):
                self._server.close()
            self._server = None

    def run(self) -> None:
        """Beat until the end of `beating`."""
        while not self._over.wait(BEAT_S):
            self.beat()
        self.stop()

    def end(self) -> None:
        """Stop beating."""
        self._over.set()


@contextmanager
def beating(target: Target) -> Iterator[Heart]:
    """Beat for the length of the block."""
    heart = Heart(target)
    thread = threading.Thread(target=heart.run, daemon=True)
    thread.start()
    try:
        yield heart
    finally:
        heart.end()
        thread.join(_END_S)
