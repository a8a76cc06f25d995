"""Parameters for a query that came without: values of the columns that it compares them with."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .. import catalog
from ..engine.base import Server
from ..errors import ConfigError
from ..statements import Dialect
from .samples import SAMPLES, Asked, Sample, dialect_of, filled, placeholders

ROWS_READ = 20_000  # of a big table, about so many rows are drawn from
_NAME = r'(?:[A-Za-z_][\w$]*|"[^"]+"|`[^`]+`)'
_COLUMN = rf"(?:(?P<table>{_NAME})\s*\.\s*)?(?P<column>{_NAME})"
_SIGN = r"(?:=|<>|!=|<=|>=|<|>|\bI?LIKE\b)"
_FROM = re.compile(
    rf"\b(?:FROM|JOIN|UPDATE|INTO|,)\s+(?:{_NAME}\.)?(?P<table>{_NAME})"
    rf"(?:\s+(?:AS\s+)?(?P<alias>(?!(?:WHERE|ON|JOIN|LEFT|RIGHT|INNER|CROSS|GROUP|ORDER|LIMIT|SET|USING|"
    rf"FORCE|USE|IGNORE|NATURAL|FULL|HAVING|WINDOW|UNION|FOR|FROM)\b){_NAME}))?",
    re.IGNORECASE,
)
_HOLE = "\ue000"  # a private character, then the number of the placeholder, then it again
_MARK = rf"{_HOLE}(?P<number>\d+){_HOLE}"
_PATTERNS = [
    re.compile(
        rf"{_COLUMN}\s*(?:::\w+\s*)?{_SIGN}\s*(?:(?:ANY|ALL)\s*\(\s*)?{_MARK}", re.IGNORECASE
    ),
    re.compile(rf"{_MARK}(?:::\w+)?\s*{_SIGN}\s*{_COLUMN}", re.IGNORECASE),
    re.compile(rf"{_COLUMN}\s+(?:NOT\s+)?BETWEEN\s+{_MARK}", re.IGNORECASE),
    re.compile(rf"{_COLUMN}\s+(?:NOT\s+)?BETWEEN\s+\S+\s+AND\s+{_MARK}", re.IGNORECASE),
]
_LISTS = re.compile(rf"{_COLUMN}\s+(?:NOT\s+)?IN\s*\((?P<list>[^()]*)\)", re.IGNORECASE)
_MARKS = re.compile(_MARK)
_COUNTS = re.compile(rf"\b(LIMIT|OFFSET|FETCH\s+(?:FIRST|NEXT))\s+{_MARK}", re.IGNORECASE)
_LIMIT, _OFFSET = "20", "0"
Columns = Mapping[str, set[str]]


@dataclass(frozen=True, slots=True, order=True)
class _Place:
    table: str
    column: str


def columns(server: Server) -> Columns:
    """Return the columns of each table; who draws for many queries asks once."""
    found = defaultdict(set)
    for each in server.fetch(catalog.COLUMNS):
        found[each.table_name].add(each.column_name)
    return found


def draw(
    server: Server, query: Asked, *, number: int = SAMPLES, known: Columns | None = None
) -> Asked:
    """
    Return `query` with values from the data where it waits for parameters, else as it is.

    What is common in a column comes as often as it is; columns of one table come from the same row,
    and two that bound a range in their order. `known` are the `columns` of the server. Raises
    `ConfigError` where a parameter is compared with no column, or the table holds no row.
    """
    dialect = dialect_of(server.engine)
    bare = [
        each.sql
        for each in query.samples
        if not each.parameters and placeholders(each.sql, dialect)
    ]
    if not bare:
        return query
    sql = bare[0]
    known = columns(server) if known is None else known
    wanted = _wanted(known, sql, dialect)
    rows = _rows(server, wanted, number)
    samples = tuple(Sample(sql, _of(wanted, row)) for row in rows)
    return replace(query, samples=samples, source="drawn from the data")


def _wanted(columns: Columns, sql: str, dialect: Dialect) -> Sequence[_Place | str]:
    """Return for each placeholder the column it is compared with, or the literal it gets."""
    number = placeholders(sql, dialect)
    marks = [f"{_HOLE}{place}{_HOLE}" for place in range(1, number + 1)]
    marked = filled(sql, marks, dialect)
    tables = {
        _plain(found["alias"] or found["table"]): _plain(found["table"])
        for found in _FROM.finditer(marked)
    }
    known: dict[int, _Place | str] = {}
    for found in _COUNTS.finditer(marked):
        known[int(found["number"])] = _OFFSET if found[1].upper() == "OFFSET" else _LIMIT
    for pattern in _PATTERNS:
        for found in pattern.finditer(marked):
            place = _place(found, tables, columns)
            if place is not None:
                known.setdefault(int(found["number"]), place)
    for found in _LISTS.finditer(marked):
        place = _place(found, tables, columns)
        for mark in _MARKS.finditer(found["list"]):
            if place is not None:
                known.setdefault(int(mark["number"]), place)
    wanted = [known.get(place) for place in range(1, number + 1)]
    if None in wanted:
        sign = "?" if dialect == "mariadb" else f"${wanted.index(None) + 1}"
        raise ConfigError(
            f"parameter {wanted.index(None) + 1} ({sign}) is compared with no column whose values "
            "it could get",
            hint="Write the query with literals, or take it from a log: --log FILE",
        )
    return [each for each in wanted if each is not None]


def _place(found: re.Match[str], tables: Mapping[str, str], columns: Columns) -> _Place | None:
    column = _plain(found["column"])
    if found["table"]:
        table = tables.get(_plain(found["table"]), _plain(found["table"]))
        return _Place(table, column) if column in columns.get(table, ()) else None
    for table in tables.values():
        if column in columns.get(table, ()):
            return _Place(table, column)
    return None


def _plain(name: str) -> str:
    return name[1:-1] if name[:1] in '"`' else name.lower()


def _rows(
    server: Server, wanted: Sequence[_Place | str], number: int
) -> list[dict[_Place, list[str]]]:
    """Return for each sample as many values of each column as are asked for, in their order."""
    often = Counter(each for each in wanted if isinstance(each, _Place))
    places: dict[str, list[_Place]] = defaultdict(list)
    for each in often:
        places[each.table].append(each)
    samples: list[dict[_Place, list[str]]] = [{} for _ in range(number)]
    for table, columns in places.items():
        together = max(often[each] for each in columns)
        drawn = server.rows(_statement(server, table, columns, number * together))
        if not drawn:
            raise ConfigError(
                f"the table {table!r} holds no row to take a parameter from",
                hint="Write the query with literals.",
            )
        for turn, sample in enumerate(samples):
            group = [drawn[(turn * together + n) % len(drawn)] for n in range(together)]
            for place, each in enumerate(columns):
                rows = sorted(group[: often[each]], key=lambda row: int(row[f"r{place}"]))
                sample[each] = [str(row[f"c{place}"]) for row in rows]
    return samples


def _statement(server: Server, table: str, columns: Sequence[_Place], number: int) -> str:
    """Return what draws rows at random, the same ones of the same data, as SQL literals."""
    is_mariadb = server.engine == "mariadb"
    quote = "`" if is_mariadb else '"'
    literal = "quote({})" if is_mariadb else "quote_literal({}::text)"
    names = [f"{quote}{each.column}{quote}" for each in columns]
    listed = ", ".join(
        f"{literal.format(name)} AS c{n}, rank() OVER (ORDER BY {name}) AS r{n}"
        for n, name in enumerate(names)
    )
    there = " AND ".join(f"{name} IS NOT NULL" for name in names)
    table = f"{quote}{table}{quote}"
    count = int(server.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"])  # noqa: S608
    share = min(1.0, ROWS_READ / max(count, 1))
    if is_mariadb:
        return (
            f"SELECT {listed} FROM {table} WHERE rand(1) <= {share:.9f} AND {there}"  # noqa: S608
            f" ORDER BY rand(2) LIMIT {number}"
        )
    return (
        f"SELECT {listed} FROM {table} AS drawn"  # noqa: S608
        f" TABLESAMPLE BERNOULLI ({100 * share:.6f}) REPEATABLE (1) WHERE {there}"
        f" ORDER BY md5(drawn::text), c0 LIMIT {number}"
    )


def _of(wanted: Sequence[_Place | str], row: Mapping[_Place, Sequence[str]]) -> tuple[str, ...]:
    """Return the literals: a column that is asked for twice gets the smaller value first."""
    left = {place: iter(values) for place, values in row.items()}
    return tuple(each if isinstance(each, str) else next(left[each]) for each in wanted)
