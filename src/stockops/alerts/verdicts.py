"""What can be said of an expression before anything went wrong."""

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """How an expression fares on what a server exports, best first."""

    LIVES = "lives"  # every part of it finds series now
    WAITS = "waits"  # a part finds none now, and will when what it is about happens
    DEAD = "dead"  # nothing that happens on this server can make it answer


_ORDER = tuple(Verdict)


def worst(*verdicts: Verdict) -> Verdict:
    """Return the worst of `verdicts`; `Verdict.LIVES` for none."""
    return max(verdicts, key=_ORDER.index, default=Verdict.LIVES)


def best(*verdicts: Verdict) -> Verdict:
    """Return the best of `verdicts`; `Verdict.LIVES` for none."""
    return min(verdicts, key=_ORDER.index, default=Verdict.LIVES)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an expression, and what would be right."""

    verdict: Verdict
    what: str
    hint: str = ""
