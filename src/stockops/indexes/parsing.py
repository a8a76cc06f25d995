"""
Statements, understood: what each asks of the base tables, and what it reads.

They are parsed by sqlglot, names are resolved by the catalogue, and subqueries that a planner would
merge are merged. What cannot be understood raises `NotUnderstood`, which says why: whoever adds up
a workload must know what is missing from the sum.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import sqlglot
from sqlglot import errors, exp
from sqlglot.optimizer.merge_subqueries import merge_subqueries
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import traverse_scope

from .asks import Ask, NotUnderstood, Understood
from .scopes import Names, asks_of
from .tables import Table, TableName


def understand(sql: str, *, engine: str, tables: Mapping[TableName, Table]) -> Understood:
    """Return what `sql` asks of `tables`, or raise `NotUnderstood`."""
    names = Names(engine, tables)
    try:
        with quiet():
            parsed = sqlglot.parse(sql, dialect=names.dialect)
    except (errors.SqlglotError, RecursionError) as exc:
        raise NotUnderstood(f"it cannot be parsed: {_first_line(exc)}") from exc
    statements = [each for each in parsed if each is not None]
    if len(statements) != 1:
        raise NotUnderstood(f"it is {len(statements)} statements in one")
    statement = statements[0]
    if isinstance(statement, exp.Query):
        return _select(statement, sql, names)
    if isinstance(statement, exp.Insert):
        return _insert(statement, names)
    if isinstance(statement, exp.Update | exp.Delete):
        return _change(statement, names)
    if isinstance(statement, exp.Command):
        raise NotUnderstood(f"it is {str(statement.this).upper()}")
    raise NotUnderstood("it is no SELECT, INSERT, UPDATE or DELETE")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the parser from writing a line on what it cannot parse: that is said elsewhere."""
    logger = logging.getLogger("sqlglot")
    was, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = was


def _first_line(exc: Exception) -> str:
    return str(exc).strip().partition("\n")[0].rstrip(".")


def _select(statement: exp.Query, sql: str, names: Names) -> Understood:
    if statement.find(exp.DML):
        raise NotUnderstood("it writes within a WITH")
    routine = statement.find(exp.Anonymous)
    if routine is not None and statement.find(exp.Table) is None:
        raise NotUnderstood(f"it calls {routine.name}(), and what a routine does is not seen")
    reading = sql
    if statement.find(exp.Lock):
        bare = statement.copy()
        for select in bare.find_all(exp.Select):
            select.set("locks", None)
        reading = str(bare.sql(dialect=names.dialect))
    return Understood(asks=_asks(statement, names), reading=reading, verb="SELECT")


def _insert(statement: exp.Insert, names: Names) -> Understood:
    into = statement.find(exp.Table)
    if into is None:
        raise NotUnderstood("it inserts into no table")
    source = statement.expression
    reads = isinstance(source, exp.Query) and source.find(exp.Table) is not None
    rows = len(source.expressions) if isinstance(source, exp.Values) else 1
    return Understood(
        asks=_asks(source, names) if reads else (),
        reading=str(source.sql(dialect=names.dialect)) if reads else None,
        verb="INSERT",
        writes=names.real(into),
        rows=rows,
    )


def _change(statement: exp.Update | exp.Delete, names: Names) -> Understood:
    target = statement.this
    if not isinstance(target, exp.Table) or statement.args.get("tables"):
        raise NotUnderstood("it changes several tables at once")
    real = names.real(target)
    select = _reading_of(statement, target)
    given = [each.this for each in statement.expressions if isinstance(each, exp.EQ)]
    columns = names.columns_of(real)
    sets = [columns[name] for name in map(names.written, given) if name in columns]
    return Understood(
        asks=_asks(select, names),
        reading=str(select.sql(dialect=names.dialect)),
        verb=statement.key.upper(),
        writes=real,
        sets=tuple(sorted(sets)),
    )


def _reading_of(statement: exp.Update | exp.Delete, target: exp.Table) -> exp.Select:
    """Return the SELECT that finds the rows which `statement` changes."""
    bare = target.copy()
    bare.set("joins", None)
    select = exp.select("1").from_(bare)
    for join in [*(target.args.get("joins") or []), *(statement.args.get("joins") or [])]:
        select.append("joins", join.copy())
    for key in ("from_", "using"):
        given = statement.args.get(key)
        for other in given if isinstance(given, list) else [given.this] if given else []:
            select = select.join(other.copy(), join_type="cross")
    if where := statement.args.get("where"):
        select = select.where(where.this.copy())
    for part in ("order", "limit", "with_"):
        if given := statement.args.get(part):
            select.set(part, given.copy())
    return select


def _asks(query: exp.Expr, names: Names) -> tuple[Ask, ...]:
    whole = _with_schemas(query.copy(), names)
    try:
        whole = qualify(
            whole,
            dialect=names.dialect,
            schema=names.schema(),
            quote_identifiers=False,
            identify=False,
        )
        whole = merge_subqueries(whole)
        scopes = traverse_scope(whole)
    except (errors.SqlglotError, RecursionError, ValueError) as exc:
        raise NotUnderstood(f"its names cannot be resolved: {_first_line(exc)}") from exc
    return tuple(ask for scope in scopes for ask in asks_of(scope, names))


def _with_schemas(query: exp.Expr, names: Names) -> exp.Expr:
    """Give each table its schema; raise where one is no base table."""
    here = {each.alias.lower() for each in query.find_all(exp.CTE)}
    for table in list(query.find_all(exp.Table)):
        if not isinstance(table.this, exp.Identifier):
            raise NotUnderstood("it reads what a function returns")
        if table.db or table.name.lower() not in here:
            table.set("db", exp.to_identifier(names.low(names.real(table)[0])))
    return query
