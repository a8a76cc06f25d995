"""
Take partitions that are past their time out of a table: to archives, never by DELETE.

The rows are written to an archive, which is read back. Then the partition becomes a table of its
own, in one statement that the server does wholly or not at all, and is held against the archive:
what was written to it meanwhile is seen then, and the archive is made again. The table is dropped
only where that was said, and only while its archive holds what it holds. A run that was killed is
ended by the next one: the archives in the folder say what is detached. One that is there already
and holds other rows is never written over, for it may be the only copy.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from .. import catalog, plan
from ..engine import connect
from ..engine.base import Server
from ..errors import Refused, ServerError, StorageError, Unsupported
from ..migrations import lock
from ..plan import Consent, Step
from ..queries import Query
from ..sessions.waiting import Patience, Say
from ..targets import Target
from . import archives, statements
from .archives import Content, Manifest
from .questions import PARTS, STARTS, Part, parts_of
from .trying import APPLICATION, in_tries

NEEDED = {
    "journal_entries": "the books are the sum of the whole journal: stockops books check",
    "audit_log": "the chain of the audit trail begins with its first day",
}

Outcome = Literal["detached", "detached and dropped", "dropped", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A partition to detach, or one that is detached already and is to be dropped."""

    part: Part
    starts_on: date | None
    detached_name: str
    is_detached: bool
    archive: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Detached:
    """What became of a partition; `rows` are those of its archive."""

    table_name: str
    part_name: str
    outcome: Outcome
    rows: int
    ms: int
    archive: str
    file_bytes: int
    note: str


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest versioned migration that is applied; None before the first."""

    migration: str | None


NEWEST = Query("partitions/newest_migration", Newest)
PRICES = "stock_prices"


@dataclass(frozen=True, slots=True)
class PricesNeeded:
    """The first date of prices that the books work with; None while nothing was traded."""

    needed_from: date | None


PRICES_NEEDED = Query("partitions/prices_needed", PricesNeeded)


def wanted(
    server: Server, *, tables: Sequence[str], before: date, folder: Path, drop: bool
) -> list[Wanted]:
    """
    Return the partitions of `tables` that end by `before`; with `drop` those detached earlier too.

    Raises `Refused` for a table that the books need whole, `ConfigError` for one that has no
    partitions by date.
    """
    found: list[Wanted] = []
    every, starts = server.fetch(PARTS), _starts(server)
    for name in dict.fromkeys(tables):
        if name in NEEDED:
            raise Refused(f"no partition of {name} is detached: {NEEDED[name]}")
        parts = parts_of(every, name)
        if drop:
            found += _left(server, name, parts[0], folder)
        past = [
            each
            for each in parts
            if each.ends_on is not None and each.ends_on <= before and not each.is_open
        ]
        if name == PRICES:
            _check_prices(server, past)
        for part in past:
            found.append(
                Wanted(
                    part=part,
                    starts_on=starts.get((part.part_schema, part.part_name)),
                    detached_name=statements.detached_name(part, engine=server.engine),
                    is_detached=False,
                    archive=archives.path_in(folder, name, part.part_name),
                )
            )
    return found


def _check_prices(server: Server, past: Sequence[Part]) -> None:
    """Raise `Refused` where the books work with prices of `past`: limits follow from closes."""
    needed = server.fetch(PRICES_NEEDED)[0].needed_from
    if needed is None:
        return
    for each in past:
        if each.ends_on is not None and each.ends_on > needed:
            raise Refused(
                f"{PRICES}.{each.part_name} holds prices that the books need, from {needed} on",
                hint="Detach what ends before it alone: a higher --keep.",
            )


def _starts(server: Server) -> dict[tuple[str, str], date | None]:
    """Return where each partition begins; nothing where the engine does not keep it."""
    try:
        found = server.fetch(STARTS)
    except Unsupported:
        return {}
    return {(each.part_schema, each.part_name): each.starts_on for each in found}


def _first_date(server: Server, each: Wanted, source: str) -> str | None:
    """Return where a partition begins: by its bound, or on MariaDB by the first row in it."""
    if server.engine != "mariadb":
        return None if each.starts_on is None else str(each.starts_on)
    first = server.rows(statements.first_date(each.part, source, engine=server.engine))[0][
        "first_date"
    ]
    return None if first is None else str(first)


def steps(found: Sequence[Wanted], *, engine: str, drop: bool) -> list[Step]:
    """Return what `detach` would do, in order."""
    made = []
    for each in found:
        name = f"{each.part.table_name}.{each.part.part_name}"
        if not each.is_detached:
            made.append(
                Step(
                    action=f"write {each.archive}", why=f"every row of {name}; read back, compared"
                )
            )
            made.append(
                Step(
                    action=statements.detach(each.part, each.detached_name, engine=engine),
                    why=f"{name} ends on {each.part.ends_on}; the table is locked for an instant",
                )
            )
        if drop:
            made.append(
                Step(
                    action=statements.drop(each.part, each.detached_name, engine=engine),
                    why=f"{each.archive} holds its rows, which is looked at once more",
                    destroys=True,
                )
            )
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is asked for; `drop`: what is detached is dropped as well."""

    tables: tuple[str, ...]
    before: date
    folder: Path
    drop: bool


def detach(
    target: Target, job: Job, *, consent: Consent, patience: Patience, say: Say
) -> list[Detached]:
    """
    Archive and detach what `job` names, one partition after the other, the oldest first.

    Raises `Refused` where it would drop tables and `consent` lacks, `Busy` where a migration or
    another run is at it. A partition that fails is told, and ends the run.
    """
    done: list[Detached] = []
    with lock.held(target, wait_s=patience.wait_s, say=say):
        with connect(target, application=APPLICATION) as server:
            found = wanted(
                server, tables=job.tables, before=job.before, folder=job.folder, drop=job.drop
            )
        planned = steps(found, engine=target.engine, drop=job.drop)
        plan.check(planned, target=target.name, protected=target.protected, consent=consent)
        for each in found:
            say(f"{each.part.table_name}.{each.part.part_name}")
            started = time.monotonic()
            try:
                outcome, manifest = _detached(target, each, job, patience, say)
            except (ServerError, StorageError) as exc:
                done.append(_told(each, "failed", None, started=started, note=str(exc)))
                break
            done.append(_told(each, outcome, manifest, started=started))
    return done


def _detached(
    target: Target, each: Wanted, job: Job, patience: Patience, say: Say
) -> tuple[Outcome, Manifest]:
    if not each.is_detached:
        with connect(target, application=APPLICATION) as server:
            source = statements.source(each.part, engine=server.engine)
            if not _is_there(server, each, source):
                _archive(server, each, source)
        _patiently(
            target, statements.detach(each.part, each.detached_name, engine=target.engine),
            patience, say,
        )  # fmt: skip
    source = statements.table(each.part, each.detached_name, engine=target.engine)
    with connect(target, application=APPLICATION) as server:
        manifest = archives.manifest_of(each.archive)
        if content(server, manifest, source) != manifest.content:
            if each.is_detached:
                raise StorageError(
                    f"{each.detached_name} does not hold what {each.archive} holds",
                    hint="Somebody wrote to it after it was detached: look at both.",
                )
            manifest = _archive(server, each, source)
    if not job.drop:
        return "detached", manifest
    archives.verify(each.archive, manifest)
    dropping = statements.drop(each.part, each.detached_name, engine=target.engine)
    _patiently(target, dropping, patience, say)
    return "dropped" if each.is_detached else "detached and dropped", manifest


def _is_there(server: Server, each: Wanted, source: str) -> bool:
    """Tell whether a run that was killed has left the archive; raise where it holds other rows."""
    path = each.archive
    if not archives.beside(path).exists():
        return False
    manifest = archives.manifest_of(path)
    archives.verify(path, manifest)
    if content(server, manifest, source) == manifest.content:
        return True
    raise StorageError(
        f"{path} is there, and does not hold what {each.part.part_name} holds now",
        hint="Move it away: it may be the only copy of the rows in it.",
    )


def _archive(server: Server, each: Wanted, source: str) -> Manifest:
    """Write the archive of `source`, read it back, and store its manifest."""
    columns = columns_of(server, each.part.table_name)
    path = each.archive
    written = archives.write(path, lines(server, [name for name, _ in columns], source))
    sha256, size = archives.hashed(path)
    manifest = Manifest(
        format=archives.FORMAT,
        engine=server.engine,
        schema_name=each.part.schema_name,
        table_name=each.part.table_name,
        part_name=each.part.part_name,
        detached_name=each.detached_name,
        column_name=each.part.column_name,
        starts_on=_first_date(server, each, source),
        ends_on=str(each.part.ends_on),
        columns=tuple(columns),
        migration=newest_migration(server),
        rows=written.rows,
        digest=written.digest,
        sha256=sha256,
        file_bytes=size,
    )
    try:
        archives.verify(path, manifest)
        archives.store(path, manifest)
    except StorageError:
        if not archives.beside(path).exists():  # it takes the room that the next run needs
            path.unlink(missing_ok=True)
        raise
    return manifest


def columns_of(server: Server, table_name: str) -> list[tuple[str, str]]:
    """Return name and type family of each column of a table that is stored."""
    return [
        (each.column_name, each.family)
        for each in server.fetch(catalog.COLUMNS)
        if each.table_name == table_name and not each.generated
    ]


def newest_migration(server: Server) -> str | None:
    """Return the newest versioned migration; None where there is no history."""
    there = {each.table_name for each in server.fetch(catalog.TABLES)}
    if "stockops_migrations" not in there:
        return None
    return server.fetch(NEWEST)[0].migration


def lines(server: Server, columns: Sequence[str], source: str) -> Iterator[bytes]:
    """Yield each row of `source` as the line that it is in an archive."""
    sql = statements.rows(columns, source, engine=server.engine)
    for batch in server.stream(sql):
        for cells in batch:
            yield archives.line_of(cells)


def content(server: Server, manifest: Manifest, source: str) -> Content:
    """Return the content of `source`."""
    return archives.content_of(lines(server, [name for name, _ in manifest.columns], source))


def _left(server: Server, table_name: str, part: Part, folder: Path) -> Iterator[Wanted]:
    """Yield what an earlier run has detached and not dropped: an archive, and the table beside."""
    there = {each.table_name for each in server.fetch(catalog.TABLES)}
    found = [(archives.manifest_of(path), path) for path in archives.all_in(folder, table_name)]
    for manifest, path in sorted(found, key=lambda each: each[0].ends_on):
        if manifest.table_name != table_name or manifest.detached_name not in there:
            continue
        yield Wanted(
            part=Part(
                schema_name=part.schema_name,
                table_name=table_name,
                column_name=manifest.column_name,
                kind=part.kind,
                part_schema=part.part_schema,
                part_name=manifest.part_name,
                ends_on=date.fromisoformat(manifest.ends_on),
                is_open=False,
                is_default=False,
                owner_name=part.owner_name,
            ),
            starts_on=None,
            detached_name=manifest.detached_name,
            is_detached=True,
            archive=path,
        )


def _patiently(target: Target, sql: str, patience: Patience, say: Say) -> None:
    in_tries(target, lambda server: server.execute(sql), patience=patience, say=say)


def _told(
    each: Wanted, outcome: Outcome, manifest: Manifest | None, *, started: float, note: str = ""
) -> Detached:
    return Detached(
        table_name=each.part.table_name,
        part_name=each.part.part_name,
        outcome=outcome,
        rows=0 if manifest is None else manifest.rows,
        ms=round((time.monotonic() - started) * 1000),
        archive=str(each.archive),
        file_bytes=0 if manifest is None else manifest.file_bytes,
        note=note,
    )
