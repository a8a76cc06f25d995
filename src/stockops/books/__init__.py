"""The invariants that prove the books, and the proof that they would notice."""

from .checking import (
    Example,
    InvariantResult,
    Proving,
    State,
    check,
    check_since,
    check_still,
    is_traded,
    passed,
    prove,
)
from .invariants import NAMES, Invariant, load
from .planting import PlantedResult, self_test
from .proofs import Proof

__all__ = [
    "NAMES",
    "Example",
    "Invariant",
    "InvariantResult",
    "PlantedResult",
    "Proof",
    "Proving",
    "State",
    "check",
    "check_since",
    "check_still",
    "is_traded",
    "load",
    "passed",
    "prove",
    "self_test",
]
