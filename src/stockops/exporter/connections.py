"""The few sessions that an exporter has on one target, each bounded from all sides."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from .. import queries
from ..engine import open_server
from ..engine.base import Server
from ..errors import Busy, StockopsError
from ..targets import Target

CONNECTIONS_MAX = 3  # one for scrapes, one for the slow lane, one to log in anew or to cancel
TURN_S = 60.0  # for who asks in the background before
APPLICATION = "stockops exporter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a session may take over each thing; MariaDB waits for locks in whole seconds."""

    connect_s: float = 2.0
    lock_s: float = 0.5
    statement_s: float = 3.0


class Connections:
    """
    At most `CONNECTIONS_MAX` sessions at any time.

    A session that was cut counts until the server, by its own timeout, has surely ended it too: a
    server that is stopped holds on to what nobody here has any more.
    """

    def __init__(self, find: Callable[[], Target], *, first: Target) -> None:
        self._find = find
        self.target = first  # as it was found last
        self._lock = threading.Lock()
        self._background = threading.Lock()
        self._open = 0
        self._held_until: list[float] = []

    @property
    def count(self) -> int:
        """How many there are, or may still be."""
        with self._lock:
            return self._taken()

    def open(self, limits: Limits) -> Server:
        """
        Open a session; the target's password is read anew.

        Raises `Busy` where there are as many as there may be, and what `open_server` raises.
        """
        with self._lock:
            if self._taken() >= CONNECTIONS_MAX:
                raise Busy(f"{CONNECTIONS_MAX} connections are open, and no more may be")
            self._open += 1
        try:
            self.target = self._find()
            return open_server(
                self.target,
                lock_timeout_s=limits.lock_s,
                connect_timeout_s=limits.connect_s,
                statement_timeout_s=limits.statement_s,
                application=APPLICATION,
            )
        except BaseException as exc:
            self._left(limits if "time" in str(exc).lower() else None)
            raise

    @contextmanager
    def turn(self) -> Iterator[None]:
        """
        Wait for the turn of one who asks in the background; `Busy` where it does not come.

        They share one place, so that there is always one left to log in or to cancel.
        """
        if not self._background.acquire(timeout=TURN_S):
            raise Busy("others ask in the background")
        try:
            yield
        finally:
            self._background.release()

    @contextmanager
    def place(self) -> Iterator[Target]:
        """Give one of the places to somebody who opens a session alone; raises as `open` does."""
        with self._lock:
            if self._taken() >= CONNECTIONS_MAX:
                raise Busy(f"{CONNECTIONS_MAX} connections are open, and no more may be")
            self._open += 1
        try:
            self.target = self._find()
            yield self.target
        finally:
            self._left(None)

    def close(self, server: Server, *, cut: Limits | None = None) -> None:
        """Close `server`; with `cut`, the server may go on with it for as long as that allows."""
        with suppress(Exception):  # whatever the state it is in, it goes
            server.close()
        self._left(cut)

    def cancel(self, server: Server, limits: Limits) -> bool:
        """Have the server end what `server` is at; False where it could not be asked."""
        try:
            helper = self.open(limits)
        except StockopsError:
            return False
        try:
            sql = queries.text(helper.engine, "scraping/cancel", helper.version[0])
            helper.execute(sql, {"session_id": server.session_id})
        except StockopsError:
            return False
        else:
            return True
        finally:
            self.close(helper)

    def _left(self, cut: Limits | None) -> None:
        with self._lock:
            self._open -= 1
            if cut is not None:
                self._held_until.append(time.monotonic() + cut.statement_s + 1)

    def _taken(self) -> int:
        now = time.monotonic()
        self._held_until = [until for until in self._held_until if until > now]
        return self._open + len(self._held_until)
