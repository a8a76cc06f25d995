"""
Directories of mydumper: a metadata file, and files of tables in pieces.

Release 0.10, which Debian has, records neither its files nor its rows, and leaves out pieces in
whose range of keys there was no row: so no look at the directory tells a lost piece from one that
never was. Only the rows in a restored copy, counted against the server's, can.
"""

import re
import shlex
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from ...errors import StorageError
from . import compressed
from .baseread import size_of
from .compressed import CHUNK_BYTES
from .grading import Audited, Findings, Found, listed

TOOL = "mydumper"
_METADATA = "metadata"
_STARTED = re.compile(r"^Started dump at: (.+)$", re.MULTILINE)
_FINISHED = re.compile(r"^Finished dump at: ", re.MULTILINE)
_PIECE = re.compile(r"(.+?)(?:\.(\d{5}))?\.sql")
_SCHEMA = re.compile(r"(.+)-schema\.sql")
_AROUND = re.compile(r".+-schema(?:-create|-post|-view|-triggers)?\.sql")


def claims(folder: Path) -> bool:
    """Tell whether `folder` is a dump, or what is left of one."""
    names = {each.name for each in folder.iterdir()}
    begun = any(name.endswith(("-schema-create.sql", "-schema-create.sql.gz")) for name in names)
    return begun or (_METADATA in names and b"dump at:" in compressed.head(folder / _METADATA))


def audit(path: Path, name: str) -> Found:
    """Grade the dump in `path`."""
    found = Findings()
    metadata = path / _METADATA
    text = metadata.read_text("utf-8", "replace") if metadata.is_file() else ""
    if (path / f"{_METADATA}.partial").exists() or not _FINISHED.search(text):
        found.corrupt.append("it was not finished: its metadata does not say when")
    else:
        _pieces(path, found)
    started = _STARTED.search(text)
    row = Audited(
        tool=TOOL,
        id=name,
        kind="logical",
        started=_instant(started[1]) if started else None,
        size_bytes=size_of(path),
        grade=found.grade,
        reason=found.reason,
        next=_next(path, found),
    )
    return Found(row=row)


def _pieces(path: Path, found: Findings) -> None:
    files = {compressed.bare(each.name): each for each in path.iterdir() if each.is_file()}
    tables = {match[1] for name in files if (match := _SCHEMA.fullmatch(name))}
    numbers: dict[str, list[int]] = {}
    for name in sorted(files):
        piece = _PIECE.fullmatch(name)
        if piece is not None and not _AROUND.fullmatch(name):
            numbers.setdefault(piece[1], []).append(int(piece[2] or 0))
    if lost := sorted(f"{name}-schema.sql" for name in numbers.keys() - tables):
        found.corrupt.append(f"there are rows of tables that it does not make: {listed(lost)}")
    if cut := [fault for name in sorted(files) if (fault := _cut(files[name], name))]:
        found.corrupt.append(f"{len(cut)} files are damaged: {listed(cut)}")
    if found.corrupt:
        return
    holes = list(_holes(numbers))
    if holes:
        found.unknown.append(
            f"not there: {listed(holes)}; lost, or never written because their keys had no rows"
        )
    found.unknown.append(
        "this release of mydumper records neither its files nor its rows: that none is missing "
        "cannot be told"
    )


def _holes(numbers: dict[str, list[int]]) -> Iterator[str]:
    for table, there in sorted(numbers.items()):
        for number in sorted(set(range(max(there) + 1)) - set(there)):
            yield f"{table}.{number:05}.sql"


def _cut(path: Path, name: str) -> str:
    """Return what is wrong with the file `path`; nothing if it ends with a whole statement."""
    if not name.endswith(".sql"):
        return ""
    end = b""
    try:
        with compressed.opened(path) as file:
            while data := file.read(CHUNK_BYTES):
                end = (end + data)[-64:]
    except StorageError as exc:
        return str(exc)
    return "" if end.rstrip().endswith((b";", b"*/")) else f"{path.name} ends in a statement"


def _instant(text: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d %H:%M:%S").astimezone()
    except ValueError:
        return None


def _next(path: Path, found: Findings) -> str:
    if found.corrupt:
        return "mydumper -o NEW"
    where = shlex.quote(str(path))
    return f"myloader -d {where} -B proof"
