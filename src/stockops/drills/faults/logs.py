"""What a server says in its log since a fault began."""

from collections.abc import Sequence

from .base import Spot

_AT = "log at"


def mark(spot: Spot) -> None:
    """Remember where the log ends now."""
    spot.memory[_AT] = spot.lab.log_path.stat().st_size


def said(spot: Spot, words: Sequence[bytes]) -> str | None:
    """Return the first line since the mark with one of `words` in it; None where none has."""
    with spot.lab.log_path.open("rb") as log:
        log.seek(spot.memory[_AT])
        for line in log:
            if any(word in line for word in words):
                return line.decode("utf-8", "replace").strip()
    return None
