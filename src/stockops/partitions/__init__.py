"""Tables partitioned by date: what there is, what the next months want, and making that."""

from .applying import Made, apply
from .planning import EVERY, Missing, Table, look, steps
from .questions import GRANTS, PARTS

__all__ = ["EVERY", "GRANTS", "PARTS", "Made", "Missing", "Table", "apply", "look", "steps"]
