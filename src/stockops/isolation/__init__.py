"""Isolation, measured: one load under every level and every way to lock, and what the books say."""

from .advice import advice, failure
from .cells import SECONDS, Cell, IsolationPlan, cells
from .running import Measured, Outcome, run

__all__ = [
    "SECONDS",
    "Cell",
    "IsolationPlan",
    "Measured",
    "Outcome",
    "advice",
    "cells",
    "failure",
    "run",
]
