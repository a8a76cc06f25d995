"""Replicas of labs: made, watched, promoted, and led back after a failover."""

from .facts import Following, Lost
from .making import (
    add,
    add_steps,
    followed,
    holding,
    rebuild,
    rebuild_steps,
    remove,
    require_primary,
    temporary,
)
from .promoting import Handover, Promoted, check, promote, told
from .promoting import plan as plan_promotion
from .reattaching import Reattached, Reattachment, reattach
from .reattaching import plan as plan_reattachment
from .status import is_sound, status, target_of

__all__ = [
    "Following",
    "Handover",
    "Lost",
    "Promoted",
    "Reattached",
    "Reattachment",
    "add",
    "add_steps",
    "check",
    "followed",
    "holding",
    "is_sound",
    "plan_promotion",
    "plan_reattachment",
    "promote",
    "reattach",
    "rebuild",
    "rebuild_steps",
    "remove",
    "require_primary",
    "status",
    "target_of",
    "temporary",
    "told",
]
