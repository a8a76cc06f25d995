"""What is slow now: a server's counters by their difference, waits, and who blocks whom."""

from .rows import RANKS, ClassRow, Interval
from .watching import opened, watch

__all__ = ["RANKS", "ClassRow", "Interval", "opened", "watch"]
