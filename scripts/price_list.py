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
MARKS = "<!-- measured {engine}: {what} -->"
_NAMES = {"postgresql": "PostgreSQL", "mariadb": "MariaDB"}


def main() -> None:
    """Measure, and put the tables between the marks of the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", action="append", choices=[*CELLS])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--crashes", type=int, default=5)
    asked = parser.parse_args()
    for engine in asked.engine or CELLS:
        plan = MatrixPlan(
            engine=engine,
            cells=CELLS[engine],
            seconds=asked.seconds,
            rounds=asked.rounds,
            crashes=asked.crashes,
            kinds=durability.kinds_here(),
        )
        _write(engine, _section(durability.run(plan, said=_say, told=_tell)))


def _write(engine: str, measured: str) -> None:
    """Put `measured` between the marks of `engine`."""
    begin, end = (MARKS.format(engine=engine, what=what) for what in ("begin", "end"))
    before, _, rest = FILE.read_text("utf-8").partition(begin)
    after = rest.partition(end)[2]
    FILE.write_text(f"{before}{begin}\n{measured}\n{end}{after}", "utf-8")


def _section(matrix: Matrix) -> str:
    plan = matrix.plan
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[1]
    measured = (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} by `python scripts/price_list.py`: "
        f"{os.cpu_count()} CPUs, {memory:.0f} GB of memory, a virtual disk, a load average of "
        f"{load:.1f} at the end;\n{plan.clients} clients on the same machine, {2 * plan.rounds} "
        f"turns of {plan.seconds:g} s a line, {plan.crashes} crashes of each kind. Against the "
        "first line with an\ninterval of 95 %; lost is the least and the most of one crash."
    )
    title = f"### {_NAMES[matrix.engine]} {matrix.version}"
    return "\n".join([title, "", measured, "", *_table(matrix)])


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
