"""What a probe is told."""

from dataclasses import dataclass
from datetime import datetime

from ...engine.base import Server
from ...targets import Config, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a probe may look at; `server` is None where no session was to be had."""

    target: Target
    config: Config
    server: Server | None
    now: datetime
