"""Shared memory that a killed PostgreSQL leaves to nobody."""

import ctypes
from pathlib import Path

_SEGMENTS = Path("/proc/sysvipc/shm")
_LINE = 6  # of postmaster.pid: the key and the number of the segment
_REMOVE = 0  # IPC_RMID


def release(data: Path) -> None:
    """
    Remove the segment of the PostgreSQL of `data`, if it is there and nobody is attached to it.

    A server keeps one of a few bytes as a lock on its data. Killed with -9 it leaves it in the
    kernel, and only its next start would remove it.
    """
    try:
        said = (data / "postmaster.pid").read_text("utf-8", "replace").splitlines()[_LINE].split()
        key, number = int(said[0]), int(said[1])
        rows = [row.split() for row in _SEGMENTS.read_text("ascii").splitlines()[1:]]
    except (OSError, IndexError, ValueError):  # it is no PostgreSQL, or ended well
        return
    for row in rows:
        attached = int(row[6])
        if (int(row[0]) & 0xFFFFFFFF, int(row[1])) == (key & 0xFFFFFFFF, number) and not attached:
            ctypes.CDLL(None).shmctl(number, _REMOVE, None)
