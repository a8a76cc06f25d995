"""
What a backup says of itself: written last, with a checksum of its own, and never changed.

A folder without a manifest that is whole is not a backup. Times are UTC, ISO 8601 with offset.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from ..errors import StorageError

NAME = "manifest.json"
RUNNING = "running.json"  # in a folder that is not a backup yet: who writes it
FAILED = "failed.json"  # why it never will be one
FORMAT = 1

Method = Literal["physical", "logical"]
Kind = Literal["full", "incremental"]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One object of the backup. `sha256` is that of the stored bytes."""

    name: str
    stored_bytes: int
    raw_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """
    A place in the server's log.

    PostgreSQL: `lsn` as ``0/3000028`` and `timeline`. MariaDB: `gtid` as the server prints it,
    binlog `file` and `offset`, and InnoDB's `lsn` in decimal.
    """

    lsn: str | None = None
    timeline: int | None = None
    gtid: str | None = None
    file: str | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableContent:
    """
    What one table held, so that a restored copy can be held to the same rows.

    `rows` and `hash` (of the rows, in whatever order) are those with `column` up to `watermark`;
    of all rows where `watermark` is None. `hash` is None where the table changes under load and
    nothing but the books can tell whether it came back as it was; `rows` is then None, too.
    `columns` are the hashed ones, each as its name and its type; `witness` is what the next backup
    looks at before it builds upon this.
    """

    table: str
    rows: int | None
    hash: str | None
    column: str | None = None
    watermark: int | None = None
    columns: Sequence[str] = ()
    witness: str | None = None

    @property
    def owed(self) -> bool:
        """Whether the rows are still to be hashed: evidence of the backup has the hash, then."""
        return self.hash is None and self.witness is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """
    A tablespace or another symbolic link out of the data directory.

    A restore puts its content elsewhere: where it stood, the source may still be running.
    """

    name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """
    One backup. `system` tells one database cluster from another, through every upgrade.

    `relations` says what the files of the database are, which PostgreSQL's log knows by number
    alone: ``base/5/16390`` is ``public.orders``, or ``index of public.orders``, or
    ``public.trades_2025 of public.trades``, which is a partition. `owners` says whose its tables
    are, by such names; both are empty on MariaDB, whose tables are nobody's.
    """

    id: str
    engine: str
    system: str
    method: Method
    kind: Kind
    parent: str | None
    label: str | None
    target: str
    database: str
    server_version: str
    stockops_version: str
    tool: str
    host: str
    started_at: str
    ended_at: str
    duration_s: float
    start: Position
    stop: Position
    settings: Mapping[str, str]
    files: Sequence[File]
    links: Sequence[Link]
    members: Mapping[str, int]
    content: Sequence[TableContent]
    compression: str
    recipients: Sequence[str]
    notes: Sequence[str]
    relations: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)

    @property
    def stored_bytes(self) -> int:
        """What it takes in the repository."""
        return sum(file.stored_bytes for file in self.files)

    @property
    def raw_bytes(self) -> int:
        """What it takes once restored."""
        return sum(file.raw_bytes for file in self.files)

    @property
    def major(self) -> str | None:
        """The major version whose programs alone read the files; None where newer ones do, too."""
        return self.server_version.partition(".")[0] if self.engine == "postgresql" else None

    def as_bytes(self) -> bytes:
        """Return the manifest as it is stored."""
        says = {"format": FORMAT, **asdict(self)}
        return _text({**says, "checksum": _checksum(says)})


def parse(text: bytes, *, name: str) -> Manifest:
    """Return the manifest in `text`, or raise `StorageError` naming what is wrong with it."""
    try:
        says: dict[str, Any] = json.loads(text)
        checksum = says.pop("checksum")
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise _unreadable(name, f"it is not whole ({type(exc).__name__})") from exc
    if checksum != _checksum(says):
        raise _unreadable(name, "its checksum is another one")
    if says.pop("format") != FORMAT:
        raise _unreadable(name, "its format is another one than this version of stockops writes")
    known = {field.name for field in fields(Manifest)}
    if says.keys() not in (known, known - {"owners"}):  # who wrote it may have known of no owners
        raise _unreadable(name, f"it has other fields: {sorted(says.keys() ^ known)}")
    return Manifest(
        **{
            **says,
            "start": Position(**says["start"]),
            "stop": Position(**says["stop"]),
            "files": [File(**each) for each in says["files"]],
            "links": [Link(**each) for each in says["links"]],
            "content": [TableContent(**each) for each in says["content"]],
        }
    )


def _checksum(says: Mapping[str, Any]) -> str:
    canonical = json.dumps(says, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _text(says: Mapping[str, Any]) -> bytes:
    return (json.dumps(says, indent=1, ensure_ascii=True) + "\n").encode("ascii")


def _unreadable(name: str, why: str) -> StorageError:
    return StorageError(
        f"the manifest {name!r} cannot be believed: {why}",
        hint="This backup is not one to restore from; see the others: stockops backup list",
    )
