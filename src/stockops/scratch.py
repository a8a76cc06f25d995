"""A private directory to work in: gone with its maker, however that ends, or soon after."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import logs
from .errors import StorageError

PREFIX = "stockops-work-"
_TRIES = 8


@contextmanager
def directory(what: str, *, within: Path | None = None) -> Iterator[Path]:
    """
    Give a new directory, entered by this user alone, and remove it at the end of the block.

    A log in it that an error of the block names is kept elsewhere. A process that is killed leaves
    it behind, and whoever makes the next one in that place removes it: its maker holds a lock on
    it, and the lock goes with the maker.
    """
    root = within or Path(tempfile.gettempdir())
    sweep(root)
    path, lock = _make(what, root)
    owner = os.getpid()
    try:
        with logs.kept(path):
            yield path
    finally:
        if os.getpid() == owner:  # a child of this process may unwind the block, too
            shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _make(what: str, root: Path) -> tuple[Path, int]:
    for _ in range(_TRIES):
        try:
            path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{what}-", dir=root))
        except OSError as exc:
            raise StorageError(
                f"no directory can be made in {str(root)!r}: {exc.strerror}",
                hint="Set TMPDIR to one that has room, and that this user can write.",
            ) from exc
        lock = _locked(path)
        if lock is not None:
            if path.exists():
                return path, lock
            os.close(lock)  # somebody swept it before it was locked
    raise StorageError(f"no directory stays in {str(root)!r}", hint=f"Look at it: ls -la {root}")


def sweep(root: Path) -> None:
    """Remove those in `root`, of this user, whose makers are gone."""
    for path in root.glob(f"{PREFIX}*"):
        lock = _locked(path)
        if lock is None:
            continue
        try:
            if os.fstat(lock).st_uid == os.geteuid():
                shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(lock)


def _locked(path: Path) -> int | None:
    """Return the lock on the directory `path`; None where another has it, or it is gone."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return None
        return handle
    return None
