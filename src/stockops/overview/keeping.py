"""
What was seen last, and before: looked at again and again while somebody looks at the page.

One thread for each target, so that one that hangs holds up no other, and one for the repository.
Nobody looks: nothing is asked.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from .. import health
from ..errors import StockopsError
from ..exporter import Watches
from ..jobs.records import Seen
from . import looking, stored
from .history import History
from .looking import TargetSeen
from .stored import StoreSeen

EVERY_S = 15.0
STORE_EVERY_S = 60.0
IDLE_S = 600.0  # after the last one looked
FIRST_S = 8.0  # the first one to look waits so long at most


@dataclass(slots=True)
class _Round:
    """Something that is done again and again in a thread of its own."""

    act: Callable[[], None]
    every_s: float
    wanted_at: float = 0.0
    thread: threading.Thread | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    stop: threading.Event = field(default_factory=threading.Event)
    once: threading.Event = field(default_factory=threading.Event)

    def wake(self) -> None:
        """See that it goes on."""
        with self.lock:
            self.wanted_at = time.monotonic()
            if self.thread is None and not self.stop.is_set():
                self.thread = threading.Thread(target=self._go, name="page", daemon=True)
                self.thread.start()

    def _go(self) -> None:
        while True:
            self.act()
            self.once.set()
            self.stop.wait(self.every_s)
            with self.lock:
                if self.stop.is_set() or time.monotonic() - self.wanted_at > IDLE_S:
                    self.thread = None
                    return


class Keeper:
    """What was seen of the targets of `watches`; `say` gets a line about what went wrong."""

    def __init__(self, watches: Watches, say: Callable[[str], None]) -> None:
        self._watches = watches
        self._say = say
        self._lock = threading.Lock()
        self._seen: dict[str, TargetSeen] = {}
        self._histories: dict[str, History] = {}
        self._store = StoreSeen(note="not looked at yet")
        self._rounds: dict[str, _Round] = {}
        self._store_round = _Round(self._look_at_store, STORE_EVERY_S)

    def targets(self) -> list[TargetSeen]:
        """Return what is known of each target, and see that it is looked at again."""
        names = self._watches.names()
        rounds = [self._round(name) for name in names]
        for each in [*rounds, self._store_round]:
            each.wake()
        deadline = time.monotonic() + FIRST_S
        for each in [*rounds, self._store_round]:
            each.once.wait(max(0.0, deadline - time.monotonic()))
        with self._lock:
            unseen = TargetSeen(name="", engine="", reason="not yet")
            return [self._seen.get(name, replace(unseen, name=name)) for name in names]

    def store(self) -> StoreSeen:
        """Return what is known of the repository."""
        return self._store

    def jobs(self) -> list[Seen]:
        """Return the jobs that were run on this machine by this user."""
        return stored.jobs()

    def close(self) -> None:
        """Look no more; a look under way ends by its own limits."""
        for each in [*self._rounds.values(), self._store_round]:
            each.stop.set()
        with self._lock:
            histories = list(self._histories.values())
        for history in histories:
            history.close()

    def _round(self, name: str) -> _Round:
        with self._lock:
            if name not in self._rounds:
                self._rounds[name] = _Round(lambda: self._look_at(name), EVERY_S)
            return self._rounds[name]

    def _look_at(self, name: str) -> None:
        try:
            watch = self._watches.get(name)
            config = self._watches.config
            checks = health.load(None, health.settings(config))
            seen = looking.look(watch, checks, config)
        except StockopsError as exc:
            seen = TargetSeen(name=name, engine="", reason="other", note=str(exc))
        except Exception as exc:  # the thread goes on, and the page says so
            self._say(f"the page: {name}: {type(exc).__name__}")
            seen = TargetSeen(name=name, engine="", reason="other", note=type(exc).__name__)
        if seen.at_s is not None:
            checked = self._history(name).extended(seen.checks, whole=seen.reason == "ok")
            seen = replace(seen, checks=checked)
        with self._lock:
            if seen.at_s is None and name in self._seen:
                # What was seen before stands, with its time.
                seen = replace(self._seen[name], reason=seen.reason, note=seen.note)
            self._seen[name] = seen

    def _history(self, name: str) -> History:
        with self._lock:
            if name not in self._histories:
                self._histories[name] = History(name, self._say)
            return self._histories[name]

    def _look_at_store(self) -> None:
        try:
            self._store = stored.look(self._watches.config)
        except Exception as exc:
            self._say(f"the page: the repository: {type(exc).__name__}")
            self._store = StoreSeen(note=type(exc).__name__)
