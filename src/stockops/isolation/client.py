"""One client of a cell: a process whose one session runs transactions, each until it is done."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from .. import queries
from ..engine import connect
from ..engine.base import Server
from ..errors import Fault, ServerError
from ..targets import Target
from ..workload.latency import coarse
from ..workload.result import Failure
from .bodies import body
from .cells import Cell, IsolationPlan
from .ground import Ground
from .requests import Request, Requests

RETRIES_MAX = 10  # of one transaction
LOCK_TIMEOUT_S = 5.0
_BACKOFF_S, _BACKOFF_S_MAX = 0.002, 0.1
# What is counted of a client, and is a field of `running.Outcome`.
EVENTS = (
    "orders",
    "declined",
    "retries",
    "deadlocks",
    "conflicts",
    "lock_timeouts",
    "duplicates",
    "given_up",
    "refused",
)
_DEADLOCKS = {"40P01", "1213"}
_TRIED_AGAIN = {Fault.RETRY, Fault.LOCKED, Fault.DUPLICATE}


@dataclass(slots=True)
class Tally:
    """What one client counted: `events` are those of `EVENTS`, `times_us` whole transactions."""

    events: Counter[str] = field(default_factory=Counter)
    times_us: Counter[int] = field(default_factory=Counter)
    began_ns: int = 0
    ended_ns: int = 0
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """What a client is told."""

    number: int
    target: Target
    plan: IsolationPlan
    cell: Cell
    ground: Ground


class Client:
    """One client; `tally` holds what it counted."""

    def __init__(self, seat: Seat) -> None:
        self._seat, self.tally = seat, Tally()
        self._requests = Requests(seat.ground, seed=seat.plan.seed, client=seat.number)
        self._jitter = random.Random(f"{seat.plan.seed}/{seat.number}")  # noqa: S311

    def run(self, begin: Callable[[], object]) -> None:
        """
        Run transactions until the time, or this client's share of the requests, is over.

        `begin` is called when the session is open, and returns when all others are.
        """
        plan, number = self._seat.plan, self._seat.number
        most = None
        if plan.orders is not None:
            most = plan.orders // plan.clients + (number < plan.orders % plan.clients)
        with connect(
            self._seat.target,
            lock_timeout_s=LOCK_TIMEOUT_S,
            application="stockops trade isolation",
        ) as server:
            set_level(server, self._seat.cell)
            begin()
            self.tally.began_ns = time.perf_counter_ns()
            end_ns = None
            if plan.seconds is not None:
                end_ns = self.tally.began_ns + int(plan.seconds * 1e9)
            done = 0
            while done != most and (end_ns is None or time.perf_counter_ns() < end_ns):
                self._one(server, self._requests.take())
                done += 1
            self.tally.ended_ns = time.perf_counter_ns()

    def _one(self, server: Server, request: Request) -> None:
        """Run one transaction until it is committed, refused or given up."""
        began_ns, events = time.perf_counter_ns(), self.tally.events
        for tried in range(RETRIES_MAX + 1):
            try:
                orders = self._once(server, request)
            except ServerError as exc:
                if exc.fault is Fault.REJECTED:
                    events["refused"] += 1
                    return
                if exc.fault not in _TRIED_AGAIN:
                    raise
                events[_named(exc)] += 1
                if tried < RETRIES_MAX:
                    events["retries"] += 1
                    longest_s = min(_BACKOFF_S * 2**tried, _BACKOFF_S_MAX)
                    time.sleep(self._jitter.uniform(0, longest_s))
            else:
                events["orders"] += orders
                events["declined"] += not orders
                took_us = (time.perf_counter_ns() - began_ns) // 1000
                self.tally.times_us.update(coarse([took_us]))
                return
        events["given_up"] += 1

    def _once(self, server: Server, request: Request) -> int:
        seat = self._seat
        with server.transaction():
            steps = body(server, request, ground=seat.ground, locks=seat.cell.locks)
            while True:
                try:
                    next(steps)
                except StopIteration as end:
                    return int(end.value)


def set_level(server: Server, cell: Cell) -> None:
    """Have the transactions of this session run at the level of `cell` from now on."""
    major = server.version[0]
    sql = queries.text(server.engine, "isolation_writes/session", major)
    server.execute(sql, {"level": cell.level})
    if cell.snapshot is not None:
        sql = queries.text(server.engine, "isolation_writes/snapshot", major)
        server.execute(sql, {"is_on": int(cell.snapshot)})


def _named(exc: ServerError) -> str:
    """Return under which name an error is counted."""
    if exc.code in _DEADLOCKS:
        return "deadlocks"
    names = {Fault.LOCKED: "lock_timeouts", Fault.DUPLICATE: "duplicates"}
    return names.get(exc.fault, "conflicts")
