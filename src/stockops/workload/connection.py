"""A client's connection, and what it does when that fails: the same request, once more."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat

from ..engine import open_server
from ..engine.base import Server
from ..errors import Fault, ServerError, StockopsError, Unreachable
from ..orders import CANCEL_ARITY, PLACE_ARITY, place_json
from . import wire
from .moments import Moments
from .requests import Cancel
from .result import Tally
from .seat import Seat, Stopped
from .wire import Call, Cells

RETRIES_MAX = 10  # of one request that the server rolls back
ROUNDS_MAX = 100  # of one request, whatever happens to it
_BACKOFF_S, _BACKOFF_S_MAX = 0.005, 0.25
_RECONNECT_S, _RECONNECT_S_MAX = 0.02, 1.0

# Duplicate: its key was stored after it had been looked for, and is found by the next try.
_ROLLED_BACK = {Fault.RETRY, Fault.LOCKED, Fault.DUPLICATE}

Clock = tuple[str | None, str | None]


@dataclass(slots=True)
class _Trouble:
    """A call that met an error. `settling`: it may have committed, and only its key can tell."""

    call: Call
    settling: bool = False
    rollbacks: int = 0


class Connection:
    """One connection of one client; `place` and `cancel` are the routines, ready to be called."""

    def __init__(self, seat: Seat, tally: Tally) -> None:
        self._seat, self._tally = seat, tally
        self.moments = Moments(seat.plan.moments, seat.number)
        self._jitter = random.Random(f"{seat.plan.seed}/{seat.number}/jitter")  # noqa: S311
        self.lines: list[str] = []  # what the journal is to hold of it
        self._server: Server
        self._open()

    def close(self) -> None:
        """Close it."""
        self._server.close()

    def once(self, call: Call, clock: Clock) -> list[Cells]:
        """Make a call, and return an answer for each of its requests."""
        first = call.requests[0]
        if isinstance(first, Cancel):
            return [self.cancel((first.order_id, *clock, None, first.key))]
        if self._seat.plan.batch == 1:
            return [self.place((*first, *clock, None, None, None))]
        return [
            (
                answer.status,
                answer.reason,
                None if answer.order_id is None else str(answer.order_id),
                str(answer.filled_quantity),
                str(answer.filled_value_won),
                str(answer.fee_won),
                str(answer.tax_won),
                "1" if answer.replayed else "0",
            )
            for answer in place_json(self._server, wire.batch(call.requests), clock)
        ]

    def persist(self, call: Call, clock: Clock, exc: StockopsError) -> None:
        """
        Send the same request again until it is answered, or trying has an end.

        A request that is rolled back again and again is given up; a lost answer never is: the key
        tells, once the server is back. Raises what no second try can help against.
        """
        trouble = _Trouble(call)
        for _ in self._rounds():
            try:
                self._mend(trouble, exc)
                if call.error is not None:
                    return
                call.cells = self.once(call, clock)
            except StockopsError as again:
                if again is exc or isinstance(again, Unreachable):
                    self._leave(trouble, exc)
                    raise
                exc = again
            except Stopped:
                self._leave(trouble, None)
                raise
            else:
                call.ended_ns = time.perf_counter_ns()
                self._settle(trouble, call.cells)
                return
        self._leave(trouble, None)
        raise exc

    def _rounds(self) -> Iterator[None]:
        plan = self._seat.plan
        yield from repeat(None, ROUNDS_MAX)
        deadline = time.monotonic() + plan.patience_s
        while plan.stubborn and time.monotonic() < deadline:
            yield None

    def _mend(self, trouble: _Trouble, exc: StockopsError) -> None:
        """Count an error and make ready for the next try, or raise it where there is none."""
        fault, code = _named(exc)
        events, call = self._tally.events, trouble.call
        self._tally.errors[(fault.value if fault else "other", code)] += 1
        self.moments.failed(time.perf_counter_ns(), (fault.name if fault else "OTHER").lower())
        self._seat.board.add_trouble(self._seat.number)
        if fault in _ROLLED_BACK:
            trouble.rollbacks += 1
            if trouble.rollbacks > RETRIES_MAX and not trouble.settling:
                call.error = code
                events["given_up"] += len(call.requests)
                return
            longest_s = min(_BACKOFF_S * 2 ** min(trouble.rollbacks, 10), _BACKOFF_S_MAX)
            self._seat.nap(self._jitter.uniform(0, longest_s))
        elif fault in {Fault.LOST, Fault.UNKNOWN}:
            if fault is Fault.UNKNOWN and not trouble.settling:
                trouble.settling = True
                events["unknown"] += len(call.requests)
                self.lines += [wire.unknown(request, code) for request in call.requests]
            self._reconnect()
        elif self._seat.plan.stubborn and fault is not None:
            self._seat.nap(self._jitter.uniform(_BACKOFF_S_MAX / 2, _BACKOFF_S_MAX))
        else:
            raise exc
        events["retries"] += 1

    def _settle(self, trouble: _Trouble, cells: list[Cells]) -> None:
        if trouble.settling:
            known = sum(row[7] in {"t", "1"} for row in cells)
            self._tally.events["settled_committed"] += known
            self._tally.events["settled_absent"] += len(cells) - known

    def _leave(self, trouble: _Trouble, exc: StockopsError | None) -> None:
        """Leave a call without an answer; where the server said no to it, it was rolled back."""
        call = trouble.call
        if trouble.settling:
            self._tally.events["unsettled"] += len(call.requests)
        elif exc is not None and _named(exc)[0] not in {None, Fault.LOST}:
            call.error = _named(exc)[1]

    def _reconnect(self) -> None:
        """Get back to the server, within the patience of the plan."""
        self.close()
        patience_s = self._seat.plan.patience_s
        deadline, wait_s = time.monotonic() + patience_s, _RECONNECT_S
        while True:
            try:
                self._open()
            except StockopsError as exc:
                if time.monotonic() > deadline:
                    raise Unreachable(
                        f"the server went away and was not back within {patience_s:g} s: {exc}",
                        hint="Start it again, then see what became of the last orders: "
                        "stockops trade audit JOURNAL",
                    ) from exc
                self._seat.nap(self._jitter.uniform(wait_s / 2, wait_s))
                wait_s = min(wait_s * 2, _RECONNECT_S_MAX)
            else:
                return

    def _open(self) -> None:
        self._server = open_server(self._seat.target, application="stockops trade")
        self.place = self._server.prepare_call("place_order", PLACE_ARITY)
        self.cancel = self._server.prepare_call("cancel_order", CANCEL_ARITY)


def _named(exc: StockopsError) -> tuple[Fault | None, str]:
    """Return the fault and the code of an error, as far as it has any."""
    return (exc.fault, exc.code) if isinstance(exc, ServerError) else (None, "")
