"""Checks of a server and of what is kept about it: data, asked within bounds, judged by ranges."""

from .check import Check
from .checking import REACHABLE, Bounds, run, run_barred
from .outcome import Outcome, Reading, Report, State, severity, worst
from .registry import Settings, chosen, load, settings, why_not

__all__ = [
    "REACHABLE",
    "Bounds",
    "Check",
    "Outcome",
    "Reading",
    "Report",
    "Settings",
    "State",
    "chosen",
    "load",
    "run",
    "run_barred",
    "settings",
    "severity",
    "why_not",
    "worst",
]
