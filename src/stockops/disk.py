"""
Files on a disk: what is said to be there is there, which disk it is, and how much is on it.

A file's name is on disk once its directory was synced.
"""

import errno
import os
import tempfile
from pathlib import Path

_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def sync(directory: Path) -> None:
    """Return when the names in `directory` are durable; what is in its files is synced by them."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """
    Write `data` to `path` with the rights `mode`, whole or not at all, and return when it is there.

    Whoever reads meanwhile has the file of before. `OSError` where that cannot be, and where
    `path` is a device or the like, whose name would be taken from it.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EEXIST, "it is there, and is no file", str(path))
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    sync(path.parent)


def under(path: Path) -> Path:
    """Return `path`, or the nearest of its parents that is there: where it is to be made."""
    return next(each for each in (path, *path.parents) if each.exists())


def in_memory(directory: Path) -> bool:
    """
    Tell whether `directory` lies in memory, where a sync costs nothing and keeps nothing.

    It may still have to be made.
    """
    device = under(directory).stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text("utf-8").splitlines():
        mount, _, kind = line.partition(" - ")
        if mount.split()[2] == wanted:
            return kind.split()[0] in {"tmpfs", "ramfs"}
    return False


def size(value: float) -> str:
    """Return so many bytes as a person reads them."""
    step = 0
    while abs(value) >= 1024 and step < len(_BYTES) - 1:
        value /= 1024
        step += 1
    return (
        f"{value:.0f} {_BYTES[step]}"
        if step == 0 or value >= 100
        else f"{value:.1f} {_BYTES[step]}"
    )
