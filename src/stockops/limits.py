"""The soft limits of other processes: read, and set, also where root is not allowed everything."""

import resource
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from .errors import StockopsError
from .processes import Process

Limited = Literal["AS", "FSIZE", "NOFILE", "NPROC"]

SET_S = 5.0
_EACH = 'while [ $# -gt 0 ]; do prlimit --pid "$1" "$2"; shift 2; done'
_LINES: Mapping[str, str] = MappingProxyType(
    {
        "AS": "Max address space",
        "FSIZE": "Max file size",
        "NOFILE": "Max open files",
        "NPROC": "Max processes",
    }
)


def soft(process: Process, what: Limited) -> int | None:
    """Return the soft limit, -1 where there is none; None where the process is gone."""
    try:
        lines = Path(f"/proc/{process.pid}/limits").read_text("ascii").splitlines()
    except OSError:
        return None
    said = next(line.removeprefix(_LINES[what]) for line in lines if line.startswith(_LINES[what]))
    value = said.split()[0]
    if not process.lives:  # what was read may have been another one's
        return None
    return resource.RLIM_INFINITY if value == "unlimited" else int(value)


def set_soft(wanted: Mapping[Process, int], what: Limited) -> None:
    """Set the soft limits of processes of one user; who is gone is left out, hard ones stay."""
    number = getattr(resource, f"RLIMIT_{what}")
    left = {}
    for process, value in wanted.items():
        try:
            if process.lives:
                _, hard = resource.prlimit(process.pid, number)
                resource.prlimit(process.pid, number, (value, hard))
        except ProcessLookupError:
            continue
        except PermissionError:
            left[process] = value
    said = _as_their_user(left, what) if left else ""
    for process, value in left.items():
        if soft(process, what) not in {None, value}:
            raise StockopsError(
                f"the limit {what} of process {process.pid} cannot be set: {said or 'no reason'}",
                hint=f"As its user: {command(process.pid, what, value)}",
            )


def command(pid: int, what: Limited, value: int) -> str:
    """Return the command that sets the soft limit of `pid`."""
    return f"prlimit --pid {pid} {_option(what, value)}"


def _option(what: Limited, value: int) -> str:
    stated = "unlimited" if value == resource.RLIM_INFINITY else value
    return f"--{what.lower()}={stated}:"


def _as_their_user(wanted: Mapping[Process, int], what: Limited) -> str:
    """Set them as that user: root in a container may lack the right, which he has. Say why not."""
    words = [word for each, value in wanted.items() for word in (each.pid, _option(what, value))]
    try:
        owner = Path(f"/proc/{next(iter(wanted)).pid}").stat()
        ran = subprocess.run(
            ["/bin/sh", "-c", _EACH, "sh", *map(str, words)],
            user=owner.st_uid,
            group=owner.st_gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            text=True,
            timeout=SET_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as exc:
        return str(exc)
    return ran.stderr.strip()
