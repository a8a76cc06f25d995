"""
Load a seed, chunk by chunk, so that a killed one goes on where it stopped.

A chunk and the row of seed_chunks that says so are one transaction. Nothing trades before the
last step: stock_inventory, the row that every order locks, is filled when all else is there.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from .. import market, queries
from ..engine import connect
from ..engine.base import Server
from ..errors import Busy, Fault, Refused, ServerError
from ..listing import Listing
from ..targets import Target
from . import content, generation, state
from .content import INVENTORY, TableContent
from .plan import Material, SeedPlan, Source, material
from .state import State
from .tables import BY_NAME, DONE, TABLES, Chunk

_LOCK_TIMEOUT_S = 30.0
_RESUME = "Run the same command again: it goes on where it stopped."


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedProgress:
    """
    How far a seed is. `rows_total` is known to a few percent before the end.

    `stage` is what is done with the rows once they are all there; "" until then.
    """

    table: str
    rows_done: int
    rows_total: int
    elapsed_s: float
    stage: str = ""

    @property
    def rows_per_s(self) -> float:
        """Rows loaded by this run in a second."""
        return self.rows_done / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds left at this rate; None before the first row."""
        if not self.rows_done:
            return None
        return max(self.rows_total - self.rows_done, 0) / self.rows_per_s


Watch = Callable[[SeedProgress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedResult:
    """What a seed left behind. `done_before`: a run before this one had loaded all of it."""

    plan_hash: str
    sha256: str
    tables: tuple[TableContent, ...]
    issues: int
    loaded_rows: int
    resumed: bool
    done_before: bool
    elapsed_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A seed that is known to be possible: nothing has been written yet."""

    made_of: Material
    listing: Listing
    state: State
    wanted: tuple[tuple[str, int], ...]

    @property
    def rows_wanted(self) -> int:
        """About how many rows are left to load."""
        each = {name: sum(n == name for n, _ in self.wanted) for name in BY_NAME}
        return sum(
            BY_NAME[name].rows(self.made_of) * count // BY_NAME[name].chunks(self.made_of)
            for name, count in each.items()
        )


def prepare(
    target: Target | str, plan: SeedPlan, source: Source, *, emptied: bool = False
) -> Prepared:
    """
    Check everything that can be checked without writing, and return what would be loaded.

    `emptied`: the database will have been reset by then.
    """
    plan.check()
    with connect(target) as server:
        found = state.read(server)
        calendar = market.calendar(server)
        chunks = () if emptied else state.loaded(server)
    found = state.EMPTY if emptied else found
    listing = source(plan.listing, on=plan.on)
    made_of = material(plan, listing, calendar)
    _check_state(found, made_of)
    there = {(chunk.table_name, chunk.chunk_no) for chunk in chunks}
    wanted = ((table.name, number) for table in TABLES for number in range(table.chunks(made_of)))
    return Prepared(
        made_of=made_of,
        listing=listing,
        state=found,
        wanted=tuple(chunk for chunk in wanted if chunk not in there),
    )


def load(target: Target | str, prepared: Prepared, watch: Watch | None = None) -> SeedResult:
    """Load what `prepared` wants; a seed that is whole already is answered, not repeated."""
    began = time.monotonic()
    if prepared.state.stage == "seeded":
        return _done_before(prepared)
    made_of, total, done = prepared.made_of, prepared.rows_wanted, 0
    # Before any connection: the process that makes the rows must not inherit one.
    with (
        generation.chunks(made_of, prepared.wanted) as chunks,
        connect(target, bulk=True, lock_timeout_s=_LOCK_TIMEOUT_S) as server,
        state.lock(server),
    ):
        if state.read(server) != prepared.state:
            raise Busy("another seed of this database ended just now", hint=_RESUME)
        try:
            for chunk in chunks:
                _load(server, made_of, chunk)
                done += chunk.rows
                if watch:
                    watch(_progress(chunk.table, done, total, began))
            there = _progress("the seed", done, done, began)
            tables = _finish(
                server, made_of, lambda stage: watch(replace(there, stage=stage)) if watch else None
            )
        except ServerError as exc:
            raise _stopped(exc, done) from exc
    return SeedResult(
        plan_hash=made_of.fingerprint,
        sha256=content.total(tables),
        tables=tuple(tables),
        issues=len(made_of.issues),
        loaded_rows=done,
        resumed=prepared.state.stage == "partial",
        done_before=False,
        elapsed_s=time.monotonic() - began,
    )


def _check_state(found: State, made_of: Material) -> None:
    """Raise `Refused` where another plan, or somebody else, has filled the tables."""
    if found.stage == "foreign":
        raise Refused(
            "the database holds users, issues or orders that no seed of stockops made",
            hint="Seed an empty database, or empty this one: stockops seed reset",
        )
    if found.plan_hash not in {None, made_of.fingerprint}:
        kind = "is seeded" if found.stage == "seeded" else "is half seeded"
        raise Refused(
            f"the database {kind} by another plan: {found.described or found.plan_hash}",
            hint="Run that plan again, or empty the database first: stockops seed reset",
        )


def _load(server: Server, made_of: Material, chunk: Chunk) -> None:
    with server.transaction():
        if chunk.text:
            server.load(chunk.table, BY_NAME[chunk.table].columns, [chunk.text])
        _mark(server, made_of, chunk)


def _mark(server: Server, made_of: Material, chunk: Chunk) -> None:
    server.execute(
        _sql(server, "mark_chunk"),
        {
            "plan_hash": made_of.fingerprint,
            "table_name": chunk.table,
            "chunk_no": chunk.number,
            "loaded_rows": chunk.rows,
            "sha256": chunk.sha256,
        },
    )


def _finish(server: Server, made_of: Material, seen: Callable[[str], None]) -> list[TableContent]:
    """Move the counters, open the market, and mark the whole seed with its hash."""
    server.rows(_sql(server, "advance_ids"), {"next_event_id": made_of.next_event_id})
    opened = {chunk.table_name for chunk in state.loaded(server)}
    if INVENTORY not in opened:
        seen("opening the market")
        with server.transaction():
            rows = server.execute(_sql(server, "open_market"), {"on": made_of.plan.on})
            _mark(server, made_of, Chunk(INVENTORY, 0, rows, "", b""))
    seen("analyzing the tables")
    server.execute(_sql(server, "analyze"))
    tables = content.read(server, made_of, lambda name: seen(f"hashing {name}"))
    rows = sum(table.rows for table in tables)
    _mark(server, made_of, Chunk(DONE, 0, rows, content.total(tables), b""))
    return tables


def _done_before(prepared: Prepared) -> SeedResult:
    found = prepared.state
    return SeedResult(
        plan_hash=prepared.made_of.fingerprint,
        sha256=found.sha256 or "",
        tables=(),
        issues=len(prepared.made_of.issues),
        loaded_rows=0,
        resumed=False,
        done_before=True,
        elapsed_s=0.0,
    )


def _progress(table: str, done: int, total: int, began: float) -> SeedProgress:
    return SeedProgress(
        table=table,
        rows_done=done,
        rows_total=max(total, done),
        elapsed_s=time.monotonic() - began,
    )


def _stopped(exc: ServerError, done: int) -> ServerError:
    """Say how far the seed came before the server ended it."""
    hints = {
        Fault.FULL: f"Free some space on the server's disk. {_RESUME}",
        Fault.LOST: f"See that the server is up. {_RESUME}",
        Fault.UNKNOWN: f"See that the server is up. {_RESUME}",
        Fault.LOCKED: f"Somebody else holds a table. {_RESUME}",
    }
    return ServerError(
        f"the seed stopped after {done:,} rows, which stay: {exc}",
        fault=exc.fault,
        code=exc.code,
        hint=hints.get(exc.fault, exc.hint),
    )


def _sql(server: Server, name: str) -> str:
    return queries.text(server.engine, f"seeding/{name}", server.version[0])
