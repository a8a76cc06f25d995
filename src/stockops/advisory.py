"""One at a time: a lock of the database under a name, which dies with the session that took it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from . import queries
from .engine.base import Server
from .errors import Busy, StockopsError

_POLL_S = 0.05


@contextmanager
def alone(server: Server, what: str, *, wait_s: float) -> Iterator[None]:
    """Hold the lock of this database's `what` for the block; `Busy` where another has it."""
    lock = queries.text(server.engine, "advisory/lock_try", server.version[0])
    unlock = queries.text(server.engine, "advisory/unlock", server.version[0])
    deadline = time.monotonic() + wait_s
    while not server.rows(lock, {"what": what})[0]["taken"]:
        if time.monotonic() >= deadline:
            raise Busy(
                f"another session runs a {what} on this database",
                hint="Let it end, then run this again.",
            )
        time.sleep(_POLL_S)
    try:
        yield
    except BaseException:
        # A session that was broken off is gone with its lock: what broke it off is what is told.
        with suppress(StockopsError):
            server.rows(unlock, {"what": what})
        raise
    server.rows(unlock, {"what": what})
