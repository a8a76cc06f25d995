"""Run drills on both engines, and put what came of them into docs/drills.md."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from stockops.drills import book, comparing, controls, history, running
from stockops.drills.comparing import Compared
from stockops.drills.history import Record
from stockops.errors import Unsupported
from stockops.report import drillruns
from stockops.targets import ENGINES, Config

TOP = Path(__file__).resolve().parent.parent
FILE = TOP / "docs" / "drills.md"
PICTURE = TOP / "docs" / "pictures" / "drills.png"
MARKS = ("<!-- measured: begin -->", "<!-- measured: end -->")
WINDOW = "1200,1500"


def main() -> None:
    """Run them, and write the page and its picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tag", default="core")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument(
        "--failed", type=Path, default=TOP / "out" / "drills-failed",
        help="where runs that did not pass are kept, as JSON",
    )  # fmt: skip
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["STOCKOPS_STATE"] = folder
        records = []
        drills = book.chosen(book.load(Config()), names=(), tags=(asked.tag,), engine=None)
        for drill in drills * asked.times:
            for engine in drill.engines:
                _say(f"{drill.id} on {engine}")
                try:
                    record = running.run(
                        drill,
                        engine,
                        tell=lambda name, said: _say(f"  {name} {said}"),
                        batch="page",
                    )
                except Unsupported as exc:
                    _say(str(exc))
                    continue
                records.append(record)
                _keep_failed(record, asked.failed)
        red = [each for engine in ENGINES for each in controls.run(engine, tell=_say)]
        page = Path(folder) / "drills.html"
        drillruns.write(history.every(), page)
        _picture(page)
    before, _, rest = FILE.read_text("utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    lines = "\n".join(_lines(comparing.compare(records), red, asked.times))
    FILE.write_text(f"{before}{MARKS[0]}\n{lines}\n{MARKS[1]}{after}", "utf-8")


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


def _lines(found: list[Compared], red: list[controls.Control], times: int) -> Iterator[str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} by `python scripts/drills_page.py`: "
        f"{os.cpu_count()} CPUs, {memory:.0f} GB of memory, {times} run(s) of each; seconds since "
        "the\ninjection, each with the start of the `stockops` commands that the runbook has in it."
    )
    yield ""
    head = "detected s | RTO s median / max | longest gap s | lost | books | verdict"
    yield f"| drill | PostgreSQL: {head} | MariaDB: {head} |"
    yield "|" + "---|" * 13
    by_drill: dict[str, dict[str, Compared]] = {}
    for each in found:
        by_drill.setdefault(each.drill, {})[each.engine] = each
    for drill, sides in by_drill.items():
        cells = [cell for engine in ENGINES for cell in _cells(sides.get(engine))]
        yield f"| [{drill}](../chaos/{drill}.md) | {' | '.join(cells)} |"
    yield ""
    yield "| control that must go red | engine | what it came to |"
    yield "|---|---|---|"
    for one in red:
        yield f"| {one.control} | {one.engine} | {'red' if one.red else 'GREEN'}: {one.said} |"


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


def _tell(name: str, said: str) -> None:
    _say(f"  {name} {said}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
