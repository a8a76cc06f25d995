"""What an index costs each row that is written, measured on a table of the same shape."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from .. import trials
from ..engine.base import Server
from ..errors import ServerError
from ..indexes import candidates as thinking
from ..indexes.candidates import Shape
from ..indexes.tables import Column, Table
from ..trials import Difference
from .workloads import Work

ROWS = 2_000
ROUNDS = 2  # four pairs
REPEATS = 2  # of which the shortest counts: what else the machine does only adds to it
_FULL = "stockops_written"  # the table that is written to
_ROWS = "stockops_rows"  # the rows that go in
_TRIED = "stockops_tried"
_INSERT: tuple[str, ...] = ()
_UNKNOWN = Difference(pairs=0, mean=0.0, low=None, high=None)
_NONE = Difference(pairs=2 * ROUNDS, mean=0.0, low=0.0, high=0.0)
# What gives a column another value of its type.
_OTHER = {
    "postgresql": {
        "number": "{} + 1",
        "time": "{} + interval '1 day'",
        "text": "reverse({})",
        "truth": "NOT {}",
    },
    "mariadb": {
        "number": "{} + 1",
        "time": "{} + INTERVAL 1 DAY",
        "text": "reverse({})",
        "truth": "NOT {}",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """
    What an index adds to a row, in seconds: to an insert, and to an update of each set of columns.

    An update that could not be tried costs what an insert does.
    """

    insert: Difference
    updates: Mapping[tuple[str, ...], Difference]

    def per_day(self, works: Collection[Work]) -> Difference:
        """Return what all of `works`, which write to the table, lose in a day."""
        lost = Difference(pairs=self.insert.pairs, mean=0.0, low=0.0, high=0.0)
        for work in works:
            of_row = self.insert
            if work.understood.verb == "UPDATE":
                of_row = self.updates.get(work.understood.sets, self.insert)
            lost = lost.plus(of_row.times(work.rows_written_per_day))
        return lost


def measure(
    server: Server, table: Table, shapes: Sequence[Shape], updates: Collection[tuple[str, ...]]
) -> dict[Shape, Tax]:
    """
    Write some rows of `table` with and without each of `shapes`, in turn.

    They are written to a table of its shape with its indexes, whose pages are half empty, so that
    PostgreSQL can keep an update within its page; it is gone at the end. What a day of writes
    does to the memory of the server is not in it: the least that an index costs.
    """
    with _stand_in(server, table) as stand_in:
        return {shape: _tax(server, stand_in, shape, updates) for shape in shapes}


@dataclass(frozen=True, slots=True, kw_only=True)
class _StandIn:
    """A table of the shape of another, and the statements that fill it with `number` rows."""

    full: Table
    schema: str
    insert: str
    number: int


@contextmanager
def _stand_in(server: Server, table: Table) -> Iterator[_StandIn]:
    schema = thinking.quoted(table.name[0], server.engine)
    full, rows = f"{schema}.{_FULL}", f"{schema}.{_ROWS}"
    own = [each for each in table.columns.values() if not each.row.is_generated]
    columns = ", ".join(each.row.quoted_column for each in own)
    _gone(server, full, rows)
    try:
        if server.engine == "mariadb":
            server.execute(f"CREATE TABLE {full} LIKE {table.quoted}")
        else:
            server.execute(
                f"CREATE TABLE {full} (LIKE {table.quoted} INCLUDING DEFAULTS INCLUDING IDENTITY "
                "INCLUDING GENERATED INCLUDING INDEXES) WITH (fillfactor = 50)"
            )
        server.execute(
            f"CREATE TABLE {rows} AS SELECT {columns} FROM {table.quoted} LIMIT {ROWS}"  # noqa: S608
        )
        number = int(server.rows(f"SELECT count(*) AS n FROM {rows}")[0]["n"])  # noqa: S608
        yield _StandIn(
            full=replace(table, name=(table.name[0], _FULL), quoted=full, rows=number),
            schema=schema,
            insert=f"INSERT INTO {full} ({columns}) SELECT {columns} FROM {rows}",  # noqa: S608
            number=number,
        )
    finally:
        _gone(server, full, rows)


def _gone(server: Server, *names: str) -> None:
    with suppress(ServerError):
        for name in names:
            server.execute(f"DROP TABLE IF EXISTS {name}")


def _tax(
    server: Server, stand_in: _StandIn, shape: Shape, updates: Collection[tuple[str, ...]]
) -> Tax:
    full = stand_in.full
    create = thinking.create(shape, full, _TRIED, engine=server.engine)
    drop = f"DROP INDEX {stand_in.schema}.{_TRIED}"
    if server.engine == "mariadb":
        drop = f"DROP INDEX {_TRIED} ON {full.quoted}"
    statements: dict[tuple[str, ...], str] = {_INSERT: stand_in.insert}
    statements |= {
        sets: sql
        for sets in updates
        if _is_touched(shape, sets, server.engine) and (sql := _update(full, sets, server.engine))
    }
    took: dict[tuple[str, ...], dict[str, list[float]]] = {
        key: {"before": [], "after": []} for key in statements
    }
    for variant in trials.turns(ROUNDS):
        shortest: dict[tuple[str, ...], float] = {}
        for _ in range(REPEATS):
            server.execute(f"TRUNCATE TABLE {full.quoted}")
            if variant == "after":
                server.execute(create)
            for key, sql in statements.items():
                took_s = _timed(server, sql)
                if took_s is not None:
                    shortest[key] = min(took_s, shortest.get(key, took_s))
            if variant == "after":
                server.execute(drop)
        for key, took_s in shortest.items():
            took[key][variant].append(took_s)
    each = {
        key: trials.difference(values["after"], values["before"]).times(1 / stand_in.number)
        for key, values in took.items()
        if stand_in.number and len(values["before"]) == len(values["after"]) == 2 * ROUNDS
    }
    each |= {sets: _NONE for sets in updates if not _is_touched(shape, sets, server.engine)}
    return Tax(insert=each.pop(_INSERT, _UNKNOWN), updates=each)


def _is_touched(shape: Shape, sets: Sequence[str], engine: str) -> bool:
    """Tell whether an update of `sets` may cost the index something: InnoDB leaves others alone."""
    return engine != "mariadb" or any(key.column in sets for key in shape.keys)


def _timed(server: Server, sql: str) -> float | None:
    """Return how long `sql` took; None where the server refuses it, as by a unique key."""
    began = time.perf_counter()
    try:
        server.execute(sql)
    except ServerError:
        return None
    return time.perf_counter() - began


def _update(full: Table, sets: Sequence[str], engine: str) -> str | None:
    """Return the UPDATE that gives `sets` other values; None where no such value is known."""
    given = [other for name in sets if (other := _other(full.columns[name], engine))]
    return f"UPDATE {full.quoted} SET {', '.join(given)}" if given else None  # noqa: S608


def _other(column: Column, engine: str) -> str | None:
    row = column.row
    text = _OTHER[engine].get(row.kind)
    if text is None or row.is_generated:
        return None
    return f"{row.quoted_column} = {text.format(row.quoted_column)}"
