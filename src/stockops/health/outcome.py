"""What becomes of a check: a state, what was read, one sentence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .check import Check


class State(IntEnum):
    """How it is; the numbers are those of Nagios, of ``stockops_check_state`` too."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


_SEVERITY = (State.OK, State.UNKNOWN, State.WARNING, State.CRITICAL)


def worst(states: Iterable[State]) -> State:
    """Return the worst: CRITICAL > WARNING > UNKNOWN > OK, and UNKNOWN where there is none."""
    return max(states, key=severity, default=State.UNKNOWN)


def severity(state: State) -> int:
    """Return how bad `state` is, to sort by; UNKNOWN (3) is less bad than WARNING (1)."""
    return _SEVERITY.index(state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """
    One thing that a check looked at.

    `subject` is '' where there is but one. `value` is None where it could not be known, which is
    UNKNOWN; `allowed`, the server's own limit, is None where there is none.
    """

    subject: str = ""
    value: float | None
    allowed: float | None = None
    detail: str = ""
    state: State = State.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one check; `readings` have the worst first, as `message` speaks of it."""

    check: "Check"
    state: State
    readings: tuple[Reading, ...] = ()
    message: str = ""
    took_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of every check that was asked; `reason` is "ok", or why no session was had."""

    target: str
    engine: str
    at: datetime
    reason: str
    outcomes: Sequence[Outcome]

    @property
    def state(self) -> State:
        """The worst of all; UNKNOWN where nothing was checked."""
        return worst(outcome.state for outcome in self.outcomes)
