"""Whether rules and dashboards can ever say anything, on the server that they are meant for."""

from .brought import brought
from .linting import Linted, lint
from .parts import Expression, Kind, of_dashboard, of_rules
from .series import Known, known
from .verdicts import Verdict

__all__ = [
    "Expression",
    "Kind",
    "Known",
    "Linted",
    "Verdict",
    "brought",
    "known",
    "lint",
    "of_dashboard",
    "of_rules",
]
