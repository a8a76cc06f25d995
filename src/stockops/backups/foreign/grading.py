"""What is said of a backup that another tool made."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Grade = Literal["proven", "restorable", "gap", "corrupt", "unknown"]
SOUND: frozenset[Grade] = frozenset({"proven", "restorable"})
NAMED_MAX = 5  # a reason names so many files, and counts the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """One backup, or one log archive, that was found."""

    tool: str
    id: str  # where it is, from the audited path
    kind: str
    started: datetime | None
    size_bytes: int
    grade: Grade
    reason: str
    next: str  # the command that leads on from here


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """
    A backup, and how it hangs together with others.

    An incremental backup `needs` one that `offers` the same: a key made of where in the log the
    one begins and the other ends.
    """

    row: Audited
    offers: tuple[str, ...] | None = None
    needs: tuple[str, ...] | None = None


@dataclass(slots=True)
class Findings:
    """What is known of one backup so far; the worst of it is its grade."""

    corrupt: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)  # what was looked at and found in order
    limits: list[str] = field(default_factory=list)  # what no look at its files can tell

    @property
    def grade(self) -> Grade:
        """The worst that was found. What is sound is restorable: only a restore proves more."""
        if self.corrupt:
            return "corrupt"
        if self.gaps:
            return "gap"
        if self.unknown:
            return "unknown"
        return "restorable" if self.checked else "unknown"

    @property
    def reason(self) -> str:
        """Why it has its grade."""
        if worst := [*self.corrupt, *self.gaps, *self.unknown]:
            return "; ".join(_shortened(worst))
        return "; ".join([*self.checked, *self.limits]) or "nothing of it could be checked"

    def add(self, other: "Findings") -> None:
        """Take over what was found of a part."""
        self.corrupt += other.corrupt
        self.gaps += other.gaps
        self.unknown += other.unknown
        self.checked += other.checked
        self.limits += other.limits


def listed(names: Sequence[str]) -> str:
    """Return `names` in a row, the many shortened to a few and their number."""
    return ", ".join(_shortened(names))


def _shortened(names: Sequence[str]) -> list[str]:
    more = len(names) - NAMED_MAX
    return [*names[:NAMED_MAX], *([f"and {more:,} more"] if more > 0 else [])]
