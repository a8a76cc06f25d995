"""The soft limits of other processes: read, and set, also where root is not allowed everything."""

import os
import resource
import select
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NoReturn

from .errors import StockopsError
from .processes import Process

Limited = Literal["AS", "FSIZE", "NOFILE", "NPROC"]

SET_S = 5.0
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
    try:
        owner = Path(f"/proc/{next(iter(wanted)).pid}").stat()
    except OSError as exc:
        return str(exc)
    told, ours = os.pipe()
    child = os.fork()  # nothing is loaded and nothing is started: who undoes is in a hurry
    if child == 0:
        _set_as(owner.st_uid, owner.st_gid, wanted, what, ours)
    os.close(ours)
    with os.fdopen(told, "rb", buffering=0) as said:
        if not select.select([said], [], [], SET_S)[0]:
            os.kill(child, signal.SIGKILL)
        text = said.read().decode()
    os.waitpid(child, 0)
    return text


def _set_as(
    user: int, group: int, wanted: Mapping[Process, int], what: Limited, ours: int
) -> NoReturn:
    """Become that user, set the limits, tell what went wrong, and end."""
    number = getattr(resource, f"RLIMIT_{what}")
    try:
        os.setgroups([])
        os.setresgid(group, group, group)
        os.setresuid(user, user, user)
        for process, value in wanted.items():
            with suppress(ProcessLookupError):
                if process.lives:
                    _, hard = resource.prlimit(process.pid, number)
                    resource.prlimit(process.pid, number, (value, hard))
    except BaseException as exc:
        os.write(ours, str(exc).encode())
    finally:
        os._exit(0)
