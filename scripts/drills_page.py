"""
Run drills on both engines, and put what came of them into docs/drills.md.

Each part writes its own table, and leaves the others as they are:

    core    the drills of the core, the controls, and the picture (10 minutes on two quiet cores)
    beyond  all the others (25 minutes)
    alerts  every drill that names alerts, watched by a real Prometheus (25 minutes)
    prices  one drill under settings that are less safe; wants STOCKOPS_LABS on a disk (10 minutes)
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from stockops import disk
from stockops.drills import alarms, book, comparing, controls, history, matrix, running
from stockops.drills.comparing import Compared
from stockops.drills.going import AS_WRITTEN, Manner
from stockops.drills.head import Drill
from stockops.drills.history import Record
from stockops.errors import ConfigError, Unsupported
from stockops.lab import place
from stockops.report import drillruns
from stockops.targets import ENGINES, Config

TOP = Path(__file__).resolve().parent.parent
FILE = TOP / "docs" / "drills.md"
PICTURE = TOP / "docs" / "pictures" / "drills.png"
WINDOW = "1200,1500"
CORE = "core"
PRICED = "server-killed"
SETTINGS = {
    "postgresql": ("synchronous_commit=on,off", "wal_writer_delay=200ms,10s"),
    "mariadb": ("innodb_flush_log_at_trx_commit=1,2,0", "sync_binlog=1,0"),
}
_HEAD = "detected s | RTO s median / max | longest gap s | lost | books | verdict"

Due = Sequence[tuple[Drill, str, Manner]]


def main() -> None:
    """Run the parts that were asked for, one after the other, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", action="append", choices=[*PARTS], help="by default: core")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--drill", action="append", help="these alone, to try the command")
    parser.add_argument(
        "--failed", type=Path, default=TOP / "out" / "drills-failed",
        help="where runs that did not pass are kept, as JSON",
    )  # fmt: skip
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["STOCKOPS_STATE"] = folder
        drills = [each for each in book.load(Config()) if not asked.drill or each.id in asked.drill]
        for part in asked.part or [CORE]:
            begun = time.monotonic()
            lines = list(PARTS[part](drills, asked))
            _write(part, [_measured(part, asked.times, time.monotonic() - begun), "", *lines])


def _core(drills: Sequence[Drill], asked: argparse.Namespace) -> Iterator[str]:
    every = [(each, engine, AS_WRITTEN) for each, engine in _both(drills, core=True)]
    yield from _beside(_run(every, asked))
    red = [each for engine in ENGINES for each in controls.run(engine, tell=_say)]
    yield ""
    yield "| control that must go red | engine | what it came to |"
    yield "|---|---|---|"
    for one in red:
        yield f"| {one.control} | {one.engine} | {'red' if one.red else 'GREEN'}: {one.said} |"
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "drills.html"
        drillruns.write(history.every(), page)
        _picture(page)


def _beyond(drills: Sequence[Drill], asked: argparse.Namespace) -> Iterator[str]:
    every = [(each, engine, AS_WRITTEN) for each, engine in _both(drills, core=False)]
    yield from _beside(_run(every, asked))


def _alerts(drills: Sequence[Drill], asked: argparse.Namespace) -> Iterator[str]:
    alarms.require()
    manner = Manner(prometheus=True)
    every = [
        (each, engine, manner)
        for each, engine in [*_both(drills, core=True), *_both(drills, core=False)]
        if each.on(engine).detect.alerts
    ]
    yield from _heard(_run(every, asked))


def _heard(records: Iterable[Record]) -> Iterator[str]:
    yield "| drill | engine | alert | pending s | firing s | has to last | here |"
    yield "|---|---|---|---|---|---|---|"
    for one in comparing.alerts(records):
        pending = f"{_number(one.pending_s)}{f', {one.silent} silent' if one.silent else ''}"
        yield (
            f"| {_link(one.drill)} | {one.engine} | {one.alert} | {pending} | "
            f"{_number(one.firing_s)} | {one.lasts} | {one.here} |"
        )


def _prices(drills: Sequence[Drill], asked: argparse.Namespace) -> Iterator[str]:
    if disk.in_memory(place.labs_root()):
        raise ConfigError(
            "the labs lie in memory, where a sync costs nothing",
            hint="STOCKOPS_LABS=/var/tmp/labs python scripts/drills_page.py --part prices",
        )
    [drill] = [each for each in drills if each.id == PRICED]
    every = [
        (drill, engine, Manner(combination=each))
        for engine, words in SETTINGS.items()
        for each in matrix.checked([engine], matrix.parsed(words))[engine]
    ]
    yield (
        "| engine | settings | orders/s | p99 ms | RTO s median / max | lost median / max | books "
        "| verdict |"
    )
    yield "|" + "---|" * 8
    for one in comparing.price(_run(every, asked)):
        yield (
            f"| {one.engine} | {one.settings} | {_number(one.capacity_per_s)} | "
            f"{_number(one.p99_ms)} | {_number(one.rto_s)} / {_number(one.rto_s_max)} | "
            f"{_number(one.lost)} / {_number(one.lost_max)} | {one.books} | {one.verdict.value} |"
        )


PARTS: dict[str, Callable[[Sequence[Drill], argparse.Namespace], Iterable[str]]] = {
    CORE: _core,
    "beyond": _beyond,
    "alerts": _alerts,
    "prices": _prices,
}


def _both(drills: Sequence[Drill], *, core: bool) -> list[tuple[Drill, str]]:
    wanted = [each for each in drills if (CORE in each.tags) is core]
    return [(each, engine) for each in wanted for engine in each.engines]


def _run(due: Due, asked: argparse.Namespace) -> list[Record]:
    records = []
    for number, (drill, engine, manner) in enumerate([*due] * asked.times, 1):
        _say(f"[{number}/{len(due) * asked.times}] {drill.id} on {engine}")
        try:
            record = running.run(
                drill,
                engine,
                tell=lambda name, said: _say(f"  {name} {said}"),
                batch="page",
                manner=manner,
            )
        except Unsupported as exc:
            _say(str(exc))
            continue
        records.append(record)
        _keep_failed(record, asked.failed)
    return records


def _keep_failed(record: Record, folder: Path) -> None:
    """Say why a run did not pass, and keep all of it: its state goes with this program."""
    if record.passed:
        return
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record.run}.json"
    path.write_text(json.dumps(history.plain(record), indent=2), "utf-8")
    for reason in record.reasons:
        _say(f"  {record.verdict.value}: {reason}")
    _say(f"  kept: {path}")


def _measured(part: str, times: int, took_s: float) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    where = "memory" if disk.in_memory(place.labs_root()) else "a disk"
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} by `python scripts/drills_page.py --part "
        f"{part} --times {times}` in {took_s / 60:.0f} minutes:\n{os.cpu_count()} CPUs, "
        f"{memory:.0f} GB of memory, labs on {where}, a load average of {os.getloadavg()[2]:.1f} "
        f"at the end, {times} run(s) of each; seconds since\nthe injection, each with the start "
        "of the `stockops` commands that the runbook has in it."
    )


def _write(part: str, lines: Sequence[str]) -> None:
    """Put `lines` between the marks of `part`."""
    begin, end = (f"<!-- measured {part}: {what} -->" for what in ("begin", "end"))
    before, _, rest = FILE.read_text("utf-8").partition(begin)
    after = rest.partition(end)[2]
    FILE.write_text("\n".join([f"{before}{begin}", *lines, f"{end}{after}"]), "utf-8")


def _beside(records: Iterable[Record]) -> Iterator[str]:
    """Yield a table with a line for each drill, the engines beside each other."""
    yield f"| drill | PostgreSQL: {_HEAD} | MariaDB: {_HEAD} |"
    yield "|" + "---|" * 13
    by_drill: dict[str, dict[str, Compared]] = {}
    for each in comparing.compare(records):
        by_drill.setdefault(each.drill, {})[each.engine] = each
    for drill, sides in by_drill.items():
        cells = [cell for engine in ENGINES for cell in _cells(sides.get(engine))]
        yield f"| {_link(drill)} | {' | '.join(cells)} |"


def _cells(found: Compared | None) -> list[str]:
    if found is None:
        return ["-"] * 6
    times = f"{_number(found.rto_s)} / {_number(found.rto_max_s)}"
    return [
        _number(found.detected_s),
        times,
        _number(found.gap_max_s),
        _number(found.lost),
        found.books,
        found.verdict.value,
    ]


def _link(drill: str) -> str:
    return f"[{drill}](../chaos/{drill}.md)"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _picture(page: Path) -> None:
    browser = shutil.which("chromium")
    if browser is None:
        _say("no picture: there is no chromium")
        return
    words = [browser, "--headless", "--no-sandbox", "--hide-scrollbars", "--disable-gpu"]
    words += [f"--window-size={WINDOW}", f"--screenshot={PICTURE}", page.as_uri()]
    subprocess.run(words, check=True, capture_output=True, timeout=120)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
