"""docs/scorecard.md, of what came of a whole run."""

import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from scorecard import Told
from scorecard_ours import TOOL

PROGRAMS = ("pg_basebackup", "pgbackrest", "mariadb-backup", "mariadb-dump", "mydumper")
HEAD = """# Scorecard

Twenty ways to lose a backup without a word, and who says one. Written by `make scorecard`; run it
for the tools of your own machine.

What is damaged was really made by the tool, on a real server, and the damage is the same for each.
*Detected*: the tool leaves with another code than 0, or does what it should although it was killed.
Of stockops the finding must name what was damaged, too. What one tool has no answer to, another may
have: the server's own tools are listed where they are what a DBA would run.

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
    lines += ["", _totals(found), "", RUNS + "| run | | |", "|---|---|---|"]
    for each in clean:
        name, _, engine = each.case.partition("[")[2].rstrip("]").rpartition("-")
        name, engine = (engine, name) if name in {"mariadb", "postgresql"} else (name, engine)
        quiet = "no alarm" if each.verdict == "quiet" else f"**{each.verdict}**: {each.said}"
        lines.append(f"| {name} | {engine} | {quiet} |")
    return HEAD + "\n".join([*facts, *lines]) + "\n"


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
    for program in PROGRAMS:
        if path := shutil.which(program):
            ran = subprocess.run(
                [path, "--version"], capture_output=True, text=True, check=False, timeout=10
            )
            words = (ran.stdout + ran.stderr).strip().splitlines()
            said.append(words[-1].removeprefix(f"{path} ").strip() if words else program)
    return said
