"""What of the indexes is to be built again, or cleared away, and why."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ..engine.base import Server
from ..errors import ConfigError, Fault, Finding, ServerError, Unsupported
from ..plan import Step
from ..sessions import activity
from . import catalogue, questions, statements
from .catalogue import Catalogue, Index
from .judging import Limits, Verdict, judge
from .questions import Leftover

_LEFTOVER = re.compile(r"_cc(new|old)[0-9]*$")
_MB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """
    One statement: an index built again or, on MariaDB, a table with all of its indexes.

    `quoted_index` is None where it is a table. `size_bytes` is what is known without asking anew.
    """

    does: Literal["rebuild", "drop"]
    schema_name: str
    table_name: str
    index_names: tuple[str, ...]
    quoted_index: str | None
    sql: str
    why: str
    size_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """An index that is wrong, and that this does not put right."""

    table_name: str
    index_name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is to be done, in order, and what is left; `unknown` is what nobody could find out."""

    jobs: list[Job]
    left: list[Left]
    unknown: list[str]
    indexes: int


def choose(server: Server, *, limits: Limits, names: Collection[str] = ()) -> Work:
    """
    Return what is to be built again: the indexes of `names`, else all that are invalid or bloated.

    A name is that of an index, perhaps with its table and its schema before it. What any rebuild
    left behind is dropped. An index that should go for another reason is not built again.
    Raises `Finding` where there is no index at all, `ConfigError` for a name that is none's.
    """
    found = catalogue.read(server)
    if not found.indexes:
        raise Finding(
            "nothing was looked at: there is no index that this role may see",
            hint="Check the database and the user in the target's URL.",
        )
    leftovers = left_behind(server)
    behind = {(each.schema_name, each.table_name, each.index_name) for each in leftovers}
    verdicts = [
        each
        for each in judge(found, limits)
        if each.kind in {"invalid", "bloated"} and each.name not in behind
    ]
    by_name = {index.name: index for index in found.indexes}
    jobs, left = _clearing(leftovers)
    if names:
        wanted = [(_named(found, name), "it was asked for") for name in names]
        unknown = []
    else:
        wanted = [
            (by_name[each.name], _reason(each))
            for each in verdicts
            if each.name and each.state == "found"
        ]
        unknown = [f"{each.reason}: {'; '.join(each.steps)}" for each in _unknown(verdicts)]
    fit = []
    for index, why in wanted:
        why_not = _why_not(index, asked=bool(names))
        if why_not:
            left.append(
                Left(table_name=index.row.table_name, index_name=index.row.index_name, why=why_not)
            )
        else:
            fit.append((index, why))
    jobs += _by_table(fit) if found.engine == "mariadb" else [_again(*each) for each in fit]
    return Work(jobs=jobs, left=left, unknown=unknown, indexes=len(found.indexes))


def left_behind(server: Server) -> list[Leftover]:
    """Return what rebuilds left behind; MariaDB leaves nothing."""
    try:
        return server.fetch(questions.LEFTOVERS)
    except Unsupported:
        return []


def steps(server: Server, work: Work) -> list[Step]:
    """Return what would be done: each statement, why, what it needs and for whom it waits."""
    waits = _waits(server)
    return [
        Step(
            action=job.sql,
            why=f"{job.why}; readers and writers go on; {waits}"
            + ("" if job.does == "drop" else f"; {_room(job)}"),
        )
        for job in work.jobs
    ]


def _waits(server: Server) -> str:
    """Say for whom the statements wait, as far as this role may see it."""
    moment = (
        "waits for older transactions"
        if server.engine == "postgresql"
        else "waits twice for transactions on the table"
    )
    try:
        sessions = activity(server)
    except ServerError as exc:
        if exc.fault is not Fault.DENIED:
            raise
        return f"{moment} (whether there are any, this role may not see)"
    ages_ms = [each.transaction_ms for each in sessions if each.transaction_ms is not None]
    if not ages_ms:
        return f"{moment} (none is open now)"
    return f"{moment} ({len(ages_ms)} open now, for up to {max(ages_ms) / 1000:.0f} s)"


def _room(job: Job) -> str:
    if job.size_bytes is None:
        return "needs room for a second copy"
    return f"needs up to {job.size_bytes / _MB:,.1f} MB more room"


def _clearing(leftovers: Sequence[Leftover]) -> tuple[list[Job], list[Left]]:
    jobs, left = [], []
    for each in leftovers:
        if each.is_being_built:
            why = "somebody may be at work on its table: look again later"
            left.append(Left(table_name=each.table_name, index_name=each.index_name, why=why))
            continue
        jobs.append(drop(each))
    return jobs, left


def drop(leftover: Leftover) -> Job:
    """Return the job that clears `leftover` away."""
    return Job(
        does="drop",
        schema_name=leftover.schema_name,
        table_name=leftover.table_name,
        index_names=(leftover.index_name,),
        quoted_index=leftover.quoted_index,
        sql=f"DROP INDEX CONCURRENTLY {leftover.quoted_index}",
        why="a rebuild that did not end left it behind",
        size_bytes=leftover.size_bytes,
    )


def _reason(verdict: Verdict) -> str:
    return f"{verdict.kind}: {verdict.reason}"


def _unknown(verdicts: Sequence[Verdict]) -> Iterator[Verdict]:
    return (each for each in verdicts if each.state == "unknown")


def _named(found: Catalogue, name: str) -> Index:
    """Return the index called `name`, perhaps with its table and its schema before it."""
    parts = tuple(name.split("."))
    there = [index for index in found.indexes if index.name[-len(parts) :] == parts]
    if len(there) == 1:
        return there[0]
    if not there:
        raise ConfigError(
            f"there is no index {name!r}", hint="Name it INDEX, TABLE.INDEX or SCHEMA.TABLE.INDEX."
        )
    names = ", ".join(".".join(index.name) for index in there[:5])
    raise ConfigError(f"{len(there)} indexes are called {name!r}", hint=f"Which one: {names}?")


def _why_not(index: Index, *, asked: bool) -> str | None:
    """Say why `index` cannot, or must not, be built again in this way; None where it can."""
    row = index.row
    if row.is_being_built:
        return "somebody may be building it: look again later"
    if row.state == "ignored" and not asked:
        return "it is IGNORED, and works: drop it, or let queries use it again"
    if row.is_partitioned and row.definition is not None:
        return "it is a partitioned index, which has no rows of its own: see index audit --sql"
    if row.is_exclusion:
        return (
            "an exclusion constraint is built again only while writers wait: "
            f"REINDEX INDEX {row.quoted_index}"
        )
    return None


def _again(index: Index, why: str) -> Job:
    row = index.row
    sql = statements.rebuilding(index, engine="postgresql")[0]
    does: Literal["rebuild", "drop"] = "rebuild"
    if row.state == "half dropped":
        sql, does = f"DROP INDEX CONCURRENTLY {row.quoted_index}", "drop"
    return Job(
        does=does,
        schema_name=row.schema_name,
        table_name=row.table_name,
        index_names=(row.index_name,),
        quoted_index=row.quoted_index,
        sql=sql,
        why=why,
        size_bytes=index.size_bytes,
    )


def _by_table(fit: Sequence[tuple[Index, str]]) -> list[Job]:
    """Return one job a table: InnoDB builds all indexes of a table again, and the table with it."""
    tables: dict[tuple[str, str], list[tuple[Index, str]]] = defaultdict(list)
    for index, why in fit:
        tables[index.table].append((index, why))
    return [
        Job(
            does="rebuild",
            schema_name=schema_name,
            table_name=table_name,
            index_names=tuple(index.row.index_name for index, _ in wanted),
            quoted_index=None,
            sql=statements.rebuilding(wanted[0][0], engine="mariadb")[0],
            why="; ".join(f"{index.row.index_name} is {why}" for index, why in wanted)
            if any(why.startswith("bloated") for _, why in wanted)
            else wanted[0][1],
            size_bytes=None,
        )
        for (schema_name, table_name), wanted in tables.items()
    ]
