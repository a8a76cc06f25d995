"""
A partition as a file: its rows as text under zstd, and a manifest beside it.

The content of a table is the number of its rows and the sum of their hashes: the same whatever the
order in which they are read, and another one where a row is lost, doubled or changed.
"""

import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from .. import disk
from ..errors import ConfigError, StorageError

_SUFFIX = ".tsv.zst"
FORMAT = 1
_BITS = 128
_CHUNK_BYTES = 1 << 20

Cells = Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Content:
    """How many rows, and the sum of their hashes as hexadecimal digits."""

    rows: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """
    What an archive holds, and where it comes from.

    `starts_on` is None for a partition without a lower bound; MariaDB keeps none, and its first row
    stands there. `detached_name` is the table that the partition became, `migration` the newest
    one that was applied.
    """

    format: int
    engine: str
    schema_name: str
    table_name: str
    part_name: str
    detached_name: str
    column_name: str
    starts_on: str | None
    ends_on: str
    columns: tuple[tuple[str, str], ...]
    migration: str | None
    rows: int
    digest: str
    sha256: str
    file_bytes: int

    @property
    def content(self) -> Content:
        """What the table held."""
        return Content(self.rows, self.digest)


class Sum:
    """Adds up what passes by."""

    __slots__ = ("rows", "total")

    def __init__(self) -> None:
        self.rows = 0
        self.total = 0

    def add(self, line: bytes) -> None:
        """Add one row, as the line that it is in a file."""
        self.rows += 1
        self.total += int.from_bytes(hashlib.sha256(line).digest()[: _BITS // 8], "big")

    @property
    def content(self) -> Content:
        """What was added so far."""
        return Content(self.rows, f"{self.total % (1 << _BITS):032x}")


def line_of(cells: Cells) -> bytes:
    """Return one row as `Server.load` takes it."""
    return ("\t".join(map(_cell, cells)) + "\n").encode()


def path_in(folder: Path, table_name: str, part_name: str) -> Path:
    """Return where the archive of a partition lies."""
    return folder / f"{table_name}.{part_name}{_SUFFIX}"


def all_in(folder: Path, table_name: str) -> list[Path]:
    """Return the archives of a table that have a manifest."""
    return [path for path in folder.glob(f"{table_name}.*{_SUFFIX}") if beside(path).exists()]


def beside(path: Path) -> Path:
    """Return where the manifest of an archive lies."""
    return path.with_name(path.name + ".json")


def write(path: Path, lines: Iterable[bytes]) -> Content:
    """
    Write `lines` to `path`, whole or not at all, synced; return what was written.

    It may hold rows of customers: nobody but its owner may read it, as the manifest beside it.
    Raises `StorageError` where the disk refuses; nothing is left then.
    """
    import zstandard  # noqa: PLC0415  most commands compress nothing

    draft = path.with_name(f".{path.name}.new")
    total = Sum()
    with _told(path):
        try:
            draft.unlink(missing_ok=True)  # of one that was killed, with whatever mode it has
            draft.touch(mode=0o600)
            with draft.open("wb") as file:
                with zstandard.ZstdCompressor(write_checksum=True).stream_writer(
                    file, closefd=False
                ) as out:
                    for line in lines:
                        total.add(line)
                        out.write(line)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        disk.sync(path.parent)
    return total.content


def read(path: Path) -> Iterator[bytes]:
    """Yield the lines of an archive; `StorageError` where it cannot be read to its end."""
    import zstandard  # noqa: PLC0415

    with _told(path), path.open("rb") as file:
        try:
            with zstandard.ZstdDecompressor().stream_reader(file) as raw:
                yield from io.BufferedReader(raw, _CHUNK_BYTES)
        except zstandard.ZstdError as exc:
            raise StorageError(f"{path} is damaged: {exc}", hint=_ANOTHER) from exc


def content_of(lines: Iterable[bytes]) -> Content:
    """Return the content of `lines`."""
    total = Sum()
    for line in lines:
        total.add(line)
    return total.content


def hashed(path: Path) -> tuple[str, int]:
    """Return the SHA-256 of a file and its size in bytes."""
    with _told(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size


def store(path: Path, manifest: Manifest) -> None:
    """Write the manifest beside the archive `path`."""
    with _told(path):
        disk.write_whole(beside(path), json.dumps(asdict(manifest), indent=2).encode() + b"\n")


def manifest_of(path: Path) -> Manifest:
    """Return the manifest of the archive `path`; `ConfigError` where it has none that is one."""
    try:
        said = json.loads(beside(path).read_bytes())
        columns = tuple((name, family) for name, family in said.pop("columns"))
        manifest = Manifest(**said, columns=columns)
        date.fromisoformat(manifest.ends_on)
    except (OSError, ValueError, TypeError, KeyError) as exc:
        raise ConfigError(
            f"{path} has no manifest that can be read: {_said(exc)}",
            hint=f"An archive is two files: {path.name} and {beside(path).name}.",
        ) from exc
    if manifest.format != FORMAT:
        raise ConfigError(f"{path} has the format {manifest.format}, known is {FORMAT}")
    return manifest


def verify(path: Path, manifest: Manifest) -> None:
    """Read the archive to its end; `StorageError` where it is not what its manifest says."""
    if hashed(path) != (manifest.sha256, manifest.file_bytes):
        raise StorageError(f"{path} is not the file its manifest was written for", hint=_ANOTHER)
    if content_of(read(path)) != manifest.content:
        raise StorageError(f"{path} does not hold the rows its manifest names", hint=_ANOTHER)


_ANOTHER = "Take another copy of it, or a backup from before the partition was detached."


def _cell(value: str | None) -> str:
    if value is None:
        return "\\N"
    if "\\" in value or "\t" in value or "\n" in value or "\r" in value:
        value = value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
        value = value.replace("\r", "\\r")
    return value


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise StorageError(
            f"{path} could not be written or read: {exc.strerror or exc}",
            hint="See that the directory is there, is yours, and has room.",
        ) from exc


def _said(exc: Exception) -> str:
    return exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
