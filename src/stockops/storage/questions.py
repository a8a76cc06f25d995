"""What is asked of a server about its disk."""

from dataclasses import dataclass

from ..engine.base import Server
from ..errors import Unsupported
from ..queries import Query


@dataclass(frozen=True, slots=True)
class Size:
    """Something that takes room, and why it is there."""

    kind: str
    name: str
    size_bytes: int
    note: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A replication slot and the log it keeps; `is_lost`: the log it needs is gone."""

    name: str
    is_active: bool
    is_lost: bool
    held_bytes: int

    @property
    def is_ours(self) -> bool:
        """Whether stockops has made it, for a replica or an archive."""
        return self.name.startswith("stockops_")


@dataclass(frozen=True, slots=True)
class Follower:
    """A replica that reads the binary log now."""

    login: str
    host: str


SIZES = Query("storage/sizes", Size)
SLOTS = Query("storage/slots", Slot)
FOLLOWERS = Query("storage/followers", Follower)


def slots(server: Server) -> list[Slot]:
    """Return the replication slots, the one that keeps most first; MariaDB has none."""
    try:
        return server.fetch(SLOTS)
    except Unsupported:
        return []
