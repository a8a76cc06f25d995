"""The tables that an index could be made for, and what is known of their columns."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..engine.base import Server
from . import questions
from .questions import TableColumn

TableName = tuple[str, str]  # schema, table
_PREFIXES = (8, 16, 32, 64, 128)  # in characters
_ROWS = 20_000  # what a column is judged by
_PREFIX_GOOD = 0.95  # of the different values of the whole column


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column; `prefix_chars` is how many characters of a long text tell its values apart."""

    row: TableColumn
    prefix_chars: int | None = None

    @property
    def name(self) -> str:
        """Its name, unquoted."""
        return self.row.column_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A base table; `rows` is None where it was never analysed."""

    name: TableName
    quoted: str
    rows: int | None
    is_partitioned: bool
    columns: Mapping[str, Column]


def read(server: Server) -> dict[TableName, Table]:
    """Return the tables of the database that `server` is in."""
    found: dict[TableName, list[TableColumn]] = {}
    for row in server.fetch(questions.TABLE_COLUMNS):
        found.setdefault((row.schema_name, row.table_name), []).append(row)
    return {
        name: Table(
            name=name,
            quoted=rows[0].quoted_table,
            rows=rows[0].table_rows,
            is_partitioned=rows[0].is_partitioned,
            columns={row.column_name: Column(row=row) for row in rows},
        )
        for name, rows in found.items()
    }


def looked_at(
    server: Server, tables: Mapping[TableName, Table], wanted: Iterable[tuple[TableName, str]]
) -> dict[TableName, Table]:
    """
    Return `tables`, with what the first 20,000 rows say of the `wanted` columns.

    That is the number of different values, where no statistics have it; and the prefix that an
    index should hold of a text: the shortest that tells 95 % as many values apart as the whole one
    does; none where the whole text is short, or no prefix will do.
    """
    judged = dict(tables)
    for name, column in sorted(set(wanted)):
        table = judged[name]
        found = _looked_at(server, table, table.columns[column])
        judged[name] = replace(table, columns={**table.columns, column: found})
    return judged


def _looked_at(server: Server, table: Table, column: Column) -> Column:
    row = column.row
    is_long = row.kind == "text" and (row.chars_max is None or row.chars_max > 2 * _PREFIXES[0])
    if row.values_distinct is not None and not is_long:
        return column
    lengths = [each for each in _PREFIXES if row.chars_max is None or each < row.chars_max]
    counts = [f"count(DISTINCT {row.quoted_column}) AS of_all"]
    if is_long:
        counts += [
            f"count(DISTINCT left({row.quoted_column}, {each})) AS of_{each}" for each in lengths
        ]
    told = server.rows(
        f"SELECT {', '.join(counts)} "  # noqa: S608  the names are quoted
        f"FROM (SELECT {row.quoted_column} FROM {table.quoted} LIMIT {_ROWS}) AS t"
    )[0]
    if row.values_distinct is None:
        row = replace(row, values_distinct=told["of_all"])
    good = (each for each in lengths if told[f"of_{each}"] >= _PREFIX_GOOD * told["of_all"])
    chars = next(good, None) if is_long and told["of_all"] else None
    return Column(row=row, prefix_chars=chars)
