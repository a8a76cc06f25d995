"""Draw the tables of a database: a Mermaid diagram, and each table's columns in words."""

from collections import defaultdict
from collections.abc import Iterator

from .catalog import Catalog, Column, Table

_HEAD = """\
# The tables

Generated from the catalog of a migrated PostgreSQL database by `make docs`; a test holds it
current. MariaDB has the same tables, columns and keys, save for the foreign keys of
partitioned tables, which it cannot have.
"""


def render(catalog: Catalog) -> str:
    """Return the page: the diagram of keys first, then a section for each table, by name."""
    columns: dict[str, list[Column]] = defaultdict(list)
    for column in catalog.columns:
        columns[column.table_name].append(column)
    primary = {
        (index.table_name, name)
        for index in catalog.indexes
        if index.is_primary
        for name in index.columns.split(",")
    }
    foreign = {
        (key.table_name, name): key.to_table
        for key in catalog.foreign_keys
        for name in key.columns.split(",")
    }
    lines = [_HEAD, "```mermaid", "erDiagram", *_relations(catalog)]
    for table in catalog.tables:
        lines += _entity(table, columns[table.table_name], primary, foreign)
    lines += ["```"]
    for table in catalog.tables:
        lines += _section(table, columns[table.table_name], primary, foreign)
    return "\n".join(lines) + "\n"


def _relations(catalog: Catalog) -> Iterator[str]:
    """One line for each foreign key: how many on the left belong to how many on the right."""
    optional = {(c.table_name, c.column_name) for c in catalog.columns if c.nullable}
    unique = {(i.table_name, i.columns) for i in catalog.indexes if i.is_unique}
    for key in catalog.foreign_keys:
        names = key.columns.split(",")
        left = "|o" if any((key.table_name, name) in optional for name in names) else "||"
        right = "o|" if (key.table_name, key.columns) in unique else "o{"
        yield f'    {key.to_table} {left}--{right} {key.table_name} : "{", ".join(names)}"'


def _entity(
    table: Table,
    columns: list[Column],
    primary: set[tuple[str, str]],
    foreign: dict[tuple[str, str], str],
) -> Iterator[str]:
    """The box of a table; it shows the columns that are part of a key."""
    yield f"    {table.table_name} {{"
    for column in columns:
        place = (column.table_name, column.column_name)
        marks = [*(["PK"] if place in primary else []), *(["FK"] if place in foreign else [])]
        if marks:
            # A comma would end the type.
            family = column.family.replace(",", "-")
            yield f"        {family} {column.column_name} {', '.join(marks)}"
    yield "    }"


def _section(
    table: Table,
    columns: list[Column],
    primary: set[tuple[str, str]],
    foreign: dict[tuple[str, str], str],
) -> Iterator[str]:
    yield from ("", f"## {table.table_name}", "")
    yield f"{table.comment}.{' Partitioned by date.' if table.partitioned else ''}"
    yield from ("", "| column | type | null | key | what it is |", "|---|---|---|---|---|")
    for column in columns:
        place = (column.table_name, column.column_name)
        keys = [
            *(["primary"] if place in primary else []),
            *([f"→ {foreign[place]}"] if place in foreign else []),
        ]
        family = f"{column.family}, generated" if column.generated else column.family
        cells = (
            column.column_name,
            family,
            "yes" if column.nullable else "",
            ", ".join(keys),
            column.comment.replace("|", "\\|"),
        )
        yield f"| {' | '.join(cells)} |"
