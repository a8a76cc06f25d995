"""
What commands said, in a page: each block of a console is renewed, the words around it stay.

A block is marked by a comment before it, ``<!-- NAME on ENGINE -->``.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 600.0
_BLOCK = re.compile(
    r"(?P<marker><!-- (?P<name>\w+) on (?P<engine>\w+) -->)(\n```console\n.*?\n```)?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A command as it was typed, what it left with, and what it said."""

    command: str
    code: int
    said: str


def run(
    command: str, *, folder: Path, environment: Mapping[str, str], code: int | None = 0
) -> Shown:
    """Run a command of stockops in `folder`, and return what it said; `code` None is any code."""
    done = subprocess.run(
        [sys.executable, "-m", "stockops", *shlex.split(command)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    shown = Shown(command, done.returncode, done.stdout + done.stderr)
    if code is not None and done.returncode != code:
        raise RuntimeError(f"stockops {command} left with {shown.code}: {shown.said}")
    return shown


def console(shown: Shown) -> str:
    """Return a command and what it said, as a terminal shows it."""
    lines = [line.rstrip() for line in shown.said.strip().splitlines()]
    return "\n".join([f"$ stockops {shown.command}", *lines])


def renewed(
    text: str,
    told: Mapping[str, Mapping[str, Shown]],
    *,
    shown_as: Callable[[Shown], str] = console,
) -> str:
    """Return the page `text` with what was `told` by engine and name in its blocks."""

    def block(match: re.Match[str]) -> str:
        shown = told[match["engine"]][match["name"]]
        return f"{match['marker']}\n```console\n{shown_as(shown)}\n```"

    return _BLOCK.sub(block, text)
