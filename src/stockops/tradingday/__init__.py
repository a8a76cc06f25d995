"""The market's day: auctions, interruptions, and a whole business day from seeded prices."""

from .examining import MARKET, DayPlan, examine
from .running import Progress, StepDone, run, steps

__all__ = ["MARKET", "DayPlan", "Progress", "StepDone", "examine", "run", "steps"]
