"""Find, in the log that is archived, the place to restore to: just before somebody dropped it."""

from .places import Found, Place, Wanted, wanted
from .searching import find

__all__ = ["Found", "Place", "Wanted", "find", "wanted"]
