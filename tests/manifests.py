"""Backups that nobody took: manifests in a repository, for what is decided by them alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from stockops.backups import manifest
from stockops.backups.manifest import Manifest, Position
from stockops.backups.repository import Repository

KEEP = {"daily": 3, "weekly": 2, "monthly": 2}
LAST = datetime(2026, 3, 31, 2, 0, tzinfo=UTC)
SYSTEM = "mariadb-test"
_TOOK = timedelta(minutes=5)


def made_up(at: datetime, *, parent: str | None = None) -> Manifest:
    """Return the manifest of a backup of MariaDB that began `at`; `replace` makes others of it."""
    kind: Literal["full", "incremental"] = "incremental" if parent else "full"
    return Manifest(
        id=f"{at:%Y%m%dT%H%M%S000Z}-physical-{kind}",
        engine="mariadb",
        system=SYSTEM,
        method="physical",
        kind=kind,
        parent=parent,
        label=None,
        target="prod",
        database="trading",
        server_version="10.11.19-MariaDB",
        stockops_version="0",
        tool="mariadb-backup",
        host="here",
        started_at=at.isoformat(),
        ended_at=(at + _TOOK).isoformat(),
        duration_s=_TOOK.total_seconds(),
        start=Position(lsn="0"),
        stop=Position(lsn="1"),
        settings={},
        files=[],
        links=[],
        members={},
        content=[],
        compression="zstd",
        recipients=[],
        notes=[],
    )


def of_postgresql(at: datetime, *, system: str, start: Position, stop: Position) -> Manifest:
    """Return the manifest of a full backup of PostgreSQL whose log goes from `start` to `stop`."""
    return replace(
        made_up(at),
        engine="postgresql",
        system=system,
        server_version="18.6",
        tool="pg_basebackup",
        start=start,
        stop=stop,
    )


def put(repo: Repository, said: Manifest, **objects: bytes) -> Manifest:
    """Put a backup with `objects` into the repository, its manifest last."""
    folder = f"backups/{said.system}/{said.id}"
    for name, content in {**objects, manifest.NAME: said.as_bytes()}.items():
        with repo.store.create(f"{folder}/{name}") as file:
            file.write(content)
    return said


def add(repo: Repository, at: datetime, *, parent: str | None = None) -> Manifest:
    """Put a backup of one object that began `at` into the repository."""
    return put(repo, made_up(at, parent=parent), **{"base.mbs.zst": b"x" * 100})
