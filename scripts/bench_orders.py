"""
The order path against pgbench and sysbench, and against a client that sends each statement.

Labs of both engines, each with durable settings, in which the arms of a comparison take turns
(A B C A B C ...), so that whatever else the machine does meets all of them.
"""

import os
import secrets
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import bench_statements

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
_TIMEOUT_S = 900.0
OTHERS = {"postgresql": "pgbench", "mariadb": "sysbench"}
# What each comparison must reach: the arm, the arm it is held against, the ratio.
GOALS = (
    ("single", "other", 0.90),
    ("single", "statements", 3.0),
    ("batch", "statements", 8.0),
)
OURS = ("single", "journal", "batch")
# What a lab of MariaDB leaves at its default of 96 MB, and one of PostgreSQL sets to 2 GB: a round
# writes 200 MB of it, and whichever arm ran when it was full waited for pages to be flushed.
SETTINGS = {"postgresql": {}, "mariadb": {"innodb_log_file_size": "2G"}}
TITLES = {
    "single": "stockops trade run, one order a call",
    "journal": "the same, with a client journal fsynced before the sends it covers",
    "batch": f"stockops trade run --batch {BATCH}, each client with its share of the issues",
    "other": "{other}, calling the same routine",
    "statements": "a client that sends each statement of the transaction itself",
}
Arm = Callable[[], tuple[float, float, float]]  # orders, orders/s, us of client CPU an order


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """How long and how often."""

    clients: int
    seconds: float
    rounds: int
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

    def ratio(self, arm: str, against: str) -> float:
        """Return the median of the ratios of the rounds: two arms of a round are neighbours."""
        pairs = zip(self.rates[arm], self.rates[against], strict=True)
        return statistics.median(mine / theirs for mine, theirs in pairs)


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


def ours(target: Target, bench: Bench, *, batch: int = 1, journal: Path | None = None) -> Arm:
    """Return the arm that is `stockops trade run`."""

    def run() -> tuple[float, float, float]:
        result = workload.run(
            target,
            workload.RunPlan(
                clients=bench.clients,
                seconds=bench.seconds,
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


def pgbench(lab: Lab, target: Target, bench: Bench) -> Arm:
    """Return the arm that is pgbench."""

    def run() -> tuple[float, float, float]:
        command = [
            str(lab.programs / "pgbench"),
            *("-n", "-M", "prepared", "-c", str(bench.clients), "-j", str(bench.clients)),
            *("-T", f"{bench.seconds:.0f}", "-f", str(HERE / "bench_pgbench.sql")),
            *("-h", str(lab.sockets), "-p", str(lab.port or 5432), "-U", "stockops"),
            target.database,
        ]
        said, cpu_s = timed(command)
        line = next(line for line in said.splitlines() if line.startswith("tps ="))
        rate = float(line.split()[2])
        count = rate * bench.seconds
        return count, rate, cpu_s / count * 1e6

    return run


def sysbench(target: Target, bench: Bench) -> Arm:
    """Return the arm that is sysbench."""

    def run() -> tuple[float, float, float]:
        parts = urlsplit(target.url)
        command = [
            *("sysbench", str(HERE / "bench_sysbench.lua"), "--db-driver=mysql"),
            f"--mysql-socket={parse_qs(parts.query)['unix_socket'][0]}",
            *(f"--mysql-user={parts.username}", f"--mysql-db={target.database}"),
            *(f"--threads={bench.clients}", f"--time={bench.seconds:.0f}", "--events=0"),
            *("--db-ps-mode=disable", "--rand-type=uniform", "run"),
        ]
        said, cpu_s = timed(command)
        line = next(
            line
            for line in said.splitlines()
            if "transactions:" in line or "total number of events" in line
        )
        count = float(line.split(":")[1].split()[0])
        return count, count / bench.seconds, cpu_s / count * 1e6

    return run


def statements(target: Target, bench: Bench) -> Arm:
    """Return the arm that sends every statement itself."""

    def run() -> tuple[float, float, float]:
        count, cpu_s = bench_statements.measure(target.url, bench.clients, bench.seconds)
        return count, count / bench.seconds, cpu_s / count * 1e6

    return run


def timed(command: list[str]) -> tuple[str, float]:
    """Run a command; return what it said and the CPU it took, in seconds."""
    before = children_cpu_s()
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]}: {done.stdout}{done.stderr}")
    return done.stdout, children_cpu_s() - before


def children_cpu_s() -> float:
    """Return the CPU that the processes this one waited for have taken."""
    times = os.times()
    return times.children_user + times.children_system


def asked_aside(lab: Lab, target: Target) -> float:
    """Return the CPU that the server takes to be looked over before and after a run, in seconds."""
    before = server_cpu_s(lab)
    with connect(target) as server:
        ground = workload.survey(server, workload.RunPlan(business_date=DAY))
    with connect(target) as server:
        server.fetch(workload.TRADED, trade_id=ground.marks.trade_id)
    return server_cpu_s(lab) - before


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


def measure(engine: str, bench: Bench, journals: Path) -> Figures:
    """Measure the order path of one engine in a lab of its own."""
    with labs.temporary(engine, settings=SETTINGS[engine]) as lab:
        market = prepare(lab, "bench_market")
        plain = prepare(lab, "bench_plain")
        # What rests there belongs to the shares of its own clients, as with one router in front.
        dealt = prepare(lab, "bench_dealt")
        other = pgbench(lab, market, bench) if engine == "postgresql" else sysbench(market, bench)
        arms: dict[str, Arm] = {
            "single": ours(market, bench),
            "other": other,
            "journal": ours(market, bench, journal=journals / engine),
            "statements": statements(plain, bench),
            "batch": ours(dealt, bench, batch=BATCH),
        }
        rates: dict[str, list[float]] = {name: [] for name in arms}
        cpu: dict[str, list[float]] = {name: [] for name in arms}
        server: dict[str, list[float]] = {name: [] for name in arms}
        for number in range(bench.rounds):
            for name, arm in arms.items():
                # What `trade run` asks before and after its orders is no part of an order.
                aside_s = asked_aside(lab, market) if name in OURS else 0.0
                before = server_cpu_s(lab)
                count, rate, client_us = arm()
                server_us = (server_cpu_s(lab) - before - aside_s) / count * 1e6
                rates[name].append(rate)
                cpu[name].append(client_us)
                server[name].append(server_us)
                print(
                    f"{engine} round {number + 1}: {name} {rate:,.0f}/s, an order takes "
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
        f"{bench.clients} clients, {bench.rounds} rounds of {bench.seconds:g} s; in a round the "
        "arms of one engine take turns on the same server. A rate is the median of its rounds, a "
        "ratio the median of the ratios within each round. The order mix: 40 % sell, 30 % at the "
        f"market, limits within five steps of the last price; {ISSUES} issues and 1,000 accounts, "
        "drawn evenly.",
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
        lines += ["", "| comparison | ratio | goal | | ratio by CPU alone |"]
        lines += ["|---|---:|---:|---|---:|"]
        for arm, against, goal in GOALS:
            ratio = each.ratio(arm, against)
            name = OTHERS[each.engine] if against == "other" else against
            verdict = "reached" if ratio >= goal else "**missed**"
            alone = by_cpu(each, arm, against)
            lines.append(f"| {arm} / {name} | {ratio:.2f} | {goal:.2f} | {verdict} | {alone:.2f} |")
    return lines
