"""
What a CREATE INDEX names, held against what a server has: before hours go into a copy.

It is a look, and no proof: what cannot be understood here is left to the server that builds it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import sqlglot
from sqlglot import errors, exp

from ..engine.base import Server
from ..errors import ConfigError
from ..indexes.parsing import quiet
from ..indexes.questions import LIST
from ..indexes.scopes import DIALECTS
from ..queries import Query


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of the table that was asked for."""

    schema_name: str
    table_name: str
    column_name: str


COLUMNS = Query("experiments/columns_of", TableColumn)


def check(server: Server, statements: Sequence[str]) -> None:
    """
    Raise `ConfigError` where one of the CREATE INDEX `statements` names what is not there.

    That is a table, a column that is not within an expression, or a name that is taken.
    """
    for statement in statements:
        index = _parsed(statement, server.engine)
        if index is not None:
            _check(server, index)


def _parsed(statement: str, engine: str) -> exp.Index | None:
    """Return what `statement` creates; None where that is not understood."""
    try:
        with quiet():
            found = sqlglot.parse_one(statement, dialect=DIALECTS[engine])
    except (errors.SqlglotError, RecursionError):
        return None
    index = found.this if isinstance(found, exp.Create) else None
    is_whole = isinstance(index, exp.Index) and isinstance(index.args.get("table"), exp.Table)
    return index if is_whole else None


def _check(server: Server, index: exp.Index) -> None:
    table = index.args["table"]
    schema = _folded(table.args.get("db"), server.engine)
    name = _folded(table.this, server.engine)
    columns = server.fetch(COLUMNS, schema_name=schema, table_name=name)
    if not columns:
        raise ConfigError(
            f"there is no table {table.sql()} for the index",
            hint="Name one of the database that is copied; -t NAME or URL says which that is.",
        )
    there = {_low(each.column_name, server.engine): each.column_name for each in columns}
    for column in _columns(index, server.engine):
        wanted = _folded(column, server.engine) or ""
        if _low(wanted, server.engine) not in there:
            near = get_close_matches(wanted, there.values(), 1)
            raise ConfigError(
                f"the table {name!r} has no column {wanted!r} for the index",
                hint=f"Did you mean {near[0]}?" if near else f"It has {', '.join(there.values())}.",
            )
    _check_free(server, _folded(index.this, server.engine), columns[0])


def _check_free(server: Server, name: str | None, table: TableColumn) -> None:
    """Raise where an index `name` is there: in the schema, or on MariaDB of the table."""
    for each in server.fetch(LIST) if name else ():
        is_beside = each.schema_name == table.schema_name and (
            server.engine == "postgresql" or each.table_name == table.table_name
        )
        if is_beside and _low(each.index_name, server.engine) == _low(name or "", server.engine):
            raise ConfigError(
                f"there is an index {name!r} of {each.table_name!r} already",
                hint="Give the one to compare another name; what it does may be there already: "
                "stockops index audit",
            )


def _columns(index: exp.Index, engine: str) -> Iterator[exp.Expr]:
    """Yield the names of columns that stand by themselves among its keys and what it carries."""
    parameters = index.args.get("params")
    if not isinstance(parameters, exp.IndexParameters):
        return
    for key in (parameters.args.get("columns") or [], parameters.args.get("include") or []):
        for each in key:
            said = each
            while isinstance(said, exp.Ordered | exp.Opclass):
                said = said.this
            if isinstance(said, exp.Column) and not said.table:
                said = said.this
            if isinstance(said, exp.Identifier):
                yield said
            elif engine == "mariadb" and isinstance(said, exp.Anonymous):
                yield exp.to_identifier(said.name)  # with how much of a text: said(10)


def _folded(name: object, engine: str) -> str | None:
    """Return what the server compares `name` as; None where there is none."""
    if not isinstance(name, exp.Identifier):
        return None
    folds = engine == "postgresql" and not name.args.get("quoted")
    return name.name.lower() if folds else name.name


def _low(name: str, engine: str) -> str:
    return name.lower() if engine == "mariadb" else name
