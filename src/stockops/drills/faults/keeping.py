"""What happens to backups and the archive: seen by nobody until the day they are needed."""

from pathlib import Path

from ...errors import StockopsError
from .. import safekeeping
from .base import Driver, Needs, Ordinary, Spot, anywhere
from .damage import FLIPPED_BYTES, flip


class ArchiveStopped(Ordinary):
    """Who receives the log of the server is gone; the server does not mind."""

    name = "archive_stopped"
    title = "The log reaches the archive no more"
    drivers = (Driver("process", anywhere),)
    wants = Needs(backup=True, archive=True)

    def inject(self, spot: Spot, driver: str) -> None:
        """End it. Nothing arms this: a process that is gone leaves nothing behind."""
        del driver
        if spot.receiver is None:
            raise StockopsError("nobody receives the log of this sandbox")
        spot.receiver.end()

    def bites(self, spot: Spot) -> str | None:
        """Return that nobody receives the log, while nobody does."""
        if spot.receiver is None or spot.receiver.lives:
            return None
        return "nobody receives the log"

    def lift(self, spot: Spot) -> None:
        """Start it again, as the manager of services does; it ends with the sandbox."""
        if self.bites(spot):
            spot.receiver = safekeeping.receive(spot)


class BackupCorrupted(Ordinary):
    """Bytes of the only backup are not those that were stored."""

    name = "backup_corrupted"
    title = "The backup is damaged"
    destroys = True
    drivers = (Driver("file", anywhere),)
    wants = Needs(backup=True)

    def inject(self, spot: Spot, driver: str) -> None:
        """Change bytes in the middle of its largest object."""
        del driver
        path = _largest(spot)
        at = path.stat().st_size // 2
        spot.memory["stored"] = (path, at, _bytes(path, at))
        flip(path, at)

    def bites(self, spot: Spot) -> str | None:
        """Return which object is not what was stored."""
        path, at, stored = spot.memory.get("stored", (None, 0, b""))
        if path is None or not path.exists() or _bytes(path, at) == stored:
            return None
        return f"{FLIPPED_BYTES} bytes of {path.name} are not those that were stored"


def _largest(spot: Spot) -> Path:
    """Return the largest object of the backup."""
    where = spot.repository
    found = [each for each in where.rglob("*") if each.is_file()] if where else []
    if not found:
        raise StockopsError("the sandbox has no backup")
    return max(found, key=lambda each: each.stat().st_size)


def _bytes(path: Path, at: int) -> bytes:
    with path.open("rb") as file:
        file.seek(at)
        return file.read(FLIPPED_BYTES)
