"""Load: many clients that place orders, what they wrote down, and how long it took."""

from .ground import SETTINGS, TRADED, survey
from .moments import Answered, Failed, Reader
from .plan import CLIENTS_MAX, DEFAULT_MIX, RunPlan, mix_of
from .result import Latency, RunResult, Second, Unknowns
from .running import Tick, run
from .stall import Stall

__all__ = [
    "CLIENTS_MAX",
    "DEFAULT_MIX",
    "SETTINGS",
    "TRADED",
    "Answered",
    "Failed",
    "Latency",
    "Reader",
    "RunPlan",
    "RunResult",
    "Second",
    "Stall",
    "Tick",
    "Unknowns",
    "mix_of",
    "run",
    "survey",
]
