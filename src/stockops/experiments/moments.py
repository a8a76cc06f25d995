"""Where an experiment is, for whoever watches it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..workload import Tick


@dataclass(frozen=True, slots=True)
class Moment:
    """Turn `number` of `of`, those that are left out being among them; `what` is tried in it."""

    number: int
    of: int
    what: str
    tick: Tick | None = None


Told = Callable[[Moment], None]
Said = Callable[[str], None]  # what is being done, where there are no turns


def heard(here: Moment, told: Told) -> Callable[[Tick], None]:
    """Return what hears the ticks of a load, and tells them as moments."""
    return lambda tick: told(replace(here, tick=tick))
