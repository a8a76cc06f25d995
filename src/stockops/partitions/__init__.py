"""Tables partitioned by date: what the next months want, and what is past its time."""

from .applying import Made, apply
from .attaching import Attached, attach, planned
from .detaching import NEEDED, NEWEST, Detached, Job, detach, wanted
from .detaching import steps as detaching_steps
from .planning import EVERY, Missing, Table, look, months_before, steps
from .questions import GRANTS, PARTS, STARTS
from .retaining import Past, Retention, load, past, retire, stated
from .retaining import steps as retiring_steps
from .splitting import Coarse, Split, Splitting, coarse, split
from .splitting import steps as splitting_steps

__all__ = [
    "EVERY",
    "GRANTS",
    "NEEDED",
    "NEWEST",
    "PARTS",
    "STARTS",
    "Attached",
    "Coarse",
    "Detached",
    "Job",
    "Made",
    "Missing",
    "Past",
    "Retention",
    "Split",
    "Splitting",
    "Table",
    "apply",
    "attach",
    "coarse",
    "detach",
    "detaching_steps",
    "load",
    "look",
    "months_before",
    "past",
    "planned",
    "retire",
    "retiring_steps",
    "split",
    "splitting_steps",
    "stated",
    "steps",
    "wanted",
]
