"""One run at a time on one thing, by a lock that dies with the process that holds it."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import Busy

GLANCE_S = 0.1  # who asks whether it is held, holds it for a moment


@contextmanager
def hold(path: Path, *, what: str) -> Iterator[None]:
    """Hold the lock file `path` for the block, or raise `Busy` at once, naming the holder."""
    descriptor = _take(path, what)
    taken_by = os.getpid()
    try:
        with suppress(OSError):  # on a full disk: it holds all the same, and nobody is named
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        if os.getpid() == taken_by:
            path.unlink(missing_ok=True)
            os.close(descriptor)


def is_held(path: Path) -> bool:
    """Tell whether a living process holds the lock file `path`."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except OSError as exc:
        if exc.errno == errno.EROFS:  # where nobody can write, what is there was left behind
            return False
        raise
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def sweep(directory: Path) -> None:
    """Remove the lock files in `directory` whose holders were killed: nobody holds them."""
    for path in directory.glob("*.lock"):
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(descriptor).st_ino == path.stat().st_ino:
                    path.unlink(missing_ok=True)
            finally:
                os.close(descriptor)


def _take(path: Path, what: str) -> int:
    deadline = time.monotonic() + GLANCE_S
    while True:
        descriptor = os.open(
            path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, mode=0o600
        )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline:
                os.close(descriptor)
                time.sleep(GLANCE_S / 10)
                continue
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise Busy(
                f"{what} is in use by process {holder or 'unknown'}",
                hint=f"Wait for it, or see what it does: ps -fp {holder or 'PID'}",
            ) from None
        # The holder before us removes the file as it leaves: a lock on a file that has lost its
        # name guards nothing.
        try:
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                return descriptor
        except FileNotFoundError:
            pass
        os.close(descriptor)
