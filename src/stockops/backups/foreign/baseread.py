"""The content of a base backup, read once from the first byte to the last."""

import os
import re
import struct
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from ...errors import StorageError
from . import compressed
from .pages import PageCheck
from .wal import DEFAULT_BYTES, SEGMENT, lsn

LABEL = "backup_label"
MANIFEST = "backup_manifest"
CONTROL = "global/pg_control"
_ARCHIVE = re.compile(r"(base|\d+|pg_wal)\.tar(?:\.\w+)?")
_START = re.compile(r"^START WAL LOCATION: ([0-9A-F]+/[0-9A-F]+)", re.MULTILINE)
_SMALL_BYTES_MAX = 64 << 20
_SEGMENT_SIZE = struct.Struct("<I")


@dataclass(slots=True, kw_only=True)
class Content:
    """What was found in a base backup."""

    is_tar: bool
    size_bytes: int
    major: int | None = None
    label: str = ""
    manifest: bytes = b""
    control: bytes = b""
    pages: int = 0
    broken_pages: dict[str, list[int]] = field(default_factory=dict)
    dangling: list[str] = field(default_factory=list)
    log: Path | None = None  # where the log of an archive was put; None: in `pg_wal`
    segment_bytes: int = DEFAULT_BYTES


def archives(folder: Path) -> list[Path]:
    """Return the tar archives of a base backup in `folder`; none where there is no base.tar."""
    there = [each for each in folder.iterdir() if _ARCHIVE.fullmatch(each.name)]
    found = sorted(each for each in there if each.is_file())  # a pipe would be waited for
    return found if any(each.name.startswith("base.tar") for each in found) else []


def size_of(path: Path) -> int:
    """Return how many bytes `path` holds, without what its links lead to."""
    if path.is_file():
        return path.stat().st_size
    total = 0
    for parent, _, files in os.walk(path):
        total += sum((Path(parent) / name).lstat().st_size for name in files)
    return total


def directory(root: Path) -> Content:
    """Read a data directory."""
    content = Content(is_tar=False, size_bytes=size_of(root))
    content.major = _major(_small(root / "PG_VERSION"))
    content.label = _small(root / LABEL).decode("utf-8", "replace")
    content.manifest = _small(root / MANIFEST)
    content.control = _small(root / CONTROL)
    links = root / "pg_tblspc"
    if links.is_dir():
        content.dangling = sorted(
            f"{each.name} -> {each.readlink()}"
            for each in links.iterdir()
            if each.is_symlink() and not each.exists()
        )
    check = PageCheck(before_lsn=_start(content.label))
    for path in _files(root):
        with path.open("rb") as file:
            check.read(str(path.relative_to(root)), file)
    _finish(content, check)
    content.segment_bytes = _segment_bytes(root / "pg_wal")
    return content


def tars(path: Path, *, work: Path | None) -> Content:
    """Read the archives in the directory `path`, or the one `path`; put its log into `work`."""
    content = Content(is_tar=True, size_bytes=size_of(path))
    if path.is_dir():
        content.manifest = _small(path / MANIFEST)
        files = archives(path)
    else:
        files = [path]
    if work is not None:
        content.log = work / "log"
        content.log.mkdir()
    # The base comes first: it begins with the label.
    check: PageCheck | None = None
    for file in sorted(files, key=lambda each: not each.name.startswith("base.tar")):
        stem = compressed.bare(file.name).removesuffix(".tar")
        try:
            for name, member in _members(file):
                whole = f"pg_tblspc/{stem}/{name}" if stem.isdigit() else name
                if whole == LABEL:
                    content.label = member.read().decode("utf-8", "replace")
                    check = PageCheck(before_lsn=_start(content.label))
                elif SEGMENT.fullmatch(segment := whole.removeprefix("pg_wal/")):
                    _put(content, segment, member)
                else:
                    _take(content, whole, member, check)
        except tarfile.TarError as exc:
            raise StorageError(f"{file.name} is no whole archive ({exc})") from exc
    _finish(content, check or PageCheck(before_lsn=0))
    if content.log is not None:
        content.segment_bytes = _segment_bytes(content.log)
    return content


def _take(content: Content, name: str, member: IO[bytes], check: PageCheck | None) -> None:
    if name == "PG_VERSION":
        content.major = _major(member.read())
    elif name == CONTROL:
        content.control = member.read()
    elif name == MANIFEST:
        content.manifest = member.read(_SMALL_BYTES_MAX)
    elif check is not None:
        check.read(name, member)


def _put(content: Content, name: str, member: IO[bytes]) -> None:
    if content.log is not None:
        with (content.log / name).open("wb") as out:
            for chunk in compressed.chunks(member):
                out.write(chunk)


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with compressed.opened(path) as raw:
        with tarfile.open(fileobj=cast(IO[bytes], raw), mode="r|") as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() else None
                if file is not None:
                    yield member.name.removeprefix("./"), file
        for _ in compressed.chunks(raw):  # what follows the archive must be readable, too
            pass


def _finish(content: Content, check: PageCheck) -> None:
    check.end()
    content.pages = check.checked
    content.broken_pages = check.broken


def _files(root: Path) -> Iterator[Path]:
    for top in ("base", "global", "pg_tblspc"):
        for parent, folders, files in os.walk(root / top, followlinks=top == "pg_tblspc"):
            folders.sort()
            paths = (Path(parent) / name for name in sorted(files))
            yield from (path for path in paths if path.is_file())  # not a link to nowhere


def _small(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_SMALL_BYTES_MAX)
    except FileNotFoundError:
        return b""


def _major(text: bytes) -> int | None:
    said = text.strip()
    return int(said) if said.isdigit() else None


def _start(label: str) -> int:
    match = _START.search(label)
    return lsn(match[1]) if match else 0


def _segment_bytes(folder: Path) -> int:
    """Return how large segments are, as the first one that is there says."""
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if SEGMENT.fullmatch(path.name) and path.is_file():
                with path.open("rb") as file:
                    head = file.read(40)
                if len(head) == 40 and head[32:36] != b"\0\0\0\0":
                    return int(_SEGMENT_SIZE.unpack_from(head, 32)[0])
    return DEFAULT_BYTES
