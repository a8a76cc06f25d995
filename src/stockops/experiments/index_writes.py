"""What an index costs the orders: the trading load with and without it, in turn."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from .. import trials
from ..engine import connect
from ..engine.base import Server
from ..errors import ConfigError, Finding, ServerError
from ..indexes.questions import LIST
from ..queries import Query
from ..trials import Difference, Ratio, Variant
from . import indexing, load
from .copying import Copy
from .indexing import Built
from .load import Load

ROUNDS = 2  # four pairs
TURN_S_MIN = 0.5
_FAR_S = 0.8  # what a turn takes besides: the clients begin, and warm up
_NO_TABLE = {"42P01", "1146"}


@dataclass(frozen=True, slots=True)
class TableWrites:
    """Rows changed in a table; the updates and how many of them were HOT, where there is such."""

    schema_name: str
    table_name: str
    rows_changed: int
    rows_updated: int | None
    rows_updated_hot: int | None


@dataclass(frozen=True, slots=True)
class Day:
    """How many orders there are, and of how many business dates."""

    orders: int
    days: int


TABLE_WRITES = Query("experiments/table_writes", TableWrites)
ORDERS_A_DAY = Query("experiments/orders_a_day", Day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The load of one side: all its turns, in the mean; `hot_share` is of the indexed tables."""

    orders_per_s: float
    p95_ms: float
    log_bytes_per_order: float
    hot_share: float | None
    rows_changed_per_order: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Writes:
    """
    What the indexes cost the orders.

    `lost` are seconds an order longer with them; `orders`, `p95` and `log` compare orders a
    second, the 95th percentile and the bytes of log an order. `is_written`: an order changes
    rows of the indexed tables. `missing` says why nothing was measured.
    """

    before: Side | None = None
    after: Side | None = None
    lost: Difference | None = None
    orders: Ratio | None = None
    p95: Ratio | None = None
    log: Ratio | None = None
    is_written: bool = False
    seconds: float = 0.0  # of one turn
    turns: int = 0
    clients: int = 0
    missing: str = ""


@dataclass(slots=True)
class _Turns:
    loads: list[Load] = field(default_factory=list)
    changed: int = 0
    updated: int = 0
    hot: int = 0
    has_hot: bool = False

    def side(self) -> Side:
        """Return the mean of the turns."""
        number = len(self.loads)
        orders = sum(each.orders for each in self.loads)
        return Side(
            orders_per_s=sum(each.orders_per_s for each in self.loads) / number,
            p95_ms=sum(each.p95_ms for each in self.loads) / number,
            log_bytes_per_order=sum(each.log_bytes_per_order for each in self.loads) / number,
            hot_share=self.hot / self.updated if self.has_hot and self.updated else None,
            rows_changed_per_order=self.changed / max(orders, 1),
        )


def measure(
    copy: Copy,
    built: Sequence[Built],
    *,
    seconds: float,
    clients: int,
    rounds: int = ROUNDS,
    seen: Callable[[str], None] = lambda _: None,
) -> Writes:
    """
    Trade on `copy` for about `seconds`, the indexes dropped and built between turns.

    They are there at the end. Where the copy is no market that trades, `missing` says so.
    """
    with _counting(copy):
        return _measure(copy, built, _Plan(seconds, clients, rounds), seen)


@dataclass(frozen=True, slots=True)
class _Plan:
    seconds: float
    clients: int
    rounds: int


def _measure(
    copy: Copy, built: Sequence[Built], plan: _Plan, seen: Callable[[str], None]
) -> Writes:
    rounds, clients = plan.rounds, plan.clients
    turn_s = max(TURN_S_MIN, plan.seconds / (rounds * 4) - _FAR_S)
    sides: dict[Variant, _Turns] = {"before": _Turns(), "after": _Turns()}
    there: Variant = "after"
    try:
        for number, variant in enumerate(trials.turns(rounds)):
            words = "with" if variant == "after" else "without"
            seen(f"orders, turn {number + 1} of {rounds * 4}: {words}")
            with connect(copy.target) as server:
                if variant != there:
                    _put(server, built, there=variant == "after")
                    there = variant
                load.settle(server)
                before = _counts(server, built)
            ran = load.measure(copy.target, seconds=turn_s, clients=clients, seed=1 + number // 2)
            with connect(copy.target) as server:
                load.settle(server)
                _add(sides[variant], ran, before, _counts(server, built))
    except (ConfigError, Finding) as exc:
        return Writes(missing=str(exc))
    except ServerError as exc:
        if exc.code not in _NO_TABLE:
            return Writes(missing=str(exc))
        return Writes(missing=f"orders are not traded there: {exc}")
    finally:
        if there == "before":
            with connect(copy.target) as server:
                _put(server, built, there=True)
    return _compared(sides, turn_s, clients)


def orders_a_day(server: Server) -> float | None:
    """Return how many orders a business date has had; None where there are none to count."""
    try:
        [found] = server.fetch(ORDERS_A_DAY)
    except ServerError as exc:
        if exc.code not in _NO_TABLE:
            raise
        return None
    return found.orders / found.days if found.days else None


def is_there(server: Server, built: Built) -> bool:
    """Tell whether the index is on the server now."""
    return any(
        row.quoted_index == built.row.quoted_index and row.quoted_table == built.row.quoted_table
        for row in server.fetch(LIST)
    )


@contextmanager
def _counting(copy: Copy) -> Iterator[None]:
    """Have MariaDB count the rows that are changed, by table; PostgreSQL always does."""
    if copy.engine != "mariadb":
        yield
        return
    with connect(copy.target) as server:
        [row] = server.rows("SELECT @@GLOBAL.userstat AS is_on")
        server.execute("SET GLOBAL userstat = ON")
    try:
        yield
    finally:
        if not row["is_on"] and copy.lab.pid is not None:
            with connect(copy.target) as server:
                server.execute("SET GLOBAL userstat = OFF")


def _put(server: Server, built: Sequence[Built], *, there: bool) -> None:
    for each in built:
        if there:
            indexing.again(server, each)
        else:
            indexing.drop(server, each)
        indexing.gather(server, each.row.quoted_table)


def _counts(server: Server, built: Sequence[Built]) -> Mapping[str, TableWrites]:
    tables = {(each.row.schema_name, each.row.table_name) for each in built}
    return {
        row.table_name: row
        for row in server.fetch(TABLE_WRITES)
        if (row.schema_name, row.table_name) in tables
    }


def _add(
    turns: _Turns, ran: Load, before: Mapping[str, TableWrites], after: Mapping[str, TableWrites]
) -> None:
    turns.loads.append(ran)
    for name, new in after.items():
        old = before.get(name)
        turns.changed += new.rows_changed - (old.rows_changed if old else 0)
        if new.rows_updated is not None and new.rows_updated_hot is not None:
            turns.has_hot = True
            turns.updated += new.rows_updated - ((old and old.rows_updated) or 0)
            turns.hot += new.rows_updated_hot - ((old and old.rows_updated_hot) or 0)


def _compared(sides: Mapping[Variant, _Turns], turn_s: float, clients: int) -> Writes:
    before, after = sides["before"].loads, sides["after"].loads

    def ratio(name: str) -> Ratio:
        return trials.compare(
            [getattr(each, name) for each in before], [getattr(each, name) for each in after]
        )

    # A client waits for each answer: so long takes an order, in the mean.
    spent = [[clients / each.orders_per_s for each in loads] for loads in (after, before)]
    return Writes(
        before=sides["before"].side(),
        after=sides["after"].side(),
        lost=trials.difference(*spent),
        orders=ratio("orders_per_s"),
        p95=ratio("p95_ms"),
        log=ratio("log_bytes_per_order"),
        is_written=any(each.changed for each in sides.values()),
        seconds=turn_s,
        turns=len(before) + len(after),
        clients=clients,
    )
