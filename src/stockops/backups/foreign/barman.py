"""Servers of Barman: each base backup by its manifest, and the log from each on."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ...errors import StorageError
from . import basebackup, compressed, wal
from .baseread import size_of
from .grading import Audited, Findings, Found, listed
from .wal import HISTORY, SEGMENT, Archive

TOOL = "Barman"
_INFO = "backup.info"
_RUNNING = {"EMPTY", "STARTED"}


def claims(folder: Path) -> bool:
    """Tell whether `folder` is what Barman keeps of one server."""
    base, wals = folder / "base", folder / "wals"
    return base.is_dir() and wals.is_dir() and not (folder / "PG_VERSION").exists()


def audit(root: Path, name: str) -> Iterator[Found]:
    """Grade every backup of the server in `root`, and its log."""
    backups = {
        each.name: _info(each / _INFO)
        for each in sorted((root / "base").iterdir())
        if each.is_dir()
    }
    archive = Archive()
    log = Findings()
    _read_log(root / "wals", archive, log, list(backups.values()))
    for label, says in backups.items():
        yield _backup(root, name, label, says, archive)
    if archive.names:
        log.checked.insert(
            0, f"{len(archive.names):,} segments can be read, to {max(archive.names)}"
        )
        row = _row(root, f"{name}/wals", "log", log, size_bytes=size_of(root / "wals"))
        yield Found(row=row)


def _info(path: Path) -> dict[str, str]:
    try:
        text = path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in text.splitlines())
    return {key: value for key, _, value in pairs if value != "None"}


def _read_log(
    folder: Path, archive: Archive, found: Findings, backups: list[dict[str, str]]
) -> None:
    known = backups[-1] if backups else {}
    archive.size_bytes = int(known.get("xlog_segment_size", archive.size_bytes))
    system = int(known["systemid"]) if known.get("systemid", "").isdigit() else None
    files: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if HISTORY.fullmatch(path.name) and path.is_file():
            with compressed.opened(path) as file:
                archive.add_history(path.name, file.read().decode("utf-8", "replace"))
        elif SEGMENT.fullmatch(path.name) and path.is_file():
            files[path.name] = path
            archive.names.add(path.name)
            wal.measure(path, path.name, archive, system=system)
    major = int(known.get("version", "0")) // 10000
    if files and (why := wal.read_records(files, archive, major=major)):
        found.limits.append(why)
    found.corrupt += [f"{name}: {why}" for name, why in sorted(archive.broken.items())]
    listed_too = set(_listed(folder / "xlog.db"))
    missing = {*archive.holes(), *archive.orphans(), *(listed_too - archive.names)}
    if missing:
        found.gaps.append(f"missing: {listed(sorted(missing))}")


def _listed(path: Path) -> Iterator[str]:
    """Give the segments that Barman's own list names."""
    if path.is_file():
        for line in path.read_text("utf-8", "replace").splitlines():
            name = line.partition("\t")[0]
            if SEGMENT.fullmatch(name):
                yield name


def _backup(root: Path, name: str, label: str, says: Mapping[str, str], archive: Archive) -> Found:
    place = root / "base" / label
    data = place / "data"
    status = says.get("status", "")
    found = Findings()
    base: Found | None = None
    if not says:
        found.corrupt.append(f"there is no {_INFO}: it was not finished")
    elif status in _RUNNING:
        found.unknown.append(f"its status is {status}: it runs, or was interrupted")
    elif status == "FAILED":
        found.corrupt.append(f"Barman says itself that it failed: {says.get('error', 'no reason')}")
    elif not data.is_dir():
        found.corrupt.append("its data is missing")
    else:
        base = _data(data, found)
        _log(says, archive, found)
    row = _row(
        root,
        f"{name}/{label}",
        "incremental" if base and base.needs else "full",
        found,
        size_bytes=size_of(place),
    )
    row = replace(row, started=_instant(says.get("begin_time", "")))
    return Found(row=row, offers=base.offers if base else None, needs=base.needs if base else None)


def _data(data: Path, found: Findings) -> Found:
    """Read the files of a backup as those of any base backup."""
    try:
        base = basebackup.audit(data, data.name, log_is_elsewhere=True)
    except StorageError as exc:
        found.corrupt.append(str(exc))
        raise
    places = {"corrupt": found.corrupt, "gap": found.gaps, "unknown": found.unknown}
    places.get(base.row.grade, found.checked).append(base.row.reason)
    return base


def _log(says: Mapping[str, str], archive: Archive, found: Findings) -> None:
    first, last = says.get("begin_wal"), says.get("end_wal")
    if first and last:
        found.add(archive.judge(first, last))
    else:
        found.unknown.append(f"{_INFO} does not say which log it needs")


def _row(root: Path, name: str, kind: str, found: Findings, *, size_bytes: int) -> Audited:
    server = shlex.quote(root.name)
    step = f"barman backup --wait {server}"
    if kind == "log":
        step = f"barman check {server}"
    elif found.grade in {"restorable", "unknown"}:
        step = f"barman recover {server} {Path(name).name} /tmp/proof"
    return Audited(
        tool=TOOL,
        id=name,
        kind=kind,
        started=None,
        size_bytes=size_bytes,
        grade=found.grade,
        reason=found.reason,
        next=step,
    )


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
