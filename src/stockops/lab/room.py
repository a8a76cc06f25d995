"""A disk that has no room for a lab: known by what was said, and told in one sentence."""

import errno
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from .. import disk
from ..errors import Fault, ServerError, StockopsError, StorageError
from . import place

LOG_BYTES_MAX = 1 << 20
TAKES_MIB: Mapping[str, int] = {"postgresql": 50, "mariadb": 130}  # a new lab, seen of 18 and 10.11
_ANOTHER = "or set STOCKOPS_LABS to a directory of another disk"
_NUMBERS = {errno.ENOSPC, errno.EDQUOT}
_SAYS_FULL = re.compile(
    r"No space left on device|Disk quota exceeded|with error 28\b|[Ee]rr(no|code): 28\b"
    r"|out of disk space",
)


class NoRoom(StorageError):
    """A disk here has no room for a lab: that says nothing of what was to be put into it."""


def require(size_bytes: int, *, why: str) -> None:
    """Raise `NoRoom` where fewer than `size_bytes` are free where labs are put together."""
    where = disk.under(place.labs_root())
    free = shutil.disk_usage(where).free
    if free < size_bytes:
        raise NoRoom(
            f"there is no room for {why}: {disk.size(size_bytes)} are needed, and "
            f"{disk.size(free)} are free at {str(where)!r}",
            hint=f"Free some there, {_ANOTHER}; then run it again.",
        )


@contextmanager
def needed(
    name: str, *, new_of: str | None, undo: Callable[[], None], then: str | None = None
) -> Iterator[None]:
    """
    Raise `NoRoom` where what is done in the block to the lab `name` meets a full disk.

    `undo` is called before the room is counted. `new_of` is the engine of a lab that is made, None
    for one that is there. Any other error passes. `then` is what to do when there is room.
    """
    logs = [each / "server.log" for each in (place.making(name), place.directory(name))]
    before = {log: _size(log) for log in logs}
    try:
        yield
    except (OSError, StockopsError) as exc:
        if not _is_full(exc) and not any(_says_full(log, since=before[log]) for log in logs):
            raise
        undo()
        raise _no_room(name, new_of, then or f"stockops lab up --name {name}") from exc


def telling_full(name: str) -> AbstractContextManager[None]:
    """Give a block in which `NoRoom` tells that the lab `name`, which is up, met a full disk."""
    return needed(name, new_of=None, undo=lambda: None, then="do the same again")


def _no_room(name: str, new_of: str | None, then: str) -> NoRoom:
    where = disk.under(place.directory(name))
    free = shutil.disk_usage(where).free
    takes = f", and a new lab of {new_of} takes about {TAKES_MIB[new_of]} MiB" if new_of else ""
    another = f", {_ANOTHER};" if new_of else ","
    hint = f"Free some there{another} then: {then}"
    return NoRoom(
        f"there is no room for the lab {name!r}: {free:,} bytes ({disk.size(free)}) are free at "
        f"{str(where)!r}{takes}",
        hint=hint,
    )


def _is_full(exc: BaseException | None) -> bool:
    while exc is not None:
        if isinstance(exc, OSError) and exc.errno in _NUMBERS:
            return True
        if isinstance(exc, ServerError) and exc.fault is Fault.FULL:
            return True
        exc = exc.__cause__
    return False


def _says_full(log: Path, *, since: int) -> bool:
    """Tell whether `log` tells of a full disk in what came after its first `since` bytes."""
    try:
        with log.open("rb") as file:
            file.seek(max(since, _size(log) - LOG_BYTES_MAX))
            return _SAYS_FULL.search(file.read().decode("utf-8", "replace")) is not None
    except FileNotFoundError:
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
