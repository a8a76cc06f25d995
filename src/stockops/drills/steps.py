"""The steps of a runbook, done: commands in a shell, as a person would type them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from .. import lab as labs
from ..errors import StockopsError
from ..lab import Lab
from . import clients
from .faults.base import Fault, Spot
from .history import StepRun
from .runbook import Does, Step

STEP_S = 120.0
START_S = 120.0
_AGAIN_S = 0.3
_SAID_CHARS = 600


class Doing:
    """Does the steps of one run; `done` holds what became of each."""

    def __init__(self, spot: Spot, fault: Fault, *, zero_ns: int) -> None:
        self.done: list[StepRun] = []
        self._spot = spot
        self._fault = fault
        self._zero_ns = zero_ns
        self._env = environment(spot)
        # On the machine of a real server, a person sees the disks that it sees.
        self._inside = spot.volumes.seeing if spot.volumes else ()

    def do(self, step: Step) -> bool:
        """Do one step, and tell whether it came out as the runbook says."""
        began_ns = time.perf_counter_ns()
        code, said = self._did(step)
        good = code == step.exit_code
        self.done.append(
            StepRun(
                text=step.text,
                section=step.section,
                mark=step.mark.value,
                at_s=round((began_ns - self._zero_ns) / 1e9, 3),
                took_s=round((time.perf_counter_ns() - began_ns) / 1e9, 3),
                exit_code=code,
                said=None if good else said[-_SAID_CHARS:],
            )
        )
        return good

    def _did(self, step: Step) -> tuple[int, str]:
        try:
            if step.does is Does.RELEASE:
                self._fault.lift(self._spot)
            elif step.does is Does.START:
                start(self._spot)
        except StockopsError as exc:
            return exc.exit_code, str(exc)
        deadline = time.monotonic() + step.within_s
        code, said = 0, ""
        for command in step.commands if step.does is Does.COMMANDS else ():
            code, said = self._ran(command)
            while code != step.exit_code and time.monotonic() < deadline:
                time.sleep(_AGAIN_S)
                code, said = self._ran(command)
            if code != step.exit_code:
                break
        return code, said

    def _ran(self, command: str) -> tuple[int, str]:
        """Run one command in a shell; what it says goes to a file that stays with the run."""
        log = self._spot.folder / "steps.log"
        with log.open("ab") as out:
            out.write(f"$ {command}\n".encode())
            out.flush()
            at = out.tell()
            shell = subprocess.Popen(
                [*self._inside, "/bin/sh", "-c", command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self._spot.folder,
                env=self._env,
                start_new_session=True,
            )
            try:
                code = shell.wait(STEP_S)
            except subprocess.TimeoutExpired:
                code = -1
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(shell.pid, 9)
                shell.wait()
        with log.open("rb") as said:
            said.seek(at)
            text = said.read().decode("utf-8", "replace").strip()
        return (code, text) if code >= 0 else (code, f"took longer than {STEP_S:.0f} s: {text}")


def start(spot: Spot) -> None:
    """Start the server again and again until it is up; `ServerError` where it never is."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            labs.up(spot.lab.name)
        except StockopsError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_AGAIN_S)
        else:
            return


def environment(spot: Spot) -> Mapping[str, str]:
    """Return what the commands of a runbook find in their environment."""
    lab = spot.lab
    found = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PG")},
        "PATH": f"{_programs(spot)}:{lab.programs}:{os.environ.get('PATH', os.defpath)}",
        "TARGET": lab.name,
        "LAB": lab.name,
        "LOGIN": clients.APP,
        "URL": spot.target.url,
        "FRONT": spot.front.url,
        "DATA": str(lab.data),
        "MIGRATIONS": str(spot.migrations),
        **dict(_client(spot, lab)),
    }
    if spot.repository:
        found["REPO"] = str(spot.repository)
    if spot.replica:
        found["REPLICA"] = spot.replica.name
    return found


def _programs(spot: Spot) -> Path:
    """Return a directory in which this very program is called ``stockops``."""
    directory = spot.folder / "bin"
    program = directory / "stockops"
    if not program.exists():
        directory.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m stockops "$@"\n', encoding="utf-8")
        program.chmod(0o755)
    return directory


def _client(spot: Spot, lab: Lab) -> Iterator[tuple[str, str]]:
    """Yield what leads the engine's own client to the server, without a word of options."""
    if lab.engine == "postgresql":
        yield from {
            "PGHOST": str(lab.sockets),
            "PGPORT": str(lab.port or 5432),
            "PGUSER": lab.owner,
            "PGDATABASE": spot.target.database,
        }.items()
        return
    options = spot.folder / "my.cnf"
    options.write_text(
        f"[client]\nsocket={lab.socket}\nuser={lab.owner}\n[mysql]\ndatabase={labs.DATABASE}\n",
        encoding="utf-8",
    )
    yield "MYSQL_HOME", str(spot.folder)
