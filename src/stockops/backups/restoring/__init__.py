"""Bring a backup back: the chain it needs, the log after it, a server that starts on it."""

from .aims import Aim, parse
from .chains import chain
from .filling import filling, finish
from .planning import Recovery, manifest_of, plan, predicted
from .tools import Phases

__all__ = [
    "Aim",
    "Phases",
    "Recovery",
    "chain",
    "filling",
    "finish",
    "manifest_of",
    "parse",
    "plan",
    "predicted",
]
