"""
Tasks that are shared out to processes, each of which is a fork of this one.

A pool of the standard library takes as long to be imported and to end as two megabytes of a log do
to be read; here nothing is sent to a process but the turn to take the next task.
"""

import gc
import os
import pickle
import select
import signal
import struct
from collections.abc import Callable, Generator, Iterator, Sequence
from io import FileIO
from typing import IO, Any, NoReturn, TypeVar

from ..errors import StockopsError

Task = TypeVar("Task")
Answer = TypeVar("Answer")
Total = TypeVar("Total")
_NUMBER = struct.Struct("=q")
_HEAD = struct.Struct("=qq")  # of what a process tells: the number of the task, and its length
_RAISED, _TOTAL = -1, -2  # instead of the number of a task
_KEPT_BYTES = 1 << 24


def shared(
    work: Callable[[Total, Task], Answer],
    tasks: Sequence[Task],
    *,
    workers: int,
    total: Callable[[], Total],
    add: Callable[[Total], None],
) -> Generator[Answer, None, None]:
    """
    Give what `work` answers to each of `tasks`, in their order.

    Each process begins a `total` to which its work adds; `add` gets them all before this ends. What
    work raises is raised here. Raises `StockopsError` where a process ended before its work.
    """
    turn = os.pipe()  # holds the number of the next task, which who reads it puts back one higher
    os.write(turn[1], _NUMBER.pack(0))
    running: dict[int, FileIO] = {}
    try:
        # Interrupted in here, a fork would go on as the process that it was made from.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        for _ in range(min(workers, len(tasks))):
            told, tell = os.pipe()
            child = os.fork()
            if not child:
                _work(work, total(), tasks, (turn, tell))
            os.close(tell)
            running[child] = FileIO(told)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        yield from _in_order(running, len(tasks), add)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        for each in turn:
            os.close(each)
        for child, answers in running.items():
            answers.close()
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _work(
    work: Callable[[Any, Any], Any],
    total: object,
    tasks: Sequence[Any],
    pipes: tuple[tuple[int, int], int],
) -> NoReturn:
    """Take tasks for as long as there are any, and end this process, whatever happens."""
    code, (turn, tell) = 1, pipes
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # the one who waits has something to say
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        # What is read by the thousand makes many objects and no circle: to look for one takes a
        # tenth of the time.
        gc.disable()
        _keep_memory()
        with os.fdopen(tell, "wb") as answers:
            while (number := _next(turn)) < len(tasks):
                try:
                    _tell(answers, number, work(total, tasks[number]))
                except Exception as exc:  # it is raised where it can be told
                    _tell(answers, _RAISED, exc)
                    break
            _tell(answers, _TOTAL, total)
        code = 0
    finally:
        os._exit(code)


def _keep_memory() -> None:
    """
    Let this process keep what it frees, up to twice `_KEPT_BYTES`, for what it reads next.

    As seen of glibc: it hands large blocks back to the kernel, and takes each anew page by page,
    until it has seen that blocks so large are freed again. One that nobody wrote to costs nothing.
    """
    bytes(_KEPT_BYTES)


def _tell(answers: IO[bytes], number: int, answer: object) -> None:
    raw = pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
    answers.write(_HEAD.pack(number, len(raw)) + raw)
    answers.flush()


def _next(turn: tuple[int, int]) -> int:
    number: int = _NUMBER.unpack(os.read(turn[0], _NUMBER.size))[0]
    os.write(turn[1], _NUMBER.pack(number + 1))
    return number


def _in_order(running: dict[int, FileIO], count: int, add: Callable[[Any], None]) -> Iterator[Any]:
    early: dict[int, Any] = {}
    due = 0
    while running:
        ready = select.select(list(running.values()), [], [])[0]
        for child, answers in list(running.items()):
            if answers not in ready:
                continue
            head = _exactly(answers, _HEAD.size)
            if not head:
                _ended(running, child)
                continue
            number, size = _HEAD.unpack(head)
            answer = pickle.loads(_exactly(answers, size))  # noqa: S301  our own process says it
            if number == _RAISED:
                raise answer
            if number == _TOTAL:
                add(answer)
            else:
                early[number] = answer
        while due < count and due in early:
            yield early.pop(due)
            due += 1


def _exactly(answers: FileIO, size: int) -> bytes:
    """Read `size` bytes, of which a pipe gives less at a time; nothing where it has ended."""
    blocks = bytearray()
    while len(blocks) < size:
        block = answers.read(size - len(blocks))
        if not block:
            return b""
        blocks += block
    return bytes(blocks)


def _ended(running: dict[int, FileIO], child: int) -> None:
    """Forget a process that has ended; raise where it was not for want of work."""
    running.pop(child).close()
    if os.waitpid(child, 0)[1]:
        raise StockopsError(
            "a process that read a part of the log was ended",
            hint="Look for what took its memory: dmesg | tail; or read with --jobs 1",
        )
