"""What ``/proc`` says about a process: the difference between a live server and a stale pid."""

import os
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_CLOSE_WAIT = "08"  # the other side is gone, and ours has not looked yet


def argv(pid: int) -> tuple[str, ...] | None:
    """Return the arguments of the process `pid`; None when there is none, or only a zombie."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        command = (_PROC / str(pid) / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may hold spaces and parentheses: fields count from the last one.
    if stat.rpartition(")")[2].split()[0] in {"Z", "X"}:
        return None
    return tuple(os.fsdecode(command).rstrip("\0").split("\0"))


def server(pid_file: Path, *, program: str, data: Path) -> int | None:
    """
    Return the pid of the live server that wrote `pid_file`; None when it is stale or missing.

    A pid is used again, so that a number lives proves nothing: it must be `program` with `data`
    among its arguments. Two servers cannot share `data`, so no clock has to be asked: start times
    and file times drift apart when the clock is set.
    """
    pid = written(pid_file)
    words = argv(pid) if pid is not None else None
    if words is None or Path(words[0]).name != program:
        return None
    return pid if any(str(data) in word.split("=") for word in words) else None


def written(pid_file: Path) -> int | None:
    """Return the number on the first line of `pid_file`; None when there is none."""
    try:
        return int(pid_file.read_text(encoding="utf-8", errors="replace").split()[0])
    except (FileNotFoundError, NotADirectoryError, ValueError, IndexError):
        return None


def hung_up(port: int) -> set[int]:
    """
    Return the ports of those on this machine who closed their connection to our `port`.

    A server that waits for something to send learns of it only when it sends.
    """
    found = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (_PROC / "net" / table).read_text("ascii").splitlines()[1:]:
                _, here, there, state, *_ = line.split()
                if state == _CLOSE_WAIT and int(here.rpartition(":")[2], 16) == port:
                    found.add(int(there.rpartition(":")[2], 16))
    return found


def inside(*directories: Path) -> list[int]:
    """Return the processes whose working directory is one of these, as database servers' are."""
    found = []
    real = {each.resolve() for each in directories}
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "cwd").readlink() in real and argv(int(entry.name)) is not None:
                found.append(int(entry.name))
        except OSError:  # it has ended, or is somebody else's
            continue
    return found
