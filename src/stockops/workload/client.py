"""
One client of a run: a process with one connection that sends requests one after the other.

It works in groups. What can be done for many requests at once is done between groups, while the
caches are warm: drawing them, writing the journal and waiting for the disk, counting latencies.
Between two sends of a group there is nothing but two looks at the clock.
"""

import gc
import time
from datetime import UTC, datetime, timedelta
from itertools import repeat
from typing import Any

from ..errors import StockopsError
from ..market import KST
from . import wire
from .connection import Clock, Connection
from .latency import coarse
from .pace import Pace
from .plan import OPENS_AT
from .requests import Cancel, Request, Requests
from .result import Tally
from .seat import Seat, Stopped
from .shares import share
from .stall import NEVER_NS
from .wire import Call, Cells

_LATE_NS = 1_000_000
_LAST_INSTANT = timedelta(hours=5, minutes=19)  # after 10:00: before the market closes at 15:20


class Client:
    """One client, connected; `tally` holds what it counted, also where `run` raises."""

    def __init__(self, seat: Seat) -> None:
        self.tally = Tally()
        self._seat, self._plan, self._writer = seat, seat.plan, seat.writer
        mine = share(seat.ground, seat.plan, seat.number)
        self._requests = Requests(mine, seat.plan, run_id=seat.run_id, client=seat.number)
        self._pace = Pace(seat, self._requests)
        self._connection = Connection(seat, self.tally)
        self._lines = self._connection.lines

    def run(self, start_ns: int) -> None:
        """Send until the run is over; the journal is complete and on disk then."""
        seconds = self._plan.whole_s
        self._start_ns = start_ns
        self._epoch_ns = time.time_ns() - time.perf_counter_ns()  # 1970, by that clock
        self._measured_ns = start_ns + int(self._plan.warmup_s * 1e9)
        self._end_ns = start_ns + int(seconds * 1e9) if seconds else NEVER_NS
        self._pace.begin(start_ns, self._end_ns)
        # Not collected: that would read, and so copy, all that the parent holds.
        gc.freeze()
        gc.disable()
        cpu_s = time.process_time()
        calls: list[Call] = []
        try:
            self._seat.wait_until(start_ns)
            while not self._is_over() and (calls := self._group()):
                try:
                    self._send(calls)
                finally:
                    self._account(calls)
        except Stopped:
            pass
        finally:
            self.tally.cpu_us = int((time.process_time() - cpu_s) * 1e6)
            self.tally.ended_ns = time.perf_counter_ns()
            self.tally.events["dropped"] += self._pace.dropped(calls, self.tally.ended_ns)
            if self._writer:
                self._writer.add(self._lines)
                self._writer.close()
            self._connection.close()

    def _group(self) -> list[Call]:
        """Draw the next calls, and have what they are about on disk."""
        calls = self._pace.group()
        if calls and self._writer:
            self._lines += [wire.intent(each) for call in calls for each in call.requests]
            self._writer.add(self._lines)
            self._writer.commit()
            self._lines.clear()
        return calls

    def _send(self, calls: list[Call]) -> None:
        """Make every call of a group, unless the run is over before."""
        clock = self._clock()
        if self._plan.rate_per_s is None and self._plan.batch == 1:
            at = 0
            while at < len(calls) and not self._is_over():
                at = self._burst(calls, at, clock)
            return
        for call in calls:
            if call.intended_ns:
                self._seat.wait_until(call.intended_ns)
            if self._is_over():
                return
            call.began_ns = time.perf_counter_ns()
            try:
                call.cells = self._connection.once(call, clock)
                call.ended_ns = time.perf_counter_ns()
            except StockopsError as exc:
                self._connection.persist(call, clock, exc)
            board = self._seat.board
            board.flags[board.done_at(self._seat.number)] += len(call.cells or ())

    def _burst(self, calls: list[Call], at: int, clock: Clock) -> int:
        """Call as fast as answers come, from `at` on; return where that stopped."""
        place, cancel = self._connection.place, self._connection.cancel
        tail = (*clock, None, None, None)
        ready = [
            (call, cancel.send, cancel.pack((request.order_id, *clock, None, request.key)))
            if isinstance(request := call.requests[0], Cancel)
            else (call, place.send, place.pack((*request, *tail)))
            for call in calls[at:]
        ]
        replies: list[Any] = []
        answered = replies.append
        flags, end_ns, now = self._seat.board.flags, self._end_ns, time.perf_counter_ns
        done_at = self._seat.board.done_at(self._seat.number)
        failed: StockopsError | None = None
        try:
            for call, send, packed in ready:
                began = now()
                if began >= end_ns or flags[0]:
                    break
                call.began_ns = began
                answered(send(packed))
                call.ended_ns = now()
                flags[done_at] += 1
        except StockopsError as exc:
            failed = exc
        for (made, _, _), reply in zip(ready, replies, strict=False):
            read = cancel.read if isinstance(made.requests[0], Cancel) else place.read
            made.cells = [read(reply)]
        if failed:
            self._connection.persist(call, clock, failed)
            flags[done_at] += 1
        return at + len(replies) + bool(failed)

    def _clock(self) -> Clock:
        """Return the market's date and instant: 10:00 KST, and on with the run."""
        day = self._seat.ground.business_date
        if day is None:
            return None, None
        passed = timedelta(microseconds=(time.perf_counter_ns() - self._start_ns) // 1000)
        at = datetime.combine(day, OPENS_AT, KST) + min(max(passed, timedelta()), _LAST_INSTANT)
        return day.isoformat(), at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")

    def _account(self, calls: list[Call]) -> None:
        """Count what a group was answered, and keep the lines for the journal."""
        tally = self.tally
        done = [call for call in calls if call.cells is not None]
        self._measure(done)
        accepted = 0
        for call in calls:
            if call.cells is None:
                self._lines += wire.unsent(call)
                continue
            at_ms = (call.ended_ns + self._epoch_ns) // 1_000_000
            good = sum(map(self._answered, call.requests, call.cells, repeat(at_ms)))
            second = (call.ended_ns - self._start_ns) // 1_000_000_000
            tally.seconds[second] += len(call.cells)
            tally.accepted_seconds[second] += good
            accepted += good
        if self._writer is None:
            self._lines.clear()
        busy_us = sum(call.ended_ns - call.began_ns for call in done) // 1000
        self._seat.board.add(
            self._seat.number, counted=len(done), accepted=accepted, busy_us=busy_us
        )

    def _measure(self, done: list[Call]) -> None:
        """Count how long answers took; those of the warm-up are counted as left out."""
        tally = self.tally
        tally.gaps.answered(call.ended_ns for call in done)
        self._connection.moments.answered(done)
        if done and done[0].ended_ns < self._measured_ns:
            early = [call for call in done if call.ended_ns < self._measured_ns]
            tally.events["warmup"] += sum(len(call.requests) for call in early)
            done = done[len(early) :]
        tally.service.update(coarse((call.ended_ns - call.began_ns) // 1000 for call in done))
        if self._plan.rate_per_s is not None:
            tally.response.update(coarse((c.ended_ns - c.intended_ns) // 1000 for c in done))
            tally.events["late"] += sum(c.began_ns - c.intended_ns > _LATE_NS for c in done)

    def _answered(self, request: Request, cells: Cells, at_ms: int) -> bool:
        """Count one answer; return whether the database accepted the request."""
        if self._writer:
            self._lines.append(wire.answer(request, cells, at_ms))
        status, reason = cells[0] or "", cells[1]
        if isinstance(request, Cancel):
            self.tally.cancels[f"{status}/{reason}"] += 1
            return status != "rejected"
        self.tally.answers[(status, reason)] += 1
        if status == "open":
            self._requests.open_orders.append(Cancel(request[0], int(cells[2] or 0)))
        return status != "rejected"

    def _is_over(self) -> bool:
        return time.perf_counter_ns() >= self._end_ns or self._seat.stopped
