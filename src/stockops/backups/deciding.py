"""When it is decided which rows there are up to an id: nobody who drew one is still at work."""

import secrets
import time
from dataclasses import dataclass

from ..engine.base import Server
from ..queries import Query

_POLL_S = 0.12  # InnoDB gathers its transactions anew when nobody asked for 0.1 s


@dataclass(frozen=True, slots=True)
class Drawing:
    """
    A transaction that may still add rows under ids it has drawn.

    `holder` is its session, and about when it began; `number` tells it from the next one there.
    """

    holder: str
    number: str | None
    detached: bool
    ours: bool


@dataclass(frozen=True, slots=True)
class EventIds:
    """Whether an id that is stored proves that all smaller ones were drawn before."""

    in_order: bool


DRAWING = Query("backup_drawing", Drawing)
EVENT_IDS = Query("backup_event_ids", EventIds)


def wait(server: Server, within_s: float) -> bool:
    """Wait until every transaction that has drawn an id by now has ended; False: they did not."""
    deadline = time.monotonic() + within_s
    waiting: dict[str, str | None] | None = None
    # In a transaction, so that InnoDB shows this session, too: an answer without it is an old one.
    with server.transaction(isolation="repeatable read", read_only=True):
        while waiting is None or waiting:
            drawing = server.fetch(DRAWING, token=secrets.token_hex(8))
            if waiting is not None:
                waiting = {
                    each.holder: each.number
                    for each in drawing
                    # One that was waited for may have been prepared, and goes by another name.
                    if each.detached or waiting.get(each.holder, "") in {None, each.number}
                }
            elif server.engine != "mariadb" or any(each.ours for each in drawing):
                waiting = {each.holder: each.number for each in drawing if not each.ours}
            if waiting == {}:
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
    return True
