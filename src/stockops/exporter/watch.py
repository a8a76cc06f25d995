"""
One target under watch: scrapes that cannot pile up, and cannot hurt the server.

At most one scrape is under way; who asks meanwhile shares its answer. The answer is given when it
is complete or due, whichever is first, with what is known by then. Sessions are few and bounded
(`connections`), collectors fail alone (`asking`), what is late is ended (`flight`). Values are
given by the scrape that read them: only those of the slow lane are older, and say how old.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..engine.base import Server
from ..engine.reasons import Reason, reason_of
from ..errors import Busy, StockopsError
from ..targets import Config, Target
from . import about
from .asking import Asking, Gone, Result
from .breaker import pause_s
from .collectors import FILES, SERVERS
from .connections import Connections, Limits
from .context import Context, FileCollector, Names, ServerCollector
from .flight import Flight, launch
from .rendering import Piece
from .slow import SlowLane

LIMITS = Limits()
LOGIN_EVERY_S = 30.0  # a kept session says nothing about whether one can log in
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0
SCRAPE_S_MIN = 1.0  # whoever asks in a greater hurry leaves the rest to the next one
SESSIONS_PER_SCRAPE = 2  # one may be ended by somebody while it is asked
WAITERS_MAX = 12  # of the threads that answer, half are left for other targets
WEDGED_S = 60.0  # past its deadline; then something is wrong with this program


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How targets are watched."""

    config: Callable[[], Config] = Config
    names: Names = "compat"
    slow_every_s: float = 60.0
    stop_file: Path | None = None
    servers: Sequence[ServerCollector] | None = None  # those of the engine
    files: Sequence[FileCollector] = FILES

    def is_paused(self) -> bool:
        """Tell whether the stop file is there."""
        return self.stop_file is not None and self.stop_file.exists()


class Watch:
    """A target under watch; `find` gives it anew for each connection, `say` gets log lines."""

    def __init__(
        self,
        find: Callable[[], Target],
        *,
        name: str,
        engine: str,
        manner: Manner,
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.name = name
        self.engine = engine
        self._manner = manner
        self._line = say
        first = Target(name=name, url=f"{engine}://")
        self._connections = Connections(find, first=first)
        self._asking = Asking(self._context, self._say)
        known = SERVERS[engine] if manner.servers is None else manner.servers
        self._fast = [each for each in known if each.LANE == "fast"]
        slow = [each for each in known if each.LANE == "slow"]
        self._slow = SlowLane(
            self._asking,
            self._connections,
            slow,
            every_s=manner.slow_every_s,
            is_paused=manner.is_paused,
        )
        self._due = [*(each.NAME for each in manner.files), *(each.NAME for each in self._fast)]
        self._names = [*self._due, *(each.NAME for each in slow)]
        self._lock = threading.Lock()
        self._flight: Flight | None = None
        self._kept: Server | None = None
        self._is_closed = False
        self._waiters = 0
        self._logged_in_at = 0.0
        self._failed_logins = 0
        self._not_before = 0.0
        self._reason: Reason = "other"

    def _say(self, line: str) -> None:
        self._line(f"{self.name}: {line}")

    def scrape(self, *, within_s: float, whole: bool = False) -> list[Piece]:
        """
        Return what is known after at most `within_s`, piece by piece; `Busy` if too many wait.

        With `whole` the slow collectors are asked first, however long it takes.
        """
        if self._manner.is_paused():
            self._let_go()
            return [Piece("exporter", [about.paused(True)])]
        if whole:
            self._slow.go_once()
        else:
            self._slow.wake()
        began = time.monotonic()
        with self._waiting():
            flight = self._join(began + within_s)
            flight.done.wait(max(0.0, began + within_s - time.monotonic()))
        results = [*flight.found(), *self._slow.found()]
        own = about.families(
            self._scraped(flight, results, began), engine=self.engine, names=self._manner.names
        )
        pieces = [Piece(each.collector, each.families) for each in results]
        return [Piece("exporter", [about.paused(False), *own]), *pieces]

    @contextmanager
    def guest(self) -> Iterator[tuple[Target | None, str]]:
        """Give the target, with a place for one session on it; or None, and why there is none."""
        if self._manner.is_paused():
            yield None, "paused"
            return
        with ExitStack() as stack:
            try:
                stack.enter_context(self._connections.turn())
                target = stack.enter_context(self._connections.place())
            except Busy:
                found: tuple[Target | None, str] = (None, "busy")
            except StockopsError as exc:
                found = (None, reason_of(exc))
            else:
                found = (target, "ok")
            yield found

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        with self._lock:
            if self._waiters >= WAITERS_MAX:
                raise Busy(f"{WAITERS_MAX} others wait for a scrape of {self.name!r}")
            self._waiters += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiters -= 1

    @property
    def is_wedged(self) -> bool:
        """Whether a scrape goes on long after it should have been ended."""
        flight = self._flight
        return flight is not None and time.monotonic() > flight.deadline + WEDGED_S

    def close(self) -> None:
        """Let go of the server."""
        self._is_closed = True
        self._slow.close()
        flight = self._flight
        if flight is not None:
            flight.end(self._connections, LIMITS)
            flight.done.wait(LIMITS.connect_s)
        self._let_go()

    def _context(self) -> Context:
        manner = self._manner
        return Context(
            target=self._connections.target,
            config=manner.config(),
            names=manner.names,
            slow_every_s=manner.slow_every_s,
        )

    def _scraped(self, flight: Flight, results: list[Result], began: float) -> about.Scraped:
        there = {each.collector for each in results}
        return about.Scraped(
            reason=flight.reason or "timeout",
            results=results,
            missing=[name for name in self._due if name not in there],
            open_breakers={name: self._asking.is_open(name) for name in self._names},
            connections=self._connections.count,
            took_s=time.monotonic() - began,
        )

    def _join(self, deadline: float) -> Flight:
        """Return the scrape under way, or a new one."""
        with self._lock:
            if self._flight is None or self._flight.done.is_set():
                self._flight = Flight(max(deadline, time.monotonic() + SCRAPE_S_MIN))
                end = partial(Flight.end, connections=self._connections, limits=LIMITS)
                launch(self._flight, self._fly, end)
            return self._flight

    def _fly(self, flight: Flight) -> None:
        for reader in self._manner.files:
            flight.add(self._asking.read(reader))
        asked = self._asking.in_order(self._fast)
        for _ in range(SESSIONS_PER_SCRAPE):
            server = self._seated(flight)
            if server is None:
                return
            healthy = False
            try:
                while asked and not flight.is_late:
                    # Taken out first: what was asked as the session went is not asked again.
                    flight.add(self._asking.ask(asked.pop(0), server))
                healthy = True
            except Gone as exc:
                if not flight.is_late:
                    flight.reason = reason_of(exc.cause)
            finally:
                self._leave(flight, server, healthy=healthy)
            if healthy or flight.is_late:
                return

    def _seated(self, flight: Flight) -> Server | None:
        """Return the session to ask on, once somebody has logged in anew or did so lately."""
        server, self._kept = self._kept, None
        if server is not None and not self._answers(server, flight):
            self._connections.close(server, cut=LIMITS if flight.is_late else None)
            server = None
        if flight.is_late:
            self._kept = server  # for the next scrape
            return None
        if server is None:
            server = self._login(flight)
        elif time.monotonic() - self._logged_in_at < LOGIN_EVERY_S:
            flight.reason = "ok"
        elif probe := self._login(flight):
            self._connections.close(probe)
        if server is not None and not flight.seat(server):
            self._kept = server
            return None
        return server

    @staticmethod
    def _answers(server: Server, flight: Flight) -> bool:
        """Tell whether `server` answers while `flight` may take its time."""
        if not flight.seat(server):
            return False
        try:
            server.rows("SELECT 1 AS one")
        except StockopsError:
            return False
        finally:
            flight.seat(None)
        return not flight.is_late

    def _login(self, flight: Flight) -> Server | None:
        """Log in and be answered; None, with the reason in `flight`, where that is not to be."""
        if time.monotonic() < self._not_before:
            flight.reason = self._reason
            return None
        try:
            server = self._connections.open(LIMITS)
        except Busy:
            flight.reason = "timeout"  # of sessions before this one, which the server still holds
        except StockopsError as exc:
            self._refused(exc)
            flight.reason = self._reason
        else:
            if self._answers(server, flight):
                server.plan_once()
                self._welcomed(flight)
                return server
            flight.reason = None if flight.is_late else "lost"
            self._connections.close(server, cut=LIMITS)
        return None

    def _welcomed(self, flight: Flight) -> None:
        if self._failed_logins:
            self._say("up again")
        self._failed_logins = 0
        self._not_before = 0.0
        self._logged_in_at = time.monotonic()
        flight.reason = "ok"

    def _refused(self, exc: StockopsError) -> None:
        reason = reason_of(exc)
        if not self._failed_logins or reason != self._reason:
            self._say(f"not up ({reason}): {exc}")
        self._reason = reason
        pause = pause_s(self._failed_logins, first_s=FIRST_PAUSE_S, longest_s=LONGEST_PAUSE_S)
        self._failed_logins += 1
        self._not_before = time.monotonic() + pause

    def _leave(self, flight: Flight, server: Server, *, healthy: bool) -> None:
        """Keep the session for the next scrape, unless something was wrong with it."""
        # From here on nobody cancels what the session does; who has begun to, made the flight late.
        in_time = flight.seat(None)
        with self._lock:
            keeps = healthy and in_time and not self._is_closed
            self._kept = server if keeps else None
        if not keeps:
            self._connections.close(server, cut=None if in_time else LIMITS)

    def _let_go(self) -> None:
        with self._lock:
            if self._flight is None or self._flight.done.is_set():
                server, self._kept = self._kept, None
                if server is not None:
                    self._connections.close(server)
