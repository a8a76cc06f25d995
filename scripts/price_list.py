"""Measure the price list of durability on both engines, for docs/settings-compare.md."""

import argparse
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from stockops.cli.matrixview import loss
from stockops.experiments import durability
from stockops.experiments.durability import CELLS, Matrix, MatrixPlan, Priced
from stockops.experiments.moments import Moment

FILE = Path(__file__).resolve().parent.parent / "docs" / "settings-compare.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
_NAMES = {"postgresql": "PostgreSQL", "mariadb": "MariaDB"}


def main() -> None:
    """Measure, and put the tables between the marks of the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--crashes", type=int, default=5)
    asked = parser.parse_args()
    parts = [_head(asked.seconds, asked.rounds)]
    for engine, cells in CELLS.items():
        plan = MatrixPlan(
            engine=engine,
            cells=cells,
            seconds=asked.seconds,
            rounds=asked.rounds,
            crashes=asked.crashes,
            kinds=durability.kinds_here(),
        )
        parts.append(_section(durability.run(plan, said=_say, told=_tell)))
    text = FILE.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    measured = "\n".join(parts)
    FILE.write_text(f"{before}{BEGIN}\n{measured}\n{END}{after}", "utf-8")


def _head(seconds: float, rounds: int) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} virtual CPUs, "
        f"{memory:.0f} GB of memory, a virtual disk; four clients on the same machine, "
        f"{2 * rounds} turns of {seconds:g} s a line. Against the first line with an interval of\n"
        "95 %; what was lost is the least and the most of one crash. "
        "Written by `python scripts/price_list.py`.\n"
    )


def _section(matrix: Matrix) -> str:
    return "\n".join([f"### {_NAMES[matrix.engine]} {matrix.version}", "", *_table(matrix), ""])


def _table(matrix: Matrix) -> Iterator[str]:
    yield (
        "| settings | promise | orders/s | against the first | p50 ms | p99 ms | lost by kill | "
        "lost by power |"
    )
    yield "|---|---|---:|---|---:|---:|---|---|"
    for line in matrix.lines:
        ratio = line.ratio
        against = "-"
        if line is not matrix.lines[0] and ratio.ratio is not None:
            against = f"x{ratio.ratio:.2f}"
            if ratio.low is not None and ratio.high is not None:
                against += f" ({ratio.low:.2f} to {ratio.high:.2f})"
        titles = "<br>".join(f"`{word}`" for word in line.cell.title.split())
        yield (
            f"| {titles} | {line.cell.warned or line.cell.promise} | {line.orders_per_s:,.0f} "
            f"| {against} | {line.p50_ms:.2f} | {line.p99_ms:.2f} "
            f"| {_lost(line, 'kill')} | {_lost(line, 'power')} |"
        )


def _lost(line: Priced, kind: str) -> str:
    return next((loss(each) for each in line.losses if each.kind == kind), "not tried")


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")


def _tell(here: Moment) -> None:
    if here.tick is None:
        _say(f"{here.number} of {here.of}: {here.what}")


if __name__ == "__main__":
    main()
