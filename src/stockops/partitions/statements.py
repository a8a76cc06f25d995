"""The statements that make partitions; only names that the server gave stand in them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from .questions import Build, Grant, Part

if TYPE_CHECKING:
    from .planning import Missing, Table

_BESIDE = "stockops_split"


def count(part: Part, missing: Sequence["Missing"], *, engine: str) -> str:
    """Return the question how many rows of `part` belong into what is missing."""
    where = _between(part, missing[0].starts_on, missing[-1].ends_on, engine=engine)
    source = _dotted(engine, part.schema_name, part.table_name)
    if engine == "mariadb":
        source = f"{source} PARTITION ({_quoted(engine, part.part_name)})"
    # On PostgreSQL by the table, whose reader has no right to a partition; the others are pruned.
    return f"SELECT count(*) AS rows_to_move FROM {source} WHERE {where}"  # noqa: S608


def of(table: "Table", *, engine: str, grants: Sequence[Grant]) -> list[str]:
    """
    Return the statements that make what `table` lacks.

    On PostgreSQL all of them are one transaction, on MariaDB the last one is all of it.
    """
    if engine == "mariadb":
        others = locking(table.last, engine=engine) if table.open_part else []
        return [*others, _altered(table)]
    return list(_split(table, grants))


def detached_name(part: Part, *, engine: str) -> str:
    """Return the name of the table that a partition becomes: on PostgreSQL it has one already."""
    if engine == "mariadb":
        return f"{part.table_name}_{part.part_name.removeprefix('p_')}"
    return part.part_name


def detach(part: Part, name: str, *, engine: str) -> str:
    """Return the one statement that makes a partition the table `name`."""
    parent = _dotted(engine, part.schema_name, part.table_name)
    if engine == "mariadb":
        quoted = _quoted(engine, part.part_name)
        made = _dotted(engine, part.schema_name, name)
        return f"ALTER TABLE {parent} CONVERT PARTITION {quoted} TO TABLE {made}"
    return f"ALTER TABLE {parent} DETACH PARTITION {_dotted(engine, part.part_schema, name)}"


def drop(part: Part, name: str, *, engine: str) -> str:
    """Return the statement that drops the table a partition became."""
    return f"DROP TABLE {table(part, name, engine=engine)}"


def table(part: Part, name: str, *, engine: str) -> str:
    """Return the table that a partition became, as it stands in a statement."""
    return _dotted(engine, part.schema_name if engine == "mariadb" else part.part_schema, name)


def source(part: Part, *, engine: str) -> str:
    """Return a partition as it stands after FROM."""
    if engine == "mariadb":
        parent = _dotted(engine, part.schema_name, part.table_name)
        return f"{parent} PARTITION ({_quoted(engine, part.part_name)})"
    return _dotted(engine, part.part_schema, part.part_name)


def between(part: Part, starts_on: object | None, ends_on: object, *, engine: str) -> str:
    """Return the rows of a table within bounds as they stand after FROM; None: no lower bound."""
    column = _quoted(engine, part.column_name)
    lower = "" if starts_on is None else f"{column} >= '{starts_on}' AND "
    parent = _dotted(engine, part.schema_name, part.table_name)
    return f"{parent} WHERE {lower}{column} < '{ends_on}'"


def first_date(part: Part, source: str, *, engine: str) -> str:
    """Return the question for the first date in a partition."""
    column = _quoted(engine, part.column_name)
    return f"SELECT CAST(min({column}) AS DATE) AS first_date FROM {source}"  # noqa: S608


def rows(columns: Sequence[str], source: str, *, engine: str) -> str:
    """Return the question for all rows of `source`, each column as text."""
    if engine == "mariadb":
        cells = [f"CAST({_quoted(engine, each)} AS CHAR)" for each in columns]
    else:
        cells = [f"{_quoted(engine, each)}::text" for each in columns]
    return f"SELECT {', '.join(cells)} FROM {source}"  # noqa: S608


def new_part(part: Part, starts_on: object | None, grants: Sequence[Grant]) -> list[str]:
    """Return the statements that make a partition of PostgreSQL again, empty, before the others."""
    made = _dotted("postgresql", part.part_schema, part.part_name)
    parent = _dotted("postgresql", part.schema_name, part.table_name)
    return [
        f"CREATE TABLE {made} PARTITION OF {parent} {_range(starts_on, part.ends_on)}",
        *_owned(made, part, grants),
    ]


def split(part: Part, rest: Part, copied: Sequence[Part]) -> str:
    """
    Return the statement that makes a partition of MariaDB again, out of `rest`, the one after it.

    Where `copied` are all partitions of the table, it is copied: a KILL takes that back, and loses
    rows where they are reorganized.
    """
    upto = f"({_bound(part.ends_on, part.kind)})"
    made = [
        f"PARTITION {_quoted('mariadb', part.part_name)} VALUES LESS THAN {upto}",
        _as_it_is(rest),
    ]
    if copied:
        return _copied(copied, {rest.part_name: made})
    parent = _dotted("mariadb", part.schema_name, part.table_name)
    after = _quoted("mariadb", rest.part_name)
    return f"ALTER TABLE {parent} REORGANIZE PARTITION {after} INTO ({', '.join(made)})"


def locking(part: Part, refers_to: str = "", *, engine: str) -> list[str]:
    """Return the statements that keep all others out while a partition is split."""
    parent = _dotted(engine, part.schema_name, part.table_name)
    if engine == "mariadb":
        return [f"LOCK TABLES {parent} WRITE"]
    old = _dotted(engine, part.part_schema, part.part_name)
    # A foreign key locks its other table when the partition comes back: asked for at once, it is
    # in the way before any row was copied.
    others = [f"LOCK TABLE {refers_to} IN SHARE ROW EXCLUSIVE MODE"]
    return [
        *(others if refers_to else ()),
        f"LOCK TABLE ONLY {parent}, {old} IN ACCESS EXCLUSIVE MODE",
    ]


def divide(
    part: Part, build: Build, pieces: Sequence["Missing"], grants: Sequence[Grant], *, engine: str
) -> list[str]:
    """
    Return the statements that put `pieces` in place of a partition.

    On PostgreSQL all of them are one transaction, on MariaDB it is one statement.
    """
    if engine == "postgresql":
        return list(_divided(part, build, pieces, grants))
    parent = _dotted(engine, part.schema_name, part.table_name)
    old = _quoted(engine, part.part_name)
    made = ", ".join(_less_than(part.kind, pieces))
    return [f"ALTER TABLE {parent} REORGANIZE PARTITION {old} INTO ({made})"]


def repartition(parts: Sequence[Part], finer: Mapping[str, Sequence["Missing"]]) -> str:
    """Return the statement that copies a table of MariaDB into its partitions, some made finer."""
    kind = parts[0].kind
    return _copied(parts, {name: _less_than(kind, pieces) for name, pieces in finer.items()})


def within(part: Part, pieces: Sequence["Missing"], *, engine: str) -> str:
    """Return the rows of `pieces`, which are partitions by now, as they stand after FROM."""
    if engine == "postgresql":
        return between(part, pieces[0].starts_on, pieces[-1].ends_on, engine=engine)
    parent = _dotted(engine, part.schema_name, part.table_name)
    return f"{parent} PARTITION ({', '.join(_quoted(engine, each.name) for each in pieces)})"


def _divided(
    part: Part, build: Build, pieces: Sequence["Missing"], grants: Sequence[Grant]
) -> Iterator[str]:
    """
    Yield what splits a partition of PostgreSQL.

    The rows are copied in one pass, into a table beside that has the finer partitions, but no
    index, trigger or foreign key. Its partitions then become those of the table, which builds each
    index at once: with the indexes there before, a million rows took twice as long. The old one is
    dropped before, so that its indexes leave their names.
    """
    parent = _dotted("postgresql", part.schema_name, part.table_name)
    old = _dotted("postgresql", part.part_schema, f"{_BESIDE}_old")
    beside = _dotted("postgresql", part.part_schema, _BESIDE)
    column = _quoted("postgresql", part.column_name)
    was = _dotted("postgresql", part.part_schema, part.part_name)
    yield f"ALTER TABLE {parent} DETACH PARTITION {was}"
    yield f"ALTER TABLE {was} RENAME TO {_BESIDE}_old"
    yield f"CREATE TABLE {beside} (LIKE {parent} INCLUDING GENERATED) PARTITION BY RANGE ({column})"
    made = [
        (_dotted("postgresql", part.part_schema, each.name), _range(each.starts_on, each.ends_on))
        for each in pieces
    ]
    for each, (name, bounds) in zip(pieces, made, strict=True):
        yield from _beside(part, each, grants, but=" EXCLUDING INDEXES", options=build.options)
        yield f"ALTER TABLE {beside} ATTACH PARTITION {name} {bounds}"
    columns = build.stored_columns
    yield f"INSERT INTO {beside} ({columns}) SELECT {columns} FROM {old}"  # noqa: S608
    yield f"DROP TABLE {old}"
    for name, bounds in made:
        yield f"ALTER TABLE {beside} DETACH PARTITION {name}"
        yield f"ALTER TABLE {parent} ATTACH PARTITION {name} {bounds}"
    yield f"DROP TABLE {beside}"


def _beside(
    part: Part, new: "Missing", grants: Sequence[Grant], *, but: str = "", options: str = ""
) -> Iterator[str]:
    """Yield what makes the table on PostgreSQL that becomes the partition `new`, beside `part`."""
    parent = _dotted("postgresql", part.schema_name, part.table_name)
    made = _dotted("postgresql", part.part_schema, new.name)
    # From PostgreSQL 17 on the identity column of a partition is that of its table.
    yield f"CREATE TABLE {made} (LIKE {parent} INCLUDING ALL EXCLUDING IDENTITY{but}){options}"
    yield from _owned(made, part, grants)


def _owned(made: str, part: Part, grants: Sequence[Grant]) -> Iterator[str]:
    yield f"ALTER TABLE {made} OWNER TO {_quoted('postgresql', part.owner_name)}"
    for each in grants:
        yield f"GRANT {each.privileges} ON {made} TO {each.grantee}"


def _range(starts_on: object | None, ends_on: object) -> str:
    lower = "MINVALUE" if starts_on is None else f"'{starts_on}'"
    return f"FOR VALUES FROM ({lower}) TO ('{ends_on}')"


def _altered(table: "Table") -> str:
    name = _dotted("mariadb", table.schema_name, table.table_name)
    made = _less_than(table.parts[0].kind, table.missing)
    rest = table.open_part
    if rest is None:
        return f"ALTER TABLE {name} ADD PARTITION ({', '.join(made)})"
    made.append(_as_it_is(rest))
    if table.copied:
        return _copied(table.parts, {rest.part_name: made})
    part = _quoted("mariadb", rest.part_name)
    return f"ALTER TABLE {name} REORGANIZE PARTITION {part} INTO ({', '.join(made)})"


def _copied(parts: Sequence[Part], instead: Mapping[str, Sequence[str]]) -> str:
    """Return what copies a table of MariaDB, with others `instead` of some of its partitions."""
    first = parts[0]
    column = _quoted("mariadb", first.column_name)
    by = f"RANGE (TO_DAYS({column}))" if first.kind == "to_days" else f"RANGE COLUMNS ({column})"
    made = [written for each in parts for written in instead.get(each.part_name, [_as_it_is(each)])]
    parent = _dotted("mariadb", first.schema_name, first.table_name)
    return f"ALTER TABLE {parent} PARTITION BY {by} ({', '.join(made)})"


def _as_it_is(part: Part) -> str:
    return f"PARTITION {_quoted('mariadb', part.part_name)} VALUES LESS THAN {_upto(part)}"


def _less_than(kind: str, missing: Sequence["Missing"]) -> list[str]:
    return [
        f"PARTITION {_quoted('mariadb', each.name)} VALUES LESS THAN ({_bound(each.ends_on, kind)})"
        for each in missing
    ]


def _upto(part: Part) -> str:
    return "(MAXVALUE)" if part.ends_on is None else f"({_bound(part.ends_on, part.kind)})"


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
        yield from _beside(table.last, each, grants)
        if part is not None:
            where = _between(part, each.starts_on, each.ends_on, engine="postgresql")
            columns = table.stored_columns
            yield (
                f"WITH moved AS (DELETE FROM {rest} WHERE {where} RETURNING {columns}) "  # noqa: S608
                f"INSERT INTO {made} ({columns}) SELECT {columns} FROM moved"
            )
        yield f"ALTER TABLE {name} ATTACH PARTITION {made} {_range(each.starts_on, each.ends_on)}"
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
