"""
Corporate actions: what an issuer does to an issue, each in one transaction, in balance.

`issues` finds the issue and says what may not be done to it, `applying` does it.
"""

from .applying import Done, apply, steps
from .issues import Action, Issue, Ratio, delisting, find, ratio_of, renaming, splitting

__all__ = [
    "Action",
    "Done",
    "Issue",
    "Ratio",
    "apply",
    "delisting",
    "find",
    "ratio_of",
    "renaming",
    "splitting",
    "steps",
]
