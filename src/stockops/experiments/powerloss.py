"""
What a loss of power leaves of a server's files: all that was synced, and nothing else.

`powerloss.c` is loaded into the server and notes every write with what was there before, and every
sync. After the server was killed, the writes that no sync had covered are undone. Names, sizes that
were set and files that were made count as kept, as on a file system with a journal. A real disk
may keep some of what was not synced; this one keeps none, which is the worst that may be. Pages
that MariaDB writes by the kernel's asynchronous calls are not seen, and count as kept: it writes a
page only when the log of it is synced.
"""

import os
import shutil
import struct
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import Unsupported

COMPILE_S = 60.0
SOURCE = Path(__file__).with_name("powerloss.c")
_LIBRARY, _NOTES = "powerloss.so", "unsynced"
_RECORD = struct.Struct("=8Q")
_COMPILERS = ("cc", "gcc", "clang")


@dataclass(frozen=True, slots=True)
class Undone:
    """How much was written, and how much of that a loss of power took."""

    writes: int
    lost_writes: int
    lost_bytes: int


@dataclass(slots=True)
class _Write:
    """One write; `place` says where in the notes lies what was there before, `kept` how much."""

    number: int
    offset: int
    length: int
    size_before: int
    place: int
    kept: int
    ended: int | None = None


@dataclass(slots=True)
class _File:
    """The writes to one file that no sync has covered, and how far those go that one has."""

    waiting: dict[int, _Write] = field(default_factory=dict)
    reached: int = 0

    def sync(self, began: int) -> None:
        """Count what had ended when a sync began."""
        for key, write in [*self.waiting.items()]:
            if write.ended is not None and write.ended < began:
                self.reached = max(self.reached, write.offset + write.length)
                del self.waiting[key]


def compiler() -> str | None:
    """Return the C compiler of this machine; None where there is none."""
    return next((found for name in _COMPILERS if (found := shutil.which(name))), None)


def prepare(folder: Path, *, uid: int) -> list[str]:
    """
    Return the words that a server is started through so that its writes are noted in `folder`.

    It runs as `uid`, which enters the folder. What was noted before is forgotten: all that lies on
    the disk now counts as synced.
    """
    library, notes = folder / _LIBRARY, folder / _NOTES
    if not library.exists():
        _compile(library)
    notes.write_bytes(b"")
    notes.chmod(0o600)
    os.chown(notes, uid, -1)
    return ["/usr/bin/env", f"LD_PRELOAD={library}", f"STOCKOPS_UNSYNCED={notes}"]


def undo(folder: Path, data: Path) -> Undone:
    """
    Take back from the files below `data` what was written and never synced; the server was killed.

    Removes the notes in `folder`, which are as large as what was written over.
    """
    notes = folder / _NOTES
    writes, files = _read(notes)
    paths = {
        (found.st_dev, found.st_ino): path
        for path in data.rglob("*")
        if path.is_file() and not path.is_symlink() and (found := path.stat())
    }
    lost = lost_bytes = 0
    with notes.open("rb") as old:
        for identity, file in files.items():
            if identity not in paths:
                continue
            for write in sorted(file.waiting.values(), key=lambda each: -each.number):
                _undo(write, paths[identity], old.fileno(), file.reached)
                lost, lost_bytes = lost + 1, lost_bytes + write.length
    notes.unlink()
    return Undone(writes, lost, lost_bytes)


def require_compiler() -> str:
    """Return the C compiler of this machine; `Unsupported` where there is none."""
    found = compiler()
    if found is None:
        raise Unsupported(
            "a loss of power cannot be imitated: there is no C compiler",
            hint="apt-get install gcc libc6-dev, or leave it out: --crash kill",
        )
    return found


def _compile(library: Path) -> None:
    found = require_compiler()
    words = [found, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE)]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=COMPILE_S, check=False)
    if ran.returncode:
        raise Unsupported(
            f"a loss of power cannot be imitated: {found} says {ran.stderr.strip()[:200]!r}",
            hint="apt-get install libc6-dev, or leave it out: --crash kill",
        )
    library.chmod(0o755)


def _records(notes: Path) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield each record with the place of what comes after it; a last one may be torn."""
    end = notes.stat().st_size
    with notes.open("rb") as file:
        at = 0
        while at + _RECORD.size <= end:
            record = _RECORD.unpack(os.pread(file.fileno(), _RECORD.size, at))
            at += _RECORD.size
            yield at, record
            at += record[-1]


def _read(notes: Path) -> tuple[int, dict[tuple[int, int], _File]]:
    """Return how many writes there were, and by file which of them are not synced."""
    files: dict[tuple[int, int], _File] = defaultdict(_File)
    syncs: dict[int, int] = {}
    writes = 0
    for number, (place, record) in enumerate(_records(notes)):
        kind, identity, device, inode, offset, length, size, kept = record
        file = files[device, inode]
        match chr(kind):
            case "W":
                writes += 1
                file.waiting[identity] = _Write(number, offset, length, size, place, kept)
            case "E" if identity in file.waiting:
                file.waiting[identity].ended = number
            case "S":
                syncs[identity] = number
            case "D":
                file.sync(syncs.pop(identity, -1))
            case "F":
                del files[device, inode]
    return writes, files


def _undo(write: _Write, path: Path, old: int, reached: int) -> None:
    before = os.pread(old, write.kept, write.place)
    handle = os.open(path, os.O_WRONLY)
    try:
        size = os.fstat(handle).st_size
        os.pwrite(handle, before, write.offset)
        behind = write.offset + write.length
        if write.size_before < behind:  # it made the file longer
            if reached <= write.size_before:
                os.ftruncate(handle, min(size, write.size_before))
            else:
                os.pwrite(handle, bytes(write.length - write.kept), write.offset + write.kept)
    finally:
        os.close(handle)
