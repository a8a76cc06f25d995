"""The engines' own tools, asked about what is not theirs to change."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ... import children, lab, scratch
from ...errors import ServerError, StockopsError

TOOL_S = 6 * 3600.0  # the longest that one look at one backup may take
ANSWER_S = 60.0
_SAID_LINES = 3


def postgresql(major: int | None = None) -> Path | None:
    """Return where the programs of PostgreSQL `major` are, of any if None; None if nowhere."""
    try:
        wanted = None if major is None else str(major)
        return lab.ENGINES["postgresql"].find(version=wanted, directory=None).directory
    except StockopsError:
        return None


@contextmanager
def workplace() -> Iterator[Path]:
    """Give a directory of our own, gone at the end: nothing is written where the backups are."""
    with scratch.directory("audit") as work:
        yield work


def complaint(argv: Sequence[str | Path], *, work: Path) -> str:
    """Run `argv`; return its last words where it fails, and nothing where it does not."""
    log = work / "tool.log"
    log.unlink(missing_ok=True)
    try:
        children.run(argv, cwd=work, log=log, env=environment(), within_s=TOOL_S)
    except ServerError as exc:
        return last_words(log) or str(exc)
    return ""


def answer(argv: Sequence[str | Path]) -> str:
    """Return what `argv` says on both its streams, however it leaves."""
    ran = subprocess.run(
        argv, capture_output=True, env=environment(), timeout=ANSWER_S, check=False, cwd="/"
    )
    return (ran.stdout + ran.stderr).decode("utf-8", "replace")


def last_words(log: Path) -> str:
    """Return what a tool said of its failure, on one line."""
    lines = children.tail(log)
    errors = [line for line in lines if "error" in line.lower() or "fail" in line.lower()]
    said = (errors or lines)[:_SAID_LINES]
    return " / ".join(" ".join(line.split()) for line in said)


def environment() -> dict[str, str]:
    """Return what tools find in their environment: words in English, and nobody's settings."""
    path = "/usr/bin:/bin:/usr/local/bin:/usr/sbin:/usr/local/sbin"
    return {"PATH": path, "LC_ALL": "C", "TMPDIR": os.environ.get("TMPDIR", "/tmp")}  # noqa: S108
