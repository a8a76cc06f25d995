"""Notices: what changed is told to people, by the channels that ``stockops.yaml`` names."""

from .notice import STATES, Notice, Sighting
from .sending import Delivery
from .settings import Settings, load
from .telling import tell
from .trying import try_all

__all__ = ["STATES", "Delivery", "Notice", "Settings", "Sighting", "load", "tell", "try_all"]
