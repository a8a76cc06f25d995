"""
What pg_basebackup leaves: a data directory, or tar archives of one.

pg_verifybackup compares every file with `backup_manifest`. It does not look into pages, it does
not read the log in an archive, and it cannot do without a manifest: the rest is done here.
"""

import json
import re
import shlex
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...errors import StorageError
from . import baseread, programs
from .baseread import LABEL, MANIFEST, Content
from .compressed import ENDINGS, bare, chunks, opened
from .grading import Audited, Findings, Found, listed
from .wal import Segment, lsn

_OLDEST_MAJOR = 13  # the first with a manifest
_STARTED = "postmaster.opts"  # which a server writes as it starts, and no backup takes along
_LABEL_LINE = re.compile(r"^([A-Z ]+): (.*)$", re.MULTILINE)
_POSITION = re.compile(r"^[0-9A-F]+/[0-9A-F]+")
_CHECKSUMS = re.compile(r"^Data page checksum version:\s+(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Label:
    """What `backup_label` says."""

    start_lsn: int
    timeline: int
    started: datetime | None
    parent_lsn: int | None  # of an incremental backup: where the one below it begins
    parent_timeline: int | None


def claims(folder: Path) -> bool:
    """Tell whether `folder` holds a base backup, or what is left of one."""
    return (
        (folder / LABEL).is_file()
        or (folder / MANIFEST).is_file()
        or baseread.archives(folder) != []
        or ((folder / "PG_VERSION").is_file() and (folder / "global").is_dir())
    )


def claims_file(head: bytes) -> bool:
    """Tell whether a file that begins with `head` is what pg_basebackup wrote as one stream."""
    return head[257:262] == b"ustar" and head[:100].rstrip(b"\0") == LABEL.encode()


def audit(path: Path, name: str, *, log_is_elsewhere: bool = False) -> Found:
    """Grade the base backup in `path`, a directory, or the file of one stream."""
    found = Findings()
    with programs.workplace() as work:
        content = _read(path, found, work=work, log_too=not log_is_elsewhere)
        label = read_label(content.label)
        whole = content.major is not None and content.control and label is not None
        started = label is None and path.is_dir() and (path / _STARTED).exists()
        if started:
            content.manifest = b""  # of the backup that it was restored from: it has gone on
        elif content.manifest or whole:
            _manifest(path, content, found, work=work)
        if not whole:
            _say_unfinished(content, label, found, path)
        else:
            _pages(content, found)
            if content.manifest and not log_is_elsewhere:
                _log(path, content, found, work=work)
    keys = _keys(content, label)
    row = Audited(
        tool="pg_basebackup",
        id=name,
        kind="incremental" if keys[1] else "full",
        started=label.started if label else None,
        size_bytes=content.size_bytes,
        grade=found.grade,
        reason=found.reason,
        next=_next(path, found, content, chained=keys[1] is not None),
    )
    return Found(row=row, offers=keys[0], needs=keys[1])


def read_label(text: str) -> Label | None:
    """Return what the label `text` says; None where it does not say where the backup begins."""
    said = dict(_LABEL_LINE.findall(text))
    start = _POSITION.match(said.get("START WAL LOCATION", ""))
    if start is None:
        return None
    parent = said.get("INCREMENTAL FROM LSN")
    return Label(
        start_lsn=lsn(start[0]),
        timeline=int(said.get("START TIMELINE", "1")),
        started=_instant(said.get("START TIME", "")),
        parent_lsn=lsn(parent) if parent else None,
        parent_timeline=int(said["INCREMENTAL FROM TLI"]) if parent else None,
    )


def _instant(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    except ValueError:  # the server's own zone, whose name is no offset
        return None


def _read(path: Path, found: Findings, *, work: Path, log_too: bool) -> Content:
    try:
        if path.is_dir() and not baseread.archives(path):
            return baseread.directory(path)
        return baseread.tars(path, work=work if log_too else None)
    except (StorageError, ValueError) as exc:
        found.corrupt.append(str(exc))
        return Content(is_tar=True, size_bytes=baseread.size_of(path))


def _is_at_work(path: Path) -> bool:
    return (path / "postmaster.pid").exists()


def _say_unfinished(content: Content, label: Label | None, found: Findings, path: Path) -> None:
    if found.corrupt:  # which says more
        return
    if content.major is not None and content.control and not content.manifest:
        whose = "a running server" if _is_at_work(path) else "a stopped server, or a careless copy"
        found.unknown.append(f"this is a data directory without backup_label: of {whose}")
        return
    there = {
        "PG_VERSION": content.major is not None,
        "global/pg_control": content.control,
        LABEL: label is not None,
    }
    missing = [name for name, is_there in there.items() if not is_there]
    found.corrupt.append(f"it was not finished, or lost files: there is no {listed(missing)}")


def _manifest(path: Path, content: Content, found: Findings, *, work: Path) -> None:
    if not content.manifest:
        found.unknown.append(
            "there is no backup_manifest: that no file is missing or changed cannot be proven"
        )
        return
    if content.dangling:
        found.unknown.append(
            f"tablespaces are links to what is not here: {listed(content.dangling)}"
        )
        return
    directory = programs.postgresql()
    if directory is None:
        found.unknown.append("there is no pg_verifybackup on this machine")
        return
    said = _verified(directory, path, content, work)
    if "this build does not support" in said:  # zstd or lz4: unpacked, it can be read
        unpacked = work / "unpacked"
        _unpack(path, unpacked)
        where = unpacked if path.is_dir() else unpacked / "base.tar"
        shutil.rmtree(work / "whole", ignore_errors=True)
        said = _verified(directory, where, content, work)
    if not said:
        found.checked.append("every file is as its manifest says")
    else:
        found.corrupt.append(said)
    manifest = _parsed(content.manifest)
    if any("Checksum" not in each for each in manifest.get("Files", [])):
        found.limits.append("the manifest holds no checksums, only sizes")


def _verified(programs_in: Path, path: Path, content: Content, work: Path) -> str:
    """Return what pg_verifybackup has against `path`; nothing if all is well."""
    argv: list[str | Path] = [programs_in / "pg_verifybackup", "-n"]
    if path.is_dir():
        return programs.complaint([*argv, path], work=work)
    place = work / "whole"  # one stream, whose manifest is a member of it
    if not place.is_dir():
        place.mkdir()
        (place / MANIFEST).write_bytes(content.manifest)
        ending = path.suffix if path.suffix in ENDINGS else ""
        (place / f"base.tar{ending}").symlink_to(path)
    return programs.complaint([*argv, "-i", MANIFEST, place], work=work)


def _unpack(path: Path, target: Path) -> None:
    target.mkdir()
    names = baseread.archives(path) if path.is_dir() else [path]
    for each in names:
        name = bare(each.name) if path.is_dir() else "base.tar"
        with opened(each) as raw, (target / name).open("wb") as out:
            for chunk in chunks(raw):
                out.write(chunk)
    if path.is_dir():
        (target / MANIFEST).symlink_to(path / MANIFEST)


def _parsed(manifest: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(manifest)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _pages(content: Content, found: Findings) -> None:
    if content.major is not None and content.major < _OLDEST_MAJOR:
        found.limits.append(f"pages of PostgreSQL {content.major} are not read")
        return
    with programs.workplace() as work:
        enabled = _has_checksums(content.control, work)
    if enabled is False:
        found.limits.append("page checksums are off: pages are not proven")
    elif enabled is None:
        found.unknown.append("whether its pages carry checksums cannot be told")
    elif content.broken_pages:
        named = [f"{file} page {pages[0]}" for file, pages in sorted(content.broken_pages.items())]
        total = sum(len(pages) for pages in content.broken_pages.values())
        found.corrupt.append(
            f"{total:,} of {content.pages:,} pages do not match their checksums, which a manifest "
            f"does not tell: {listed(named)}"
        )
    else:
        found.checked.append(f"{content.pages:,} pages match their checksums")


def _has_checksums(control: bytes, work: Path) -> bool | None:
    directory = programs.postgresql()
    if directory is None:
        return None
    place = work / "cluster" / "global"
    place.mkdir(parents=True)
    (place / "pg_control").write_bytes(control)
    said = programs.answer([directory / "pg_controldata", place.parent])
    match = _CHECKSUMS.search(said)
    return None if match is None else match[1] != "0"


def _log(path: Path, content: Content, found: Findings, *, work: Path) -> None:
    """Have each record of the log that the backup needs read."""
    directory = programs.postgresql(content.major)
    place = path / "pg_wal" if content.log is None else content.log
    ranges = _parsed(content.manifest).get("WAL-Ranges", [])
    size = content.segment_bytes
    for each in ranges:
        begin, end = lsn(each["Start-LSN"]), lsn(each["End-LSN"])
        needed = [
            Segment(each["Timeline"], number).name(size)
            for number in range(begin // size, (end - 1) // size + 1)
        ]
        if missing := [name for name in needed if not (place / name).is_file()]:
            found.gaps.append(
                f"it does not hold the log it needs, and an archive must: {listed(missing)}"
            )
            continue
        if directory is None:
            found.unknown.append(
                f"its log was not read: there is no pg_waldump of PostgreSQL {content.major}"
            )
            return
        argv: list[str | Path] = [
            directory / "pg_waldump",
            "-q",
            "-p",
            place,
            "-t",
            str(each["Timeline"]),
        ]
        argv += ["-s", each["Start-LSN"], "-e", each["End-LSN"]]
        if said := programs.complaint(argv, work=work):
            found.corrupt.append(f"its log cannot be read: {said}")
    if not ranges:
        found.unknown.append("its manifest does not say which log it needs")
    elif not (found.gaps or found.corrupt or found.unknown):
        found.checked.append("its log can be read")


def _keys(
    content: Content, label: Label | None
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    if label is None:
        return None, None
    offers = ("postgresql", str(label.timeline), f"{label.start_lsn:X}")
    if label.parent_lsn is None:
        return offers, None
    return offers, ("postgresql", str(label.parent_timeline), f"{label.parent_lsn:X}")


def _next(path: Path, found: Findings, content: Content, *, chained: bool) -> str:
    if found.corrupt or found.gaps or _is_at_work(path):
        return "pg_basebackup -D NEW -c fast -X stream --manifest-checksums=SHA256"
    where = shlex.quote(str(path))
    if chained:
        return f"pg_combinebackup EACH_BEFORE_IT {where} -o /tmp/proof"
    if not content.is_tar:
        return f"cp -a {where} /tmp/proof && pg_ctl -D /tmp/proof -o '-p 5499' start"
    source = f"{where}/base.tar*" if path.is_dir() else where
    return f"mkdir -m 700 /tmp/proof && tar -xf {source} -C /tmp/proof"
