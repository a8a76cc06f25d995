"""
Conditions: rules of customers that place an order when a prediction or the last price meets them.

A rule is JSON and has a schema. `run` executes what is met, each in one transaction of the
database, once for each condition and prediction however many run it at the same time.
"""

from .adding import Added, add, add_steps, cancel, cancel_steps
from .listing import LISTED_MAX, STATUSES, Condition, listed
from .rules import Rule, read, schema
from .running import Due, Executed, due, execute, expire, run

__all__ = [
    "LISTED_MAX",
    "STATUSES",
    "Added",
    "Condition",
    "Due",
    "Executed",
    "Rule",
    "add",
    "add_steps",
    "cancel",
    "cancel_steps",
    "due",
    "execute",
    "expire",
    "listed",
    "read",
    "run",
    "schema",
]
