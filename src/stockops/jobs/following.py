"""A program that is followed to its end: what it says is read, and it ends in bounded time."""

import os
import selectors
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType

from .. import children
from ..children import Child

TAIL_BYTES = 100_000  # what healthchecks takes with a ping
GRACE_S = 10.0  # for a program that was told to end, before it is killed
LINGER_S = 1.0  # for what outlives its program by a moment, such as a tee
_CHUNK_BYTES = 1 << 16
_CHUNKS_MAX = 64  # of what is still in the pipe
_PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


@dataclass(slots=True)
class Tail:
    """The end of a stream: no more than `TAIL_BYTES`, and how many bytes were seen in all."""

    kept: bytearray = field(default_factory=bytearray)
    seen_bytes: int = 0

    def add(self, data: bytes) -> None:
        """Take what was said."""
        self.seen_bytes += len(data)
        self.kept += data
        if len(self.kept) > 2 * TAIL_BYTES:
            del self.kept[:-TAIL_BYTES]

    @property
    def end(self) -> bytes:
        """What was said last."""
        return bytes(self.kept[-TAIL_BYTES:])

    @property
    def cut_bytes(self) -> int:
        """How much was said before it."""
        return max(0, self.seen_bytes - TAIL_BYTES)


class Signals:
    """The signals that came; each wakes whoever waits for `wakes` to be readable."""

    def __init__(self) -> None:
        self.came: list[int] = []
        self.wakes, self._wakened = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    @contextmanager
    def taken(self) -> Iterator["Signals"]:
        """Take what would end this process for the block, except what it ignores (nohup)."""
        numbers = [n for n in _PASSED_ON if signal.getsignal(n) is not signal.SIG_IGN]
        before = {n: signal.signal(n, self._note) for n in (*numbers, signal.SIGCHLD)}
        wakened = signal.set_wakeup_fd(self._wakened, warn_on_full_buffer=False)
        try:
            yield self
        finally:
            signal.set_wakeup_fd(wakened)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(self.wakes)
            os.close(self._wakened)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number != signal.SIGCHLD:
            self.came.append(number)


@dataclass(slots=True)
class Followed:
    """A program that runs, the end of what it says, and who else hears that."""

    child: Child
    signals: Signals
    echo: Callable[[bytes], None] | None = None
    tail: Tail = field(default_factory=Tail)

    def to_its_end(self, *, within_s: float) -> int | None:
        """
        Return the code it left with, once nothing of its process group is left.

        None where it took longer, or a signal came: then it was told to end, by a SIGTERM whatever
        came (a shell has its background jobs ignore SIGINT), and killed `GRACE_S` later, or when
        another signal came.
        """
        with selectors.DefaultSelector() as selector:
            os.set_blocking(self.child.stdout.fileno(), False)
            selector.register(self.child.stdout, selectors.EVENT_READ)
            selector.register(self.signals.wakes, selectors.EVENT_READ)
            self._read_until(selector, self._is_over, within_s=within_s, look_s=1.0)
            code = None if self.signals.came else self.child.code
            if code is None:
                self.child.tell(signal.SIGTERM)
                self._read_until(selector, self._is_gone, within_s=GRACE_S, look_s=0.1)
                self.child.tell(signal.SIGKILL)
        self._end_the_rest()
        return 128 - code if code is not None and code < 0 else code

    def _is_over(self) -> bool:
        return self.child.code is not None or bool(self.signals.came)

    def _is_gone(self) -> bool:
        return len(self.signals.came) > 1 or not self.child.lives

    def _read_until(
        self,
        selector: selectors.BaseSelector,
        done: Callable[[], bool],
        *,
        within_s: float,
        look_s: float,
    ) -> None:
        """Read what it says until `done`, asked every `look_s`, or until `within_s` has passed."""
        deadline_s = time.monotonic() + within_s
        while not done() and (left_s := deadline_s - time.monotonic()) > 0:
            for key, _ in selector.select(min(left_s, look_s)):
                if key.fd == self.signals.wakes:
                    os.read(key.fd, _CHUNK_BYTES)
                elif not self._read():
                    selector.unregister(key.fileobj)

    def _read(self) -> bool:
        """Read what is there; False where no more will come."""
        with suppress(BlockingIOError):
            data = os.read(self.child.stdout.fileno(), _CHUNK_BYTES)
            self.tail.add(data)
            if self.echo is not None and data:
                self.echo(data)
            return bool(data)
        return True

    def _end_the_rest(self) -> None:
        """End what it left behind, and read what is still in the pipe."""
        if not children.wait_until(lambda: not self.child.lives, within_s=LINGER_S):
            self.child.tell(signal.SIGTERM)
            if not children.wait_until(lambda: not self.child.lives, within_s=LINGER_S):
                self.child.tell(signal.SIGKILL)
        for _ in range(_CHUNKS_MAX):
            before = self.tail.seen_bytes
            if not self._read() or self.tail.seen_bytes == before:
                break
