"""Whether a repository has room for a backup: looked at before it begins, not when it is full."""

import shutil
from collections.abc import Sequence

from ..errors import Refused
from .archive import wal
from .manifest import Manifest
from .repository import Backup, Repository
from .sources import Ground
from .store import DirectoryStore
from .streams import Form

_ROOM = 1.1  # how much of what comes must be free at least
_PACKED = 4  # times smaller is what is compressed, as long as nothing better is known
_LAST = 3  # incremental backups say what the next one takes: the smallest of them, to refuse none
# that might do; before there is one, the log that came since the backup it builds upon does


def expected_bytes(repo: Repository, ground: Ground, parent: Backup | None) -> int:
    """Return how much will come from the server, as far as that is known before."""
    if parent is None:
        return ground.size_bytes
    earlier = [each.raw_bytes for each in _earlier(repo, ground)]
    return min(ground.size_bytes, min(earlier, default=_logged_bytes(ground, parent)))


def require(repo: Repository, ground: Ground, parent: Backup | None, form: Form) -> None:
    """Raise `Refused` where `repo` has no room for a backup of `ground` upon `parent`."""
    if not isinstance(repo.store, DirectoryStore):
        return
    free = shutil.disk_usage(repo.store.root).free
    needed = _stored_bytes(repo, ground, parent, form)
    if free < needed:
        raise Refused(
            f"{repo.store.place!r} has {free >> 20:,} MB free, and {needed >> 20:,} MB are wanted",
            hint="Make room: stockops backup prune --plan",
        )


def _stored_bytes(repo: Repository, ground: Ground, parent: Backup | None, form: Form) -> int:
    packed = 1 if form.compression == "none" else _PACKED
    if parent is not None:
        alike = [each for each in _earlier(repo, ground) if each.compression == form.compression]
        if alike:
            return int(min(each.stored_bytes for each in alike) * _ROOM)
    return int(expected_bytes(repo, ground, parent) * _ROOM / packed)


def _earlier(repo: Repository, ground: Ground) -> Sequence[Manifest]:
    """Return the last incremental backups of this system, the newest last."""
    said = [each.manifest for each in repo.backups(ground.system)]
    return [each for each in said if each is not None and each.kind == "incremental"][-_LAST:]


def _logged_bytes(ground: Ground, parent: Backup) -> int:
    """Return how much log there is since `parent` ended."""
    ended = parent.manifest.stop.lsn if parent.manifest else None
    if ended is None:
        return 0
    at = wal.lsn(ended) if "/" in ended else int(ended)
    return max(ground.log_bytes - at, 0)
