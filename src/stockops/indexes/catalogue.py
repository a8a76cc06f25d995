"""The indexes of one database and what is known of each: shape, size, use."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from ..engine.base import Server
from ..errors import Fault, ServerError, Unsupported
from ..sessions import grantee
from . import questions
from .questions import ColumnRow, ForeignKeyRow, IndexRow

Name = tuple[str, str, str]  # schema, table, index

# Where MariaDB keeps what it lets not everybody read; PostgreSQL lets everybody.
_HELD_IN = {
    "use": ("performance_schema.*",),
    "size": ("mysql.innodb_index_stats", "mysql.innodb_table_stats", "mysql.column_stats"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """
    An index: `keys` it is sorted by, then what it only carries along.

    `tail` is what the server adds behind the keys by itself: the primary key, in InnoDB. `scans`
    is None where no server counts.
    """

    row: IndexRow
    keys: tuple[ColumnRow, ...]
    carried: tuple[ColumnRow, ...] = ()
    tail: tuple[ColumnRow, ...] = ()
    size_bytes: int | None = None
    needed_bytes: int | None = None
    size_remedy: str = ""
    scans: int | None = None
    last_used_at: datetime | None = None

    @property
    def name(self) -> Name:
        """Schema, table and index."""
        return (self.row.schema_name, self.row.table_name, self.row.index_name)

    @property
    def table(self) -> tuple[str, str]:
        """Schema and table."""
        return (self.row.schema_name, self.row.table_name)

    @property
    def is_usable(self) -> bool:
        """Whether queries may read it now."""
        return self.row.state == "valid"

    @property
    def columns(self) -> str:
        """What it holds, as a person writes it."""
        keys = ", ".join(map(_written, self.keys))
        carried = ", ".join(column.expression for column in self.carried)
        where = f" WHERE {self.row.predicate}" if self.row.predicate else ""
        return f"({keys})" + (f" INCLUDE ({carried})" if carried else "") + where


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """A foreign key: `columns` of `table` that point at `to_columns` of `to_table`."""

    row: ForeignKeyRow
    columns: tuple[str, ...]
    to_columns: tuple[str, ...]

    @property
    def table(self) -> tuple[str, str]:
        """The schema and the table that it belongs to."""
        return (self.row.schema_name, self.row.table_name)

    @property
    def to_table(self) -> tuple[str, str]:
        """The schema and the table that it points at."""
        return (self.row.to_schema, self.row.to_table)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Something that the server did not tell, why, and what would make it."""

    about: str
    why: str
    remedy: str


@dataclass(slots=True, kw_only=True)
class Catalogue:
    """All of it; `counted_s` is the age of the youngest counters, None where some do not count."""

    engine: str
    indexes: list[Index]
    foreign_keys: list[ForeignKey]
    counted_s: int | None = None
    unknown: list[Unknown] = field(default_factory=list)


def read(server: Server) -> Catalogue:
    """Return the indexes and foreign keys of the database that `server` is in, in one snapshot."""
    with server.transaction(isolation="repeatable read", read_only=True):
        rows = server.fetch(questions.LIST)
        columns = server.fetch(questions.COLUMNS)
        foreign = server.fetch(questions.FOREIGN_KEYS)
    found = Catalogue(
        engine=server.engine,
        indexes=_indexes(rows, columns),
        foreign_keys=[
            ForeignKey(
                row=row,
                columns=tuple(json.loads(row.columns)),
                to_columns=tuple(json.loads(row.to_columns)),
            )
            for row in foreign
        ],
    )
    _measure(server, found)
    return found


def count(servers: Sequence[Server], found: Catalogue) -> None:
    """Add up how often each index was used on all of `servers`: a primary and its replicas."""
    scans: dict[Name, int] = defaultdict(int)
    last: dict[Name, datetime] = {}
    ages: list[int] = []
    for number, server in enumerate(servers, 1):
        which = f" on the server of target {number}" if len(servers) > 1 else ""
        with _allowed(server, found, "use", which):
            age_s = _age_s(server, found, which)
            for use in _uses(server):
                name = (use.schema_name, use.table_name, use.index_name)
                scans[name] += use.scans
                if use.last_used_at:
                    last[name] = max(use.last_used_at, last.get(name, use.last_used_at))
            ages += [] if age_s is None else [age_s]
    if len(ages) == len(servers):
        found.counted_s = min(ages)
    found.indexes = [
        replace(index, scans=total, last_used_at=last.get(index.name))
        if (total := _scans(index, found.indexes, scans)) or found.counted_s is not None
        else index
        for index in found.indexes
    ]


def _scans(index: Index, every: Sequence[Index], scans: dict[Name, int]) -> int:
    """Return how often `index` was used; a partitioned one by its parts, at any depth."""
    total = scans.get(index.name, 0)
    if index.row.is_partitioned:
        total += sum(_scans(part, every, scans) for part in parts(index, every))
    return total


def by_table(indexes: Iterable[Index]) -> dict[tuple[str, str], list[Index]]:
    """Return `indexes` by their tables: nothing else is held against each other."""
    found: dict[tuple[str, str], list[Index]] = defaultdict(list)
    for index in indexes:
        found[index.table].append(index)
    return found


def parts(index: Index, every: Sequence[Index]) -> list[Index]:
    """Return the indexes of partitions that are parts of `index`, one level down."""
    if not index.row.is_partitioned:
        return []
    return [each for each in every if each.row.parent == index.row.quoted_index]


def _age_s(server: Server, found: Catalogue, which: str) -> int | None:
    for counting in server.fetch(questions.COUNTING):
        if counting.is_counting and counting.age_s is not None:
            return counting.age_s
        why = counting.why_not or "the server does not say since when it counts"
        found.unknown.append(Unknown(about="use", why=why + which, remedy=counting.remedy))
    return None


def _uses(server: Server) -> Iterator[questions.Use]:
    yield from server.fetch(questions.USES)
    try:
        yield from server.fetch(questions.ALSO_USED)
    except Unsupported:
        return


def _measure(server: Server, found: Catalogue) -> None:
    with _allowed(server, found, "size", ""):
        sizes = {
            (s.schema_name, s.table_name, s.index_name): s for s in server.fetch(questions.SIZES)
        }
        found.indexes = [
            replace(
                index,
                size_bytes=size.size_bytes,
                needed_bytes=size.needed_bytes,
                size_remedy=size.remedy,
            )
            if (size := sizes.get(index.name))
            else index
            for index in found.indexes
        ]


@contextmanager
def _allowed(server: Server, found: Catalogue, about: str, which: str) -> Iterator[None]:
    """Note what the role may not read, and go on without it."""
    try:
        yield
    except ServerError as exc:
        if exc.fault is not Fault.DENIED:
            raise
        role = grantee(server)
        found.unknown.append(
            Unknown(
                about=about,
                why=f"the role may not read it{which}: {exc}",
                remedy="As an administrator: "
                + "; ".join(f"GRANT SELECT ON {each} TO {role}" for each in _HELD_IN[about]),
            )
        )


def _indexes(rows: Sequence[IndexRow], columns: Sequence[ColumnRow]) -> list[Index]:
    held: dict[Name, list[ColumnRow]] = defaultdict(list)
    for column in columns:
        held[column.schema_name, column.table_name, column.index_name].append(column)
    primary = {
        (row.schema_name, row.table_name): tuple(
            held[row.schema_name, row.table_name, row.index_name]
        )
        for row in rows
        if row.is_primary and row.method == "innodb btree"
    }
    found = []
    for row in rows:
        every = held[row.schema_name, row.table_name, row.index_name]
        keys = tuple(column for column in every if column.is_key)
        whole = {column.column_name for column in keys if column.prefix_chars is None}
        added = primary.get((row.schema_name, row.table_name), ())
        found.append(
            Index(
                row=row,
                keys=keys,
                carried=tuple(column for column in every if not column.is_key),
                tail=()
                if row.is_primary or row.method != "innodb btree"
                else tuple(column for column in added if column.column_name not in whole),
            )
        )
    return found


def _written(column: ColumnRow) -> str:
    prefix = f"({column.prefix_chars})" if column.prefix_chars else ""
    return f"{column.expression}{prefix}{' DESC' if column.is_descending else ''}"
