"""Give way when a lock is not to be had: a bounded number of tries, and who stood in the way."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from ..engine import connect
from ..errors import Fault, ServerError, StockopsError
from ..queries import Query
from ..targets import Target

Result = TypeVar("Result")
Say = Callable[[str], None]

_DEADLOCKS = frozenset({"40P01", "1213"})
_LOOK_EVERY_S = 0.3  # MariaDB answers from a stale copy when asked more often than every 0.1 s
_PAUSE_S = 0.2
_PAUSE_S_MAX = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait: for another run, for each lock, and how many times."""

    wait_s: float = 10.0
    lock_timeout_s: float = 5.0
    tries: int = 5


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that keeps another one waiting."""

    session_id: int
    login: str
    application: str
    state: str
    last_sql: str

    def __str__(self) -> str:
        sql = " ".join(self.last_sql.split())[:100]
        return (
            f"session {self.session_id} of {self.login!r} ({self.application}, {self.state}): {sql}"
        )


BLOCKERS = Query("session_blockers", Blocker)


def patiently(
    attempt: Callable[[], Result], *, patience: Patience, blockers: list[Blocker], say: Say
) -> Result:
    """
    Return what `attempt` returns; call it again while it meets a lock, `tries` times in all.

    Between two tries it pauses, longer each time and never equally long, so that others get
    through. The last error names the `blockers` that were seen.
    """
    for number in range(1, patience.tries + 1):
        try:
            return attempt()
        except ServerError as exc:
            if exc.fault is not Fault.LOCKED and exc.code not in _DEADLOCKS:
                raise
            by = "; ".join(map(str, blockers)) or "a session that is gone by now"
            if number == patience.tries:
                raise ServerError(
                    f"{exc}; tried {number} times, in the way: {by}",
                    fault=exc.fault,
                    code=exc.code,
                    hint="Let that session end, or end it: stockops slow kill --blocking --plan. "
                    "Then run the same command again.",
                ) from exc
            say(f"no lock on try {number} of {patience.tries}, in the way: {by}")
            pause_s = min(_PAUSE_S * 2**number, _PAUSE_S_MAX) * random.uniform(0.5, 1)  # noqa: S311
            time.sleep(pause_s)
    raise AssertionError("a bounded loop ended without an answer")


@contextmanager
def watched(target: Target, session_id: int, *, after_s: float) -> Iterator[list[Blocker]]:
    """
    Give a list that fills with who blocks `session_id`, from `after_s` after the block began.

    Asked while it waits, over another session: once the wait has timed out nobody knows any more.
    """
    seen: list[Blocker] = []
    over = threading.Event()
    thread = threading.Thread(target=_watch, args=(target, session_id, after_s, seen, over))
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _watch(
    target: Target, session_id: int, after_s: float, seen: list[Blocker], over: threading.Event
) -> None:
    if over.wait(after_s):
        return
    try:
        with connect(target, application="stockops watch") as server:
            while not over.wait(_LOOK_EVERY_S):
                if found := server.fetch(BLOCKERS, waiting_id=session_id):
                    seen[:] = found
    except StockopsError:
        return  # no right to look: what waits says itself what is wrong
