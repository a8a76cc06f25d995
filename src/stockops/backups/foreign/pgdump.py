"""Archives of pg_dump (custom, directory, tar), read by pg_restore from end to end into nothing."""

import os
import re
import select
import shlex
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from ... import children
from ...errors import ServerError, StorageError
from . import programs, sqltext
from .baseread import size_of
from .grading import Audited, Findings, Found
from .sqltext import Reading

STALL_S = 900.0  # so long may pg_restore read without a word
_MAGIC = b"PGDMP"
_TOC = "toc.dat"
_CREATED = re.compile(r"^;\s+Archive created at (\S+ \S+) UTC$", re.MULTILINE)
_DATA = re.compile(r"^\d+; \d+ \d+ TABLE DATA ", re.MULTILINE)
_PLAIN = re.compile(r"^;\s+Compression: (?:none|0)$", re.MULTILINE)
# What a program says of an archive that it does not know, which is no fault of the archive.
_NOT_KNOWN = ("unsupported version", "does not support compression", "not supported by this")


def claims(folder: Path) -> bool:
    """Tell whether `folder` is an archive in directory format."""
    return _begins(folder / _TOC) or any(
        each.name.partition(".")[0].isdigit() and ".dat" in each.name for each in folder.iterdir()
    )


def claims_file(head: bytes) -> bool:
    """Tell whether a file that begins with `head` is an archive in custom or tar format."""
    return head.startswith(_MAGIC) or (
        head[257:262] == b"ustar" and head[:100].rstrip(b"\0") == _TOC.encode()
    )


def audit(path: Path, name: str) -> Found:
    """Grade the archive `path`, a file or a directory."""
    found = Findings()
    contents = ""
    directory = programs.postgresql()
    if path.is_dir() and not (path / _TOC).is_file():
        found.corrupt.append(f"it was not finished, or lost files: there is no {_TOC}")
    elif directory is None:
        found.unknown.append("there is no pg_restore on this machine")
    else:
        contents = programs.answer([directory / "pg_restore", "-l", path])
        if fault := _tar_fault(path):
            found.corrupt.append(fault)
        else:
            _read(directory / "pg_restore", path, contents, found)
    row = Audited(
        tool="pg_dump",
        id=name,
        kind="logical",
        started=_created(contents),
        size_bytes=size_of(path),
        grade=found.grade,
        reason=found.reason,
        next=_next(path, found),
    )
    return Found(row=row)


def _begins(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def _created(contents: str) -> datetime | None:
    match = _CREATED.search(contents)
    if match is None:
        return None
    return datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def _tar_fault(path: Path) -> str:
    """Return what is wrong with a tar archive; pg_restore 18 never comes back from a cut one."""
    if path.is_dir():
        return ""
    with path.open("rb") as file:
        if file.read(262)[257:] != b"ustar":
            return ""
        file.seek(0)
        try:
            with tarfile.open(fileobj=file, mode="r:") as archive:
                members = archive.getmembers()
        except tarfile.TarError as exc:
            return f"it is no whole tar archive ({exc})"
    last = members[-1] if members else None
    size = path.stat().st_size
    if last is None or last.offset_data + last.size + 1024 > size:
        return "it is no whole tar archive (it ends in the middle)"
    return ""


class _Watched:
    """What a program writes, as long as it goes on writing."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def read(self, size: int = -1) -> bytes:
        ready, _, _ = select.select([self._out], [], [], STALL_S)
        if not ready:
            raise StorageError(f"pg_restore did not get on for {STALL_S:.0f} s")
        return os.read(self._out.fileno(), size)


def _read(program: Path, path: Path, contents: str, found: Findings) -> None:
    """Have pg_restore write all of it as SQL, and follow what it writes."""
    with programs.workplace() as work:
        log = work / "tool.log"
        argv: list[str | Path] = [program, "-f", "-", path]
        child = children.start(argv, cwd=work, log=log, env=programs.environment(), pipes="r")
        try:
            seen = sqltext.read(_Watched(child.stdout))
            child.finish(within_s=programs.TOOL_S)
        except StorageError as exc:
            child.end()
            found.unknown.append(str(exc))
            return
        except ServerError as exc:
            said = programs.last_words(log) or str(exc)
            known = not any(words in said for words in _NOT_KNOWN)
            (found.corrupt if known else found.unknown).append(said)
            return
        except BaseException:
            child.end()
            raise
    _judge(seen, contents, found)


def _judge(seen: Reading, contents: str, found: Findings) -> None:
    tables = len(_DATA.findall(contents))
    if seen.open_table:
        found.corrupt.append(f"the rows of {seen.open_table} end in the middle")
    elif not seen.trailer:
        found.corrupt.append("pg_restore did not come to its end")
    elif seen.tables and seen.tables < tables:
        found.corrupt.append(f"it has the rows of {seen.tables} of {tables} tables")
    else:
        found.checked.append(f"pg_restore read it to its end, with the rows of {tables} tables")
        if _PLAIN.search(contents):
            found.limits.append("uncompressed, it carries no checksum of its rows")


def _next(path: Path, found: Findings) -> str:
    where = shlex.quote(str(path))
    if found.corrupt:
        return "pg_dump -F custom -f NEW.dump DATABASE"
    return f"createdb proof && pg_restore -d proof --exit-on-error {where}"
