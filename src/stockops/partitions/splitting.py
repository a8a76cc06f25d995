"""
Split partitions that are longer than asked for: each whole, or not at all.

A bound that is there stays one. What a partition holds is counted before and after it was split,
with everybody else kept out. A run that was killed leaves the rest to the next one, which finds
nothing to do where the partitions are short already.

PostgreSQL splits one after the other. MariaDB copies the whole table once, for all of them: KILL in
the middle of REORGANIZE PARTITION loses rows there (30 of 120 tries with 40,000 rows on
10.11.19 did, none of 85 with a copy), so only what is empty is reorganized.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from .. import plan
from ..engine import connect
from ..engine.base import Server
from ..errors import ConfigError, ServerError, StorageError
from ..migrations import lock
from ..plan import Consent, Step
from ..sessions.waiting import Patience, Say
from ..targets import Target
from . import statements
from .planning import EVERY, MISSING_MAX, Missing, bound_by, name_of, next_bound
from .questions import PARTS, TAKEN, Build, Grant, Part, builds_of, grants_of, held, parts_of
from .trying import APPLICATION, in_tries, require_empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Splitting:
    """
    What is asked for: partitions of `table` that hold a date from `since` until `until`.

    The first partition has no lower bound: it is split from `since` on, or from its first row.
    """

    table: str
    every: str
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coarse:
    """
    A partition that is longer than asked for; `refused` says why it has to stay.

    `parts` are all partitions of its table.
    """

    part: Part
    parts: tuple[Part, ...]
    build: Build
    pieces: tuple[Missing, ...]
    grants: tuple[Grant, ...]
    rows: int
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """What became of a partition; in its place are as many `partitions`, `first` to `last`."""

    table_name: str
    part_name: str
    outcome: Literal["split", "refused", "failed"]
    partitions: int
    first: str
    last: str
    rows_moved: int
    ms: int
    note: str


def coarse(server: Server, job: Splitting) -> list[Coarse]:
    """
    Return the partitions that `job` asks to split, in order of their dates, their rows counted.

    Raises `ConfigError` for a table without partitions by date, and where it would get too many.
    """
    if job.since and job.until and job.since >= job.until:
        raise ConfigError(f"--from {job.since} is not before --to {job.until}")
    # One that is partitioned itself may be named once for each of its own.
    parts = list(dict.fromkeys(parts_of(server.fetch(PARTS), job.table)))
    first = parts[0]
    if len({each.schema_name for each in parts}) > 1:
        raise ConfigError(f"a table {job.table!r} is in more than one schema")
    of_table = {"schema_name": first.schema_name, "table_name": first.table_name}
    found_builds = builds_of(server, first)
    builds = {(each.part_schema, each.part_name): each for each in found_builds}
    taken = frozenset(each.name for each in server.fetch(TAKEN, **of_table))
    found = []
    for part in parts:
        if each := _coarse(server, part, builds[part.part_schema, part.part_name], job, taken):
            found.append(replace(each, parts=tuple(parts)))
            taken |= {piece.name for piece in each.pieces}
    odd = [f"{each.part_name}: {each.refused}" for each in found_builds if each.refused]
    if server.engine == "mariadb" and odd:  # its statement names all partitions
        return [replace(each, refused=odd[0]) for each in found]
    return found


def steps(found: Sequence[Coarse], *, engine: str) -> list[Step]:
    """Return what `split` would do, in order."""
    return [
        Step(
            action=sql,
            why="; ".join(map(_why, group)),
            lock="exclusive" if any(each.rows for each in group) else "none",
        )
        for group in _groups(found, engine)
        for sql in (
            *statements.locking(group[0].part, group[0].build.refers_to, engine=engine),
            *_dividing(group, engine),
        )
    ]


def split(
    target: Target, job: Splitting, *, consent: Consent, patience: Patience, say: Say
) -> list[Split]:
    """
    Split what `coarse` finds under the lock of migrations.

    On PostgreSQL each is split in one transaction, and one that fails does not keep the next from
    it; on MariaDB all are by one statement, if any has rows. Raises `Refused` where rows would have
    to move and `consent` lacks, `Busy` where a migration runs.
    """
    with lock.held(target, wait_s=patience.wait_s, say=say):
        with connect(target, application=APPLICATION) as server:
            found = coarse(server, job)
        planned = steps(found, engine=target.engine)
        plan.check(planned, target=target.name, protected=target.protected, consent=consent)
        stays = [
            _told(each, "refused", started=time.monotonic(), note=each.refused)
            for each in found
            if each.refused
        ]
        return stays + [
            each
            for group in _groups(found, target.engine)
            for each in _split(target, group, patience, say)
        ]


def _groups(found: Sequence[Coarse], engine: str) -> list[list[Coarse]]:
    """Return what is split together, without what is refused."""
    wanted = [each for each in found if not each.refused]
    if engine == "mariadb" and any(each.rows for each in wanted):
        return [wanted]
    return [[each] for each in wanted]


def _dividing(group: Sequence[Coarse], engine: str) -> list[str]:
    first = group[0]
    if engine == "mariadb" and any(each.rows for each in group):
        finer = {each.part.part_name: each.pieces for each in group}
        return [statements.repartition(first.parts, finer)]
    return statements.divide(first.part, first.build, first.pieces, first.grants, engine=engine)


def _split(target: Target, group: Sequence[Coarse], patience: Patience, say: Say) -> list[Split]:
    started = time.monotonic()
    for each in group:
        say(f"{each.part.table_name}.{each.part.part_name}: {each.rows:,} rows")

    def work(server: Server) -> list[int]:
        if server.engine == "mariadb":  # its DDL is not part of a transaction
            return _divide(server, group)
        with server.transaction():
            return _divide(server, group)

    try:
        rows = in_tries(target, work, patience=patience, say=say)
    except (ServerError, StorageError) as exc:
        return [_told(each, "failed", started=started, note=str(exc)) for each in group]
    return [
        _told(each, "split", started=started, rows=held_by)
        for each, held_by in zip(group, rows, strict=True)
    ]


def _divide(server: Server, group: Sequence[Coarse]) -> list[int]:
    """Split partitions and return their rows; the locks are given back when the session ends."""
    engine = server.engine
    for sql in statements.locking(group[0].part, group[0].build.refers_to, engine=engine):
        server.execute(sql)
    if engine == "mariadb" and not any(each.rows for each in group):
        for each in group:
            require_empty(server, each.part)
    before = [held(server, statements.source(each.part, engine=engine)) for each in group]
    for sql in _dividing(group, engine):
        server.execute(sql)
    for each, rows in zip(group, before, strict=True):
        after = held(server, statements.within(each.part, each.pieces, engine=engine))
        if rows != after:
            kept = "Nothing was kept" if engine == "postgresql" else "It was split"
            raise StorageError(
                f"{each.part.part_name} had {rows:,} rows, and those in its place have {after:,}",
                hint=f"{kept}. Look at the log of the server, and at the last backup.",
            )
    return before


def _coarse(
    server: Server, part: Part, build: Build, job: Splitting, taken: frozenset[str]
) -> Coarse | None:
    """Return a partition that is longer than asked for; None for one that is left as it is."""
    if part.ends_on is None or part.is_open:
        return None
    start = build.starts_on
    if start is None:
        since = job.since or _first_date(server, part)
        if since is None:
            return None
        start = bound_by(since, EVERY[job.every])
    if not _is_asked_for(start, part.ends_on, job):
        return None
    pieces = list(_pieces(server, part, build, start, job.every, taken))
    if len(pieces) < 2:
        return None
    there = [each.name for each in pieces if each.name in taken - {part.part_name}]
    refused = build.refused or (f"{there[0]} is there already" if there else "")
    return Coarse(
        part=part,
        parts=(),
        build=build,
        pieces=tuple(pieces),
        grants=tuple(grants_of(server, part)),
        rows=0 if refused else held(server, statements.source(part, engine=server.engine)),
        refused=refused and f"{part.part_name} stays: {refused}",
    )


def _is_asked_for(start: date, end: date, job: Splitting) -> bool:
    return (job.since is None or end > job.since) and (job.until is None or start < job.until)


def _pieces(
    server: Server, part: Part, build: Build, start: date, every: str, taken: frozenset[str]
) -> Iterator[Missing]:
    """Yield what a partition is split into: the first one keeps what is before `start`."""
    end = part.ends_on
    if end is None or start >= end:
        return
    if build.starts_on is None:
        yield Missing(name=part.part_name, starts_on=None, ends_on=start)
    else:  # its name is free by then
        taken -= {part.part_name}
    for _ in range(MISSING_MAX):
        name = name_of(part, start, every=every, engine=server.engine)
        if name in taken:
            name = name_of(part, start, every=every, engine=server.engine, with_day=True)
        bound = min(next_bound(start, EVERY[every]), end)
        yield Missing(name=name, starts_on=start, ends_on=bound)
        if bound == end:
            return
        start = bound
    raise ConfigError(
        f"{part.part_name} would be split into more than {MISSING_MAX} partitions",
        hint="Make them longer, --every year, or begin later: --from.",
    )


def _first_date(server: Server, part: Part) -> date | None:
    source = statements.source(part, engine=server.engine)
    first = server.rows(statements.first_date(part, source, engine=server.engine))[0]["first_date"]
    return first if isinstance(first, date) else None


def _why(each: Coarse) -> str:
    name = f"{each.part.table_name}.{each.part.part_name}"
    into = f"into {len(each.pieces)} partitions"
    if each.rows:
        return f"{name}: {each.rows:,} rows move {into}, and nobody reads or writes it meanwhile"
    return f"{name}: empty, {into}; nobody reads or writes it for an instant"


def _told(
    each: Coarse,
    outcome: Literal["split", "refused", "failed"],
    *,
    started: float,
    rows: int = 0,
    note: str = "",
) -> Split:
    return Split(
        table_name=each.part.table_name,
        part_name=each.part.part_name,
        outcome=outcome,
        partitions=len(each.pieces) if outcome == "split" else 0,
        first=each.pieces[0].name if outcome == "split" else "",
        last=each.pieces[-1].name if outcome == "split" else "",
        rows_moved=rows,
        ms=round((time.monotonic() - started) * 1000),
        note=note,
    )
