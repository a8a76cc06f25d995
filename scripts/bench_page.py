"""The page of a digest: how large it is, how long it takes to write, and until it answers."""

import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stockops.errors import Unsupported
from stockops.report import digestpage
from stockops.slow import reading

CLASSES = (500, 5_000)
OPENED = 5  # times; the median counts
BROWSER_S = 60.0
_ENTRY = (
    "{at}.000 UTC [7] kim@shop LOG:  duration: {ms}.500 ms  statement: SELECT o.symbol,"
    " sum(o.quantity) FROM orders_{table} AS o JOIN accounts AS a ON a.account_id = o.account_id"
    " WHERE o.price > {n} AND a.status = 'open' GROUP BY o.symbol ORDER BY 2 DESC LIMIT 20"
)


@dataclass(frozen=True, slots=True)
class Figures:
    """One page of so many classes; `ready_ms` is from opening it to its first answer to a click."""

    classes: int
    size_mb: float
    written_s: float
    ready_ms: float


def measure(classes: int) -> Figures:
    """Write the page of a log with `classes` classes, and open it in Chromium."""
    with tempfile.TemporaryDirectory() as folder:
        log, page = Path(folder) / "pg.log", Path(folder) / "page.html"
        log.write_text("\n".join([*_lines(classes), ""]), "utf-8")
        digest = reading.digest(reading.prepare([str(log)]))
        began = time.perf_counter()
        digestpage.write_digest(digest, page)
        written_s = time.perf_counter() - began
        ready_ms = statistics.median(_opened(page, Path(folder) / f"{n}") for n in range(OPENED))
        return Figures(classes, page.stat().st_size / 1e6, written_s, ready_ms)


def section(figures: Sequence[Figures]) -> list[str]:
    """Return what the page of benchmarks says of them."""
    rows = [
        f"| {each.classes:,} | {each.size_mb:.1f} MB | {each.written_s:.1f} s "
        f"| {each.ready_ms:,.0f} ms |"
        for each in figures
    ]
    return [
        "`stockops slow digest --report`: three executions of each class, the statements of the "
        "first 200 laid",
        f"out. Opened from a file in headless Chromium, the median of {OPENED}: from the start of "
        "loading until the",
        "table is there, sorts and searches.",
        "",
        "| classes | file | written in | answers after |",
        "|---|---|---|---|",
        *rows,
    ]


def _lines(classes: int) -> list[str]:
    at, lines = datetime(2026, 1, 5, tzinfo=UTC), []
    for number in range(3 * classes):
        at += timedelta(seconds=1)
        name = "".join(chr(97 + number % classes // 26**power % 26) for power in range(3))
        entry = _ENTRY.format(at=f"{at:%Y-%m-%d %H:%M:%S}", ms=number % 977, table=name, n=number)
        lines.append(entry)
    return lines


def _opened(page: Path, home: Path) -> float:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise Unsupported("there is no chromium", hint="scripts/install-test-servers.sh")
    done = subprocess.run(
        [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-dev-shm-usage", f"--user-data-dir={home}", "--dump-dom", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=BROWSER_S, check=True,
    )  # fmt: skip
    found = re.search(r'data-ready-ms="(\d+)"', done.stdout)
    if found is None:
        raise Unsupported("the page did not say when it was ready")
    return float(found[1])
