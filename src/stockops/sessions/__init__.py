"""Sessions of a server: what they run, who waits for whom, and how one of them ends."""

from .killing import (
    STANDING,
    Killed,
    Plan,
    Rule,
    Spared,
    Victim,
    carry_out,
    plan,
    right_to_end,
    shortened,
    steps,
)
from .questions import ACTIVITY, WAITS, SessionRow, WaitRow, activity, grantee, look, to_see
from .tree import Branch, forest

__all__ = [
    "ACTIVITY",
    "STANDING",
    "WAITS",
    "Branch",
    "Killed",
    "Plan",
    "Rule",
    "SessionRow",
    "Spared",
    "Victim",
    "WaitRow",
    "activity",
    "carry_out",
    "forest",
    "grantee",
    "look",
    "plan",
    "right_to_end",
    "shortened",
    "steps",
    "to_see",
]
