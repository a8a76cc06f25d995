"""The statements around an index: how it goes in stages, and what makes it again."""

from collections.abc import Sequence

from ..engine.base import Server
from ..errors import Fault, ServerError
from .catalogue import ForeignKey, Index, parts

_KINDS = ("", "UNIQUE ", "FULLTEXT ", "SPATIAL ", "VECTOR ")


def dropping(index: Index, *, others: Sequence[Index], engine: str, days: int) -> tuple[str, ...]:
    """
    Return the stages in which `index` goes: out of use, watched for `days`, then away.

    `others` are those of its table.
    """
    if engine == "mariadb":
        table, name = index.row.quoted_table, index.row.quoted_index
        if _may_stand_for_primary(index, others):
            return (
                "-- the table has no primary key, and the first unique one without NULLs stands in "
                "for it: that one cannot be IGNORED",
                gone(index, engine=engine),
            )
        return (
            f"ALTER TABLE {table} ALTER INDEX {name} IGNORED",
            f"-- watch the slow queries for {days} days; it is back at once with: "
            f"ALTER TABLE {table} ALTER INDEX {name} NOT IGNORED",
            gone(index, engine=engine),
        )
    named = index.row.quoted_index.replace("'", "''")
    off = f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{named}'::regclass"  # noqa: S608
    return (
        f"-- in a lab that holds a copy: {off}",
        "-- run the load there, and compare plans and times; then, on the target:",
        "SET lock_timeout = '2s'",
        gone(index, engine=engine),
    )


def _may_stand_for_primary(index: Index, others: Sequence[Index]) -> bool:
    has_primary = any(other.row.is_primary for other in others)
    plain = all(not key.is_nullable and key.prefix_chars is None for key in index.keys)
    return index.row.is_unique and plain and not has_primary


def gone(index: Index, *, engine: str) -> str:
    """Return the statement that drops `index`."""
    row = index.row
    if engine == "mariadb":
        return f"ALTER TABLE {row.quoted_table} DROP INDEX {row.quoted_index}"
    if row.constraint_name is not None:
        name = row.constraint_name.replace('"', '""')
        return f'ALTER TABLE {row.quoted_table} DROP CONSTRAINT "{name}"'
    return f"DROP INDEX {'' if row.is_partitioned else 'CONCURRENTLY '}{row.quoted_index}"


def mending(index: Index, every: Sequence[Index], *, engine: str) -> tuple[str, ...]:
    """Return what to do about an index that no query may read."""
    row = index.row
    if engine == "mariadb":
        return (
            gone(index, engine=engine),
            "-- or, where queries should read it again: "
            f"ALTER TABLE {row.quoted_table} ALTER INDEX {row.quoted_index} NOT IGNORED",
        )
    if row.is_partitioned:
        there = ", ".join(part.row.quoted_table for part in parts(index, every)) or "none"
        return (
            f"-- it is on {there}; on each other partition CREATE INDEX CONCURRENTLY, then:",
            f"-- ALTER INDEX {row.quoted_index} ATTACH PARTITION that index",
        )
    if row.is_primary or row.constraint_name is not None or row.parent:
        return (f"REINDEX INDEX CONCURRENTLY {row.quoted_index}",)
    return (
        gone(index, engine=engine),
        f"-- or, where it is wanted: REINDEX INDEX CONCURRENTLY {row.quoted_index}",
    )


def rebuilding(index: Index, *, engine: str) -> tuple[str, ...]:
    """Return what gives the empty room of `index` back while others read and write."""
    if engine == "mariadb":
        return (f"ALTER TABLE {index.row.quoted_table} FORCE, ALGORITHM = INPLACE, LOCK = NONE",)
    return (f"REINDEX INDEX CONCURRENTLY {index.row.quoted_index}",)


def indexing(key: ForeignKey, *, engine: str, is_partitioned: bool) -> tuple[str, ...]:
    """Return what makes the index that `key` lacks on its own side."""
    table, columns = key.row.quoted_table, key.row.quoted_columns
    if engine == "mariadb":
        return (f"ALTER TABLE {table} ADD INDEX ({columns}), ALGORITHM = INPLACE, LOCK = NONE",)
    return (f"CREATE INDEX {'' if is_partitioned else 'CONCURRENTLY '}ON {table} ({columns})",)


def restoring(index: Index, every: Sequence[Index], *, server: Server) -> tuple[str, ...]:
    """
    Return the statements that make `index` again exactly as it is, its parts included.

    Outside a transaction: what can be built beside readers and writers is built so.
    """
    if index.row.definition is None:
        return (_mariadb(index, server),)
    definition = index.row.definition
    if not index.row.is_partitioned:
        definition = (
            definition.replace(" INDEX ", " INDEX CONCURRENTLY ", 1)
            if definition.startswith("CREATE ")
            else definition
        )
    made = [each for each in (index.row.first_sql, definition) if each]
    for part in parts(index, every):
        made += restoring(part, every, server=server)
        made.append(
            f"ALTER INDEX {index.row.quoted_index} ATTACH PARTITION {part.row.quoted_index}"
        )
    return (*made, *(each for each in index.row.then_sql.split(";\n") if each))


def _mariadb(index: Index, server: Server) -> str:
    """Return the ALTER TABLE that holds the line of `index` as SHOW CREATE TABLE writes it."""
    table, name = index.row.quoted_table, index.row.quoted_index
    try:
        text = str(server.rows(f"SHOW CREATE TABLE {table}")[0]["Create Table"])
    except ServerError as exc:
        if exc.fault is not Fault.DENIED:
            raise
        return (
            f"-- it is not known, since the role may not SELECT from {table}: see SHOW CREATE TABLE"
        )
    starts = tuple(f"  {kind}KEY {name} (" for kind in _KINDS)
    if index.row.is_primary:
        starts = ("  PRIMARY KEY (",)
    for line in text.split("\n"):
        if line.startswith(starts):
            return f"ALTER TABLE {table} ADD {line.strip().removesuffix(',')}"
    return f"-- {name} was dropped meanwhile"
