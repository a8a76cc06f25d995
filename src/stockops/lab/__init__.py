"""Private servers, owned by stockops, in directories of their own."""

from .base import DATABASE, OWNER, Lab, LabStatus, State
from .operations import (
    DEFAULT_ENGINE,
    DEFAULT_NAME,
    destroy,
    down,
    find,
    require,
    status,
    temporary,
    up,
)
from .servers import ENGINES, crash, run_sql, start, stop

__all__ = [
    "DATABASE",
    "DEFAULT_ENGINE",
    "DEFAULT_NAME",
    "ENGINES",
    "OWNER",
    "Lab",
    "LabStatus",
    "State",
    "crash",
    "destroy",
    "down",
    "find",
    "require",
    "run_sql",
    "start",
    "status",
    "stop",
    "temporary",
    "up",
]
