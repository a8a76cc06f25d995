"""Measure cell after cell, each in a lab of its own that begins with the same whole books."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from multiprocessing.synchronize import Barrier
from threading import BrokenBarrierError

from .. import books, disk
from .. import lab as labs
from ..drills import golden
from ..engine import connect
from ..errors import Finding, StockopsError
from ..lab.place import labs_root
from ..queries import Query
from ..targets import Target
from ..workload.latency import summed
from ..workload.result import Failure
from ..workload.running import uninterrupted
from .cells import SECONDS_MAX, Cell, IsolationPlan, cells
from .client import EVENTS, Client, Seat, Tally
from .ground import survey

_READY_S = 30.0
_GRACE_S = 120.0  # for the last transactions of a cell: tries that each wait for a lock
_REAP_S = 10.0


@dataclass(frozen=True, slots=True)
class Switch:
    """Whether the server has innodb_snapshot_isolation, and what new sessions have of it."""

    is_there: bool
    is_default: bool


SNAPSHOT = Query("isolation/snapshot", Switch)

Told = Callable[[int, int, Cell], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """
    What came of one cell.

    `orders` are those that were placed or taken back, and committed; `declined` transactions
    decided against it. Times
    are of whole transactions, with their retries. `conflicts` are what the server refused because
    of what others did: serialization failures of PostgreSQL, error 1020 of MariaDB. `refused` were
    stopped by a constraint. `anomalies` are the violations that the books found, by invariant;
    before the load there were none.
    """

    cell: Cell
    seconds: float
    orders: int
    declined: int
    orders_per_s: float
    p50_ms: float
    p99_ms: float
    retries: int
    deadlocks: int
    conflicts: int
    lock_timeouts: int
    duplicates: int
    given_up: int
    refused: int
    anomalies: tuple[tuple[str, int], ...]

    @property
    def violations(self) -> int:
        """How many rows violate an invariant."""
        return sum(count for _, count in self.anomalies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """
    All cells, and what they were measured on; `switch` is None for PostgreSQL.

    `load_before` is the load average of the machine before the first cell.
    """

    engine: str
    version: str
    plan: IsolationPlan
    switch: Switch | None
    in_memory: bool
    load_before: float
    processors: int
    outcomes: tuple[Outcome, ...]
    took_s: float

    @property
    def is_busy(self) -> bool:
        """Whether others had so much to do here that the rates say more of them."""
        return self.load_before > self.processors / 2


def run(plan: IsolationPlan, *, told: Told) -> Measured:
    """
    Measure the cells of `plan` one after the other; `told` hears which one begins, of how many.

    Each gets a lab of its own, made of the same copy of a market, which is removed after it. Raises
    `Finding` where the books of such a market do not hold before the load.
    """
    began, load_before = time.monotonic(), os.getloadavg()[0]
    switch = _switch(plan.engine)
    todo = cells(plan, has_switch=switch is not None and switch.is_there)
    outcomes: list[Outcome] = []
    version = ""
    for number, cell in enumerate(todo, 1):
        told(number, len(todo), cell)
        with labs.temporary(plan.engine, fill=golden.fill(plan.engine, {})) as lab:
            target = Target(name=lab.name, url=lab.url(), lab=lab.name)
            version = lab.version
            if not outcomes:
                _require_whole(target)
            outcomes.append(measure(target, plan, cell))
    return Measured(
        engine=plan.engine,
        version=version,
        plan=plan,
        switch=switch,
        in_memory=disk.in_memory(labs_root()),
        load_before=round(load_before, 1),
        processors=os.cpu_count() or 1,
        outcomes=tuple(outcomes),
        took_s=round(time.monotonic() - began, 1),
    )


def measure(target: Target, plan: IsolationPlan, cell: Cell) -> Outcome:
    """Run the load of one cell on `target`, whose books are whole, and ask them after it."""
    with connect(target) as server:
        ground = survey(server, cell.load)
    seats = [
        Seat(number=number, target=target, plan=plan, cell=cell, ground=ground)
        for number in range(plan.clients)
    ]
    tallies = _loaded(seats)
    with connect(target) as server:
        found = books.check(server)
    anomalies = tuple((each.name, each.violations) for each in found if each.violations)
    return _outcome(cell, tallies, anomalies)


def _switch(engine: str) -> Switch | None:
    if engine != "mariadb":
        return None
    with (
        labs.temporary(engine, fill=golden.fill(engine, {})) as lab,
        connect(lab.url()) as server,
    ):
        return server.fetch(SNAPSHOT)[0]


def _require_whole(target: Target) -> None:
    with connect(target) as server:
        found = books.check(server)
        # Some have no row to look at in such a market, and no order of the load makes one.
        names = ", ".join(each.name for each in found if each.state == "violated")
        if names:
            raise Finding(
                f"the books of the market do not hold before any load: {names}",
                hint=f"Remove the copy that labs are made of: rm -r {labs_root()}/.golden-*",
            )


def _loaded(seats: Sequence[Seat]) -> list[Tally]:
    """Run a process for each seat, and return what each counted; none is left behind."""
    fork = get_context("fork")
    start = fork.Barrier(len(seats))
    processes: dict[Connection, ForkProcess] = {}
    try:
        with uninterrupted():
            for seat in seats:
                mine, theirs = fork.Pipe(duplex=False)
                process = fork.Process(
                    target=_be_client, args=(seat, start, theirs), name=f"client {seat.number}"
                )
                process.daemon = True
                process.start()
                theirs.close()
                processes[mine] = process
        seconds = seats[0].plan.seconds
        return _heard(processes, (SECONDS_MAX if seconds is None else seconds) + _GRACE_S)
    finally:
        for process in processes.values():
            process.kill()
            process.join(_REAP_S)


def _be_client(seat: Seat, start: Barrier, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it, and ends this process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    client = Client(seat)
    try:
        client.run(lambda: start.wait(_READY_S))
    except StockopsError as exc:
        start.abort()
        client.tally.failure = Failure.of(exc)
    except BrokenBarrierError:  # another client says why
        pass
    pipe.send(client.tally)


def _heard(processes: Mapping[Connection, ForkProcess], within_s: float) -> list[Tally]:
    """Return what the clients counted, all within `within_s`."""
    tallies: list[Tally] = []
    waiting = dict(processes)
    deadline = time.monotonic() + within_s
    while waiting:
        ready = connection.wait([*waiting], max(deadline - time.monotonic(), 0))
        if not ready:
            raise StockopsError(
                f"{len(waiting)} clients were not done {within_s:g} s after they began",
                hint="Take fewer --orders, or fewer --clients.",
            )
        for pipe in ready:
            assert isinstance(pipe, Connection)  # noqa: S101  it waits for nothing else
            process = waiting.pop(pipe)
            try:
                tallies.append(pipe.recv())
            except EOFError as exc:
                raise StockopsError(f"{process.name} ended without a result") from exc
    for tally in tallies:
        if tally.failure is not None:
            raise tally.failure.error
    return tallies


def _outcome(
    cell: Cell, tallies: Sequence[Tally], anomalies: tuple[tuple[str, int], ...]
) -> Outcome:
    events, times = Counter[str](), Counter[int]()
    for tally in tallies:
        events.update(tally.events)
        times.update(tally.times_us)
    began = min(tally.began_ns for tally in tallies)
    seconds = (max(tally.ended_ns for tally in tallies) - began) / 1e9
    took = summed(times)
    return Outcome(
        cell=cell,
        seconds=round(seconds, 3),
        orders_per_s=round(events["orders"] / seconds, 1) if seconds else 0.0,
        p50_ms=took.p50_us / 1000,
        p99_ms=took.p99_us / 1000,
        anomalies=anomalies,
        **{name: events[name] for name in EVENTS},
    )
