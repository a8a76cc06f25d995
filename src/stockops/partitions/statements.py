"""The statements that make partitions; only names that the server gave stand in them."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .questions import Grant, Part

if TYPE_CHECKING:
    from .planning import Missing, Table


def count(part: Part, missing: Sequence["Missing"], *, engine: str) -> str:
    """Return the question how many rows of `part` belong into what is missing."""
    where = _between(part, missing[0].starts_on, missing[-1].ends_on, engine=engine)
    if engine == "mariadb":
        table = _dotted(engine, part.schema_name, part.table_name)
        source = f"{table} PARTITION ({_quoted(engine, part.part_name)})"
    else:
        source = _dotted(engine, part.part_schema, part.part_name)
    return f"SELECT count(*) AS rows_to_move FROM {source} WHERE {where}"  # noqa: S608


def of(table: "Table", *, engine: str, grants: Sequence[Grant]) -> list[str]:
    """
    Return the statements that make what `table` lacks.

    On PostgreSQL all of them are one transaction, on MariaDB it is one statement.
    """
    if engine == "mariadb":
        return [_altered(table)]
    return list(_split(table, grants))


def _altered(table: "Table") -> str:
    name = _dotted("mariadb", table.schema_name, table.table_name)
    kind = table.parts[0].kind
    made = [
        f"PARTITION {_quoted('mariadb', each.name)} VALUES LESS THAN ({_bound(each.ends_on, kind)})"
        for each in table.missing
    ]
    if table.open_part is None:
        return f"ALTER TABLE {name} ADD PARTITION ({', '.join(made)})"
    part = _quoted("mariadb", table.open_part.part_name)
    made.append(f"PARTITION {part} VALUES LESS THAN (MAXVALUE)")
    return f"ALTER TABLE {name} REORGANIZE PARTITION {part} INTO ({', '.join(made)})"


def _bound(on: object, kind: str) -> str:
    return f"TO_DAYS('{on}')" if kind == "to_days" else f"'{on}'"


def _split(table: "Table", grants: Sequence[Grant]) -> Iterator[str]:
    name = _dotted("postgresql", table.schema_name, table.table_name)
    part = table.open_part
    rest = "" if part is None else _dotted("postgresql", part.part_schema, part.part_name)
    if part is not None:
        yield f"ALTER TABLE {name} DETACH PARTITION {rest}"
    for each in table.missing:
        made = _dotted("postgresql", table.last.part_schema, each.name)
        yield f"CREATE TABLE {made} (LIKE {name} INCLUDING ALL)"
        yield f"ALTER TABLE {made} OWNER TO {_quoted('postgresql', table.last.owner_name)}"
        for grant in grants:
            yield f"GRANT {grant.privileges} ON {made} TO {grant.grantee}"
        if part is not None:
            where = _between(part, each.starts_on, each.ends_on, engine="postgresql")
            yield (
                f"WITH moved AS (DELETE FROM {rest} WHERE {where} RETURNING *) "  # noqa: S608
                f"INSERT INTO {made} SELECT * FROM moved"
            )
        bounds = f"FROM ('{each.starts_on}') TO ('{each.ends_on}')"
        yield f"ALTER TABLE {name} ATTACH PARTITION {made} FOR VALUES {bounds}"
    if part is not None:
        bounds = f"FOR VALUES FROM ('{table.missing[-1].ends_on}') TO (MAXVALUE)"
        bounds = "DEFAULT" if part.is_default else bounds
        yield f"ALTER TABLE {name} ATTACH PARTITION {rest} {bounds}"


def _between(part: Part, starts_on: object, ends_on: object, *, engine: str) -> str:
    column = _quoted(engine, part.column_name)
    return f"{column} >= '{starts_on}' AND {column} < '{ends_on}'"


def _dotted(engine: str, schema: str, name: str) -> str:
    return f"{_quoted(engine, schema)}.{_quoted(engine, name)}"


def _quoted(engine: str, name: str) -> str:
    mark = "`" if engine == "mariadb" else '"'
    return mark + name.replace(mark, 2 * mark) + mark
