"""What one client of a run is told, and how it hears that the run is over."""

import os
import time
from dataclasses import dataclass

from ..journal import Writer
from ..targets import Target
from .board import Board
from .ground import Ground
from .plan import RunPlan

_NAP_S = 0.2  # the longest sleep: then somebody looks whether the run is over


class Stopped(Exception):
    """The run was stopped while a client waited for something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Everything a client is told. `parent` is the process that started the run."""

    number: int
    run_id: str
    target: Target
    plan: RunPlan
    ground: Ground
    board: Board
    parent: int
    writer: Writer | None

    @property
    def stopped(self) -> bool:
        """Whether the run was stopped, or who started it is gone."""
        return bool(self.board.flags[0]) or os.getppid() != self.parent

    def nap(self, wanted_s: float) -> None:
        """Sleep for `wanted_s`, or less; raise `Stopped` where the run is over."""
        if self.stopped:
            raise Stopped
        time.sleep(min(wanted_s, _NAP_S))

    def wait_until(self, at_ns: int) -> None:
        """Sleep until the clock of `time.perf_counter_ns` shows `at_ns`."""
        while (left_s := (at_ns - time.perf_counter_ns()) / 1e9) > 0:
            self.nap(left_s)
