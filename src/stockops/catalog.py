"""What tables there are, in words that mean the same on every engine."""

from dataclasses import dataclass

from .engine.base import Server
from .queries import Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table. Its partitions are part of it."""

    table_name: str
    partitioned: bool
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column; `family` is what its type is on every engine: ``bigint``, ``varchar(8)``, …"""

    table_name: str
    column_name: str
    family: str
    nullable: bool
    generated: bool
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """A foreign key; columns are joined with commas, in the order of the key."""

    table_name: str
    columns: str
    to_table: str
    to_columns: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index, a key's one included; columns are joined with commas, in order."""

    table_name: str
    columns: str
    is_unique: bool
    is_primary: bool


TABLES = Query("catalog_tables", Table)
COLUMNS = Query("catalog_columns", Column)
FOREIGN_KEYS = Query("catalog_foreign_keys", ForeignKey)
INDEXES = Query("catalog_indexes", Index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """All of it, as it was when it was read."""

    tables: list[Table]
    columns: list[Column]
    foreign_keys: list[ForeignKey]
    indexes: list[Index]


def read(server: Server) -> Catalog:
    """Return the catalog of the database that `server` is connected to."""
    return Catalog(
        tables=server.fetch(TABLES),
        columns=server.fetch(COLUMNS),
        foreign_keys=server.fetch(FOREIGN_KEYS),
        indexes=server.fetch(INDEXES),
    )
