"""
Twenty ways to lose a backup without a word, tried on the tools that others trust.

``make scorecard`` runs it. Each case is a function with a stable name; it does the damage to what a
tool really made in a lab, asks the tool, and says whether the tool told of it. A tool that is not
installed is left out. Exits 1 when a case could not be run to its end.
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

import specimens

from stockops import lab as labs
from stockops import render
from stockops.errors import StockopsError
from stockops.lab import Lab


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one tool made of one case."""

    case: str
    title: str
    tool: str
    verdict: str  # "detected", "missed", or "not run" with the reason in `said`
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
        words = " ".join(said.split())[:200]
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


def main() -> int:
    """Run what the command line asks for, print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="M1", help="repeat")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    # What the cases need is read when it is known that they are wanted.
    import scorecard_mariadb  # noqa: F401, PLC0415
    import scorecard_postgresql  # noqa: F401, PLC0415

    with tempfile.TemporaryDirectory(prefix="stockops-scorecard-") as name, ExitStack() as stack:
        Path(name).chmod(0o755)
        found = run(Ground(Path(name), stack), asked.only)
    if asked.json:
        print(json.dumps([asdict(each) for each in found], indent=2))
    else:
        print(render.rows(found, "table"))
        for verdict in ("detected", "missed", "not run", "failed"):
            count = sum(each.verdict == verdict for each in found)
            print(f"{verdict}: {count}")
    return 1 if not found or any(each.verdict == "failed" for each in found) else 0


if __name__ == "__main__":
    sys.modules["scorecard"] = sys.modules["__main__"]  # the cases import it by this name
    sys.exit(main())
