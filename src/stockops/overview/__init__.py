"""The state of everything that is watched, for a page: looked at while somebody looks."""

from .keeping import Keeper
from .looking import CheckSeen, TargetSeen
from .stored import BackupSeen, StoreSeen, WindowSeen

__all__ = ["BackupSeen", "CheckSeen", "Keeper", "StoreSeen", "TargetSeen", "WindowSeen"]
