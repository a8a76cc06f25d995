"""
The rows of a table as one number, computed in the server: the same in whatever order they lie.

A row is hashed to 64 bits, and the table is the sum of its rows, so that a part of it can be added
to another part. That a row of random damage keeps its hash happens once in 2^64; that two tables
differ and their sums do not, as often. It is no proof against somebody who wants it to happen.

PostgreSQL hashes a record by the functions that also place rows in partitions, which is why they
stay the same from one version to the next (2.1 million rows of the journal in 1.3 s, against 2.7 s
for the text of the record). A type whose hash depends on the cluster, or that has none, is hashed
as its text; so is a number, of which 0 and NaN have the same hash. MariaDB takes a CRC-32 and a
CRC-32C of the columns' text (4.2 s; MD5 takes 10 s). A FLOAT is there what it prints, six digits,
as in a dump.

Both are hashed once more: a record's hash is the sum of its columns', and a CRC is linear, so that
sums would not tell who holds 10 shares and who 20 from the other way round.
"""

from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ..engine.base import Server
from ..queries import Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a user's table, or none of one that has no columns."""

    table_name: str
    source: str
    unlogged: bool
    transactional: bool
    column_name: str | None
    quoted: str | None
    type: str | None
    family: str | None
    nullable: bool | None


COLUMNS = Query("backup_columns", Column)

# What the text of a value depends on, beside what every session of ours sets.
_TEXT = {
    "search_path": "pg_catalog",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmlbinary": "base64",
    "lc_monetary": "C",
    "row_security": "off",
}
_HASHED = frozenset(
    {"int2", "int4", "int8", "bool", "date", "timestamp", "timestamptz", "uuid", "bytea"}
)
_LETTERS = frozenset({"text", "varchar", "bpchar"})
_PLAIN = (
    "tinyint smallint mediumint int bigint decimal float double date time datetime timestamp year "
    "uuid inet4 inet6"
)
_SHORT = "char varchar binary varbinary enum set"
_SHAPES = (
    "geometry point linestring polygon multipoint multilinestring multipolygon geometrycollection"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """
    A table as it is read: `source` is what stands after FROM.

    A physical backup brings an `unlogged` one back empty; the rows of one that is not
    `transactional` belong to no snapshot.
    """

    name: str
    source: str
    unlogged: bool
    transactional: bool
    columns: Sequence[Column]

    @property
    def described(self) -> list[str]:
        """Its columns, each as its name and its type."""
        return [f"{each.column_name} {each.type}" for each in self.columns]

    def only(self, wanted: Container[str]) -> "Table":
        """Return the table as if it had the `wanted` columns alone, by name or as `described`."""
        kept = [
            each
            for each, described in zip(self.columns, self.described, strict=True)
            if each.column_name in wanted or described in wanted
        ]
        return replace(self, columns=kept)


@dataclass(frozen=True, slots=True)
class Digest:
    """How many rows, and the sum of their hashes."""

    rows: int
    total: int

    def __add__(self, other: "Digest") -> "Digest":
        return Digest(self.rows + other.rows, self.total + other.total)


@dataclass(frozen=True, slots=True)
class Range:
    """The rows with `above` < `column` <= `up_to`; None is no bound."""

    column: str
    above: int | None = None
    up_to: int | None = None


@dataclass(frozen=True, slots=True)
class Size:
    """How large the rows of a table are, without its indexes; about, on MariaDB."""

    table_name: str
    data_bytes: int


SIZES = Query("backup_sizes", Size)


def sizes(server: Server) -> dict[str, int]:
    """Return the bytes that the rows of every table of `tables` take, by its name."""
    return {each.table_name: each.data_bytes for each in server.fetch(SIZES)}


def tables(server: Server) -> dict[str, Table]:
    """Return every table that holds rows of a user, by name."""
    found: dict[str, list[Column]] = {}
    for column in server.fetch(COLUMNS):
        found.setdefault(column.table_name, []).append(column)
    return {
        name: Table(
            name=name,
            source=columns[0].source,
            unlogged=columns[0].unlogged,
            transactional=columns[0].transactional,
            columns=[each for each in columns if each.column_name is not None],
        )
        for name, columns in found.items()
    }


@contextmanager
def settled_text(server: Server) -> Iterator[None]:
    """Fix what the text of a value depends on, for the block, in the transaction that is open."""
    if server.engine != "postgresql":
        yield
        return
    said = ", ".join(f"set_config('{name}', '{to}', true)" for name, to in _TEXT.items())
    server.execute("SAVEPOINT stockops_text")
    server.rows(f"SELECT {said}")
    yield  # an error undoes the transaction, and this with it
    server.execute("ROLLBACK TO SAVEPOINT stockops_text")


def digest(server: Server, table: Table, rows: Range | None = None) -> Digest:
    """Return the digest of `rows` of `table`; of all of them where that is None."""
    one = _ROW[server.engine](table)
    answer = server.rows(
        f"SELECT count(*) AS n, sum({one}) AS total FROM {table.source} AS t{_where(table, rows)}"  # noqa: S608
    )[0]
    return Digest(int(answer["n"]), int(answer["total"] or 0))


def count(server: Server, table: Table, rows: Range | None = None) -> int:
    """Return how many `rows` of `table` there are; how many in all where that is None."""
    where = _where(table, rows)
    sql = f"SELECT count(*) AS n FROM {table.source} AS t{where}"  # noqa: S608
    return int(server.rows(sql)[0]["n"])


def ends(server: Server, table: Table, column: str) -> tuple[int, int] | None:
    """Return the least and the greatest `column` of `table`; None where it is empty."""
    name = _quoted(table, column)
    row = server.rows(f"SELECT min({name}) AS a, max({name}) AS b FROM {table.source} AS t")[0]  # noqa: S608
    return None if row["a"] is None else (int(row["a"]), int(row["b"]))


def parts(rows: Range, *, least: int, count: int) -> list[Range]:
    """Return `rows`, of which the first has the id `least`, in `count` parts of as many ids."""
    if rows.up_to is None or count < 2:
        return [rows]
    first = least if rows.above is None else max(least, rows.above)
    marks = [first + (rows.up_to - first) * n // count for n in range(1, count)]
    return [
        Range(rows.column, above, up_to)
        for above, up_to in zip([rows.above, *marks], [*marks, rows.up_to], strict=True)
    ]


def _where(table: Table, rows: Range | None) -> str:
    if rows is None:
        return ""
    name = _quoted(table, rows.column)
    bounds = [] if rows.above is None else [f"t.{name} > {rows.above:d}"]
    bounds += [] if rows.up_to is None else [f"t.{name} <= {rows.up_to:d}"]
    return " WHERE " + " AND ".join(bounds) if bounds else ""


def _quoted(table: Table, column: str) -> str:
    return next(str(each.quoted) for each in table.columns if each.column_name == column)


def _record(table: Table) -> str:
    values = []
    for column in table.columns:
        value = f"t.{column.quoted}"
        if column.family in _LETTERS:
            value += ' COLLATE "C"'
        elif column.family not in _HASHED:
            value = f'{value}::text COLLATE "C"'
        values.append(value)
    # Of a row without columns nothing can differ but that it is there.
    return (
        f"hashint8extended(hash_record_extended(ROW({', '.join(values)}), 1), 1)" if values else "0"
    )


def _texts(table: Table) -> str:
    values: list[str] = []
    for column in table.columns:
        name, kind = f"t.{column.quoted}", column.family
        name = f"ST_AsWKB({name})" if kind in _SHAPES.split() else name
        if kind in _PLAIN.split():
            values.append(f"ifnull({name}, 'N')" if column.nullable else name)
        elif kind in _SHORT.split():
            # The length before it: one value cannot run into the next.
            values += [f"ifnull(length({name}), 'N')", f"ifnull({name}, '')"]
        else:
            # Too long for one packet, perhaps, beyond which the server answers with NULL.
            values.append(f"concat_ws(':', length({name}), crc32({name}), crc32c({name}))")
    joined = f"concat_ws('|', {', '.join(values)})"
    return f"(crc32(crc32(@stockops_row := {joined})) + (crc32c(crc32c(@stockops_row)) << 32))"


_ROW = {"postgresql": _record, "mariadb": _texts}
