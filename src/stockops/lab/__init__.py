"""Private servers, owned by stockops, in directories of their own."""

from .base import DATABASE, OWNER, Fill, Lab, LabStatus, State
from .handing import TABLESPACES, aside, hand_over, require_place
from .making import held, remake
from .marker import write as note
from .operations import (
    DEFAULT_ENGINE,
    DEFAULT_NAME,
    SANDBOX,
    adopt,
    client,
    destroy,
    directory_of,
    down,
    find,
    read,
    rebuilt,
    replicas_of,
    require,
    require_room,
    status,
    status_of,
    sweep,
    temporary,
    up,
)
from .room import NoRoom
from .servers import ENGINES, crash, run_sql, start, stop
from .wiping import wipe

__all__ = [
    "DATABASE",
    "DEFAULT_ENGINE",
    "DEFAULT_NAME",
    "ENGINES",
    "OWNER",
    "SANDBOX",
    "TABLESPACES",
    "Fill",
    "Lab",
    "LabStatus",
    "NoRoom",
    "State",
    "adopt",
    "aside",
    "client",
    "crash",
    "destroy",
    "directory_of",
    "down",
    "find",
    "hand_over",
    "held",
    "note",
    "read",
    "rebuilt",
    "remake",
    "replicas_of",
    "require",
    "require_place",
    "require_room",
    "run_sql",
    "start",
    "status",
    "status_of",
    "stop",
    "sweep",
    "temporary",
    "up",
    "wipe",
]
