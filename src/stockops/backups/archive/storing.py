"""
Log on its way into the repository: nothing is said to be archived that is not on its disk.

What is there already is accepted where it is the same and refused where it is not: two servers
that write the same names have parted ways, and one of them must not win.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from ...errors import ConfigError, Refused, StorageError
from .. import streams
from ..repository import Repository
from ..streams import Form
from . import ledger, wal
from .binlog import Follower
from .ledger import DIGITS
from .notes import Note

IN_MEMORY_BYTES = 32 << 20
_CLEAR = Form(compression="none")  # small, holds no row, and is read without a key


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What became of one file: where it is, and whether it was there before."""

    object: str
    was_there: bool
    raw_bytes: int
    stored_bytes: int


def push(repo: Repository, path: Path, *, system: str | None, form: Form) -> Pushed:
    """
    Archive the file `path` of a `pg_wal`: a segment, a torso, a history, the label of a backup.

    `system` is whom the archive is for; without it, whose data directory `path` is in. Returns
    when the object and its directory are durable. Raises `Refused` for another system's segment
    and for another content of what is there.
    """
    name = path.name
    known = wal.system_in(path.parent.parent)
    if system and known and known != system:
        raise _foreign(name, known, system)
    if wal.HISTORY.fullmatch(name) or name.endswith(".backup"):
        content = _content(path)
        if wal.HISTORY.fullmatch(name):
            wal.forks(content, name=name)
        return _put(repo, name, content, _owner(system or known), _CLEAR, None)
    if not wal.SEGMENT.fullmatch(name.removesuffix(".partial")):
        raise ConfigError(
            f"{name!r} is not the name of a file that PostgreSQL archives",
            hint="archive_command gives it as %p.",
        )
    content = _content(path)
    torso = name.endswith(".partial")
    said = wal.read(content, name=name.removesuffix(".partial"), whole=not torso)
    if said.system != (system or said.system):
        raise _foreign(name, said.system, system or "")
    return _put(repo, name, content, said.system, form, said.last_at)


def store_binlog(
    repo: Repository, path: Path, follower: Follower, *, system: str, series: int, form: Form
) -> Note:
    """Archive the whole binary log `path`, which `follower` has read; return its note."""
    digest = hashlib.sha256()
    folder = f"archive/{system}/binlog/{series:08X}"
    with path.open("rb") as file:
        while chunk := file.read(streams.CHUNK_BYTES):
            digest.update(chunk)
        raw, size = digest.hexdigest(), file.tell()
        name = f"{folder}/{path.name}.{raw[:DIGITS]}.{size}"
        for other in ledger.noted(repo, folder, path.name):
            if other != f"{name}.json":
                raise _different(path.name, other)
        file.seek(0)
        # A note comes last: an object without one is of a run that was cut short.
        with (
            repo.store.create(name + form.suffix, replace=True) as sink,
            streams.writing(sink, form) as writer,
        ):
            shutil.copyfileobj(file, writer, streams.CHUNK_BYTES)
    note = Note(
        name=path.name,
        series=series,
        object=name + form.suffix,
        raw_bytes=size,
        raw_sha256=raw,
        stored_bytes=writer.stored_bytes,
        stored_sha256=writer.sha256,
        head_crc=follower.head_crc,
        server_id=follower.server_id,
        server_version=follower.server_version,
        ended=follower.ended,
        first_at=follower.first_at,
        last_at=follower.last_at,
        archived_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        before=follower.before or {},
        after=follower.after,
        firsts=follower.firsts,
    )
    with repo.store.create(f"{name}.json", replace=True) as sink:
        sink.write(note.as_bytes())
    return note


def _put(
    repo: Repository, name: str, content: bytes, system: str, form: Form, last_at: datetime | None
) -> Pushed:
    folder = ledger.folder_of(system, name)
    raw = hashlib.sha256(content).hexdigest()
    with repo.store.lock(f"archive-{system}-{name}", what=f"{name} of {system}"):
        for entry in ledger.find(repo, folder, name):
            there, size, _, _ = ledger.parts_of(entry)
            if (there, size) == (raw[:DIGITS], len(content)):
                return Pushed(
                    object=entry.name,
                    was_there=True,
                    raw_bytes=size,
                    stored_bytes=entry.stored_bytes,
                )
            if not name.endswith(".partial"):  # each server that was promoted leaves a torso
                raise _different(name, entry.name)
        with _packed(content, form) as (packed, writer):
            called = ledger.object_name(
                name, raw=raw, size=len(content), stored=writer.sha256, last_at=last_at
            )
            called = f"{folder}/{called}{form.suffix}"
            with repo.store.create(called) as sink:
                shutil.copyfileobj(packed, sink, streams.CHUNK_BYTES)
    return Pushed(
        object=called,
        was_there=False,
        raw_bytes=len(content),
        stored_bytes=writer.stored_bytes,
    )


@contextmanager
def _packed(content: bytes, form: Form) -> Iterator[tuple[IO[bytes], streams.Writer]]:
    """Give the bytes as they will be stored: their hash is part of the name."""
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as packed:
        with streams.writing(packed, form) as writer:
            writer.write(content)
        packed.seek(0)
        yield packed, writer


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise StorageError(
            f"cannot read {str(path)!r}: {exc.strerror}", hint="archive_command gives it as %p."
        ) from exc


def _owner(system: str | None) -> str:
    if system is None:
        raise ConfigError(
            "nothing says whose log this is", hint="Name the system with --system pg-NUMBER."
        )
    return system


def _foreign(name: str, found: str, wanted: str) -> Refused:
    return Refused(
        f"{name!r} is of {found}, and this archive is for {wanted}",
        hint="Begin an archive of this server: stockops backup archive start",
    )


def _different(name: str, there: str) -> Refused:
    return Refused(
        f"another content of {name!r} is archived already, as {there!r}",
        hint="Two servers have parted ways under one name: stop the one that should not run.",
    )
