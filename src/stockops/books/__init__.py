"""The invariants that prove the books, and the proof that they would notice."""

from .checking import Example, InvariantResult, State, check, check_still, passed
from .invariants import NAMES, Invariant, load
from .planting import PlantedResult, self_test

__all__ = [
    "NAMES",
    "Example",
    "Invariant",
    "InvariantResult",
    "PlantedResult",
    "State",
    "check",
    "check_still",
    "load",
    "passed",
    "self_test",
]
