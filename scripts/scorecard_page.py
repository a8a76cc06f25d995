"""docs/scorecard.md, of what came of a whole run."""

import platform
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from scorecard import Told
from scorecard_ours import TOOL

from stockops import lab as labs
from stockops.errors import StockopsError

ENGINES = (("postgresql", None), ("postgresql", "15"), ("mariadb", None))
PROGRAMS = {"pgbackrest": "version", "mydumper": "--version"}
_NUMBER = re.compile(r"\d+\.\d+[\d.]*")
HEAD = """# Scorecard

Twenty ways to lose a backup without a word, and who says one. Written by `make scorecard`; run it
for the tools of your own machine.

What is damaged was really made by the tool, on a real server, and the damage is the same for each.
*Detected*: the tool leaves with another code than 0, or leaves nothing behind although it was
killed, or shows no password. Of stockops the finding must name what was damaged, too. Some cases
are tried on it in several ways: as the repository would be damaged, and, where a drill is asked, as
if the engine's tool had stored the damage and the manifest fitted it.

"""
RUNS = """## Clean runs

Nothing is wrong, and nothing may be said to be: each is taken, listed, verified twice, planned
with, and drilled, which restores it, replays its log, and reads every page, structure and row.

"""


def page(found: Sequence[Told], clean: Sequence[Told]) -> str:
    """Return the page."""
    facts = [f"- Date: {datetime.now(UTC):%Y-%m-%d}", f"- Machine: {platform.platform()}"]
    facts += [f"- Tools: {', '.join(_versions())}", f"- stockops: {_sum(found, clean)}", ""]
    lines = [
        "",
        "## Cases",
        "",
        "| | what was done | tool | | what it said |",
        "|---|---|---|---|---|",
    ]
    for each in found:
        verdict = each.verdict if each.verdict == "detected" else f"**{each.verdict}**"
        cells = [each.case, each.title, each.tool, verdict, each.said.replace("|", "\\|")]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", _totals(found), "", RUNS + _runs(clean)]
    return HEAD + "\n".join([*facts, *lines]) + "\n"


def _runs(clean: Sequence[Told]) -> str:
    came: dict[str, dict[str, str]] = {}
    for each in clean:
        engine, _, name = each.case.partition("[")[2].rstrip("]").partition("-")
        quiet = "no alarm" if each.verdict == "quiet" else f"**{each.verdict}**: {each.said}"
        came.setdefault(name, {})[engine] = quiet
    engines = sorted({engine for each in came.values() for engine in each})
    lines = [f"| run | {' | '.join(engines)} |", "|---" * (len(engines) + 1) + "|"]
    for name, each in came.items():
        lines.append(f"| {name} | {' | '.join(each.get(engine, '-') for engine in engines)} |")
    return "\n".join(lines)


def counted(found: Sequence[Told]) -> Mapping[str, Mapping[str, int]]:
    """Return how often each tool told, and did not."""
    counts: dict[str, dict[str, int]] = {}
    for each in found:
        mine = counts.setdefault(each.tool, {})
        mine[each.verdict] = mine.get(each.verdict, 0) + 1
    return counts


def _totals(found: Sequence[Told]) -> str:
    lines = ["| tool | detected | missed |", "|---|---:|---:|"]
    for tool, counts in sorted(counted(found).items(), key=lambda pair: pair[0] != TOOL):
        lines.append(f"| {tool} | {counts.get('detected', 0)} | {counts.get('missed', 0)} |")
    return "\n".join(lines)


def _sum(found: Sequence[Told], clean: Sequence[Told]) -> str:
    ours = [each for each in found if each.tool == TOOL]
    cases = {each.case for each in ours}
    lost = {each.case for each in ours if each.verdict != "detected"}
    alarms = sum(each.verdict == "false alarm" for each in clean)
    return (
        f"{len(cases) - len(lost)} of {len(cases)} cases detected, "
        f"{alarms} false alarms in {len(clean)} clean runs"
    )


def _versions() -> list[str]:
    said = []
    for engine, version in ENGINES:
        try:
            found = labs.ENGINES[engine].find(version=version, directory=None)
        except StockopsError:
            continue
        said.append(f"{engine} {found.version}")
    for program, word in PROGRAMS.items():
        if path := shutil.which(program):
            ran = subprocess.run(
                [path, word], capture_output=True, text=True, check=False, timeout=10
            )
            number = _NUMBER.search(ran.stdout + ran.stderr)
            said.append(f"{program} {number[0].rstrip('.') if number else ''}".strip())
    return said
