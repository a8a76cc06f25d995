"""Bring a backup back: the chain it needs, the log after it, a server that starts on it."""

from .chains import chain
from .filling import Phases, filling

__all__ = ["Phases", "chain", "filling"]
