"""
Measure what docs/benchmarks.md states, and write it.

``make bench`` runs all of it; ``--only NAME`` measures one section again and leaves the others as
they stand, each with the day and the machine that it was measured on. ``--quick`` is a smoke run of
the orders: short, one round, written nowhere unless --output says where.
"""

import argparse
import os
import platform
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import bench_backup
import bench_books
import bench_conditions
import bench_exporter
import bench_indicators
import bench_orders
import bench_page
import bench_seed
import bench_slow
import bench_slow_logs
import community_exporters
from bench_orders import OTHERS, Bench

from stockops import lab as labs
from stockops.targets import Target

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `make bench`; run it for figures of your own machine.
"""


def orders(engines: Sequence[str], bench: Bench) -> list[str]:
    """Return the section of the order path."""
    with tempfile.TemporaryDirectory() as journals:
        figures = [bench_orders.measure(engine, bench, Path(journals)) for engine in engines]
    return bench_orders.section(figures, bench)


def seeding(engines: Sequence[str], _bench: Bench) -> list[str]:
    """Return the section of the seed."""
    rows = []
    for engine in engines:
        with labs.temporary(engine) as lab:
            rows += bench_seed.measure(Target(name="bench", url=lab.url(), lab=lab.name))
    return bench_seed.section(rows)


def backups(engines: Sequence[str], _bench: Bench) -> list[str]:
    """Return the section of the backups."""
    return bench_backup.section([bench_backup.measure(engine) for engine in engines])


def pages(_engines: Sequence[str], _bench: Bench) -> list[str]:
    """Return the section of the digest's page."""
    return bench_page.section([bench_page.measure(classes) for classes in bench_page.CLASSES])


def slow_logs(engines: Sequence[str], bench: Bench) -> list[str]:
    """Hold the digest of logs against the tools that others use for it."""
    if tool := bench_slow.missing():
        return [f"Not measured: {tool} is not installed (scripts/install-test-servers.sh does)."]
    names = [
        each
        for each in bench_slow_logs.FORMATS
        if ("mariadb" if each == "mariadb" else "postgresql") in engines
    ]
    rounds = min(bench.rounds, bench_slow.ROUNDS)
    found = [
        bench_slow.measure(each, megabytes=bench_slow.MEGABYTES, rounds=rounds) for each in names
    ]
    return bench_slow.section(found, rounds=rounds)


def scrapes(engines: Sequence[str], _bench: Bench) -> list[str]:
    """Return the section of the exporter."""
    for engine in engines:
        if tool := community_exporters.missing(engine):
            return [f"Not measured: {tool} is not installed (scripts/install-test-servers.sh)."]
    return bench_exporter.section([bench_exporter.measure(engine) for engine in engines])


def met(engines: Sequence[str], _bench: Bench) -> list[str]:
    """Return the section of the conditions."""
    return bench_conditions.section([bench_conditions.measure(engine) for engine in engines])


def computed(engines: Sequence[str], _bench: Bench) -> list[str]:
    """Return the section of the indicators."""
    return bench_indicators.section([bench_indicators.measure(engine) for engine in engines])


def checked(engines: Sequence[str], bench: Bench) -> list[str]:
    """Return the section of the books."""
    return bench_books.section(
        [
            bench_books.measure(engine, entries=bench.entries, rounds=bench.rounds)
            for engine in engines
        ]
    )


# Each section by its name, which is also its heading, in the order of the page.
SECTIONS: Mapping[str, Callable[[Sequence[str], Bench], list[str]]] = {
    "Orders": orders,
    "Conditions": met,
    "Books": checked,
    "Seeding": seeding,
    "Indicators": computed,
    "Backups": backups,
    "Digest pages": pages,
    "Slow logs": slow_logs,
    "Scrapes": scrapes,
}


def machine() -> str:
    """Say what it ran on."""
    cpu = platform.machine()
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            cpu = line.split(":")[1].strip()
            break
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} x {cpu}, {gib:.0f} GiB, Linux {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def merged(text: str, fresh: Mapping[str, str]) -> str:
    """Return the page `text` with the sections of `fresh` in the place of those of their names."""
    there = {
        name: f"## {name}\n{body}"
        for name, body in re.findall(r"^## (.+)\n((?:(?!## ).*\n?)*)", text, re.MULTILINE)
    }
    there |= fresh
    return "\n".join([HEAD, *(there[name].strip() + "\n" for name in SECTIONS if name in there)])


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round of orders")
    parser.add_argument("--only", action="append", choices=SECTIONS, help="this section; repeat")
    parser.add_argument("--engine", choices=sorted(OTHERS), help="one engine only")
    parser.add_argument("--clients", type=int, default=8)
    # Shorter ones weigh the first calls of new sessions, longer ones meet another machine each.
    parser.add_argument("--seconds", type=float, default=5.0, help="a turn of the orders")
    parser.add_argument("--turns", type=int, default=10, help="of the orders")
    parser.add_argument("--rounds", type=int, default=5, help="of the other sections")
    parser.add_argument(
        "--entries", type=int, default=bench_books.ENTRIES, help="in the journal, for the books"
    )
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    bench = Bench(
        clients=args.clients,
        seconds=args.seconds,
        rounds=1 if args.quick else args.rounds,
        turns=1 if args.quick else args.turns,
        entries=args.entries,
    )
    engines = [args.engine] if args.engine else sorted(OTHERS, reverse=True)
    output = args.output or (None if args.quick else PAGE)
    for name in args.only or (["Orders"] if args.quick else SECTIONS):
        load = os.getloadavg()[0]
        lines = SECTIONS[name](engines, bench)
        said = f"Measured {datetime.now(UTC):%Y-%m-%d}: {machine()}; load {load:.1f} before."
        section = "\n".join([f"## {name}", "", said, "", *lines]) + "\n"
        print(section)
        if output:  # each as it is done: the next one may take long, or fail
            text = output.read_text("utf-8") if output.exists() else HEAD
            output.write_text(merged(text, {name: section}), "utf-8")


if __name__ == "__main__":
    main()
