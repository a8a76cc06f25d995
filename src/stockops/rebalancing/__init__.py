"""
Rebalancing: lead the weights of a portfolio back to its targets.

`weights` reads what a portfolio holds and should hold, `planning` makes orders of the difference,
`running` places them so that a run that was killed is ended by the next one, with nothing twice.
"""

from .planning import MINIMUM_WON, Plan, PlannedLine, plan
from .running import Done, DoneLine, business_date_of, due, planned, rebalance
from .weights import CASH, WEIGHTS, Portfolio, Weight, every, one

__all__ = [
    "CASH",
    "MINIMUM_WON",
    "WEIGHTS",
    "Done",
    "DoneLine",
    "Plan",
    "PlannedLine",
    "Portfolio",
    "Weight",
    "business_date_of",
    "due",
    "every",
    "one",
    "plan",
    "planned",
    "rebalance",
]
