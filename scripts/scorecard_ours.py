"""Our own column: the tests that bear the numbers of the cases, run by pytest."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

TOP = Path(__file__).parent.parent
TOOL = "stockops"
WITHIN_S = 3600.0
CASE, CLEAN = "case", "clean"

# The case or the run, what came of it, and what was said.
Answer = tuple[str, str, str]


def run(only: Sequence[str]) -> tuple[list[Answer], list[Answer]]:
    """Run the cases called `only`, or all of them and the clean runs; return what came of both."""
    with tempfile.TemporaryDirectory(prefix="stockops-scorecard-") as folder:
        report = Path(folder) / "report.xml"
        words = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "scorecard_watch",
            "-m",
            f"{CASE} or {CLEAN}",
        ]
        words += [f"--junitxml={report}", "-o", "junit_family=xunit1", "-p", "no:cacheprovider"]
        words += [word for each in only for word in ("--case", each)]
        paths = [str(TOP / "scripts"), *filter(None, [os.environ.get("PYTHONPATH")])]
        subprocess.run(
            [*words, *map(str, sorted((TOP / "tests").glob("test_*.py")))],
            cwd=TOP,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdout=sys.stderr,
            timeout=WITHIN_S,
            check=False,
        )
        tests = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314  we wrote it
    return list(_answers(tests, CASE)), list(_answers(tests, CLEAN))


def _answers(tests: Sequence[ElementTree.Element], kind: str) -> Iterator[Answer]:
    for test in tests:
        found = [(each.get("name"), each.get("value", "")) for each in test.iter("property")]
        said = " ".join(value for name, value in found if name == "said")
        for name, value in found:
            if name == kind:
                yield value, _verdict(test), _told(test.get("name", ""), said)


def _verdict(test: ElementTree.Element) -> str:
    if test.find("failure") is not None or test.find("error") is not None:
        return "failed"
    return "passed" if test.find("skipped") is None else "not run"


def _told(name: str, said: str) -> str:
    """Return what was said; else the name of the test, as the sentence that it is."""
    words, _, more = name.removeprefix("test_").partition("[")
    how = f" ({more.rstrip(']')})" if more else ""
    return (said or re.sub(r"^m\d+_", "", words).replace("_", " ")) + how
