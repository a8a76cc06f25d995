"""Log on its way out of the repository: whole, checked, and under its name only then."""

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from ... import disk, scratch
from ...errors import Busy, ConfigError, StorageError
from .. import streams
from ..keys import Identities
from ..manifest import Position
from ..repository import Repository
from ..store import Entry
from . import ledger, wal
from .ledger import DIGITS, Log

_SUFFIX = ".stockops"  # of what is being fetched


def fetch(repo: Repository, log: Log, to: Path, *, identities: Identities = ()) -> None:
    """
    Write the log as it was to the file `to`, durable; raise `StorageError` where it is damaged.

    Of a binary log in the spool the whole transactions are written, of a segment all of it. What
    waited there when `log` was looked up may be archived by now: then it is taken from there.
    """
    with _written(to) as file:
        if log.spooled is not None and log.object is None:
            if _copy_spooled(log.spooled, file, log.raw_bytes):
                return
            file.seek(0)
            file.truncate()
        there = log if log.object is not None else _by_now(repo, log)
        if there.object is not None:
            _copy(
                repo, there.object, file, raw=there.raw_sha, size=there.raw_bytes, keys=identities
            )
        elif there.spooled is not None and not _copy_spooled(there.spooled, file, log.raw_bytes):
            raise _moving(log)
        file.truncate(log.raw_bytes)


def get(repo: Repository, name: str, to: Path, *, system: str, identities: Identities = ()) -> bool:
    """
    Write the WAL file `name` to `to`, for a `restore_command`; False where there is no such file.

    A segment that is missing although there are older and newer ones of its timeline is a
    `StorageError`: to the server "not there" would mean that the log ends, and it would promote.
    """
    if not any(each.fullmatch(name) for each in (wal.SEGMENT, wal.HISTORY, wal.BESIDE)):
        raise ConfigError(f"{name!r} is not the name of a WAL file", hint="Give it as %f.")
    found = ledger.find(repo, ledger.folder_of(system, name), name)
    if len(found) > 1 and not name.endswith(".partial"):
        raise StorageError(
            f"there are {len(found)} different contents of {name!r} in the archive",
            hint="Two servers archive to one place: stockops backup windows names the files.",
        )
    if found:
        raw, size, _, _ = ledger.parts_of(found[0])
        with _written(to) as file:
            _copy(repo, found[0].name, file, raw=raw, size=size, keys=identities)
        return True
    if wal.SEGMENT.fullmatch(name):
        return _from_spool(repo, system, name, to) or _absent(repo, system, name)
    return False


def latest(repo: Repository, logs: Sequence[Log], *, identities: Identities = ()) -> Position:
    """
    Return the last position in `logs` that a recovery can be told to stop at.

    PostgreSQL stops at a record that begins at the position it was given, or after it: so it is
    where the last whole record begins, and the last pieces are read for it.
    """
    for log in reversed(logs):
        if log.end.lsn is None:
            return log.end
        with scratch.directory("archive") as folder:
            path = folder / log.name
            fetch(repo, log, path, identities=identities)
            said = wal.read(path.read_bytes(), name=log.name, whole=log.object is not None)
        if said.last > said.start:
            return Position(lsn=wal.lsn_text(said.last), timeline=log.branch)
    raise StorageError("there is no record in the log", hint="stockops backup windows")


def stored(repo: Repository, entry: Entry, *, identities: Identities = ()) -> bytes:
    """Return the raw bytes of a small object, checked."""
    raw, size, _, _ = ledger.parts_of(entry)
    with (
        repo.store.open(entry.name) as source,
        streams.reading(source, name=entry.name, identities=identities) as reader,
    ):
        content = b"".join(reader.chunks())
    if len(content) != size or not _same(hashlib.sha256(content).hexdigest(), raw):
        raise streams.damaged(entry.name, "what came out is not what went in")
    return content


def _copy(
    repo: Repository, name: str, file: IO[bytes], *, raw: str, size: int, keys: Identities
) -> None:
    digest = hashlib.sha256()
    try:
        source = repo.store.open(name)
    except FileNotFoundError:
        raise StorageError(f"{name!r} is gone", hint="stockops backup windows") from None
    with source, streams.reading(source, name=name, identities=keys) as reader:
        for chunk in reader.chunks():
            digest.update(chunk)
            file.write(chunk)
        reader.check(sha256=None, raw_bytes=size)
    if not _same(digest.hexdigest(), raw):
        raise streams.damaged(name, "what came out is not what went in")


def _copy_spooled(spooled: Path, file: IO[bytes], size: int) -> bool:
    """Write the first `size` bytes of `spooled`; False where it is gone, or shorter."""
    left = size
    with suppress(FileNotFoundError), spooled.open("rb") as source:
        while left and (chunk := source.read(min(left, streams.CHUNK_BYTES))):
            file.write(chunk)
            left -= len(chunk)
    return not left


def _by_now(repo: Repository, log: Log) -> Log:
    """Return where the piece `log` is now: archived, or in the spool under its final name."""
    from .spool import tails  # noqa: PLC0415  it needs the ledger, too

    for each in (*ledger.logs(repo, log.system), *tails(repo, log.system)):
        if (each.branch, each.number) == (log.branch, log.number) and each.spooled != log.spooled:
            return each
    raise _moving(log)


def _moving(log: Log) -> Busy:
    """Return the error for a piece that is between two places: it says nothing against a backup."""
    return Busy(
        f"{str(log.spooled)!r} is gone, or shorter: who receives the log has it elsewhere by now",
        hint="Try it again.",
    )


def _from_spool(repo: Repository, system: str, name: str, to: Path) -> bool:
    from .spool import tails  # noqa: PLC0415  it needs the ledger, too

    for log in tails(repo, system):
        if log.name == name:
            fetch(repo, log, to)
            return True
    return False


def _absent(repo: Repository, system: str, name: str) -> bool:
    """Return False, or raise `StorageError` where the log goes on after the segment `name`."""
    folder = f"archive/{system}/wal/{name[:8]}"
    there = repo.store.folders(folder)
    if not there or not there[0] <= name[8:16] <= there[-1]:
        return False
    first = _names(repo, f"{folder}/{there[0]}")
    last = _names(repo, f"{folder}/{there[-1]}")
    if first and last and first[0] < name < last[-1]:
        raise StorageError(
            f"the archive has a gap: {name} is missing, and {last[-1]} is there",
            hint="See which targets are before it, or after it: stockops backup windows",
        )
    return False


def _names(repo: Repository, folder: str) -> list[str]:
    names = (entry.name.rpartition("/")[2][:24] for entry in repo.store.entries(folder))
    return [name for name in names if wal.SEGMENT.fullmatch(name)]


class _written:  # noqa: N801  it is used as a function
    """Give a file that gets the name `to` when the block ended well, and is durable then."""

    def __init__(self, to: Path) -> None:
        self._to = to
        self._fresh = to.with_name(f"{to.name}.{os.getpid()}{_SUFFIX}")
        self._file: IO[bytes] | None = None

    def __enter__(self) -> IO[bytes]:
        try:
            self._file = self._fresh.open("wb")
        except OSError as exc:
            raise _refused(self._fresh, exc) from exc
        return self._file

    def __exit__(self, kind: object, exc: object, trace: object) -> None:
        if self._file is None:
            return
        try:
            if kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())
            self._file.close()
            if kind is None:
                self._fresh.replace(self._to)
                disk.sync(self._to.parent)
        except OSError as problem:
            raise _refused(self._to, problem) from problem
        finally:
            with suppress(OSError):
                self._fresh.unlink(missing_ok=True)


def _same(whole: str, stated: str) -> bool:
    return whole[:DIGITS] == stated[:DIGITS]


def _refused(path: Path, exc: OSError) -> StorageError:
    return StorageError(
        f"{str(path)!r}: {exc.strerror or exc}", hint=f"Look at it: ls -ld {path.parent}; df -h"
    )
