"""Ask a query, and say what came: how long it took, a sum over the rows, the plan, the pages."""

import hashlib
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .. import plans
from ..engine.base import Server
from ..errors import ConfigError, Fault, Refused, ServerError, Unsupported
from ..plans import Plan
from ..plans.questions import PREPARED, explain, prepare
from ..queries import Query
from ..statements import classify
from .samples import Asked, Sample, dialect_of, filled

_READS = {"SELECT", "VALUES", "TABLE"}
_WRITES = {"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"}
_CUT = {"57014", "1969"}  # the statement took longer than it may
_SUM = 1 << 256
_DIGITS = 12  # of a float: a sum in another order differs in the last ones
_PAGES = ("Innodb_buffer_pool_read_requests", "Innodb_buffer_pool_reads")
STATEMENT_S_MIN = 30.0  # a busy machine takes its time over what is quick elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    What a query answered: the number of rows, and two sums over them.

    `rows_sum` does not hang on the order of the rows; `order_sum` does.
    """

    rows: int
    rows_sum: str
    order_sum: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """
    A plan that was run, and the pages it asked for.

    `hit_pages` were in the server's memory, `read_pages` were not.
    """

    plan: Plan
    hit_pages: int
    read_pages: int


@dataclass(frozen=True, slots=True)
class Scans:
    """How often indexes were scanned in a transaction."""

    scans: int


HIDDEN_SCANS = Query("experiments/hidden_scans", Scans)


@dataclass(frozen=True, slots=True)
class Asking:
    """A query as one session asks it; `generic` takes PostgreSQL's plan for any parameters."""

    query: Asked
    engine: str
    rolled_back: bool = False
    generic: bool = False

    @property
    def is_prepared(self) -> bool:
        """Whether the server gets the parameters apart."""
        return self.engine == "postgresql" and bool(self.query.samples[0].parameters)

    @property
    def writes(self) -> bool:
        """Whether it is meant to change rows."""
        return _verb(self.query, self.engine) in _WRITES

    def begin(self, server: Server, *, budget_s: float) -> None:
        """Make the session ready to ask; it is in a transaction that will be rolled back."""
        limit_s = max(budget_s, STATEMENT_S_MIN)
        if self.engine == "mariadb":
            server.execute(f"SET max_statement_time = {limit_s:.3f}")
            return
        server.execute(f"SET statement_timeout = {round(limit_s * 1000)}")
        if not self.rolled_back:
            server.execute("SET TRANSACTION READ ONLY")
        if self.is_prepared:
            mode = "force_generic_plan" if self.generic else "force_custom_plan"
            server.execute(f"SET plan_cache_mode = {mode}")
            server.execute("DEALLOCATE ALL")
            server.execute(prepare(self.query.samples[0].sql))

    def time(self, server: Server, sample: Sample) -> float:
        """Return how many seconds an answer took, from the question until all rows were here."""
        text = self._text(sample)
        with _told(self), self._undone(server):
            began = time.perf_counter()
            server.execute(text)
            return time.perf_counter() - began

    def answer(self, server: Server, sample: Sample) -> Answer:
        """Return what it answers; of a statement that writes, how many rows it changes."""
        text = self._text(sample)
        with _told(self), self._undone(server):
            if self.writes:
                return Answer(rows=server.execute(text), rows_sum="", order_sum="")
            return _summed(server.stream(text))

    def plan(self, server: Server, sample: Sample) -> Plan:
        """Return the plan; it is not run."""
        return _plan(server.rows(explain(self.engine, self._text(sample), analyze=False)))

    def reads_inside(self, server: Server, sample: Sample, names: Collection[str]) -> bool:
        """Tell whether a function that it calls reads an index that is one of `names`."""
        asked = {"names": [*names], "sql": sample.sql}
        try:
            [before] = server.fetch(HIDDEN_SCANS, **asked)
        except Unsupported:
            return False
        self.answer(server, sample)
        [after] = server.fetch(HIDDEN_SCANS, **asked)
        return after.scans > before.scans

    def run_plan(self, server: Server, sample: Sample) -> Planned:
        """Run the plan, and return it with the pages that it asked for."""
        statement = explain(self.engine, self._text(sample), analyze=True)
        with _told(self), self._undone(server):
            if self.engine == "mariadb":
                before = _pages(server)
                found = _plan(server.rows(statement))
                asked, read = (new - old for new, old in zip(_pages(server), before, strict=True))
                return Planned(plan=found, hit_pages=asked - read, read_pages=read)
            found = _plan(server.rows(statement))
        top = found.root
        hit, read = top.hit_blocks or 0, top.read_blocks or 0
        return Planned(plan=found, hit_pages=hit, read_pages=read)

    def _text(self, sample: Sample) -> str:
        # One class may have texts that differ, in the length of a list: one of them is prepared.
        if self.is_prepared and sample.sql == self.query.samples[0].sql:
            return f"EXECUTE {PREPARED} ({', '.join(sample.parameters)})"
        if sample.parameters:
            return filled(sample.sql, sample.parameters, dialect_of(self.engine))
        return sample.sql

    def _undone(self, server: Server) -> "_Savepoint":
        return _Savepoint(server, self.rolled_back)


@dataclass(slots=True)
class _Savepoint:
    """What is written in the block is undone at its end."""

    server: Server
    wanted: bool

    def __enter__(self) -> None:
        if self.wanted:
            self.server.execute("SAVEPOINT stockops_run")

    def __exit__(self, kind: object, *_: object) -> None:
        if self.wanted and kind is None:
            self.server.execute("ROLLBACK TO SAVEPOINT stockops_run")


@dataclass(slots=True)
class _told:  # noqa: N801  it reads as a word where it is used
    """Say what a server's refusal means here."""

    asking: Asking

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, exc: BaseException | None, *_: object) -> None:
        if not isinstance(exc, ServerError):
            return
        if exc.fault is Fault.READ_ONLY:
            raise _refused(self.asking.query) from exc
        if exc.code in _CUT:
            raise ConfigError(
                f"{self.asking.query.name} takes longer than the time there is for all of it",
                hint="Give it more: --seconds 600",
            ) from exc


def check(query: Asked, *, engine: str, rolled_back: bool) -> None:
    """Raise where `query` is none, or writes and is not rolled back."""
    verb = _verb(query, engine)
    if verb in _READS or (verb in _WRITES and rolled_back):
        return
    if verb in _WRITES:
        raise _refused(query)
    raise Refused(
        f"{query.name} is no query: it begins with {verb or 'nothing'}",
        hint="Name a SELECT, or with --rollback an INSERT, UPDATE or DELETE.",
    )


def _verb(query: Asked, engine: str) -> str:
    return classify(query.samples[0].sql, dialect=dialect_of(engine)).verb


def _refused(query: Asked) -> Refused:
    return Refused(
        f"{query.name} writes",
        hint="Have each run rolled back, on the copy: --rollback",
    )


def uses(found: Plan, names: Collection[str]) -> bool:
    """Tell whether the plan reads an index that is one of `names`."""
    read = {each for _, node in plans.walk(found.root) for each in node.index.split(",")}
    return not read.isdisjoint(names)


def _plan(rows: list[dict[str, Any]]) -> Plan:
    return plans.parse(next(iter(rows[0].values())))


def _pages(server: Server) -> list[int]:
    listed = ", ".join(f"'{name}'" for name in _PAGES)
    found: Mapping[str, int] = {
        str(row["Variable_name"]): int(row["Value"])
        for row in server.rows(f"SHOW GLOBAL STATUS WHERE Variable_name IN ({listed})")
    }
    return [found[name] for name in _PAGES]


def _summed(batches: Iterator[list[tuple[Any, ...]]]) -> Answer:
    rows, total, ordered = 0, 0, hashlib.sha256()
    for batch in batches:
        for row in batch:
            said = hashlib.sha256("\x1f".join(map(_canonical, row)).encode()).digest()
            total = (total + int.from_bytes(said, "big")) % _SUM
            ordered.update(said)
            rows += 1
    return Answer(rows=rows, rows_sum=f"{total:064x}", order_sum=ordered.hexdigest())


def _canonical(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.{_DIGITS}g}"
    return f"{type(value).__name__}:{value}" if value is not None else ""
