"""A proxy before a database server that treats its clients as a bad network does."""

from .addresses import server_of
from .control import Counts, clear, in_force
from .running import Proxy, start
from .toxics import (
    KINDS,
    Bandwidth,
    BlackHole,
    Latency,
    Loss,
    LostReply,
    LostRequest,
    Refuse,
    Reset,
    SlowClose,
    Toxic,
    name_of,
    parse,
    said,
)

__all__ = [
    "KINDS",
    "Bandwidth",
    "BlackHole",
    "Counts",
    "Latency",
    "Loss",
    "LostReply",
    "LostRequest",
    "Proxy",
    "Refuse",
    "Reset",
    "SlowClose",
    "Toxic",
    "clear",
    "in_force",
    "name_of",
    "parse",
    "said",
    "server_of",
    "start",
]
