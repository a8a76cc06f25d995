"""
Where a repository keeps its objects.

An object is written once and whole: it is there when its writing ended well, and never half. A
backup is a folder of objects that gets its final name last.
"""

import errno
import io
import os
import secrets
import shlex
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

from .. import disk, filelock
from ..errors import ConfigError, StorageError

Name = TypeVar("Name")
Answer = TypeVar("Answer")

_BEGIN_BYTES = 8 << 20  # of a file, after which its way to the disk begins
_READERS = 8  # at once: on a network, each answer takes a while
_UNFINISHED = ".unfinished"
_REMOVED = ".removed"
# Its writer may be on another machine, where nobody can look whether it is there.
_ABANDONED_S = 24 * 3600.0


class OutOfReach(StorageError):
    """The store did not answer, or let nobody in: that says nothing about what it holds."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One object: its name within the store, its size, and a stamp that changes with its bytes."""

    name: str
    stored_bytes: int
    stamp: str


class Store(Protocol):
    """
    A place for objects with names like ``backups/pg-7/20260102T030405Z/manifest.json``.

    To add one: write these members, and a line in `repository.store_at`. What the system
    underneath says arrives as `StorageError`; an object that is not there is `FileNotFoundError`.
    """

    @property
    def place(self) -> str:
        """Where it is, for a person."""

    def create(self, name: str, *, replace: bool = False) -> AbstractContextManager[IO[bytes]]:
        """
        Give a file to write the object `name` to; it is there, and durable, when the block ends.

        What is there already is kept, and `FileExistsError` raised, unless `replace`.
        """

    def open(self, name: str) -> IO[bytes]:
        """Return the object `name`, to be read from its start."""

    def entries(self, prefix: str) -> list[Entry]:
        """Return the objects within the folder `prefix`, however deep, sorted by name."""

    def folders(self, prefix: str) -> list[str]:
        """Return the names of the folders directly in `prefix`, sorted."""

    def partial(self, folder: str) -> str:
        """
        Return the folder to write to until `publish` gives it the name `folder`.

        It may be `folder` itself, where nothing can be renamed: a backup without a manifest is not
        complete either, and the manifest is written last.
        """

    def publish(self, folder: str) -> None:
        """Give `partial(folder)` its final name, once all it holds is durable."""

    def remove(self, prefix: str) -> None:
        """
        Remove the object or the folder `prefix`; nothing happens where there is none.

        A folder that is half removed has no manifest any more, or another name.
        """

    def kept_until(self, names: Sequence[str]) -> Mapping[str, datetime]:
        """Return which of the objects `names` the store keeps immutable, and until when."""

    def remains(self) -> str:
        """Return in words what stays of what is removed; "" where nothing does."""

    def sweep(self, prefix: str) -> None:
        """
        Remove what was left below `prefix` by those who were killed as they wrote or removed.

        None of it is an object. What somebody may still be writing stays.
        """

    def lock(self, name: str, *, what: str) -> AbstractContextManager[None]:
        """
        Hold the lock `name` for the block, or raise `Busy`.

        It dies with this process: at once, or within the time that `Busy` states.
        """

    def is_locked(self, name: str) -> bool:
        """Tell whether the lock `name` is held, by whomever."""


class _Written(io.FileIO):
    """
    A file that the system begins to write to the disk while more of it comes.

    So little is left for the sync at its end to wait for; that sync alone says that it is there.
    """

    _at = _begun = 0

    def write(self, data: Any, /) -> int:
        """Write `data`."""
        count = super().write(data)
        self._at += count
        if self._at - self._begun >= _BEGIN_BYTES:
            begun, self._begun = self._begun, self._at
            with suppress(OSError):  # a hint: what is not on the disk yet stays in memory
                os.posix_fadvise(self.fileno(), begun, self._at - begun, os.POSIX_FADV_DONTNEED)
        return count


class DirectoryStore:
    """
    Objects as files below `root`, each synced to disk with the directories above it.

    With an `anchor` nothing is read or written while there is no file of that name in it: where a
    disk is not mounted any more an empty directory is, which would look like an empty store.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.anchor: str | None = None

    @property
    def place(self) -> str:
        """The directory."""
        return str(self.root)

    @contextmanager
    def create(self, name: str, *, replace: bool = False) -> Iterator[IO[bytes]]:
        """Write beside it, sync, then give it its name."""
        path = self.root / name
        mine = f"{secrets.token_hex(4)}.{os.getpid()}{_UNFINISHED}"
        fresh = path.with_name(f".{path.name}.{mine}")
        if not replace and path.exists():
            raise FileExistsError(name)
        with self._said(name):
            self._make(path.parent)
            try:
                with io.BufferedWriter(_Written(fresh, "wb")) as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                if replace:
                    fresh.replace(path)
                else:
                    os.link(fresh, path)
            finally:
                fresh.unlink(missing_ok=True)
            disk.sync(path.parent)

    def open(self, name: str) -> IO[bytes]:
        """Open the file."""
        with self._said(name):
            return (self.root / name).open("rb")

    def entries(self, prefix: str) -> list[Entry]:
        """Walk the folder; files that are being written are left out."""
        found = []
        with self._said(prefix):
            for parent, _, names in os.walk(self.root / prefix):
                for name in names:
                    if name.endswith(_UNFINISHED):
                        continue
                    path = Path(parent) / name
                    with suppress(FileNotFoundError):
                        stat = path.stat()
                        stamp = f"{stat.st_mtime_ns}.{stat.st_ino}"
                        found.append(Entry(str(path.relative_to(self.root)), stat.st_size, stamp))
        return sorted(found, key=lambda entry: entry.name)

    def folders(self, prefix: str) -> list[str]:
        """List the directory."""
        with self._said(prefix):
            try:
                return sorted(each.name for each in (self.root / prefix).iterdir() if each.is_dir())
            except FileNotFoundError:
                return []

    def partial(self, folder: str) -> str:
        """Return the name with ``.partial`` behind it."""
        return f"{folder}.partial"

    def publish(self, folder: str) -> None:
        """Rename the directory, and sync the one above it."""
        with self._said(folder):
            final = self.root / folder
            partial = self.root / self.partial(folder)
            for parent, _, _ in os.walk(partial, topdown=False):
                disk.sync(Path(parent))
            partial.rename(final)
            disk.sync(final.parent)

    def remove(self, prefix: str) -> None:
        """Take its name away first, then what it holds."""
        path = self.root / prefix
        with self._said(prefix):
            if not path.is_dir():
                path.unlink(missing_ok=True)
                return
            doomed = path.with_name(f".{path.name}{_REMOVED}")
            shutil.rmtree(doomed, ignore_errors=True)
            path.rename(doomed)
            disk.sync(path.parent)
            shutil.rmtree(doomed)

    def sweep(self, prefix: str) -> None:
        """Remove half-removed folders, locks that nobody holds, and files not written for a day."""
        filelock.sweep(self.root / "locks")
        with self._said(prefix):
            for parent, folders, names in os.walk(self.root / prefix):
                for name in [each for each in folders if each.endswith(_REMOVED)]:
                    shutil.rmtree(Path(parent) / name, ignore_errors=True)
                    folders.remove(name)
                for path in (Path(parent) / each for each in names if each.endswith(_UNFINISHED)):
                    with suppress(FileNotFoundError):
                        if _is_abandoned(path):
                            path.unlink()

    def kept_until(self, names: Sequence[str]) -> Mapping[str, datetime]:
        """Nothing is kept against its owner."""
        return {}

    def remains(self) -> str:
        """Nothing does."""
        return ""

    @contextmanager
    def lock(self, name: str, *, what: str) -> Iterator[None]:
        """Lock a file in the folder ``locks``."""
        with ExitStack() as stack:
            with self._said("locks"):
                self._make(self.root / "locks")
                path = self.root / "locks" / f"{name}.lock"
                stack.enter_context(filelock.hold(path, what=what))
            yield

    def is_locked(self, name: str) -> bool:
        """Ask the file."""
        with self._said("locks"):
            return filelock.is_held(self.root / "locks" / f"{name}.lock")

    def _make(self, directory: Path) -> None:
        missing = [each for each in (directory, *directory.parents) if not each.exists()]
        for each in reversed(missing):
            each.mkdir(mode=0o700, exist_ok=True)
            disk.sync(each.parent)

    @contextmanager
    def _said(self, name: str) -> Iterator[None]:
        try:
            if self.anchor is not None and not (self.root / self.anchor).exists():
                raise OutOfReach(
                    f"{self.place!r} is no repository any more: there is no {self.anchor} in it",
                    hint=f"Is its disk mounted? findmnt -T {shlex.quote(self.place)}",
                )
            yield
        except (FileNotFoundError, FileExistsError, ConnectionError, ProcessLookupError):
            raise  # these are not the store's
        except OSError as exc:
            raise refused(exc, place=str(self.root / name)) from exc


def each_of(read: Callable[[Name], Answer], names: Sequence[Name]) -> list[Answer]:
    """Return what `read` says of each of `names`, in their order; several are read at once."""
    if len(names) < 2:
        return [read(name) for name in names]
    # `archive push` and `get` read one thing, and a server starts them for each piece of its log.
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    with ThreadPoolExecutor(_READERS) as pool:
        return list(pool.map(read, names))


def refused(exc: OSError, *, place: str) -> StorageError:
    """Return the error for what the system said of `place`."""
    hints = {
        errno.ENOSPC: f"Make room: df -h {place}; stockops backup prune --plan",
        errno.EDQUOT: f"Make room within the quota of {place}.",
        errno.EROFS: "Name a repository that can be written, with --repository.",
        errno.EACCES: f"Give this user the right to write there: ls -ld {place}",
    }
    number = exc.errno or 0
    return StorageError(
        f"{place!r}: {exc.strerror or exc}", hint=hints.get(number, f"Look at it: ls -l {place}")
    )


def directory_store(root: Path, *, make: bool = False) -> DirectoryStore:
    """Return the store at `root`, which is there already unless `make`."""
    if not root.is_dir() and not make:
        raise ConfigError(
            f"there is no repository at {str(root)!r}",
            hint=f"Make it: stockops backup init --repository {root}",
        )
    return DirectoryStore(root)


def _is_abandoned(path: Path) -> bool:
    """Tell whether nothing was written to `path` for a day, and its writer is not here any more."""
    if time.time() - path.stat().st_mtime < _ABANDONED_S:
        return False
    number = path.name.removesuffix(_UNFINISHED).rpartition(".")[2]
    return not (number.isdigit() and Path("/proc", number).exists())
