"""The machine under the server, where that is this one, and the server's own clock and TLS."""

import os
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ...disk import size
from ...engine.base import Server
from ...errors import Unreachable
from ...queries import Query
from ...settings import machine
from ..outcome import Reading
from . import certificates, filling
from .context import Context

LOOPBACK = frozenset({"", "localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Host:
    """
    Where a server keeps what, whom it listens to, and what time it is there.

    A path is None where the role may not see it, or there is none. `changes_directory` has the WAL
    or the binary log. `listens` are addresses.
    """

    now: datetime
    started_s: float
    session_started_s: float | None
    data_directory: str | None
    changes_directory: str | None
    log_file: str | None
    listens: str
    has_tls: bool
    certificate_file: str | None
    certificate_until: str | None


HOST = Query("standing/host", Host)


def disk(context: Context) -> Iterable[Reading]:
    """
    Give how full each disk under the data is, in percent, and that of the server's own messages.

    Nothing for another machine's.
    """
    path = data_here(context)
    if path is None:
        return
    seen = set()
    for each in [path, *_parts(path, session(context).fetch(HOST)[0])]:
        with suppress(OSError):  # it went meanwhile, or is not ours to see
            device = each.stat().st_dev
            if device not in seen:
                seen.add(device)
                yield _filled(each)


def _parts(data: Path, said: Host) -> Iterable[Path]:
    """Give the directories that may be on disks of their own: links and mounts are common there."""
    with suppress(OSError):
        yield from (each for each in data.iterdir() if each.is_dir())
        yield from (data / "pg_tblspc").glob("*")
    if said.changes_directory is not None:
        yield Path(said.changes_directory)
    if said.log_file is not None:
        yield (data / said.log_file).parent


def _filled(path: Path) -> Reading:
    used = shutil.disk_usage(path)
    return Reading(
        subject=str(path),
        value=100 * (used.total - used.free) / used.total,
        detail=f"{size(used.free)} of {size(used.total)} are free",
    )


def full_in(context: Context) -> Iterable[Reading]:
    """Give in how many seconds the disk will be full as it fills now; nothing where it does not."""
    path = data_here(context)
    if path is None:
        return []
    free = shutil.disk_usage(path).free
    left_s = filling.left_s(str(path), free_bytes=free, now=context.now)
    return [] if left_s is None else [Reading(subject=str(path), value=left_s)]


def skew(context: Context) -> Iterable[Reading]:
    """Give how far the clocks of the server and of this machine differ, in seconds."""
    server = session(context)
    before, began = datetime.now(UTC), time.monotonic()
    said = server.fetch(HOST)[0].now
    half_s = (time.monotonic() - began) / 2  # it looked at its clock somewhere in between
    there = said if said.tzinfo else said.replace(tzinfo=UTC)
    differs_s = (there - before).total_seconds() - half_s
    return [
        Reading(
            value=max(0.0, abs(differs_s) - half_s),
            detail="the server is ahead" if differs_s > 0 else "the server is behind",
        )
    ]


def open_wire(context: Context) -> Iterable[Reading]:
    """Give 1 where others than this machine are listened to, and without TLS; else 0."""
    said = session(context).fetch(HOST)[0]
    away = [each for each in said.listens.replace(" ", "").split(",") if each not in LOOPBACK]
    bare = bool(away) and not said.has_tls
    where = f"the server listens on {', '.join(away) or 'this machine alone'}"
    return [Reading(value=bare, detail=f"{where}, {'with' if said.has_tls else 'without'} TLS")]


def certificate(context: Context) -> Iterable[Reading]:
    """Give how long the server's certificate is still valid, in seconds; nothing without TLS."""
    said = session(context).fetch(HOST)[0]
    if not said.has_tls:
        return []
    until = certificates.until(
        context.target,
        stated=said.certificate_until,
        file=_inside(said.data_directory, said.certificate_file),
    )
    if until is None:
        return [Reading(value=None, detail="its certificate cannot be seen from here")]
    left_s = (until - context.now).total_seconds()
    return [Reading(value=left_s, detail=f"until {until:%Y-%m-%d}")]


def data_here(context: Context) -> Path | None:
    """Return the data directory of the server, where that is of this machine and can be seen."""
    said = session(context).fetch(HOST)[0]
    if said.data_directory is None or not is_here(context, said):
        return None
    path = Path(said.data_directory)
    return path if os.access(path.parent, os.X_OK) and path.is_dir() else None


def is_here(context: Context, said: Host) -> bool:
    """Tell whether the server runs on this machine, proven by its process."""
    server = session(context)
    seen = machine.Seen(
        engine=server.engine,
        started_s=said.started_s,
        pid=server.session_id if server.engine == "postgresql" else None,
        pid_started_s=said.session_started_s,
        data_directory=said.data_directory,
    )
    return machine.find(context.target, seen).memory_bytes is not None


def session(context: Context) -> Server:
    """Return the session of `context`; `Unreachable` where there is none."""
    if context.server is None:
        raise Unreachable("there is no session")
    return context.server


def _inside(folder: str | None, name: str | None) -> Path | None:
    """Return the file `name`, which a server states relative to its data directory."""
    if name is None:
        return None
    return Path(folder or "/", name)
