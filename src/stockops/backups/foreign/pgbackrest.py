"""Repositories of pgBackRest: every file of every backup, and the log from each on."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...errors import StorageError
from .baseread import size_of
from .grading import Audited, Findings, Found, listed
from .pgbackrest_files import Encrypted, Pieces, Sections, information, segment_fault
from .wal import HISTORY, Archive

TOOL = "pgBackRest"
_SEGMENT = re.compile(r"([0-9A-F]{24})-([0-9a-f]{40})(?:\.\w+)?")
_LABEL = re.compile(r"\d{8}-\d{6}F(?:_\d{8}-\d{6}[DI])?")
_ENCRYPTED = "it is encrypted, and the key is not here"


@dataclass(slots=True)
class Stanza:
    """One stanza as far as it was read."""

    root: Path
    name: str
    where: str  # from the audited path
    archives: dict[str, Archive] = field(default_factory=dict)  # by "<version>-<id>"

    def row(self, what: str, kind: str, found: Findings, **more: Any) -> Found:
        """Return a row of this stanza."""
        asked = f"pgbackrest --repo1-path={shlex.quote(str(self.root))} --stanza={self.name}"
        begin = {"restorable": f"--set={what} --pg1-path=/tmp/proof restore"}
        if kind == "log":
            begin = {"restorable": "info"}
        step = begin.get(found.grade, "backup --type=full")
        row = Audited(
            tool=TOOL,
            id=f"{self.where}{self.name}/{what}",
            kind=kind,
            started=more.get("started"),
            size_bytes=more.get("size_bytes", 0),
            grade=found.grade,
            reason=found.reason,
            next=f"{asked} {step}",
        )
        return Found(row=row)


def claims(folder: Path) -> bool:
    """Tell whether `folder` is a repository."""
    return any(_stanzas(folder))


def _stanzas(folder: Path) -> list[str]:
    names = set()
    for part, info in (("backup", "backup.info"), ("archive", "archive.info")):
        place = folder / part
        if place.is_dir():
            names |= {
                each.name
                for each in place.iterdir()
                if (each / info).is_file() or (each / f"{info}.copy").is_file()
            }
    return sorted(names)


def audit(root: Path, name: str) -> Iterator[Found]:
    """Grade every backup, and every log archive, in the repository `root`."""
    where = "" if name == root.name else f"{name}/"
    for each in _stanzas(root):
        stanza = Stanza(root, each, where)
        logs = list(_logs(stanza))
        yield from _backups(stanza)
        yield from logs


def _logs(stanza: Stanza) -> Iterator[Found]:
    place = stanza.root / "archive" / stanza.name
    if not place.is_dir():
        return
    for folder in sorted(each for each in place.iterdir() if each.is_dir()):
        found = Findings()
        archive = Archive()
        try:
            _read_log(folder, archive, found)
        except Encrypted:
            found.unknown.append(_ENCRYPTED)
        stanza.archives[folder.name] = archive
        if archive.names:
            found.checked.append(
                f"{len(archive.names):,} segments match their names, to {max(archive.names)}"
            )
        yield stanza.row(folder.name, "log", found, size_bytes=size_of(folder))


def _read_log(folder: Path, archive: Archive, found: Findings) -> None:
    sizes: dict[int, int] = {}
    for path in sorted(folder.rglob("*")):
        if HISTORY.fullmatch(path.name) and path.is_file():
            archive.add_history(path.name, path.read_text("utf-8", "replace"))
        elif match := _SEGMENT.fullmatch(path.name):
            fault, size = segment_fault(path, match[2])
            sizes[size] = sizes.get(size, 0) + 1
            if match[1] in archive.names:
                fault = "there are two of it with different content"
            archive.names.add(match[1])
            if fault:
                archive.broken[match[1]] = fault
    if sizes:
        usual = max(sizes, key=lambda size: sizes[size])
        if usual and usual & (usual - 1) == 0:
            archive.size_bytes = usual
    found.corrupt += [f"{name}: {why}" for name, why in sorted(archive.broken.items())]
    if missing := [*archive.holes(), *archive.orphans()]:
        found.gaps.append(f"missing: {listed(missing)}")


def _backups(stanza: Stanza) -> Iterator[Found]:
    place = stanza.root / "backup" / stanza.name
    labels = set()
    if place.is_dir():
        labels = {each.name for each in place.iterdir() if _LABEL.fullmatch(each.name)}
    try:
        info = information(place / "backup.info")
    except (StorageError, Encrypted) as exc:
        found = Findings()
        if isinstance(exc, Encrypted):
            found.unknown.append(_ENCRYPTED)
        elif labels:
            found.corrupt.append(f"no backup can be restored: {exc}")
        else:
            found.unknown.append(f"there is no backup: {exc}")
        yield stanza.row("backup.info", "full", found)
        return
    known = info.get("backup:current", {})
    pieces = Pieces(place)
    read: dict[str, Findings] = {}
    for label in sorted(known):
        read[label] = _backup(stanza, label, known[label], info, pieces)
        yield stanza.row(
            label,
            str(known[label].get("backup-type", "full")),
            read[label],
            started=_instant(known[label].get("backup-timestamp-start")),
            size_bytes=int(known[label].get("backup-info-repo-size-delta", 0)),
        )
    for label in sorted(labels - known.keys()):
        found = Findings(unknown=["backup.info does not know it: it runs, or was interrupted"])
        yield stanza.row(label, "-", found, size_bytes=size_of(place / label))


def _backup(
    stanza: Stanza, label: str, says: Mapping[str, Any], info: Sections, pieces: Pieces
) -> Findings:
    found = Findings()
    try:
        _files(label, pieces, found)
    except Encrypted:
        found.unknown.append(_ENCRYPTED)
        return found
    except StorageError as exc:
        found.corrupt.append(str(exc))
    if says.get("backup-error") and not found.corrupt:
        found.corrupt.append("pgBackRest noted errors as it took it")
    if says.get("option-online", True) and not says.get("option-archive-copy"):
        _log(stanza, says, info, found)
    return found


def _files(label: str, pieces: Pieces, found: Findings) -> None:
    """Compare every file of a backup with what its manifest says."""
    sections = information(pieces.folder / label / "backup.manifest")
    files = sections.get("target:file", {})
    faults, broken, unread = [], [], 0
    for name, says in files.items():
        if fault := pieces.fault(label, name, says):
            faults.append(fault)
        if says.get("checksum-page") is False:
            broken.append(name)
        elif says.get("checksum-page") is None and name.startswith("pg_data/base/"):
            unread += 1
    if faults:
        found.corrupt.append(f"{len(faults):,} of {len(files):,} files: {listed(faults)}")
    if broken:
        found.corrupt.append(f"pages were broken on the server already: {listed(broken)}")
    if not files:
        found.corrupt.append("its manifest names no file")
    elif not found.corrupt:
        found.checked.append(f"{len(files):,} files match their checksums")
    if not sections.get("backup:option", {}).get("option-checksum-page"):
        found.limits.append("page checksums were off: pages are not proven")


def _log(stanza: Stanza, says: Mapping[str, Any], info: Sections, found: Findings) -> None:
    history = info.get("db:history", {}).get(str(says.get("db-id")), {})
    name = f"{history.get('db-version')}-{says.get('db-id')}"
    first, last = says.get("backup-archive-start"), says.get("backup-archive-stop")
    if not (first and last):
        found.unknown.append("backup.info does not say which log it needs")
    elif name not in stanza.archives:
        found.gaps.append(f"the log that it cannot do without is missing: there is no {name}")
    else:
        found.add(stanza.archives[name].judge(first, last))


def _instant(seconds: object) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None
