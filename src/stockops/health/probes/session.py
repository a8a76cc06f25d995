"""Whether the session with the server answers."""

import time

from ..outcome import Reading
from .context import Context


def reachable(context: Context) -> list[Reading]:
    """Return how many seconds the session takes to answer."""
    started = time.monotonic()
    if context.server:
        context.server.rows("SELECT 1 AS one")
    return [Reading(value=time.monotonic() - started)]
