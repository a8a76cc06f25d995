"""The trading load, run for a short time, and what it cost the server."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .. import workload
from ..engine import connect
from ..engine.base import Server
from ..errors import Finding, ServerError
from ..queries import Query
from ..targets import Target
from ..workload import RunPlan, Tick

CLIENTS = 4
WARMUP_S = 0.5
_UNKNOWN_VARIABLE = "1193"
_LOGS = ("binlog_bytes", "redo_bytes", "wal_bytes")


@dataclass(frozen=True, slots=True)
class Counter:
    """One thing that a server counts from its start."""

    name: str
    value: int


COUNTERS = Query("experiments/counters", Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """
    What came of a load.

    `orders_per_s` and the times are of the `answers` in the `seconds` after the warm-up, cancels
    included: an order in ten is taken back. All else is of the whole run. `log_bytes_per_order` is
    of the WAL, or of the redo log and the binary log together; the less a page has been written to
    since the checkpoint before, the more of it PostgreSQL logs, so short turns cost more an order.
    `counters` is what the server counted, named as in ``sql/<engine>/experiments/counters.sql``.
    """

    seconds: float
    answers: int
    orders: int
    accepted: int
    cancels: int
    retries: int
    orders_per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    log_bytes_per_order: float
    counters: Mapping[str, int]


def measure(
    target: Target,
    *,
    seconds: float,
    clients: int = CLIENTS,
    seed: int = 1,
    warmup_s: float = WARMUP_S,
    progress: Callable[[Tick], None] | None = None,
) -> Load:
    """
    Run the trading load on `target` for `seconds`, after a warm-up, and return what it cost.

    No journal is written and nothing is sealed: what follows behind an order would weigh on a turn
    by chance. Raises `Finding` where nothing was answered, what the run failed with, and
    `KeyboardInterrupt` where it was cut.
    """
    plan = RunPlan(clients=clients, seconds=seconds, warmup_s=warmup_s, seed=seed, seal=False)
    with connect(target) as server:
        before = counted(server)
    ran = workload.run(target, plan, progress=progress)
    if ran.interrupted:
        raise KeyboardInterrupt
    if ran.failure:
        raise ran.failure
    with connect(target) as server:
        after = counted(server)
    if not ran.orders or not ran.service.answers:
        raise Finding(
            f"no order was answered in {seconds:g} s", hint="Give it longer: --seconds 10"
        )
    moved = {name: after[name] - before[name] for name in after}
    times = ran.service
    return Load(
        seconds=round(ran.elapsed_s - ran.warmup_s, 3),
        answers=times.answers,
        orders=ran.orders,
        accepted=ran.accepted,
        cancels=ran.cancels,
        retries=ran.retries,
        orders_per_s=ran.achieved_per_s,
        p50_ms=times.p50_us / 1000,
        p95_ms=times.p95_us / 1000,
        p99_ms=times.p99_us / 1000,
        log_bytes_per_order=round(sum(moved.get(name, 0) for name in _LOGS) / ran.orders, 1),
        counters=moved,
    )


def counted(server: Server) -> dict[str, int]:
    """Return what `server` has counted since its start; meaningless over a restart of it."""
    return {row.name: row.value for row in server.fetch(COUNTERS)}


def settle(server: Server) -> None:
    """Have `server` write out what is due, so that a turn does not pay for the one before it."""
    if server.engine == "postgresql":
        server.execute("CHECKPOINT")
        return
    try:
        server.execute("SET GLOBAL innodb_log_checkpoint_now = ON")
    except ServerError as exc:
        if exc.code != _UNKNOWN_VARIABLE:  # builds in which nobody can ask for a checkpoint
            raise
