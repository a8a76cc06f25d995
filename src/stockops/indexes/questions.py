"""What an audit of indexes asks of a server."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ..queries import Query

State = Literal["valid", "invalid", "half built", "half dropped", "ignored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRow:
    """
    An index, without its columns.

    `first_sql`, `definition` and `then_sql` are the statements that make it again; `definition`
    is None where the server gives it in another way. `parent` is the partitioned index that it is
    a part of. `is_referenced`: a foreign key hangs on it.
    """

    schema_name: str
    table_name: str
    index_name: str
    quoted_table: str
    quoted_index: str
    method: str
    options: str
    predicate: str | None
    is_unique: bool
    is_primary: bool
    is_exclusion: bool
    nulls_not_distinct: bool
    is_immediate: bool
    constraint_name: str | None
    state: State
    is_being_built: bool
    is_partitioned: bool
    parent: str | None
    is_replica_identity: bool
    is_clustered: bool
    is_referenced: bool
    first_sql: str | None
    definition: str | None
    then_sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRow:
    """
    One column of an index: a key, or what the index only carries along.

    `column_name` is None for an expression. `is_own_collation`: the index sorts as the column
    does. `prefix_chars`: it holds the beginning of the value alone. `is_counter`: the column is
    AUTO_INCREMENT, and must have an index.
    """

    schema_name: str
    table_name: str
    index_name: str
    place: int
    is_key: bool
    column_name: str | None
    expression: str
    is_descending: bool
    is_nulls_first: bool
    operators: str
    collation_name: str
    is_own_collation: bool
    prefix_chars: int | None
    is_nullable: bool
    is_counter: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKeyRow:
    """A foreign key; `columns` and `to_columns` are JSON arrays in the order of the key."""

    schema_name: str
    table_name: str
    quoted_table: str
    constraint_name: str
    columns: str
    quoted_columns: str
    to_schema: str
    to_table: str
    to_columns: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """Whether a server counts the use of indexes; `age_s` is None where nobody knows since when."""

    is_counting: bool
    age_s: int | None
    why_not: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How often an index was used, and when last where the server knows."""

    schema_name: str
    table_name: str
    index_name: str
    scans: int
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The size of an index, and how many bytes its rows need; None where nobody can tell."""

    schema_name: str
    table_name: str
    index_name: str
    size_bytes: int
    needed_bytes: int | None
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """
    A column of a table, for whoever thinks of a new index.

    `is_sortable`: an index can have it as a key. `finds_beginnings`: one that sorts as the column
    does serves LIKE 'x%'. `bytes_mean`, `values_distinct` and `table_rows` are estimates of the
    last ANALYZE, None without one. `is_generated`: no statement gives it a value.
    """

    schema_name: str
    table_name: str
    column_name: str
    quoted_table: str
    quoted_column: str
    kind: Literal["number", "text", "time", "truth", "other"]
    is_nullable: bool
    is_sortable: bool
    finds_beginnings: bool
    chars_max: int | None
    bytes_mean: int | None
    values_distinct: int | None
    table_rows: int | None
    is_partitioned: bool
    is_generated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """An index that a rebuild left behind; nobody reads it, and writers may still maintain it."""

    schema_name: str
    table_name: str
    index_name: str
    quoted_index: str
    size_bytes: int
    is_being_built: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a build is in its phase; None where the phase has no length."""

    phase: str
    percent: int | None


LIST = Query("indexes/list", IndexRow)
COLUMNS = Query("indexes/columns", ColumnRow)
FOREIGN_KEYS = Query("indexes/foreign_keys", ForeignKeyRow)
COUNTING = Query("indexes/counting", Counting)
USES = Query("indexes/uses", Use)
ALSO_USED = Query("indexes/also_used", Use)
SIZES = Query("indexes/sizes", Size)
LEFTOVERS = Query("indexes/leftovers", Leftover)
PROGRESS = Query("indexes/progress", Progress)
TABLE_COLUMNS = Query("indexes/table_columns", TableColumn)
