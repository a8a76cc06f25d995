"""
What a scrape of our exporter takes, beside the community's on the same server.

`section` is called by scripts/bench.py. By itself: ``python scripts/bench_exporter.py [ENGINE]``.
Both are asked in turn, over HTTP, with the same server below; ours twice: with what theirs covers
too, and with everything. Each exporter is a process of its own.
"""

import contextlib
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import community_exporters

from stockops import lab as labs
from stockops import migrations
from stockops.exporter import SERVERS, Guard, Manner, Source, Watches, WebServer, routes
from stockops.passwords import from_file
from stockops.targets import Target

SCRAPES = 300
WARM_SCRAPES = 5
ASKED_S = 30.0
SLOW_S = 2.0  # the slow lane has gone round by then
# Not compared: Debian's postgres_exporter has none of it, and of MariaDB ours reads less of it, in
# the background and in another way.
BEYOND = {"tables", "statements"}
THEIRS_BEYOND = ("info_schema.tables", "perf_schema.eventsstatements")
_NAMES = {
    "postgresql": "PostgreSQL, postgres_exporter 0.11.1",
    "mariadb": "MariaDB, mysqld_exporter 0.14.0",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Median scrapes of one engine; `equal` and `whole` are ours, `ratio` is within a turn."""

    engine: str
    ratio: float
    theirs_ms: float
    equal_ms: float
    whole_ms: float
    theirs_series: int
    equal_series: int
    whole_series: int
    memory_mb: float


def measure(engine: str) -> Figures:
    """Scrape both exporters of a lab of `engine` in turn."""
    with contextlib.ExitStack() as stack:
        lab = stack.enter_context(labs.temporary(engine, port=True))
        target = Target(name="bench", url=lab.url(), lab=lab.name)
        migrations.up(target)
        over = target
        if engine == "mariadb":
            password = from_file(lab.tcp_password_file, where="the lab")
            over = replace(target, url=lab.url(tcp=True), password=password)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        theirs = stack.enter_context(
            community_exporters.running(over, folder, without=THEIRS_BEYOND)
        )
        equal, _ = stack.enter_context(_ours(target, "equal"))
        whole, process = stack.enter_context(_ours(target, "whole"))
        addresses = {"theirs": theirs, "equal": equal, "whole": whole}
        series = {}
        for name, address in addresses.items():
            for _ in range(WARM_SCRAPES):
                _scrape(address)
            time.sleep(SLOW_S)
            series[name] = _scrape(address)[1]
        took: dict[str, list[float]] = {name: [] for name in addresses}
        for _ in range(SCRAPES):
            for name, address in addresses.items():
                took[name].append(_scrape(address)[0])
        pairs = zip(took["equal"], took["theirs"], strict=True)
        found = {name: statistics.median(each) * 1000 for name, each in took.items()}
        return Figures(
            engine,
            statistics.median(ours / other for ours, other in pairs),
            *(found[name] for name in addresses),
            *(series[name] for name in addresses),
            memory_mb=_peak_mb(process),
        )


def section(figures: Sequence[Figures]) -> list[str]:
    """Return what the page of benchmarks says of them."""
    rows = [
        f"| {_NAMES[each.engine]} | {each.theirs_ms:.1f} ms | {each.equal_ms:.1f} ms "
        f"| {each.ratio:.2f}x | {each.whole_ms:.1f} ms "
        f"| {each.theirs_series:,} / {each.equal_series:,} / {each.whole_series:,} "
        f"| {each.memory_mb:.0f} MB |"
        for each in figures
    ]
    return [
        f"A scrape over HTTP, the median of {SCRAPES}, of a lab with the schema; all in turn. "
        "Ours without statements",
        "and tables, as theirs is here, and ours with everything. The ratio is the median of those "
        "within each turn.",
        "",
        "| engine, theirs | theirs | ours, the same | ratio | ours, all | series of each "
        "| memory, peak |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *rows,
    ]


@contextlib.contextmanager
def _ours(target: Target, which: str) -> Iterator[tuple[str, int]]:
    """Run our exporter in a process of its own; give its address and its number."""
    words = [sys.executable, __file__, "--serve", target.url, which]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None  # noqa: S101  it was asked for
        yield process.stdout.readline().strip(), process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=ASKED_S)
        if process.stdout:
            process.stdout.close()


def _serve(url: str, which: str) -> None:
    """Be the exporter of `url`, until SIGTERM."""
    engine = url.partition(":")[0]
    left_out = BEYOND if which == "equal" else set[str]()
    servers = [each for each in SERVERS[engine] if each.NAME not in left_out]
    watches = Watches(Source(own=url), Manner(servers=servers, files=()), _say)
    server = WebServer(("127.0.0.1", 0), routes(watches), guard=Guard(None, _say), say=_say)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    print(f"http://127.0.0.1:{server.server_address[1]}/metrics", flush=True)
    server.serve_forever()


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _scrape(address: str) -> tuple[float, int]:
    """Return how long a scrape took, and how many series of a server it gave."""
    began = time.perf_counter()
    with urllib.request.urlopen(address, timeout=ASKED_S) as answer:  # noqa: S310  it is ours
        body = answer.read()
    took_s = time.perf_counter() - began
    return took_s, len(re.findall(rb"^(?:pg|mysql)_", body, re.MULTILINE))


def _peak_mb(process: int) -> float:
    said = Path(f"/proc/{process}/status").read_text("utf-8")
    (peak,) = re.findall(r"^VmHWM:\s+(\d+) kB", said, re.MULTILINE)
    return int(peak) / 1000


def main() -> None:
    """Measure one engine or both, and say it."""
    if sys.argv[1:2] == ["--serve"]:
        _serve(*sys.argv[2:])
        return
    print("\n".join(section([measure(engine) for engine in sys.argv[1:] or sorted(_NAMES)])))


if __name__ == "__main__":
    main()
