"""
What others send to the same server: pgbench and sysbench, our routine and TPC-B's transaction.

Each is an arm of `bench_orders`: a function that runs it once.
"""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from stockops.engine import connect
from stockops.lab import Lab
from stockops.targets import Target

HERE = Path(__file__).parent
TPCB = "bench_tpcb"
_TIMEOUT_S = 900.0
Arm = Callable[[], tuple[float, float, float]]  # orders, orders/s, us of client CPU an order


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """With how many clients, and for how long."""

    clients: int
    seconds: float


def routine(lab: Lab, target: Target, load: Load) -> Arm:
    """Return the arm in which the engine's own client calls `place_order`."""
    if lab.engine == "postgresql":
        return _pgbench(lab, target, load, "-f", str(HERE / "bench_pgbench.sql"))
    return _sysbench(target, load, HERE / "bench_sysbench.lua")


def tpcb(lab: Lab, load: Load) -> Arm:
    """
    Fill a database of its own, and return the arm that runs TPC-B's transaction in it.

    Two branches a client, so that the rows of the branches are no queue.
    """
    target = Target(name=TPCB, url=lab.url(TPCB), lab=lab.name)
    scale = 2 * load.clients
    with connect(lab.url()) as admin:
        admin.execute(f"CREATE DATABASE {target.name}")
    if lab.engine == "postgresql":
        timed([*_pgbench_of(lab), "-i", "-q", "-s", str(scale), target.name])
        return _pgbench(lab, target, load, "-b", "tpcb-like")
    with connect(target) as server:
        text = (HERE / "bench_tpcb_mariadb.sql").read_text("utf-8")
        for statement in text.replace("{scale}", str(scale)).split(";\n"):
            (server.rows if "ANALYZE TABLE" in statement else server.execute)(statement)
    return _sysbench(target, load, HERE / "bench_tpcb.lua", f"--scale={scale}")


def timed(command: list[str]) -> tuple[str, float]:
    """Run a command; return what it said and the CPU it took, in seconds."""
    before = _children_cpu_s()
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]}: {done.stdout}{done.stderr}")
    return done.stdout, _children_cpu_s() - before


def _pgbench_of(lab: Lab) -> list[str]:
    pgbench = str(lab.programs / "pgbench")
    return [pgbench, "-h", str(lab.sockets), "-p", str(lab.port or 5432), "-U", "stockops"]


def _pgbench(lab: Lab, target: Target, load: Load, *script: str) -> Arm:
    def run() -> tuple[float, float, float]:
        command = [
            *_pgbench_of(lab),
            *("-n", "-M", "prepared", "-c", str(load.clients), "-j", str(load.clients)),
            *("-T", f"{load.seconds:.0f}", *script, target.database),
        ]
        said, cpu_s = timed(command)
        line = next(line for line in said.splitlines() if line.startswith("tps ="))
        rate = float(line.split()[2])
        count = rate * load.seconds
        return count, rate, cpu_s / count * 1e6

    return run


def _sysbench(target: Target, load: Load, script: Path, *options: str) -> Arm:
    def run() -> tuple[float, float, float]:
        parts = urlsplit(target.url)
        command = [
            *("sysbench", str(script), "--db-driver=mysql"),
            f"--mysql-socket={parse_qs(parts.query)['unix_socket'][0]}",
            *(f"--mysql-user={parts.username}", f"--mysql-db={target.database}"),
            *(f"--threads={load.clients}", f"--time={load.seconds:.0f}", "--events=0"),
            *("--db-ps-mode=disable", "--rand-type=uniform", *options, "run"),
        ]
        said, cpu_s = timed(command)
        line = next(line for line in said.splitlines() if "total number of events" in line)
        count = float(line.split(":")[1].split()[0])
        return count, count / load.seconds, cpu_s / count * 1e6

    return run


def _children_cpu_s() -> float:
    times = os.times()
    return times.children_user + times.children_system
