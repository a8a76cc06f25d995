"""Two transactions of the isolation experiment, each in a session of its own, step by step."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field

from stockops.engine import connect
from stockops.engine.base import Server
from stockops.isolation.bodies import Body, body
from stockops.isolation.cells import Cell
from stockops.isolation.client import set_level
from stockops.isolation.ground import Ground
from stockops.isolation.requests import Request
from stockops.targets import Target

WITHIN_S = 20.0


@dataclass(slots=True)
class Transaction:
    """One transaction; every step runs in the one thread that its session belongs to."""

    thread: ThreadPoolExecutor
    server: Server
    steps: Body
    scope: AbstractContextManager[None]
    stages: list[str] = field(default_factory=list)

    def go(self, stage: str) -> "Future[int | None]":
        """Go on until `stage`, or "end", and commit there; an error rolls back."""
        return self.thread.submit(self._go, stage)

    def _go(self, stage: str) -> int | None:
        if not self.stages:
            self.scope.__enter__()
        try:
            while not self.stages or self.stages[-1] != stage:
                self.stages.append(next(self.steps))
        except StopIteration as end:
            self.scope.__exit__(None, None, None)
            return int(end.value)
        except BaseException as exc:
            self.scope.__exit__(type(exc), exc, exc.__traceback__)
            raise
        return None


@contextmanager
def two(
    target: Target, cell: Cell, ground: Ground, requests: tuple[Request, Request]
) -> Iterator[tuple[Transaction, Transaction]]:
    """Give both transactions, not yet begun."""
    with ExitStack() as stack:

        def made(request: Request) -> Transaction:
            server = stack.enter_context(connect(target))
            set_level(server, cell)
            steps = body(server, request, ground=ground, locks=cell.locks)
            thread = stack.enter_context(ThreadPoolExecutor(1))
            return Transaction(thread, server, steps, server.transaction())

        first, second = map(made, requests)
        yield first, second


def errors(*ends: "Future[int | None]") -> list[BaseException]:
    """Wait for both ends; return what they raised."""
    return [exc for end in ends if (exc := end.exception(WITHIN_S)) is not None]
