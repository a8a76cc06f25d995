"""Private servers, owned by stockops, in directories of their own."""

from .base import DATABASE, OWNER, Lab, LabStatus, State
from .operations import (
    DEFAULT_ENGINE,
    DEFAULT_NAME,
    client,
    destroy,
    directory_of,
    down,
    find,
    read,
    rebuilt,
    require,
    status,
    status_of,
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
    "client",
    "crash",
    "destroy",
    "directory_of",
    "down",
    "find",
    "read",
    "rebuilt",
    "require",
    "run_sql",
    "start",
    "status",
    "status_of",
    "stop",
    "temporary",
    "up",
]
