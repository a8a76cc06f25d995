"""Tables partitioned by date: what the next months want, and what is past its time."""

from .applying import Made, apply
from .attaching import Attached, attach, planned
from .detaching import NEEDED, NEWEST, Detached, Job, detach, wanted
from .detaching import steps as detaching_steps
from .planning import EVERY, Missing, Table, look, steps
from .questions import GRANTS, PARTS, STARTS

__all__ = [
    "EVERY",
    "GRANTS",
    "NEEDED",
    "NEWEST",
    "PARTS",
    "STARTS",
    "Attached",
    "Detached",
    "Job",
    "Made",
    "Missing",
    "Table",
    "apply",
    "attach",
    "detach",
    "detaching_steps",
    "look",
    "planned",
    "steps",
    "wanted",
]
