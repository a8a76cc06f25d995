"""What fills the disk, who keeps it there, and what may go without losing anything."""

from .binlogs import Proof
from .freeing import Freed, Work, carry_out, plan, steps
from .looking import Item, Look, look
from .questions import FOLLOWERS, SIZES, SLOTS, Slot

__all__ = [
    "FOLLOWERS",
    "SIZES",
    "SLOTS",
    "Freed",
    "Item",
    "Look",
    "Proof",
    "Slot",
    "Work",
    "carry_out",
    "look",
    "plan",
    "steps",
]
