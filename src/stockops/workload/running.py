"""The parent of a run: it starts the clients, watches them, and adds up what they counted."""

import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from types import FrameType
from typing import NoReturn

from .. import journal
from ..engine import connect
from ..errors import StockopsError
from ..journal import Header, Journal, Writer
from ..targets import Target
from . import sealing
from .board import Board
from .client import Client
from .ground import Ground, survey
from .plan import RunPlan
from .result import Failure, RunResult, Tally, conclude
from .seat import Seat, Stopped

READY_S = 30.0
GRACE_S = 10.0  # for the last answers, once the run is over
LAST_SEAL_S = 25.0
TICK_S = 1.0
_ENDINGS = {signal.SIGINT, signal.SIGTERM}
_HEAD_START_NS = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """How a run stands. `per_s` and `mean_us` are of the time since the tick before."""

    elapsed_s: float
    planned_s: float | None
    planned_orders: int | None
    answered: int
    accepted: int
    per_s: float
    mean_us: int | None
    troubles: int
    sealed: int


Progress = Callable[[Tick], None]


@dataclass(slots=True)
class _Crew:
    """The processes of a run, and what each of them has said."""

    board: Board
    clients: dict[Connection, ForkProcess] = field(default_factory=dict)
    sealer: ForkProcess | None = None
    ready: int = 0
    tallies: list[Tally] = field(default_factory=list)

    def hear(self, timeout_s: float) -> None:
        """Take what the clients say within `timeout_s`."""
        for pipe in connection.wait([*self.clients], timeout_s):
            assert isinstance(pipe, Connection)  # noqa: S101  it waits for nothing else
            try:
                said = pipe.recv()
            except EOFError:
                process = self.clients[pipe]
                process.join(GRACE_S)
                said = Tally(
                    failure=Failure(
                        kind="StockopsError",
                        message=f"{process.name} ended without a result (exit {process.exitcode})",
                        hint="Pair its journal with the database: stockops trade audit JOURNAL",
                    )
                )
            if said == "ready":
                self.ready += 1
                continue
            self.tallies.append(said)
            del self.clients[pipe]
            if said.failure:
                self.board.stop()

    def end(self) -> None:
        """Leave no process behind."""
        self.board.stop()
        processes = [*self.clients.values(), *([self.sealer] if self.sealer else [])]
        for process in processes:
            process.join(LAST_SEAL_S if process is self.sealer else GRACE_S)
            if process.is_alive():
                process.kill()
                process.join()


def run(target: Target, plan: RunPlan, *, progress: Progress | None = None) -> RunResult:
    """
    Run `plan` against `target`; one process for each client.

    Ctrl-C or SIGTERM ends it early and returns what came of it so far (`interrupted`); so does a
    failure of a client (`failure`), such as a server that stays away. Raises `ConfigError` or
    `Unreachable` where the run cannot begin.
    """
    with connect(target, application="stockops trade") as server:
        ground = survey(server, plan)
    run_id = f"r{int(time.time()):x}{secrets.token_hex(3)}"
    started_at = datetime.now(UTC)
    with ExitStack() as stack:
        book: Journal | None = None
        if plan.journal:
            header = _header(target, plan, ground, run_id=run_id, started_at=started_at)
            book = stack.enter_context(journal.create(plan.journal, header))
        crew = _Crew(Board(plan.clients))
        stack.callback(crew.end)
        interrupted = False
        stack.enter_context(_told_to_end())
        try:
            with uninterrupted():
                _start(crew, target, plan, ground, run_id=run_id, book=book)
            _ready(crew, plan)
            _watch(crew, plan, progress)
        except KeyboardInterrupt:
            interrupted = True
            crew.board.stop()
            deadline = time.monotonic() + GRACE_S
            while crew.clients and time.monotonic() < deadline:
                crew.hear(TICK_S)
    return conclude(
        target,
        plan,
        ground,
        tallies=crew.tallies,
        board=crew.board,
        identity=(run_id, started_at, interrupted),
    )


def _start(
    crew: _Crew, target: Target, plan: RunPlan, ground: Ground, *, run_id: str, book: Journal | None
) -> None:
    """Fork every process of the run. There is no thread and no connection in this one."""
    fork = get_context("fork")

    def seat(number: int, writer: Writer | None) -> Seat:
        return Seat(
            number=number,
            run_id=run_id,
            target=target,
            plan=plan,
            ground=ground,
            board=crew.board,
            parent=os.getpid(),
            writer=writer,
        )

    for number in range(plan.clients):
        mine, theirs = fork.Pipe(duplex=False)
        writer = Writer(book.directory, number) if book else None
        process = fork.Process(
            target=_be_client, args=(seat(number, writer), theirs), name=f"client {number}"
        )
        process.daemon = True
        process.start()
        theirs.close()
        if writer:
            writer.forget()
        crew.clients[mine] = process
    if plan.seal:
        crew.sealer = fork.Process(
            target=sealing.seal_until_stopped, args=(seat(plan.clients, None),), name="sealer"
        )
        crew.sealer.start()


def _be_client(seat: Seat, pipe: Connection) -> None:
    for number in _ENDINGS:
        signal.signal(number, signal.SIG_IGN)  # the parent hears it, and says when to stop
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDINGS)
    tally = Tally()
    try:
        client = Client(seat)
        tally = client.tally
        pipe.send("ready")
        while not seat.board.started_ns:
            seat.nap(0.002)
        client.run(seat.board.started_ns)
    except StockopsError as exc:
        tally.failure = Failure.of(exc)
    except Stopped:  # before it began
        pass
    pipe.send(tally)


def _ready(crew: _Crew, plan: RunPlan) -> None:
    """Wait until every client is connected, and let them begin together."""
    deadline = time.monotonic() + READY_S
    while crew.ready < plan.clients and not crew.board.stopped:
        crew.hear(TICK_S)
        if time.monotonic() > deadline:
            raise StockopsError(
                f"{plan.clients - crew.ready} of {plan.clients} clients did not connect "
                f"within {READY_S:g} s",
                hint="Take fewer --clients, or see what the server is busy with.",
            )
    crew.board.start(time.perf_counter_ns() + _HEAD_START_NS)


def _watch(crew: _Crew, plan: RunPlan, progress: Progress | None) -> None:
    """Report every second until every client has said what it counted."""
    board, start_ns = crew.board, crew.board.started_ns
    before, before_ns, due_ns = board.totals(), start_ns, start_ns
    while crew.clients:
        due_ns += int(TICK_S * 1e9)
        while crew.clients and (left_s := (due_ns - time.perf_counter_ns()) / 1e9) > 0:
            crew.hear(left_s)
        if not progress or not crew.clients:
            continue
        now_ns, totals = time.perf_counter_ns(), board.totals()
        counted = totals.counted - before.counted
        progress(
            Tick(
                elapsed_s=(now_ns - start_ns) / 1e9,
                planned_s=plan.whole_s,
                planned_orders=plan.orders,
                answered=totals.done,
                accepted=totals.accepted,
                per_s=(totals.done - before.done) / max((now_ns - before_ns) / 1e9, 1e-6),
                mean_us=(totals.busy_us - before.busy_us) // counted if counted else None,
                troubles=totals.troubles,
                sealed=board.sealed,
            )
        )
        before, before_ns = totals, now_ns


def _header(
    target: Target, plan: RunPlan, ground: Ground, *, run_id: str, started_at: datetime
) -> Header:
    return Header(
        run_id=run_id,
        target=target.name,
        engine=ground.engine,
        seed=plan.seed,
        clients=plan.clients,
        business_date=None if ground.business_date is None else ground.business_date.isoformat(),
        started_at=started_at.isoformat(),
        after_order_id=ground.marks.order_id,
        config=plan.echo,
    )


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back: a process forked meanwhile must not hear it before it is ready to."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDINGS)


@contextmanager
def _told_to_end() -> Iterator[None]:
    """Make SIGTERM end the run as Ctrl-C does, where nobody has other plans."""
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
