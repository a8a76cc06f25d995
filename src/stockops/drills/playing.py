"""A game: the tool breaks it, and a person recovers by the runbook, against the clock."""

import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from .. import health
from ..health import State
from . import steps
from .faults.base import Fault, Spot
from .history import StepRun

POLL_S = 0.3
ENTER = "enter"  # a file that a shell reads to have what the commands of a runbook need
RELEASE = "release"  # a command: what only the world can do, it has done
TYPED = "typed"  # what stands for a section of the runbook
_TYPED = "typed.log"
_NOTE = """#!/bin/sh
said=$(printf '{name} %s' "$*" | tr '\\n' ' ')
printf '%s %s\\n' "$(date -u +%Y-%m-%dT%H:%M:%S.%N+00:00)" "$said" >> {log}
"""
# What `lab` starts finds its way in by itself.
_SHIM = """[ "$1" = lab ] && exec {python} -m stockops "$@"
exec {inside} {python} -m stockops "$@"
"""
_RELEASED = "echo the world does its part now: the disk has room again, the network heals\n"
_LOOKERS = ("df", "du", "find", "ls")
_PASSED = ("STOCKOPS_", "PYTHONPATH")  # a shell of a person may have others


@dataclass(slots=True, kw_only=True)
class Game:
    """
    Who recovers, and what he typed.

    `told` is given the line that a person types first, in a shell of his own, and the health checks
    that told of something `before` it was broken: they tell nothing of it. `mended` is given how
    long it took, in seconds, at the moment at which nothing is wrong any more.
    """

    told: Callable[[str, Sequence[str]], None]
    mended: Callable[[float], None]
    before: Sequence[str] = ()
    typed: list[StepRun] = field(default_factory=list)

    def look(self, spot: Spot) -> None:
        """See what every check tells of a server that has nothing."""
        found = health.run(spot.target, health.load(spot.engine)).outcomes
        self.before = [each.check.name for each in found if each.state is not State.OK]

    def recover(self, spot: Spot, fault: Fault, wrong: Callable[[], str | None]) -> None:
        """Wait until nothing is `wrong` any more; the person has a shell, and does it."""
        began_s = time.time()
        _shims(spot)
        enter = spot.folder / ENTER
        enter.write_text("".join(_entering(steps.environment(spot))), "utf-8")
        enter.chmod(0o600)
        self.told(f". {enter}", self.before)
        try:
            while wrong() is not None:
                if (spot.folder / f"{RELEASE}d").exists():
                    (spot.folder / f"{RELEASE}d").unlink()
                    fault.lift(spot)
                time.sleep(POLL_S)
            self.mended(time.time() - began_s)
        finally:
            self.typed += _typed(spot.folder, began_s)


def _entering(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield what a shell reads: what a runbook needs, and nothing else of the environment here."""
    for name, value in environment.items():
        if name == "PATH":
            more = value.removesuffix(os.environ.get("PATH", os.defpath))
            yield f'export PATH={shlex.quote(more)}"$PATH"\n'
        elif value != os.environ.get(name) or name.startswith(_PASSED):
            yield f"export {name}={shlex.quote(value)}\n"


def _shims(spot: Spot) -> None:
    """
    Put the commands of a game where the shell finds them.

    They note that they were typed. Where the server has disks of its own, they and the
    programs that look at disks see those, as they would on its machine.
    """
    directory = spot.folder / "bin"
    directory.mkdir(exist_ok=True)
    inside = shlex.join(spot.volumes.seeing) if spot.volumes else ""
    log = shlex.quote(str(spot.folder / _TYPED))
    texts = {
        "stockops": _SHIM.format(inside=inside, python=shlex.quote(sys.executable)),
        RELEASE: f"touch {shlex.quote(str(spot.folder / f'{RELEASE}d'))}\n{_RELEASED}",
    }
    for name in _LOOKERS if inside else ():
        if program := shutil.which(name):
            texts[name] = f'exec {inside} {program} "$@"\n'
    for name, text in texts.items():
        program_file = directory / name
        program_file.write_text(_NOTE.format(name=name, log=log) + text, encoding="utf-8")
        program_file.chmod(0o755)


def _typed(folder: Path, began_s: float) -> list[StepRun]:
    """Return what the person typed, in order; times count from the moment he was told."""
    log = folder / _TYPED
    found = []
    for line in log.read_text("utf-8", "replace").split("\n")[:-1] if log.exists() else ():
        at, _, text = line.partition(" ")
        at_s = datetime.fromisoformat(at[:26] + "+00:00").timestamp() - began_s
        found.append(
            StepRun(text=text, section=TYPED, mark="manual", at_s=round(at_s, 1), took_s=0.0)
        )
    return found
