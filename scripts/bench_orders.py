"""
The order path against pgbench and sysbench, and against a client that sends each statement.

Labs of both engines, each with durable settings, in which the arms of a comparison take turns
(A B C A B C ...), so that whatever else the machine does meets all of them.
"""

import os
import random
import secrets
import statistics
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from time import monotonic, sleep

import bench_order_peers as peers
import bench_statements
from bench_order_peers import Arm, Load
from bench_statement_order import drawn

from stockops import lab as labs
from stockops import migrations, orders, workload
from stockops.engine import connect
from stockops.lab import Lab
from stockops.orders import Order, clock_of
from stockops.targets import Target

HERE = Path(__file__).parent
DAY = date(2025, 1, 3)
ISSUES = 900
BATCH = 1000
# Orders that the market has seen before the first turn. An order that meets resting ones costs more
# than one that meets the house: of the first 5,000 orders a tenth does, of those after 15,000 a
# third. For the same reason all arms of single orders share one market.
BOOK = 15_000
OTHERS = {"postgresql": "pgbench", "mariadb": "sysbench"}
# What each comparison must reach: the arm, the arm it is held against, the ratio.
GOALS = (
    ("single", "other", 0.90),
    ("single", "statements", 3.0),
    ("batch", "statements", 8.0),
    ("batch", "tpcb", 3.0),
)
OURS = ("single", "journal", "batch")
# Which arms take turns: those of a database that fits into the server's memory would find it taken
# by the gigabyte that batches write meanwhile.
GROUPS = (("other", "single", "statements", "journal"), ("batch", "tpcb"))
MARKET, DEALT = "bench_market", "bench_dealt"
DATABASES = {"batch": DEALT, "tpcb": peers.TPCB}  # those of the others: MARKET
# Undo records that no transaction needs and that are still there: a single order writes some 40.
HISTORY = 1_000
SETTLED_WITHIN_S = 60.0
# What a lab of MariaDB leaves at its default of 96 MB, and one of PostgreSQL sets to 2 GB: a round
# writes 200 MB of it, and whichever arm ran when it was full waited for pages to be flushed.
SETTINGS = {"postgresql": {}, "mariadb": {"innodb_log_file_size": "2G"}}
TITLES = {
    "single": "stockops trade run, one order a call",
    "journal": "the same, with a client journal fsynced before the sends it covers",
    "batch": f"stockops trade run --batch {BATCH}, each client with its share of the issues",
    "other": "{other}, calling the same routine",
    "statements": "a client that sends each statement of the transaction itself",
    "tpcb": "{other}, the transaction of TPC-B",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """How long and how often; `rounds` are those of the sections that have few and long ones."""

    clients: int
    seconds: float
    rounds: int
    turns: int
    entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one engine did: orders a second by arm and round; CPU of client and server by arm."""

    engine: str
    version: str
    settings: Mapping[str, str]
    rates: Mapping[str, list[float]]
    cpu_us: Mapping[str, float]
    server_us: Mapping[str, float]

    def median(self, arm: str) -> float:
        """Return the median of an arm's rounds."""
        return statistics.median(self.rates[arm])

    def ratios(self, arm: str, against: str) -> tuple[float, float, float]:
        """Return the quartiles of the ratios of the rounds: two arms of a round are neighbours."""
        pairs = zip(self.rates[arm], self.rates[against], strict=True)
        every = [mine / theirs for mine, theirs in pairs]
        if len(every) == 1:
            return every[0], every[0], every[0]
        low, median, high = statistics.quantiles(every, n=4, method="inclusive")
        return low, median, high


def by_cpu(figures: Figures, arm: str, against: str) -> float:
    """
    Return how many orders `arm` would do for one of `against` with the same CPU in all.

    It is what the rates come to where CPU is all that is short, and nobody else wants it.
    """
    cost = {name: figures.cpu_us[name] + figures.server_us[name] for name in (arm, against)}
    return cost[against] / cost[arm]


def prepare(lab: Lab, name: str) -> Target:
    """Make a database with the bench's market, its trading day open for every issue."""
    with connect(lab.url()) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    target = Target(name=name, url=lab.url(name), lab=lab.name)
    migrations.up(target)
    with connect(target) as server:
        text = (HERE / f"bench_market_{server.engine}.sql").read_text("utf-8")
        for statement in text.split(";\n"):
            (server.rows if "ANALYZE TABLE" in statement else server.execute)(statement)
        opening = [
            Order(key=f"open-{n}", account_id=1001, symbol=f"{n * 10:06d}", side="buy", quantity=1)
            for n in range(1, ISSUES + 1)
        ]
        clock = clock_of(DAY, time(9, 59))
        answers = orders.place_many(server, opening, clock=clock)
    if any(answer.status != "filled" for answer in answers):
        raise SystemExit(f"the day of {name} did not open: {answers[0]}")
    return target


def with_book(target: Target) -> Target:
    """Place what the market of single orders has seen before its first turn."""
    draw, clock = random.Random(1), clock_of(DAY, time(10, 0))  # noqa: S311
    with connect(target) as server:
        for first in range(0, BOOK, BATCH):
            book = [drawn(f"book-{first + n}", draw) for n in range(BATCH)]
            orders.place_many(server, book, clock=clock)
        if server.engine == "postgresql":  # MariaDB counts by itself, and at once
            server.execute("ANALYZE")
    return target


def ours(target: Target, load: Load, *, batch: int = 1, journal: Path | None = None) -> Arm:
    """Return the arm that is `stockops trade run`."""

    def run() -> tuple[float, float, float]:
        result = workload.run(
            target,
            workload.RunPlan(
                clients=load.clients,
                seconds=load.seconds,
                batch=batch,
                mix={"market": 30, "limit": 70},
                seed=secrets.randbits(32),
                business_date=DAY,
                seal=False,
                journal=journal and journal / secrets.token_hex(4),
            ),
        )
        if result.failure:
            raise result.failure
        if result.accepted < 0.95 * result.orders:
            raise SystemExit(f"too many orders were rejected: {result.outcomes}")
        return result.orders, result.achieved_per_s, result.client_cpu_us_per_order

    return run


def statements(target: Target, load: Load) -> Arm:
    """Return the arm that sends every statement itself."""

    def run() -> tuple[float, float, float]:
        count, cpu_s = bench_statements.measure(target.url, load.clients, load.seconds)
        return count, count / load.seconds, cpu_s / count * 1e6

    return run


def asked_aside(lab: Lab, target: Target) -> float:
    """Return the CPU that the server takes to be looked over before and after a run, in seconds."""
    before = server_cpu_s(lab)
    with connect(target) as server:
        ground = workload.survey(server, workload.RunPlan(business_date=DAY))
    with connect(target) as server:
        server.fetch(workload.TRADED, trade_id=ground.marks.trade_id)
    return server_cpu_s(lab) - before


def settle(lab: Lab, database: str) -> None:
    """
    Have the server end what a turn left to do: the next one is another's, and would pay for it.

    A minute of batches leaves tables of a gigabyte to vacuum, which goes on into the turns of all.
    """
    with connect(lab.url(database)) as server:
        if lab.engine == "postgresql":
            server.execute("VACUUM (ANALYZE)")
            return
        deadline = monotonic() + SETTLED_WITHIN_S
        asked = "SHOW GLOBAL STATUS LIKE 'Innodb_history_list_length'"
        while int(server.rows(asked)[0]["Value"]) > HISTORY and monotonic() < deadline:
            sleep(0.2)


def server_cpu_s(lab: Lab) -> float:
    """Return the CPU that the server has taken, those of its processes that ended included."""
    first = lab.pid
    family = Path(f"/proc/{first}/task/{first}/children").read_text("utf-8").split()
    ticks = 0
    for pid in [first, *family]:
        with suppress(FileNotFoundError, ProcessLookupError):  # a backend that ended meanwhile
            cells = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
            ticks += sum(map(int, cells[11:13])) + (
                sum(map(int, cells[13:15])) if pid == first else 0
            )
    return ticks / os.sysconf("SC_CLK_TCK")


def arms_of(lab: Lab, bench: Bench, journals: Path) -> dict[str, Arm]:
    """Return what takes turns in `lab`, each in the database that it works in."""
    load = Load(clients=bench.clients, seconds=bench.seconds)
    # A call with a thousand orders takes a second: more of them, or the last one weighs too much.
    longer = Load(clients=bench.clients, seconds=2 * bench.seconds)
    market = with_book(prepare(lab, MARKET))
    # What rests there belongs to the shares of its own clients, as with one router in front.
    dealt = prepare(lab, DEALT)
    return {
        "other": peers.routine(lab, market, load),
        "single": ours(market, load),
        "statements": statements(market, load),
        "batch": ours(dealt, longer, batch=BATCH),
        "tpcb": peers.tpcb(lab, load),
        "journal": ours(market, load, journal=journals / lab.engine),
    }


def measure(engine: str, bench: Bench, journals: Path) -> Figures:
    """
    Measure the order path of one engine in a lab of its own.

    Every second round goes backwards: what changes slowly meets both sides of a ratio alike.
    """
    with labs.temporary(engine, settings=SETTINGS[engine]) as lab:
        arms = arms_of(lab, bench, journals)
        market = Target(name=MARKET, url=lab.url(MARKET), lab=lab.name)
        rates: dict[str, list[float]] = {name: [] for name in arms}
        cpu: dict[str, list[float]] = {name: [] for name in arms}
        server: dict[str, list[float]] = {name: [] for name in arms}
        turns = [
            (number + 1, name)
            for group in GROUPS
            for number in range(bench.turns)
            for name in group[:: 1 if number % 2 == 0 else -1]
        ]
        for number, name in turns:
            # What `trade run` asks before and after its orders is no part of an order.
            aside_s = asked_aside(lab, market) if name in OURS else 0.0
            before = server_cpu_s(lab)
            count, rate, client_us = arms[name]()
            server_us = (server_cpu_s(lab) - before - aside_s) / count * 1e6
            settle(lab, DATABASES.get(name, MARKET))
            rates[name].append(rate)
            cpu[name].append(client_us)
            server[name].append(server_us)
            print(
                f"{engine} round {number}: {name} {rate:,.0f}/s, an order takes "
                f"{client_us:.0f} us of client CPU and {server_us:.0f} of the server's",
                file=sys.stderr,
            )
        with connect(market) as session:
            settings = {row.name: row.value for row in session.fetch(workload.SETTINGS)}
        return Figures(
            engine=engine,
            version=lab.version,
            settings=settings,
            rates=rates,
            cpu_us={name: statistics.median(each) for name, each in cpu.items()},
            server_us={name: statistics.median(each) for name, each in server.items()},
        )


def section(figures: Sequence[Figures], bench: Bench) -> list[str]:
    """Return the lines of docs/benchmarks.md."""
    lines = [
        f"{bench.clients} clients, {bench.turns} rounds; in a round the arms of one engine take "
        f"turns of {bench.seconds:g} s (batches {2 * bench.seconds:g} s) on the same server, in "
        "the next one backwards: first the single orders, which all go to one market that had "
        f"seen {BOOK:,} before, then batches and TPC-B, each in a database of its own. What a turn "
        "leaves to vacuum, or to purge, is done before the next. A rate is the median of its "
        "rounds, a ratio the median of the ratios within each round, beside it between which half "
        "of them lie. The order mix: 40 % sell, 30 % at the market, limits within five steps of "
        "the last price; "
        f"{ISSUES} issues and 1,000 accounts, drawn evenly. TPC-B with two branches a client.",
    ]
    for each in figures:
        lines += ["", f"### {each.engine} {each.version}", ""]
        lines += [", ".join(f"`{k}={v}`" for k, v in sorted(each.settings.items())), ""]
        lines += ["| client | orders/s | lowest | highest | CPU us an order: client | server |"]
        lines += ["|---|---:|---:|---:|---:|---:|"]
        for arm, rates in each.rates.items():
            title = TITLES[arm].format(other=OTHERS[each.engine])
            cpu = f"{each.cpu_us[arm]:,.0f} | {each.server_us[arm]:,.0f}"
            lines.append(
                f"| {title} | {each.median(arm):,.0f} | {min(rates):,.0f} | {max(rates):,.0f} "
                f"| {cpu} |"
            )
        lines += ["", "| comparison | ratio | half of the rounds | goal | | ratio by CPU alone |"]
        lines += ["|---|---:|---:|---:|---|---:|"]
        for arm, against, goal in GOALS:
            low, ratio, high = each.ratios(arm, against)
            name = {"other": OTHERS[each.engine], "tpcb": "TPC-B"}.get(against, against)
            verdict = "reached" if ratio >= goal else "**missed**"
            alone = by_cpu(each, arm, against)
            lines.append(
                f"| {arm} / {name} | {ratio:.2f} | {low:.2f} to {high:.2f} | {goal:.2f} "
                f"| {verdict} | {alone:.2f} |"
            )
    return lines
