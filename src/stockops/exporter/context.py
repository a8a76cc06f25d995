"""What a collector is, and what it is told."""

from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ..engine.base import Server
from ..targets import Config, Target
from .families import Family

Lane = Literal["fast", "slow"]
Names = Literal["compat", "both", "strict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """
    What a collector may know besides the server.

    `memory` is its own, kept from one scrape of the target to the next; it is lost with the
    process. `names`: which of the community's names to give, where a metric has an old and a new
    one. `config` is what ``stockops.yaml`` says. `slow_every_s`: how often the slow lane asks; what
    reads files of some size does so no less often.
    """

    target: Target
    config: Config = field(default_factory=Config)
    names: Names = "compat"
    slow_every_s: float = 60.0
    memory: MutableMapping[str, Any] = field(default_factory=dict)


class ServerCollector(Protocol):
    """
    A module that asks a server.

    ``fast`` is part of every scrape, within its deadline; ``slow`` runs in the background, and its
    last answer is given with the time it is from. Either runs in autocommit on a session whose
    statements and waits for locks are bounded: an error is that collector's alone.
    """

    NAME: str
    LANE: Lane

    def collect(self, server: Server, context: Context) -> Iterable[Family]:
        """Ask `server` and give what it said."""


class FileCollector(Protocol):
    """A module that reads files of this machine: its answer is there when the server is not."""

    NAME: str

    def read(self, context: Context) -> Iterable[Family]:
        """Read what there is about the target of `context`."""
