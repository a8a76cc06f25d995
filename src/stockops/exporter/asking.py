"""Asking collectors one by one: each alone with its failure, its cost and its circuit breaker."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..engine.base import Server
from ..errors import Fault, ServerError, StockopsError
from .breaker import Breaker
from .context import Context, FileCollector, ServerCollector
from .families import Family

GONE = frozenset({Fault.LOST, Fault.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a collector: what it gave, whether that is all, when and how long it took."""

    collector: str
    families: Sequence[Family]
    succeeded: bool
    took_s: float
    at: float


class Gone(Exception):
    """The session was lost; `cause` says how."""

    def __init__(self, cause: ServerError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Asking:
    """
    The collectors of one target, and what is remembered about each of them.

    `say` gets one line when a collector begins to fail, and one when it is well again.
    """

    def __init__(self, context: Callable[[], Context], say: Callable[[str], None]) -> None:
        self._context = context
        self._say = say
        self._memories: dict[str, dict[str, Any]] = defaultdict(dict)
        self._breakers: dict[str, Breaker] = defaultdict(Breaker)
        self._failing: dict[str, bool] = {}
        self._lock = threading.Lock()

    def in_order(self, collectors: Iterable[ServerCollector]) -> list[ServerCollector]:
        """Return `collectors`, those last that failed last time: they wait for nobody's answer."""
        return sorted(collectors, key=lambda each: self._failing.get(each.NAME, False))

    def is_open(self, name: str) -> bool:
        """Tell whether the collector `name` is left alone after too many failures."""
        return self._breakers[name].is_open

    def ask(self, collector: ServerCollector, server: Server) -> Result:
        """Return what `collector` says of `server`; raise `Gone` where the session is lost."""
        if not self._breakers[collector.NAME].lets_through():
            return _nothing(collector.NAME, began=time.monotonic())
        return self._run(collector.NAME, lambda told: collector.collect(server, told))

    def read(self, collector: FileCollector) -> Result:
        """Return what `collector` reads."""
        if not self._breakers[collector.NAME].lets_through():
            return _nothing(collector.NAME, began=time.monotonic())
        return self._run(collector.NAME, collector.read)

    def _run(self, name: str, do: Callable[[Context], Iterable[Family]]) -> Result:
        began = time.monotonic()
        try:
            families = list(do(replace(self._context(), memory=self._memories[name])))
        except ServerError as exc:
            if exc.fault in GONE:
                raise Gone(exc) from exc
            # A lock is somebody else's doing, and it ends: the collector is asked again each time.
            return self._failed(name, exc, began=began, counts=exc.fault is not Fault.LOCKED)
        except Exception as exc:  # whatever is wrong with one, the others stand
            return self._failed(name, exc, began=began, counts=True)
        self._breakers[name].succeeded()
        if self._changed(name, failing=False):
            self._say(f"collector {name!r} answers again")
        took_s = time.monotonic() - began
        return Result(
            collector=name, families=families, succeeded=True, took_s=took_s, at=time.time()
        )

    def _failed(self, name: str, exc: Exception, *, began: float, counts: bool) -> Result:
        if counts:
            self._breakers[name].failed()
        if self._changed(name, failing=True):
            # The text of an error that is not ours may hold anything: its kind has to do.
            said = str(exc) if isinstance(exc, StockopsError) else f"a {type(exc).__name__}"
            self._say(f"collector {name!r} fails: {said}")
        return _nothing(name, began=began)

    def _changed(self, name: str, *, failing: bool) -> bool:
        with self._lock:
            before = self._failing.get(name, False)
            self._failing[name] = failing
        return before != failing


def _nothing(name: str, *, began: float) -> Result:
    took_s = time.monotonic() - began
    return Result(collector=name, families=(), succeeded=False, took_s=took_s, at=time.time())
