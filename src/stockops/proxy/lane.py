"""One direction of one connection: what comes in goes out, late and in order where it must."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

FULL_BYTES = 4 * 1024 * 1024  # under way, as a window of TCP; above that the sender has to wait
_PIECES_PER_S = 20  # a slow line moves on this often
_LOST_AGAIN_MAX = 6
_LATE_S = 0.0005  # a timer of the loop is no finer


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a direction is like; `loss_share` of the chunks are lost at first, and sent again."""

    latency_s: float = 0
    jitter_s: float = 0
    bytes_per_s: float = 0  # 0: no limit
    loss_share: float = 0
    rto_s: float = 0

    @property
    def calm(self) -> bool:
        """Whether nothing is late."""
        return not (self.latency_s or self.bytes_per_s or self.loss_share)


class Lane:
    """
    Holds what is under way; `write` gets it when it arrives.

    `count` is told what happened to a chunk, by the name of the toxic that did it, and `moved`
    that less is under way than before.
    """

    def __init__(
        self,
        write: Callable[[bytes], None],
        *,
        dice: Random,
        count: Callable[[str], None],
        moved: Callable[[], None],
    ) -> None:
        self.conditions = Conditions()
        self.under_way_bytes = 0
        self._write, self._dice, self._count, self._moved = write, dice, count, moved
        self._queue: deque[tuple[float, bytes]] = deque()
        self._last_due_s = self._line_free_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def push(self, data: bytes) -> None:
        """Send `data` on its way."""
        if self.conditions.calm and not self._queue:
            self._write(data)
            return
        now = asyncio.get_running_loop().time()
        due = max(now + self._delay_s(), self._last_due_s)
        rate = self.conditions.bytes_per_s
        if rate:
            self._count("bandwidth")
        step = max(1, int(rate / _PIECES_PER_S)) if rate else len(data)
        for at in range(0, len(data), step):
            piece = data[at : at + step]
            if rate:
                due = max(due, self._line_free_s) + len(piece) / rate
                self._line_free_s = due
            self._queue.append((due, piece))
        self._last_due_s = due
        self.under_way_bytes += len(data)
        self._wake()

    def flush(self) -> None:
        """Let all that is under way arrive at once."""
        while self._queue:
            self._arrive()
        self._last_due_s = self._line_free_s = 0.0
        self._moved()

    def drop(self) -> None:
        """Forget what is under way."""
        self._queue.clear()
        self.under_way_bytes = 0
        if self._timer:
            self._timer.cancel()

    def _delay_s(self) -> float:
        now = self.conditions
        late_s = 0.0
        if now.latency_s:
            self._count("latency")
            late_s = now.latency_s + self._dice.uniform(-now.jitter_s, now.jitter_s)
        if now.loss_share and self._dice.random() < now.loss_share:
            self._count("loss")
            wait_s = now.rto_s
            late_s += wait_s
            for _ in range(_LOST_AGAIN_MAX):
                if self._dice.random() >= now.loss_share:
                    break
                wait_s *= 2
                late_s += wait_s
        return late_s

    def _wake(self) -> None:
        if self._timer is None and self._queue:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._queue[0][0], self._ring)

    def _ring(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time() + _LATE_S
        while self._queue and self._queue[0][0] <= now:
            self._arrive()
        self._wake()
        self._moved()

    def _arrive(self) -> None:
        _, piece = self._queue.popleft()
        self.under_way_bytes -= len(piece)
        self._write(piece)
