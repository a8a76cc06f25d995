"""
Bring a detached partition back from its archive: in one transaction, and proven before it commits.

The partition is made again with the bounds it had: on PostgreSQL in the same transaction. MariaDB
splits it off the one that takes its rows now, whose rows are moved for that; killed after it, the
next run finds the partition there, and empty.
"""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from .. import catalog, plan
from ..engine import connect
from ..engine.base import Server
from ..errors import Refused, StorageError
from ..migrations import lock
from ..plan import Consent, Step
from ..sessions.waiting import Patience, Say
from ..targets import Target
from . import archives, statements
from .archives import Manifest
from .detaching import columns_of, content
from .questions import (
    PARTS,
    Part,
    builds_of,
    grants_of,
    has_rows,
    held,
    is_plain,
    parts_of,
)
from .trying import APPLICATION, require_empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """What was brought back."""

    table_name: str
    part_name: str
    rows: int
    migration: str | None


@dataclass(frozen=True, slots=True)
class Ground:
    """
    What stands where the partition is to be: `made` is what makes it, nothing if it is there.

    On MariaDB it is split off `rest`, which is empty unless that `moves_rows`.
    """

    part: Part
    made: tuple[str, ...]
    moves_rows: bool
    rest: Part | None = None


def planned(server: Server, path: Path) -> list[Step]:
    """Return what `attach` would do; raises what it would, where that is known before."""
    manifest = archives.manifest_of(path)
    return _steps(path, manifest, _checked(server, manifest))


def attach(
    target: Target, path: Path, *, consent: Consent, patience: Patience, say: Say
) -> Attached:
    """
    Load the archive `path` into its table again.

    Raises `StorageError` for a file that is not what its manifest says, `Refused` where its rows,
    or its table, are still there, where the table has other columns now, or where rows of MariaDB
    would have to move and `consent` lacks.
    """
    manifest = archives.manifest_of(path)
    archives.verify(path, manifest)
    with (
        lock.held(target, wait_s=patience.wait_s, say=say),
        connect(
            target, application=APPLICATION, bulk=True, lock_timeout_s=patience.lock_timeout_s
        ) as server,
    ):
        ground = _checked(server, manifest)
        steps = _steps(path, manifest, ground)
        plan.check(steps, target=target.name, protected=target.protected, consent=consent)
        if ground.rest is not None:  # MariaDB's DDL is not part of a transaction
            _split_off(server, ground, ground.rest)
        with server.transaction():
            if server.engine == "postgresql":
                for sql in ground.made:
                    server.execute(sql)
            _load(server, path, manifest, ground)
    return Attached(
        table_name=manifest.table_name,
        part_name=manifest.part_name,
        rows=manifest.rows,
        migration=manifest.migration,
    )


def _split_off(server: Server, ground: Ground, rest: Part) -> None:
    *locking, splitting = ground.made
    for sql in locking:
        server.execute(sql)
    if not ground.moves_rows:
        require_empty(server, rest)
    server.execute(splitting)
    server.execute("UNLOCK TABLES")


def _load(server: Server, path: Path, manifest: Manifest, ground: Ground) -> None:
    server.load(manifest.table_name, [name for name, _ in manifest.columns], archives.read(path))
    if content(server, manifest, _within(server, manifest, ground.part)) != manifest.content:
        raise StorageError(
            f"{manifest.table_name} does not hold the rows of {path} once they are loaded",
            hint="Nothing was kept. A trigger or a default of the table changes them.",
        )


def _within(server: Server, manifest: Manifest, part: Part) -> str:
    return statements.between(part, manifest.starts_on, manifest.ends_on, engine=server.engine)


def _steps(path: Path, manifest: Manifest, ground: Ground) -> list[Step]:
    name = f"{manifest.table_name}.{manifest.part_name}"
    moved = "; rows move, and nobody writes to the table meanwhile" if ground.moves_rows else ""
    return [
        *(
            Step(
                action=sql,
                why=f"{name}, empty, as it was{moved}",
                lock="exclusive" if ground.moves_rows else "none",
            )
            for sql in ground.made
        ),
        Step(
            action=f"load {manifest.rows:,} rows of {path}",
            why=f"{name} ended on {manifest.ends_on}; compared before the transaction commits",
        ),
    ]


def _checked(server: Server, manifest: Manifest) -> Ground:
    """Return where the partition is to be; `Refused` where it cannot."""
    parts = parts_of(server.fetch(PARTS), manifest.table_name)
    columns = tuple(columns_of(server, manifest.table_name))
    if columns != manifest.columns:
        raise Refused(
            f"{manifest.table_name} has other columns than its archive, which was written after "
            f"migration {manifest.migration}",
            hint="Load it into a database of that migration: its text is tab-separated.",
        )
    if manifest.detached_name in {each.table_name for each in server.fetch(catalog.TABLES)}:
        raise Refused(
            f"{manifest.detached_name} is still there, as a table of its own",
            hint="Drop it with partitions detach --drop, which proves its archive first.",
        )
    part = replace(
        parts[0], part_name=manifest.part_name, ends_on=date.fromisoformat(manifest.ends_on)
    )
    source = _within(server, manifest, part)
    if there := held(server, source):
        raise Refused(f"{manifest.table_name} has {there:,} rows before {manifest.ends_on} already")
    if any(each.ends_on == part.ends_on for each in parts):
        return Ground(part, (), moves_rows=False)
    if server.engine == "postgresql":
        first = parts[0]
        grants = grants_of(server, first)
        return Ground(part, tuple(statements.new_part(part, manifest.starts_on, grants)), False)
    rest = next((each for each in parts if each.is_open or _ends_after(each, part)), None)
    if rest is None:
        raise Refused(f"{manifest.table_name} has no partition after {manifest.ends_on}")
    moves = has_rows(server, statements.source(rest, engine=server.engine))
    copied = parts if moves and is_plain(builds_of(server, rest)) else ()
    made = (*statements.locking(rest, engine=server.engine), statements.split(part, rest, copied))
    return Ground(part, made, moves_rows=moves, rest=rest)


def _ends_after(one: Part, other: Part) -> bool:
    return one.ends_on is not None and other.ends_on is not None and one.ends_on > other.ends_on
