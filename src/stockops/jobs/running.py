"""
One run of a job: alone, in bounded time, and written down however it ends.

The program is a child on a leash (`children.start`): when this process is killed, it goes as well,
with all of its process group. What it says goes through a pipe, of which the end is kept.
"""

import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from .. import children, filelock
from ..children import Child
from ..errors import Busy, StockopsError
from . import records
from .following import Followed, Signals
from .records import RUNS_KEPT, Begun, Outcome, Record, Run

SAID_CHARACTERS = 4000  # of the tail, what the record keeps
LEFTOVER_S = 5.0  # for what a killed run left, which ends by its leash
TIMED_OUT_CODE = 124  # as timeout(1) leaves
RUN_VARIABLE = "STOCKOPS_JOB_RUN"
_LOCK_POLL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to run, under which name, and within which bounds."""

    job: str
    argv: Sequence[str]
    timeout_s: float
    every_s: int | None = None
    lock_wait_s: float = 0.0
    good_codes: frozenset[int] = frozenset({0})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended. `code` is what to leave with; `tail` the end of what it said."""

    run_id: str
    outcome: Outcome
    code: int
    duration_s: float
    tail: bytes
    cut_bytes: int  # of what it said, before the tail


class Watcher(Protocol):
    """Who is told of a run. What goes wrong there goes no further than `warn`."""

    def started(self, record: Record) -> None:
        """Take note that the run of `record` has begun."""

    def ended(self, record: Record, end: Ended) -> None:
        """Take note that it is over."""


@dataclass(slots=True)
class Listeners:
    """Who hears of a run: `watchers` of its ends, `echo` of its words, `warn` of what failed."""

    warn: Callable[[str], None]
    echo: Callable[[bytes], None] | None = None
    watchers: list[Watcher] = field(default_factory=list)

    def tell(self, what: Callable[[Watcher], None]) -> None:
        """Do `what` with each watcher: the job goes on whatever becomes of it."""
        for watcher in self.watchers:
            with self.forgiving():
                what(watcher)

    @contextmanager
    def forgiving(self) -> Iterator[None]:
        """Say what goes wrong in the block, and go on after it."""
        try:
            yield
        except (StockopsError, OSError) as exc:
            hint = exc.hint if isinstance(exc, StockopsError) else None
            self.warn(f"{exc}; {hint}" if hint else str(exc))


def run(order: Order, listeners: Listeners) -> Ended:
    """
    Run the program of `order` to its end, and return how that was.

    Raises `Busy` where another run of the job holds its lock for longer than `lock_wait_s`.
    """
    with _alone(order), Signals().taken() as signals:
        with listeners.forgiving():
            _end_leftovers(order.job)
        run_id = str(uuid.uuid4())
        record = _record(order, listeners)
        started_s, clock_s = time.time(), time.monotonic()
        child = _start(order, run_id)
        try:
            begun = Begun(run_id=run_id, group=child.pid, started_s=started_s)
            record = replace(record, begun=begun)
            with listeners.forgiving():
                records.write(record)
            listeners.tell(lambda watcher: watcher.started(record))
            followed = Followed(child, signals, listeners.echo)
            left = followed.to_its_end(within_s=order.timeout_s)
        finally:
            child.end()
        outcome, code = _outcome(left, order, signals)
        end = Ended(
            run_id=run_id,
            outcome=outcome,
            code=0 if outcome == "succeeded" else code,
            duration_s=round(time.monotonic() - clock_s, 3),
            tail=followed.tail.end,
            cut_bytes=followed.tail.cut_bytes,
        )
        record = _over(record, begun, end, exit_code=code)
        with listeners.forgiving():
            records.write(record)
        listeners.tell(lambda watcher: watcher.ended(record, end))
        return end


@contextmanager
def _alone(order: Order) -> Iterator[None]:
    """Hold the lock of the job for the block."""
    deadline_s = time.monotonic() + order.lock_wait_s
    with ExitStack() as stack:
        while True:
            try:
                lock = filelock.hold(records.lock_of(order.job), what=f"the job {order.job!r}")
                stack.enter_context(lock)
                break
            except Busy:
                if time.monotonic() >= deadline_s:
                    raise
                time.sleep(_LOCK_POLL_S)
        yield


def _record(order: Order, listeners: Listeners) -> Record:
    """Return what is known of the job; a run that was killed is over, and one nobody can read."""
    found = None
    with listeners.forgiving():
        found = records.read(order.job)
    found = found or Record(job=order.job, known_since_s=time.time())
    if found.begun is not None:
        found = records.ended_unseen(found, found.begun)
    return found if order.every_s is None else replace(found, every_s=order.every_s)


def _end_leftovers(job: str) -> None:
    """Wait for what a run left whose wrapper was killed, and end it: never are there two."""
    found = records.read(job)
    if found is None or found.begun is None:
        return
    begun = found.begun
    if children.wait_until(lambda: not _left_of(begun), within_s=LEFTOVER_S):
        return
    for pid in _left_of(begun):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    children.wait_until(lambda: not _left_of(begun), within_s=LEFTOVER_S)


def _left_of(begun: Begun) -> list[int]:
    """Return the processes of that run. Numbers are used again: the id of the run tells them."""
    mark = f"{RUN_VARIABLE}={begun.run_id}".encode()
    found = []
    for pid in children.members(begun.group):
        with suppress(OSError):
            if mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(pid)
    return found


def _start(order: Order, run_id: str) -> Child:
    return children.start(
        order.argv,
        cwd=Path.cwd(),
        log=Path(os.devnull),
        env={**os.environ, "STOCKOPS_JOB": order.job, RUN_VARIABLE: run_id},
        pipes="a",
        switch={"umask": -1},  # what it makes is as if it ran by itself
    )


def _outcome(left: int | None, order: Order, signals: Signals) -> tuple[Outcome, int]:
    """Return how it ended, and the code of that; `left` is the program's own."""
    if left is not None:
        return ("succeeded" if left in order.good_codes else "failed"), left
    if signals.came:
        return "interrupted", 128 + signals.came[0]
    return "timed out", TIMED_OUT_CODE


def _over(record: Record, begun: Begun, end: Ended, *, exit_code: int) -> Record:
    """Return `record` with that run among those that are over."""
    over = Run(
        started_s=begun.started_s,
        duration_s=end.duration_s,
        exit_code=exit_code,
        outcome=end.outcome,
    )
    good = end.outcome == "succeeded"
    return replace(
        record,
        begun=None,
        runs=(*record.runs, over)[-RUNS_KEPT:],
        last_success_s=begun.started_s + end.duration_s if good else record.last_success_s,
        said="" if good else end.tail.decode("utf-8", "replace")[-SAID_CHARACTERS:],
    )
