"""What conditions cost: finding those that are met, and executing them."""

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from datetime import time as clock_time

from bench_orders import server_cpu_s

from stockops import conditions, migrations, seeding
from stockops import lab as labs
from stockops.conditions import Executed
from stockops.draws import draws
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.orders import clock_of
from stockops.seeding import SeedPlan
from stockops.targets import Target

CONDITIONS = 100_000
PREDICTIONS = 10_000
ROUNDS = 5
GOAL_S = 5.0
EXECUTED_S = 10.0
PLAN = SeedPlan(users=5_000, accounts=10_000, days=20)
CLOCK = clock_of(date(2025, 1, 3), clock_time(10, 0))
_FIRST = 1_000_000  # above the numbers of the seed
_PREDICTION = "prediction_id user_id symbol model_version side confidence status predicted_at"
_CONDITION = "condition_id user_id account_id symbol rule expires_at created_at"


@dataclass(frozen=True, slots=True)
class Figures:
    """
    One engine: how long each selection took and the CPU of the server in it, what it found, and how
    many conditions were executed a second.
    """

    engine: str
    version: str
    found: int
    selected_s: list[float]
    selected_cpu_s: list[float]
    executed_per_s: float


class _EnoughError(Exception):
    """Ends a run of conditions when its time is over."""


def measure(engine: str) -> Figures:
    """Measure in a lab of its own."""
    with labs.temporary(engine) as lab:
        target = Target(name="bench", url=lab.url(), lab=lab.name)
        migrations.up(target)
        seeding.run(target, PLAN)
        with connect(target, bulk=True) as server:
            _fill(server)
            selected_s, cpu_s = [], []
            for _ in range(ROUNDS):
                began, before_s = time.perf_counter(), server_cpu_s(lab)
                found = conditions.due(server, clock=CLOCK)
                selected_s.append(time.perf_counter() - began)
                cpu_s.append(server_cpu_s(lab) - before_s)
            done, took_s = _execute(server)
            version = ".".join(map(str, server.version))
        return Figures(engine, version, len(found), selected_s, cpu_s, len(done) / took_s)


def section(figures: Sequence[Figures]) -> list[str]:
    """Return the lines of docs/benchmarks.md."""
    lines = [
        f"{CONDITIONS:,} active conditions of {PLAN.accounts:,} accounts and {PREDICTIONS:,} valid "
        "predictions, drawn evenly over the listed issues of the",
        f"sample; the selection with the reading of its answer, the median of {ROUNDS}. Then one "
        f"runner executes them for {EXECUTED_S:.0f} s: each is a transaction with its order, its",
        "trades, two notices and two audit rows.",
        "",
        "| engine | met | selected in, s | slowest | goal, s | | of it CPU of the server, s "
        "| executed a second |",
        "|---|---:|---:|---:|---:|---|---:|---:|",
    ]
    for each in figures:
        median_s = statistics.median(each.selected_s)
        verdict = "reached" if median_s < GOAL_S else "**missed**"
        lines.append(
            f"| {each.engine} {each.version} | {each.found:,} | {median_s:.2f} "
            f"| {max(each.selected_s):.2f} | {GOAL_S:.0f} | {verdict} "
            f"| {statistics.median(each.selected_cpu_s):.2f} | {each.executed_per_s:,.0f} |"
        )
    return lines


def _fill(server: Server) -> None:
    """Load the predictions and the conditions; a sell is of what its account holds."""
    sql = "SELECT symbol FROM stocks WHERE status = 'listed' ORDER BY symbol"
    symbols = [row["symbol"] for row in server.rows(sql)]
    sql = (
        "SELECT account_id, user_id FROM accounts WHERE kind = 'customer' AND status = 'active' "
        "ORDER BY account_id"
    )
    accounts = [(row["account_id"], row["user_id"]) for row in server.rows(sql)]
    server.load("predictions", _PREDICTION.split(), _predictions(symbols, accounts))
    server.load("conditions", _CONDITION.split(), _conditions(symbols, accounts))
    analyze = "ANALYZE TABLE" if server.engine == "mariadb" else "ANALYZE"
    ask = server.rows if server.engine == "mariadb" else server.execute
    ask(f"{analyze} predictions, conditions, orders")


def _predictions(symbols: list[str], accounts: list[tuple[int, int]]) -> Iterator[bytes]:
    for n, x in enumerate(draws(1, "predictions", 0, PREDICTIONS)):
        _, user = accounts[x % len(accounts)]
        side = "buy" if x >> 20 & 1 else "sell"
        yield (
            f"{_FIRST + n}\t{user}\t{symbols[(x >> 24) % len(symbols)]}\tsample-1\t{side}"
            f"\t0.{5000 + (x >> 40) % 5000}\tvalid\t2025-01-03 00:30:00\n"
        ).encode()


def _conditions(symbols: list[str], accounts: list[tuple[int, int]]) -> Iterator[bytes]:
    for n, x in enumerate(draws(1, "conditions", 0, CONDITIONS)):
        account, user = accounts[x % len(accounts)]
        side = "buy" if x >> 20 & 1 else "sell"
        rule = (
            f'{{"side": "{side}", "quantity": {1 + (x >> 32) % 20}, '
            f'"min_confidence": 0.{5 + (x >> 40) % 5}}}'
        )
        symbol = symbols[(x >> 48) % len(symbols)]
        yield (
            f"{_FIRST + n}\t{user}\t{account}\t{symbol}\t{rule}"
            "\t2025-03-01 00:00:00\t2025-01-02 00:00:00\n"
        ).encode()


def _execute(server: Server) -> tuple[list[Executed], float]:
    """Execute what is met, for so long; return what was, and how long it took."""
    done: list[Executed] = []
    began = time.perf_counter()

    def seen(each: Executed) -> None:
        if not done:
            nonlocal began
            began = time.perf_counter()  # the selection is over
        done.append(each)
        if time.perf_counter() - began > EXECUTED_S:
            raise _EnoughError

    with suppress(_EnoughError):
        conditions.run(server, clock=CLOCK, seen=seen)
    return done, time.perf_counter() - began
