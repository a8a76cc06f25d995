"""When a client sends what: one after the other, or as a Poisson process says."""

import random
import time

from .requests import Cancel, Requests
from .seat import Seat
from .wire import Call

GROUP = 64  # requests that are drawn at once, and covered by one wait for the disk
_AHEAD_NS = 500_000_000  # and for how long they are drawn ahead where they are due at times


class Pace:
    """Draws one client's calls, group by group."""

    def __init__(self, seat: Seat, requests: Requests) -> None:
        plan = seat.plan
        self._requests, self._size, self._rate_per_s = requests, plan.batch, plan.rate_per_s
        self._left = _share(plan.orders, plan.clients, seat.number)
        self._gaps = random.Random(f"{plan.seed}/{seat.number}/gaps")  # noqa: S311
        self._mean_ns = 1e9 * plan.clients * plan.batch / (plan.rate_per_s or 1.0)
        self._due_ns = self._end_ns = 0

    def begin(self, start_ns: int, end_ns: int) -> None:
        """Set the time of the run."""
        self._due_ns, self._end_ns = start_ns, end_ns

    def group(self) -> list[Call]:
        """Return the next calls; empty at the end of the run."""
        if self._rate_per_s is None:
            return self._drawn(max(GROUP, self._size))
        due = self._arrivals()
        calls = self._drawn(len(due) * self._size)
        # A batch loses its cancels to calls of their own: these are due with the last batch.
        for n, call in enumerate(calls):
            call.intended_ns = due[min(n, len(due) - 1)]
        return calls

    def dropped(self, calls: list[Call], now_ns: int) -> int:
        """Count what was due before the end, or before now, and was never started."""
        if self._rate_per_s is None:
            return 0
        until = min(now_ns, self._end_ns)
        count = sum(len(c.requests) for c in calls if c.intended_ns < until and not c.began_ns)
        if self._left is None:
            while self._due_ns < until:
                self._due_ns += self._gap()
                count += self._size if self._due_ns < until else 0
        return count

    def _arrivals(self) -> list[int]:
        """Draw when the next calls are due: half a second ahead, at most a group of them."""
        until = max(time.perf_counter_ns(), self._due_ns) + _AHEAD_NS
        due: list[int] = []
        while len(due) < max(GROUP // self._size, 1) and (not due or due[-1] < until):
            self._due_ns += self._gap()
            if self._due_ns >= self._end_ns:
                break
            due.append(self._due_ns)
        return due

    def _gap(self) -> int:
        return int(self._gaps.expovariate(1.0) * self._mean_ns)

    def _drawn(self, count: int) -> list[Call]:
        if self._left is not None:
            count = min(count, self._left)
            self._left -= count
        if not count:
            return []
        requests = self._requests.take(count)
        if self._size == 1:
            return [Call([each]) for each in requests]
        orders = [each for each in requests if not isinstance(each, Cancel)]
        cancels = [Call([each]) for each in requests if isinstance(each, Cancel)]
        size = self._size
        return [Call([*orders[n : n + size]]) for n in range(0, len(orders), size)] + cancels


def _share(orders: int | None, clients: int, number: int) -> int | None:
    """Return how many of `orders` are this client's."""
    return None if orders is None else orders // clients + (number < orders % clients)
