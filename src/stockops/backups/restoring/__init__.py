"""Bring a backup back: the chain it needs, the log after it, a server that starts on it."""

from .aims import Aim, parse
from .chains import chain
from .filling import filling, finish, require_room
from .placing import Place, Placed, into, of_lab
from .placing import steps as placing_steps
from .planning import Recovery, manifest_of, plan, plan_in_place
from .tools import Phases

__all__ = [
    "Aim",
    "Phases",
    "Place",
    "Placed",
    "Recovery",
    "chain",
    "filling",
    "finish",
    "into",
    "manifest_of",
    "of_lab",
    "parse",
    "placing_steps",
    "plan",
    "plan_in_place",
    "require_room",
]
