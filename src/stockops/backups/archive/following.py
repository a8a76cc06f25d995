"""
Binary logs that are looked at again and again, each read on from where the last look left it.

A process that lives (the exporter, a page of health) would otherwise read all that waits at every
look. What is remembered is worth no more than the file: where that is another one, shrank, or does
not have its last bytes any more, it is read from its start.
"""

import copy
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ...errors import StorageError
from .binlog import Follower

FOLLOWED_MAX = 4096  # files; what is remembered of one is a few KiB
CHUNK_BYTES = 4 << 20
_MARK_BYTES = 4096  # the moments, places and checksums of events in it are of this file alone


@dataclass(slots=True)
class _Known:
    """One file as far as it was read; `mark` are the last bytes that the follower took."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    follower: Follower | None = None
    inode: tuple[int, int] = (0, 0)
    seen: tuple[int, int, int] = (0, 0, 0)  # its size and times, when it was read last
    mark: bytes = b""
    is_damaged: bool = False


_known: OrderedDict[Path, _Known] = OrderedDict()
_guard = threading.Lock()


def followed(path: Path) -> Follower:
    """
    Return how far the binary log `path` is whole, as one who reads it from its start finds it.

    Only what came since this process asked last is read; that bytes it has read went bad meanwhile
    is not noticed. Raises `FileNotFoundError`.
    """
    known = _of(path)
    with known.lock, path.open("rb") as file:
        now = os.fstat(file.fileno())
        inode, seen = (now.st_dev, now.st_ino), (now.st_size, now.st_mtime_ns, now.st_ctime_ns)
        if known.follower is None or (inode, seen) != (known.inode, known.seen):
            if known.follower is None or not _goes_on(known, inode, file):
                known.follower, known.is_damaged = Follower(path.name), False
            known.inode, known.seen = inode, seen
            try:
                follow(known.follower, file)
            except StorageError:  # it is whole up to there
                known.is_damaged = True
            known.follower.drop_rest()
            known.mark = _mark(file, known.follower.read_bytes)
        found = copy.copy(known.follower)
        found.after, found.firsts = dict(found.after), dict(found.firsts)
        return found


def follow(follower: Follower, file: BinaryIO) -> None:
    """Give `follower` what came to the binary log `file` since it was given some last."""
    file.seek(follower.taken_bytes)
    while chunk := file.read(CHUNK_BYTES):
        follower.feed(chunk)


def _of(path: Path) -> _Known:
    with _guard:
        known = _known.setdefault(path, _Known())
        _known.move_to_end(path)
        while len(_known) > FOLLOWED_MAX:
            _known.popitem(last=False)
        return known


def _goes_on(known: _Known, inode: tuple[int, int], file: BinaryIO) -> bool:
    """Tell whether `file` is the one that is known, with something more behind it or not."""
    if known.follower is None or known.is_damaged or known.inode != inode:
        return False
    return _mark(file, known.follower.read_bytes) == known.mark


def _mark(file: BinaryIO, end: int) -> bytes:
    """Return the last bytes of `file` before `end`."""
    start = max(0, end - _MARK_BYTES)
    file.seek(start)
    return file.read(end - start)
