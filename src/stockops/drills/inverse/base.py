"""What a step is, and where it may touch anything."""

from pathlib import Path
from typing import Protocol

from ...errors import Refused

MARKER = "stockops-lab.json"  # what the directory of a lab holds


class Step(Protocol):
    """One inverse of a fault."""

    @property
    def words(self) -> str:
        """What it does, in words."""

    @property
    def by_hand(self) -> str:
        """The command that does the same where the step cannot."""

    def check(self, folder: Path) -> None:
        """Raise `Refused` where it would touch what is neither in `folder` nor in a lab."""

    def undo(self, folder: Path) -> bool:
        """Do it; False where there was nothing left to do. `StockopsError` or `OSError` if not."""


def require_ours(path: Path, folder: Path) -> None:
    """Raise `Refused` unless `path` lies in `folder`, or in the directory of a lab."""
    real = path.parent.resolve() / path.name
    if not path.is_absolute() or ".." in path.parts:
        raise Refused(f"{str(path)!r} is no path from the root of the machine")
    if real != folder.resolve() and real.is_relative_to(folder.resolve()):
        return
    if any((parent / MARKER).is_file() for parent in real.parents):
        return
    raise Refused(
        f"{str(path)!r} is neither in the drill's folder {str(folder)!r} nor in a lab",
        hint="What a drill touches lies in one of them.",
    )
