"""How often the server's log speaks of what went wrong, where it can be read from here."""

import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ... import filelock, state
from ..outcome import Reading
from . import host
from .context import Context

READ_BYTES_MAX = 16 << 20  # of what was written since the last look; the rest is left out
TAIL_BYTES = 1 << 20  # InnoDB dumps a damaged page with every message: more says no more
HOUR_S = 3600.0
SPAN_S_MIN = 60.0  # a look sooner after the last one repeats it
NAME_MAX = 200

# What InnoDB says of pages and indexes that are not what was written; it counts them nowhere.
_DAMAGED = re.compile(rb"page corruption|is corrupted|[Cc]orrupted page|is marked as corrupted")
_BEGINS = b"Starting MariaDB"

# Not what clients do wrong: PostgreSQL writes an ERROR for each statement that it refuses.
_GRAVE = {
    "postgresql": re.compile(
        rb"\b(?:PANIC|FATAL):  (?!(?:terminating connection|role|password|"
        rb"no pg_hba|database|sorry|the database system is))"
    ),
    "mariadb": re.compile(rb"\[ERROR\]"),
}


@dataclass(frozen=True, slots=True)
class Look:
    """How far a log was read, and when; what came of it: grave messages an hour, and the last."""

    inode: int
    offset: int
    at_s: float
    hourly: float | None = None
    last: str = ""


def errors(context: Context) -> Iterable[Reading]:
    """Give the grave messages an hour since the last look; nothing for a log out of reach."""
    path = _log(context)
    if path is None:
        return []
    file = state.folder("logs") / state.file_name(str(path))
    try:
        with filelock.hold(file.with_suffix(".lock"), what="the place in the log"):
            look = since(
                path, context.target.engine, state.read(file), at_s=context.now.timestamp()
            )
            state.write(file, asdict(look))
    except OSError as exc:
        return [Reading(value=None, detail=f"{path} cannot be read: {exc.strerror}")]
    return [] if look.hourly is None else [Reading(value=look.hourly, detail=look.last)]


def damage(context: Context) -> Iterable[Reading]:
    """
    Give how often InnoDB met damage since the server started; nothing for a log out of reach.

    Only the end of the log is read.
    """
    path = _log(context)
    if path is None:
        return []
    try:
        with path.open("rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - TAIL_BYTES))
            said = log.read().rpartition(_BEGINS)[2].splitlines()
    except OSError as exc:
        return [Reading(value=None, detail=f"{path} cannot be read: {exc.strerror}")]
    found = [line for line in said if _DAMAGED.search(line)]
    last = found[-1].decode("utf-8", "replace")[:NAME_MAX] if found else ""
    return [Reading(value=len(found), detail=last)]


def since(path: Path, engine: str, kept: dict[str, Any] | None, *, at_s: float) -> Look:
    """Return the look of now, counting from the `kept` one on; that one, where it is too young."""
    before = Look(**kept) if kept else None
    if before is not None and at_s - before.at_s < SPAN_S_MIN:
        return before
    with path.open("rb") as log:
        found = os.fstat(log.fileno())
        if before is None:  # what stands in it may be years old
            return Look(found.st_ino, found.st_size, at_s)
        same = before.inode == found.st_ino and before.offset <= found.st_size
        log.seek(max(before.offset if same else 0, found.st_size - READ_BYTES_MAX))
        count, last = _count(log.read(READ_BYTES_MAX), engine)
    hours = max((at_s - before.at_s) / HOUR_S, 1.0)
    return Look(found.st_ino, found.st_size, at_s, count / hours, last)


def _count(text: bytes, engine: str) -> tuple[int, str]:
    """Return how many lines of `text` are grave, and the last of them."""
    grave = [line for line in text.splitlines() if _GRAVE[engine].search(line)]
    return len(grave), grave[-1].decode("utf-8", "replace")[:200] if grave else ""


def _log(context: Context) -> Path | None:
    """Return the file of the server's log; None where it has none, or not on this machine."""
    if context.target.lab is not None:
        from ... import lab  # noqa: PLC0415  only a private lab's log is found by its name

        found = lab.find(context.target.lab)
        return found.log_path if found else None
    said = host.session(context).fetch(host.HOST)[0]
    if said.log_file is None or not host.is_here(context, said):
        return None
    return Path(said.data_directory or "/", said.log_file)
