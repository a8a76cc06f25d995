"""
What the machine under a server has, where the server is on this one.

That it is here is proven by its process: what listens at the socket, or serves the session, has the
server's program and started when the server says that it did. A forwarded port or socket, a pooler
or another machine does not, and then nothing is known. The limits that count are those of the
control groups of that process, not of ours.
"""

import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from ..targets import Target
from .facts import Disk, Machine, Missing

PROGRAMS = {"postgresql": {"postgres"}, "mariadb": {"mariadbd", "mysqld"}}
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
START_DIFFERS_S_MAX = 5.0
CONNECT_S = 5.0
_PROC, _GROUPS, _SYS = Path("/proc"), Path("/sys/fs/cgroup"), Path("/sys")
_NO_LIMIT = 1 << 60  # what version 1 of control groups says where there is none
# What a virtual machine says of its disk is a default, not a fact.
_VIRTUAL = ("vd", "xvd")
_VIRTUAL_VENDORS = {"QEMU", "VMware", "Msft", "VBOX", "Google", "Virtio"}

HINT = "Say what it has: --memory 64GB --cpus 16 --disk ssd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a server says of itself: `pid` of a process of it that started at `pid_started_s`."""

    engine: str
    started_s: float
    pid: int | None = None
    pid_started_s: float | None = None
    data_directory: str | None = None


def find(target: Target, seen: Seen) -> Machine:
    """Return what the machine under the server has, or why that is not known."""
    parts = urlsplit(target.url)
    path = _socket_path(target)
    host = parts.hostname or ""
    if path is None and host not in LOOPBACK | {""}:
        return Machine(missing=Missing(f"the server is on {host!r}, not on this machine", HINT))
    pid = _process(seen, path)
    if pid is None:
        why = "no process of this machine is known to be the server's"
        return Machine(missing=Missing(why, HINT))
    disk, why_not = _disk(seen.data_directory)
    return Machine(
        memory_bytes=min([_memory(), *memory_limits(pid)]),
        cpus=max(1, min([len(os.sched_getaffinity(pid)), *cpu_limits(pid)])),
        disk=disk,
        known_by=f"process {pid} of this machine, and its control groups",
        disk_missing=Missing(why_not, "Say what it is: --disk ssd") if why_not else None,
    )


def memory_limits(pid: int, *, proc: Path = _PROC, groups: Path = _GROUPS) -> list[int]:
    """Return the limits of memory of all control groups around the process `pid`, in bytes."""
    found = []
    for folder in _folders(pid, "memory", proc, groups):
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            with suppress(OSError, ValueError):
                limit = int((folder / name).read_text("ascii"))
                found += [limit] if limit < _NO_LIMIT else []
    return found


def cpu_limits(pid: int, *, proc: Path = _PROC, groups: Path = _GROUPS) -> list[int]:
    """Return the limits of CPUs of all control groups around the process `pid`, rounded up."""
    found = []
    for folder in _folders(pid, "cpu", proc, groups):
        with suppress(OSError, ValueError):
            quota, period = map(int, (folder / "cpu.max").read_text("ascii").split())
            found.append(-(-quota // period))
        with suppress(OSError, ValueError):
            quota = int((folder / "cpu.cfs_quota_us").read_text("ascii"))
            period = int((folder / "cpu.cfs_period_us").read_text("ascii"))
            found += [-(-quota // period)] if quota > 0 else []
    return found


def _folders(pid: int, controller: str, proc: Path, groups: Path) -> Iterator[Path]:
    """Yield the folders of the control groups that limit `pid`, from its own up to the root."""
    try:
        lines = (proc / str(pid) / "cgroup").read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, names, path = line.split(":", 2)
        if names and controller not in names.split(","):
            continue
        root = groups / names if names else groups
        if names and not root.is_dir():
            root = groups / controller
        here = root / path.lstrip("/")
        yield from (each for each in (here, *here.parents) if each == root or root in each.parents)


def _socket_path(target: Target) -> str | None:
    parts = urlsplit(target.url)
    query = parse_qs(parts.query)
    if target.engine == "mariadb":
        return query.get("unix_socket", [None])[0]
    folder = query.get("host", [""])[0]
    if not folder.startswith("/"):
        return None
    return f"{folder}/.s.PGSQL.{parts.port or 5432}"


def _process(seen: Seen, path: str | None) -> int | None:
    """Return a process of the server; None where none, or more than one, may be it."""
    if seen.pid and seen.pid_started_s and _is(seen.pid, seen.engine, seen.pid_started_s):
        parent = _parent(seen.pid)
        # The process of a session ends with it: who is told of it should find the server's.
        return parent if parent and _runs(parent, seen.engine) else seen.pid
    if path is not None:
        peer = _peer(path)
        return peer if peer and _is(peer, seen.engine, seen.started_s) else None
    pids = [int(each.name) for each in _PROC.iterdir() if each.name.isdigit()]
    found = [pid for pid in pids if _is(pid, seen.engine, seen.started_s)]
    first = [pid for pid in found if _parent(pid) not in found]
    return first[0] if len(first) == 1 else None


def _peer(path: str) -> int | None:
    """Return the process that listens at the socket `path`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(CONNECT_S)
        try:
            asking.connect(path)
        except OSError:
            return None
        said = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", said)[0]) or None


def _is(pid: int, engine: str, started_s: float) -> bool:
    """Tell whether `pid` runs the program of `engine`, and began at `started_s`."""
    try:
        if not _runs(pid, engine):
            return False
        since_boot_s = int(_stat(pid)[19]) / os.sysconf("SC_CLK_TCK")
        uptime_s = float((_PROC / "uptime").read_text("ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return False
    return abs(time.time() - uptime_s + since_boot_s - started_s) <= START_DIFFERS_S_MAX


def _runs(pid: int, engine: str) -> bool:
    return (_PROC / str(pid) / "comm").read_text("utf-8").strip() in PROGRAMS[engine]


def _parent(pid: int) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        return int(_stat(pid)[1])
    return None


def _stat(pid: int) -> list[str]:
    # The name in parentheses may hold spaces and parentheses: fields count from the last one.
    text = (_PROC / str(pid) / "stat").read_text("utf-8", errors="replace")
    return text.rpartition(")")[2].split()


def _memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _disk(data_directory: str | None) -> tuple[Disk | None, str]:
    """Return the kind of disk under `data_directory`, or why it is not known."""
    if data_directory is None:
        return None, "the role may not see where the data are"
    try:
        device = Path(data_directory).stat().st_dev
        block = (_SYS / "dev/block" / f"{os.major(device)}:{os.minor(device)}").resolve(strict=True)
    except OSError:
        return None, "the data are on no plain disk of this machine"
    disk = block if (block / "queue").is_dir() else block.parent
    vendor = ""
    with suppress(OSError):
        vendor = (disk / "device/vendor").read_text("ascii").strip()
    if disk.name.startswith(_VIRTUAL) or vendor in _VIRTUAL_VENDORS:
        return None, f"the disk {disk.name} is virtual, and does not say what it is"
    try:
        turns = (disk / "queue/rotational").read_text("ascii").strip() == "1"
    except OSError:
        return None, f"the disk {disk.name} does not say what it is"
    return ("hdd" if turns else "ssd"), ""
