"""
Twenty ways to lose a backup without a word, tried on this tool and on those that others trust.

``make scorecard`` runs it, and writes docs/scorecard.md. Of the others each case is a function with
a stable name; it does the damage to what a tool really made in a lab, asks the tool, and says
whether the tool told of it. Our own cases are tests that bear the number; so are the clean runs. A
tool that is not installed is left out. Exits 1 when a case could not be run to its end, when ours
missed one, and when it raised a false alarm.
"""

import argparse
import json
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import scorecard_ours
import specimens

from stockops import lab as labs
from stockops import render
from stockops.errors import StockopsError
from stockops.lab import Lab

PAGE = Path(__file__).parent.parent / "docs" / "scorecard.md"
SAID_CHARACTERS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one tool made of one case."""

    case: str
    title: str
    tool: str
    verdict: str  # "detected", "missed", "quiet", "false alarm"; "not run", "failed" as `said`
    said: str


@dataclass(slots=True)
class Ground:
    """Labs and folders for the cases, made when first asked for, gone at the end."""

    work: Path
    stack: ExitStack
    kept: dict[str, Lab] = field(default_factory=dict)

    def folder(self, name: str) -> Path:
        """Return a fresh folder that the labs' users can enter."""
        path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.work))
        path.chmod(0o755)
        return path

    def lab(self, engine: str, *, kind: str = "", **more: object) -> Lab:
        """Return the lab of that `kind`, which the cases of one sort share."""
        key = f"{engine}-{kind}"
        if key not in self.kept:
            lab = self.stack.enter_context(labs.temporary(engine, **more))  # type: ignore[arg-type]
            self.kept[key] = lab
        return self.kept[key]


Answer = tuple[str, bool, str]  # the tool, whether it told, what it said


@dataclass(frozen=True, slots=True)
class Case:
    """One way to lose a backup. `needs` are programs without which it cannot be tried."""

    id: str
    title: str
    needs: Sequence[str]
    others: Callable[[Ground], list[Answer]]


CASES: list[Case] = []


Others = Callable[[Ground], list[Answer]]


def case(id: str, *needs: str) -> Callable[[Others], Others]:  # noqa: A002
    """Put a function among the cases; what it is about stands in its first line."""

    def add(function: Others) -> Others:
        title = (function.__doc__ or "").strip().rstrip(".")
        CASES.append(Case(id, title, needs, function))
        return function

    return add


def run(ground: Ground, only: Sequence[str]) -> list[Told]:
    """Run the cases called `only`, or all, in their order."""
    found = []
    for each in sorted(CASES, key=lambda case: int(case.id[1:])):
        if only and each.id not in only:
            continue
        print(f"{each.id} {each.title}", file=sys.stderr, flush=True)
        found += _run(each, ground)
    return found


def _run(each: Case, ground: Ground) -> list[Told]:
    def told(tool: str, verdict: str, said: str) -> Told:
        words = " ".join(said.split())[:SAID_CHARACTERS]
        return Told(case=each.id, title=each.title, tool=tool, verdict=verdict, said=words)

    missing = [program for program in each.needs if not specimens.have(program)]
    if missing:
        return [told(missing[0], "not run", "it is not installed")]
    try:
        answers = each.others(ground)
    except (Exception, specimens.Failed) as exc:
        traceback.print_exc()
        missing_server = isinstance(exc, StockopsError)
        verdict = "not run" if missing_server else "failed"
        return [told(", ".join(each.needs) or "-", verdict, str(exc))]
    return [told(tool, "detected" if yes else "missed", said) for tool, yes, said in answers]


def run_ours(only: Sequence[str]) -> tuple[list[Told], list[Told]]:
    """Run our own column: the cases, and the runs in which nothing is wrong."""
    titles = {each.id: each.title for each in CASES}
    cases, runs = scorecard_ours.run(only)

    def told(case: str, title: str, verdict: str, said: str) -> Told:
        words = " ".join(said.split())[:SAID_CHARACTERS]
        return Told(case=case, title=title, tool=scorecard_ours.TOOL, verdict=verdict, said=words)

    said_of_case = {"passed": "detected", "failed": "missed"}
    said_of_run = {"passed": "quiet", "failed": "false alarm"}
    return (
        [told(each, titles[each], said_of_case.get(how, how), said) for each, how, said in cases],
        [told(each, "a clean run", said_of_run.get(how, how), said) for each, how, said in runs],
    )


def main() -> int:
    """Run what the command line asks for, print it; write the page when that was all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="M1", help="repeat")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    # What the cases need is read when it is known that they are wanted.
    import scorecard_mariadb  # noqa: F401, PLC0415
    import scorecard_page  # noqa: PLC0415
    import scorecard_postgresql  # noqa: F401, PLC0415

    ours, clean = run_ours(asked.only)
    with tempfile.TemporaryDirectory(prefix="stockops-scorecard-") as name, ExitStack() as stack:
        Path(name).chmod(0o755)
        others = run(Ground(Path(name), stack), asked.only)
    found = sorted([*ours, *others], key=lambda each: int(each.case[1:]))
    if asked.json:
        print(json.dumps([asdict(each) for each in [*found, *clean]], indent=2))
    else:
        print(render.rows([*found, *clean], "table"))
        for verdict in ("detected", "missed", "quiet", "false alarm", "not run", "failed"):
            count = sum(each.verdict == verdict for each in [*found, *clean])
            print(f"{verdict}: {count}")
    if not asked.only:
        PAGE.write_text(scorecard_page.page(found, clean), "utf-8")
    bad = [each for each in [*ours, *clean] if each.verdict in {"missed", "false alarm"}]
    return 1 if bad or not ours or any(each.verdict == "failed" for each in others) else 0


if __name__ == "__main__":
    sys.modules["scorecard"] = sys.modules["__main__"]  # the cases import it by this name
    sys.exit(main())
