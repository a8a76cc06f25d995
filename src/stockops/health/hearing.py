"""
Whether a server that owes an answer is at work, or the way to it hangs.

A question may take its time, and a way that hangs says nothing, so that the two look alike on the
session that waits. Another session tells them apart: it gets no answer either, or is told that the
server has nothing to do for the first one.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from ..engine import connect
from ..engine.base import Server
from ..engine.reasons import reason_of
from ..errors import StockopsError
from ..queries import Query
from ..targets import Target

SILENT_S = 5.0  # an answer that is owed for so long is asked after
KNOCK_S = 2.0  # what the other session may take to be there, and to answer
_LOOK_EVERY_S = 0.25
_IDLE_LOOKS = 2  # between two statements a session is idle for a moment, too


@dataclass(frozen=True, slots=True)
class Work:
    """Whether the server is at work for a session; None where the role may not know it."""

    is_active: bool | None


WORK = Query("sessions/at_work", Work)


@dataclass(slots=True)
class Ear:
    """What was heard of a session: `cut` says why its line was cut, `is_dead` that a new one is."""

    cut: str = ""
    is_dead: bool = False
    done: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def listening(
    server: Server, target: Target, *, limit_s: float, silent_s: float = SILENT_S
) -> Iterator[Ear]:
    """
    Cut the line of `server` where the block takes longer than `limit_s`, or the way to it hangs.

    A way that hangs is known after `silent_s` and two times `KNOCK_S` at most.
    """
    ear = Ear()
    listen = partial(_listen, ear, server, target, limit_s=limit_s, silent_s=silent_s)
    threading.Thread(target=listen, daemon=True).start()
    try:
        yield ear
    finally:
        with ear.lock:
            ear.done.set()


def _listen(ear: Ear, server: Server, target: Target, *, limit_s: float, silent_s: float) -> None:
    ends_at = time.monotonic() + limit_s
    ask_at, idle_looks = 0.0, 0
    while not ear.done.wait(_LOOK_EVERY_S):
        now = time.monotonic()
        if now >= ends_at:
            _cut(ear, server, "it took longer than its limit, and the server did not end it")
            return
        if server.silent_s < silent_s:
            idle_looks = 0
            continue
        if now < ask_at:
            continue
        is_active = _is_active(ear, server, target)
        if ear.is_dead:
            _cut(ear, server, "neither this session nor a new one is answered")
            return
        idle_looks = idle_looks + 1 if is_active is False else 0
        if idle_looks == _IDLE_LOOKS:
            _cut(ear, server, "the server is not at work for this session, and it hears nothing")
            return
        ask_at = now + (_LOOK_EVERY_S if idle_looks else silent_s)


def _is_active(ear: Ear, server: Server, target: Target) -> bool | None:
    """Return whether the server works for `server`; None where that is not to be known."""
    try:
        with connect(
            target,
            connect_timeout_s=KNOCK_S,
            statement_timeout_s=KNOCK_S,
            application="stockops health",
        ) as other:
            late = threading.Timer(KNOCK_S, other.hang_up)
            late.daemon = True
            late.start()
            try:
                found = other.fetch(WORK, session_id=server.session_id)
                # Behind a pooler nobody is known by his number, and that says nothing.
                is_gone = not found and bool(other.fetch(WORK, session_id=other.session_id))
            finally:
                late.cancel()
    except StockopsError as exc:
        ear.is_dead = reason_of(exc) in {"timeout", "lost"}
        return None
    return found[0].is_active if found else (False if is_gone else None)


def _cut(ear: Ear, server: Server, why: str) -> None:
    with ear.lock:
        if not ear.done.is_set():
            ear.cut = why
            server.hang_up()
