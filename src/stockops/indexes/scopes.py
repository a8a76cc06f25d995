"""What one SELECT, whose names are resolved, asks of the base tables that it reads."""

from collections.abc import Iterator, Mapping

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from .asks import Ask, Fixed, NotUnderstood, Sort
from .tables import Table, TableName

DIALECTS = {
    "postgresql": "postgres",
    "mariadb": "mysql, normalization_strategy = case_insensitive",
}
# What may differ from one execution to the next: no index can have it in its WHERE.
_UNSURE = (exp.Parameter, exp.Placeholder, exp.Anonymous, exp.Func, exp.Cast, exp.Query)
Place = tuple[str, str]  # the alias of a table in the SELECT, and a column's name


class Names:
    """The names of the tables and columns of a database, as its statements may write them."""

    def __init__(self, engine: str, tables: Mapping[TableName, Table]) -> None:
        self.engine = engine
        self.dialect = DIALECTS[engine]
        self._real = {(self.low(schema), self.low(name)): (schema, name) for schema, name in tables}
        self._columns = {
            name: {self.low(column): column for column in table.columns}
            for name, table in tables.items()
        }

    def low(self, name: str) -> str:
        """Return `name` as it is compared: MariaDB does not tell A from a in columns."""
        return name.lower() if self.engine == "mariadb" else name

    def written(self, name: exp.Expr) -> str:
        """Return what the column `name` of a statement is compared as."""
        quoted = name.this.args.get("quoted") if isinstance(name.this, exp.Identifier) else False
        return self.low(name.name) if quoted else name.name.lower()

    def schema(self) -> dict[str, object]:
        """Return all tables with their columns, in the shape that sqlglot wants."""
        found: dict[str, dict[str, dict[str, str]]] = {}
        for (schema, table), real in self._real.items():
            found.setdefault(schema, {})[table] = dict.fromkeys(self._columns[real], "unknown")
        return dict(found)

    def columns_of(self, table: TableName) -> Mapping[str, str]:
        """Return the real names of the columns of `table` by their compared ones."""
        return self._columns[table]

    def at(self, source: exp.Table) -> TableName | None:
        """Return the base table that a resolved `source` is."""
        return self._real.get((source.db, source.name))

    def real(self, table: exp.Table) -> TableName:
        """Return the base table that `table` names, in public before other schemas."""
        folded = self.engine == "mariadb" or not table.this.args.get("quoted")
        name = table.name.lower() if folded else table.name
        keys = [key for key in self._real if key[1] == name and table.db in {"", key[0]}]
        if not keys:
            raise NotUnderstood(f"{table.name!r} is no table of this database: a view, perhaps")
        return self._real[min(keys, key=lambda key: (key[0] != "public", key))]


def asks_of(scope: Scope, names: Names) -> list[Ask]:
    """Return what the SELECT of `scope` asks of each base table that it names itself."""
    return _Reader(scope, names).asks()


class _Reader:
    """Takes apart one SELECT; `found` are the asks by the tables' aliases."""

    def __init__(self, scope: Scope, names: Names) -> None:
        self.scope = scope
        self.names = names
        self.found: dict[str, Ask] = {}
        for alias, source in scope.sources.items():
            if isinstance(source, exp.Table) and (real := names.at(source)):
                self.found[alias] = Ask(table=real)

    def asks(self) -> list[Ask]:
        select = self.scope.expression
        if not isinstance(select, exp.Select) or not self.found:
            return []
        for condition in _conditions(select):
            self._condition(condition)
        self._order(select)
        if group := select.args.get("group"):
            self._group(group.expressions)
        if select.args.get("distinct"):
            self._group(select.selects)
        for extreme in select.find_all(exp.Min, exp.Max):
            if place := self._place(extreme.this):
                _add(self.found[place[0]].extremes, place[1])
        for column in self.scope.columns:
            if place := self._place(column):
                _add(self.found[place[0]].needed, place[1])
        return list(self.found.values())

    def _condition(self, condition: exp.Expr) -> None:
        match condition:
            case exp.Or():
                self._either(condition)
            case exp.EQ() | exp.NullSafeEQ():
                self._equal(condition.this, condition.expression, condition)
                self._equal(condition.expression, condition.this, condition)
            case exp.GT() | exp.GTE() | exp.LT() | exp.LTE():
                self._range(condition.this, condition.expression)
                self._range(condition.expression, condition.this)
            case exp.Between():
                self._range(condition.this, condition.args["low"])
            case exp.In():
                self._one_of(condition)
            case exp.Is() if isinstance(condition.expression, exp.Null):
                self._known(condition.this, condition, [])
            case exp.Not():
                self._negated(condition)
            case exp.Like():
                self._like(condition)
            case exp.Column():
                self._known(condition, condition, [])

    def _equal(self, side: exp.Expr, other: exp.Expr, whole: exp.Expr) -> None:
        if isinstance(other, exp.Any):
            other = other.this
        if self._is_constant(other):
            self._known(side, whole, [other])
        elif (place := self._place(side)) and place[0] not in _tables_of(other):
            _add(self.found[place[0]].joined, place[1])

    def _range(self, side: exp.Expr, other: exp.Expr) -> None:
        if (place := self._place(side)) and self._is_constant(other):
            _add(self.found[place[0]].ranged, place[1])

    def _one_of(self, condition: exp.In) -> None:
        if not condition.args.get("query"):
            self._known(condition.this, condition, condition.expressions)
        elif place := self._place(condition.this):
            _add(self.found[place[0]].joined, place[1])

    def _like(self, condition: exp.Like) -> None:
        pattern = condition.expression
        place = self._place(condition.this)
        if place is None or not self._is_constant(pattern):
            return
        if isinstance(pattern, exp.Literal) and str(pattern.this)[:1] in {"", "%", "_"}:
            return  # no index is sorted by what may begin with anything
        _add(self.found[place[0]].ranged, place[1])
        _add(self.found[place[0]].beginnings, place[1])

    def _negated(self, condition: exp.Not) -> None:
        inner = condition.this.unnest()
        if isinstance(inner, exp.Column):
            self._known(inner, condition, [])
        elif isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null):
            self._fix(inner.this, condition, is_equal=False)

    def _either(self, condition: exp.Or) -> None:
        """Note each side of an OR by itself: the planner may add up what several indexes find."""
        for side in condition.flatten():
            part = side.unnest()
            if isinstance(part, exp.EQ | exp.In) and (place := self._place(part.this)):
                _add(self.found[place[0]].ranged, place[1])

    def _known(self, side: exp.Expr, whole: exp.Expr, values: list[exp.Expr]) -> None:
        """Note that `side` equals what is known before the table is read."""
        place = self._place(side)
        if place and all(map(self._is_constant, values)):
            _add(self.found[place[0]].equal, place[1])
            self._fix(side, whole, is_equal=len(values) <= 1)

    def _fix(self, side: exp.Expr, whole: exp.Expr, *, is_equal: bool) -> None:
        """Note a comparison with literals alone: only that can be the WHERE of an index."""
        place = self._place(side)
        if place is None or whole.find(*_UNSURE) or len(set(whole.find_all(exp.Column))) != 1:
            return
        bare = exp.column(place[1]) if isinstance(whole, exp.Column) else whole.copy()
        for column in bare.find_all(exp.Column):
            column.set("table", None)
            column.set("db", None)
        sql = str(bare.sql(dialect=self.names.dialect))
        self.found[place[0]].fixed.append(Fixed(place[1], sql, is_equal))

    def _order(self, select: exp.Select) -> None:
        """Note an ORDER BY that plain columns of one table make up."""
        order = select.args.get("order")
        aliases = {each.alias: each.unalias() for each in select.selects if each.alias}
        found: list[tuple[str, Sort]] = []
        for each in order.expressions if order else []:
            column = each.this
            if isinstance(column, exp.Column) and not column.table:
                column = aliases.get(column.name, column)
            place = self._place(column)
            if place is None:
                return
            found.append((place[0], self._sort(each, place[1])))
        if len({alias for alias, _ in found}) == 1:
            self.found[found[0][0]].order += [sort for _, sort in found]

    def _sort(self, ordered: exp.Expr, column: str) -> Sort:
        descending = bool(ordered.args.get("desc"))
        said = ordered.args.get("nulls_first")
        usual = descending if self.names.engine == "postgresql" else not descending
        is_unusual = said is not None and bool(said) != usual
        return Sort(column, descending, bool(said) if is_unusual else None)

    def _group(self, listed: list[exp.Expr]) -> None:
        """Note the columns of a GROUP BY or DISTINCT, if all are plain ones of one table."""
        places = [self._place(each.unalias()) for each in listed]
        known = [place for place in places if place]
        if len(known) == len(places) and len({alias for alias, _ in known}) == 1:
            for alias, column in known:
                _add(self.found[alias].grouped, column)

    def _place(self, side: exp.Expr) -> Place | None:
        """Return the alias and the column that `side` is; None where it is anything else."""
        side = side.unnest()
        if not isinstance(side, exp.Column) or side.table not in self.found:
            return None
        columns = self.names.columns_of(self.found[side.table].table)
        real = columns.get(self.names.low(side.name))
        return (side.table, real) if real else None

    def _is_constant(self, side: exp.Expr) -> bool:
        """Tell whether `side` is known before any row is read; a column from outside is."""
        if side.find(exp.Query):
            return False
        return not _tables_of(side) & self.scope.sources.keys()


def _conditions(select: exp.Select) -> Iterator[exp.Expr]:
    """Give what must hold of every row, each condition by itself."""
    wholes = [join.args.get("on") for join in select.args.get("joins") or []]
    where = select.args.get("where")
    for whole in [*wholes, where.this if where else None]:
        if whole is not None:
            yield from _parts(whole)


def _parts(whole: exp.Expr) -> Iterator[exp.Expr]:
    bare = whole.unnest()
    if isinstance(bare, exp.And):
        for part in (bare.this, bare.expression):
            yield from _parts(part)
    else:
        yield bare


def _tables_of(side: exp.Expr) -> set[str]:
    return {column.table for column in side.find_all(exp.Column)}


def _add(there: list[str], column: str) -> None:
    if column not in there:
        there.append(column)
