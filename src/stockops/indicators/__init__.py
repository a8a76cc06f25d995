"""
Technical indicators of the daily prices: computed by the database, shown, and proven.

`computing` has the database compute what is lacking, `proving` computes a sample again by the
textbook, from the prices alone, and `showing` says of what is NULL why it is.
"""

from .computing import JOBS, Computed, Progress, compute, lacking, steps
from .proving import SAMPLE, Verdict, check
from .questions import COMPUTED, HISTORY, LACKING, LISTED, NEEDS, STALE, Day, Lacking, Traded
from .showing import Shown, show

__all__ = [
    "COMPUTED",
    "HISTORY",
    "JOBS",
    "LACKING",
    "LISTED",
    "NEEDS",
    "SAMPLE",
    "STALE",
    "Computed",
    "Day",
    "Lacking",
    "Progress",
    "Shown",
    "Traded",
    "Verdict",
    "check",
    "compute",
    "lacking",
    "show",
    "steps",
]
