"""
How fast `stockops slow digest` reads logs, beside pt-query-digest and pgBadger.

`section` is called by scripts/bench.py. By itself: ``python scripts/bench_slow.py [--megabytes N]
[FORMAT ...]``. Every log is made once; then both read it in turn, each whole command from its start
to its end, ours before theirs and after it, and write JSON. What memory they take is looked at in a
reading of its own: the looking costs time.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import bench_slow_logs
from bench_slow_logs import PREFIX

MEGABYTES = 64
ROUNDS = 3
GOALS: Mapping[str, float] = {"mariadb": 10.0, "csvlog": 25.0, "stderr": 15.0}
PGBADGER_FORMATS = {"csvlog": "csv", "stderr": "stderr", "jsonlog": "jsonlog"}
_TIMEOUT_S = 3600.0
# Python keeps compiled modules, unless it is told not to: nobody measures that.
_ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
_POLL_S = 0.1
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Run:
    """
    One run: how long it took, what it counted, and the most memory of all its processes together,
    0 where that was not looked at.
    """

    took_s: float
    calls: int
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Figures:
    """
    Both sides on one log; `peer` is the command of the better of what was tried.

    `watched` is a reading of each whose memory was looked at; `rounds_s` what ours took in each
    round, the mean of two readings, and theirs.
    """

    name: str
    size_bytes: int
    calls: int
    peer: str
    watched: tuple[Run, Run]
    rounds_s: Sequence[tuple[float, float]]

    @property
    def ratio(self) -> float:
        """How many times as fast ours is, of the rounds the median."""
        return statistics.median(theirs / ours for ours, theirs in self.rounds_s)

    @property
    def medians_s(self) -> tuple[float, float]:
        """What ours took, and theirs."""
        ours, theirs = zip(*self.rounds_s, strict=True)
        return statistics.median(ours), statistics.median(theirs)


def resident_bytes(root: int) -> int:
    """Return the resident memory of a process and all below it; shared pages count for each."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    below, pages = {root}, 0
    while more := {each for each, parent in parents.items() if parent in below} - below:
        below |= more
    for each in below:
        with suppress(OSError):
            pages += int(Path(f"/proc/{each}/statm").read_text().split()[1])
    return pages * _PAGE


def taken(command: Sequence[str], output: IO[bytes], *, watch: bool) -> tuple[float, int]:
    """Run `command`; return its seconds and, if told to `watch`, the most memory it took, bytes."""
    before_s, peak = time.perf_counter(), 0
    said = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=output, stderr=said, env=_ENVIRONMENT) as process:
        try:
            while watch and process.poll() is None:
                peak = max(peak, resident_bytes(process.pid))
                if time.perf_counter() - before_s > _TIMEOUT_S:
                    raise TimeoutError(" ".join(command))
                time.sleep(_POLL_S)
            process.wait(_TIMEOUT_S)
            took_s = time.perf_counter() - before_s
        finally:
            if process.poll() is None:
                process.kill()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command))
    return took_s, peak


def ours(path: Path, folder: Path, *, watch: bool = False) -> Run:
    """Read `path` with stockops, with a process for each core."""
    answer = folder / "ours.json"
    with answer.open("wb") as output:
        command = [
            sys.executable,
            "-m",
            "stockops",
            "slow",
            "digest",
            "--format",
            "json",
            str(path),
        ]
        took_s, peak = taken(command, output, watch=watch)
    return Run(took_s, json.loads(answer.read_text("utf-8"))["calls"], peak)


def theirs(name: str, path: Path, folder: Path, jobs: int, *, watch: bool = False) -> Run:
    """Read `path` with the tool that reads this format, pgBadger with so many processes."""
    answer = folder / "theirs.json"
    answer.unlink(missing_ok=True)
    with (folder / "output").open("wb") as output:
        took_s, peak = taken(peer(name, path, answer, jobs), output, watch=watch)
    if name == "mariadb":
        said = (folder / "output").read_text("utf-8", "replace")
        calls = json.loads(said[said.index("{") :])["global"]["query_count"]
    else:
        calls = json.loads(answer.read_text("utf-8"))["overall_stat"]["queries_number"]
    return Run(took_s, int(calls), peak)


def peer(name: str, path: Path, answer: Path, jobs: int) -> list[str]:
    """Return the command of the tool that reads this format."""
    if name == "mariadb":
        return ["pt-query-digest", "--output", "json", str(path)]
    command = ["pgbadger", "-q", "-j", str(jobs), "-f", PGBADGER_FORMATS[name], "-x", "json"]
    if name == "stderr":
        command += ["-p", PREFIX]
    return [*command, "-o", str(answer), str(path)]


def measure(name: str, *, megabytes: int, rounds: int) -> Figures:
    """Make a log and let both read it in turn; a first reading of each is not counted."""
    with tempfile.TemporaryDirectory(prefix="bench-slow-") as made:
        folder = Path(made)
        path = folder / f"server.{name}"
        calls = bench_slow_logs.write(name, path, megabytes)
        tried = [1] if name == "mariadb" else [1, 2]
        first = {jobs: theirs(name, path, folder, jobs, watch=True) for jobs in tried}
        jobs = min(first, key=lambda each: first[each].took_s)
        seen = ours(path, folder, watch=True), first[jobs]

        def one_round() -> tuple[float, float]:
            before, other, after = (
                ours(path, folder),
                theirs(name, path, folder, jobs),
                ours(path, folder),
            )
            return (before.took_s + after.took_s) / 2, other.took_s

        command = peer(name, Path("LOG"), Path("OUT"), jobs)
        return Figures(
            name=name,
            size_bytes=path.stat().st_size,
            calls=calls,
            peer=" ".join(command).replace(f" -p {PREFIX}", f" -p '{PREFIX}'"),
            watched=seen,
            rounds_s=[one_round() for _ in range(rounds)],
        )


def versions() -> str:
    """Say what is held against what."""
    said = []
    for tool in ("pt-query-digest", "pgbadger"):
        ran = subprocess.run(
            [tool, "--version"], capture_output=True, text=True, check=True, timeout=60
        )
        said.append(ran.stdout.strip())
    return ", ".join(said)


def section(figures: Sequence[Figures], *, rounds: int) -> list[str]:
    """Return the lines of docs/benchmarks.md."""
    lines = [
        f"`stockops slow digest --format json` beside {versions()}, each whole command from start "
        f"to end; medians of {rounds} rounds, and of the ratios within each, in which ours reads "
        "before theirs and after it. The logs are made up: thirty kinds of statement of 40 to 700 "
        "bytes, a quarter of them prepared, with their parameters. pgBadger ran with one process "
        "and with two, and the better one counts. Memory is that of all processes together, in a "
        "reading of its own.",
        "",
        "| log | MB | ours s | MB/s | theirs s | MB/s | ratio | goal | | memory MB: ours | theirs "
        "| calls: true | ours | theirs |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---|---:|---:|---:|---:|---:|",
    ]
    for each in figures:
        mine, other = each.medians_s
        goal = GOALS.get(each.name)
        verdict = ("reached" if each.ratio >= goal else "**missed**") if goal else ""
        megabytes = each.size_bytes / 1e6
        memory = [run.peak_bytes / 1e6 for run in each.watched]
        calls = [each.calls, *(run.calls for run in each.watched)]
        lines.append(
            f"| {each.name} | {megabytes:.0f} | {mine:.2f} | {megabytes / mine:.1f} | {other:.1f} "
            f"| {megabytes / other:.1f} | {each.ratio:.1f} | {goal or '':} | {verdict} "
            f"| {memory[0]:.0f} | {memory[1]:.0f} | " + " | ".join(f"{n:,}" for n in calls) + " |"
        )
    return [*lines, "", *(f"- {each.name}: `{each.peer}`" for each in figures)]


def missing() -> str:
    """Return the tool that is not installed, "" for none."""
    return next((tool for tool in ("pt-query-digest", "pgbadger") if not shutil.which(tool)), "")


def main() -> None:
    """Measure the formats that were named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("formats", nargs="*", help=", ".join(bench_slow_logs.FORMATS))
    parser.add_argument("--megabytes", type=int, default=MEGABYTES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    args = parser.parse_args()
    names = args.formats or list(bench_slow_logs.FORMATS)
    found = [measure(each, megabytes=args.megabytes, rounds=args.rounds) for each in names]
    print("\n".join(section(found, rounds=args.rounds)))


if __name__ == "__main__":
    main()
