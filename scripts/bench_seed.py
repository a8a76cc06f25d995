"""
How fast a seed loads, beside the engine's own client with the same rows from ready files.

`measure` is called by scripts/bench.py. By itself: ``python scripts/bench_seed.py``, which starts
a lab of each engine, measures, and prints JSON. Both sides load into the same tables, with every
constraint and index in place, over the same socket.
"""

import json
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stockops import lab as labs
from stockops import migrations, seeding
from stockops.engine import connect
from stockops.listing import sources
from stockops.plan import Consent
from stockops.seeding import SeedPlan, SeedProgress
from stockops.seeding.plan import Material
from stockops.seeding.tables import TABLES, Table, chunk
from stockops.targets import Target

PLAN = SeedPlan(users=20_000, accounts=40_000, days=120)
ROUNDS = 5
GOAL = 0.7
_TIMEOUT_S = 600
_COMMANDS = {
    "postgresql": r"\copy {table} ({columns}) from '{path}'",
    "mariadb": "LOAD DATA LOCAL INFILE '{path}' INTO TABLE {table}"
    " CHARACTER SET utf8mb4 ({columns});",
}
_OPTIONS = {"postgresql": ["-q", "-v", "ON_ERROR_STOP=1"], "mariadb": ["--local-infile=1"]}


def measure(target: Target, *, rounds: int = ROUNDS, plan: SeedPlan = PLAN) -> list[dict[str, Any]]:
    """
    Return one row: medians of `rounds` of ours and of the raw load, in turns, and their ratio.

    `target` is a lab; a database of its own is made in it and dropped. `whole_s` is all of a seed:
    the load, the opening of the market, ANALYZE and the content hash.
    """
    name = f"bench_{secrets.token_hex(4)}"
    database = replace(target, url=urlsplit(target.url)._replace(path=f"/{name}").geturl())
    with connect(target) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    try:
        migrations.up(database)
        with tempfile.TemporaryDirectory() as folder:
            return [_measured(database, plan, Path(folder), rounds)]
    finally:
        with connect(target) as admin:
            admin.execute(f"DROP DATABASE {name}")


def _measured(target: Target, plan: SeedPlan, folder: Path, rounds: int) -> dict[str, Any]:
    prepared = seeding.prepare(target, plan, sources.read)
    script, rows = ready_files(target, prepared.made_of, TABLES, folder)
    ours, raw, whole = [], [], []
    for _ in range(rounds):
        began = time.monotonic()
        raw_load(target, script)
        raw.append(rows / (time.monotonic() - began))
        seeding.reset(target, consent=Consent(yes=True))
        seen: list[SeedProgress] = []
        result = seeding.load(target, prepared, seen.append)
        loaded_s = max(each.elapsed_s for each in seen if not each.stage)
        ours.append(result.loaded_rows / loaded_s)
        whole.append(result.elapsed_s)
        seeding.reset(target, consent=Consent(yes=True))
    return {
        "engine": target.engine,
        "rows": rows,
        "rounds": rounds,
        "rows_per_s": round(statistics.median(ours)),
        "raw_rows_per_s": round(statistics.median(raw)),
        "ratio": round(statistics.median(ours) / statistics.median(raw), 3),
        "whole_s": round(statistics.median(whole), 2),
    }


def ready_files(
    target: Target, made_of: Material, tables: Sequence[Table], folder: Path
) -> tuple[str, int]:
    """Write the rows of `tables` to files; return a script that loads them, and their number."""
    commands, rows = [], 0
    for table in tables:
        path = folder / table.name
        with path.open("wb") as file:
            for number in range(table.chunks(made_of)):
                made = chunk(made_of, table, number)
                rows += made.rows
                file.write(made.text)
        command = _COMMANDS[target.engine]
        commands.append(
            command.format(table=table.name, columns=", ".join(table.columns), path=path)
        )
    return "\n".join(commands) + "\n", rows


def raw_load(target: Target, script: str) -> None:
    """Run a script of `ready_files` by the engine's own client."""
    client = labs.client(str(target.lab), database=target.database)
    subprocess.run(
        [*client, *_OPTIONS[target.engine]],
        input=script.encode(),
        check=True,
        timeout=_TIMEOUT_S,
        stdout=subprocess.DEVNULL,
    )


def section(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the lines of docs/benchmarks.md."""
    lines = [
        f"{PLAN.users:,} users, {PLAN.accounts:,} accounts, {PLAN.days} days of prices; "
        f"{ROUNDS} rounds in turns. Raw is COPY, or LOAD DATA, of the same rows from ready files "
        "by the engine's own client, into the same tables.",
        "",
        "| engine | rows | rows/s | raw rows/s | ratio | goal | | the whole seed, s |",
        "|---|---:|---:|---:|---:|---:|---|---:|",
    ]
    for each in found:
        verdict = "reached" if each["ratio"] >= GOAL else "**missed**"
        lines.append(
            f"| {each['engine']} | {each['rows']:,} | {each['rows_per_s']:,} "
            f"| {each['raw_rows_per_s']:,} | {each['ratio']:.2f} | {GOAL:.2f} | {verdict} "
            f"| {each['whole_s']:.1f} |"
        )
    return lines


def main() -> None:
    """Measure on a lab of each engine."""
    found = []
    for engine in sys.argv[1:] or sorted(labs.ENGINES):
        with labs.temporary(engine) as lab:
            target = Target(name=engine, url=lab.url(), lab=lab.name)
            found += measure(target)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
