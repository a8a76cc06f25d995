"""
What mariadb-backup leaves: a directory, prepared or not, or a stream of one.

--prepare does not read pages, and says "completed OK!" over tables that are not there. So each
tablespace goes through innochecksum, and each table is looked for. Whether the redo log of a
backup can be applied, only applying it tells: that is done to a copy, if there is room for one.
"""

import re
import shlex
import shutil
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ... import children
from ...errors import ServerError, StorageError
from . import compressed, innodb, programs
from .baseread import size_of
from .grading import Audited, Findings, Found, listed

TOOL = "mariadb-backup"
_MAGIC = b"XBSTCK01"
_VALUE = re.compile(r"^(\w+) = (.*)$", re.MULTILINE)
_SETTING = re.compile(r"^(\w+)=(.*)$", re.MULTILINE)
_SERIES = re.compile(r"(\d+\.\d+)\.\d+")
_STARTED = ("ibtmp1", "multi-master.info")  # which a server writes, and no backup takes along
_PREPARED = {"log-applied", "full-prepared"}
_LOG_HEAD_BYTES = 12288  # of ib_logfile0, since 10.8
_SPARE_BYTES = 256 << 20
_ENCRYPTION = ("key_management", "encrypt")


@dataclass(slots=True)
class Copy:
    """A backup, as its own small files describe it."""

    root: Path
    checkpoints: dict[str, str] = field(default_factory=dict)
    info: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def is_incremental(self) -> bool:
        """Whether it holds what changed only."""
        return self.checkpoints.get("backup_type") == "incremental"

    @property
    def is_prepared(self) -> bool:
        """Whether its log was applied."""
        return self.checkpoints.get("backup_type") in _PREPARED

    @property
    def page_bytes(self) -> int:
        """How large pages are."""
        return int(self.settings.get("innodb_page_size", "16384"))

    @property
    def system_files(self) -> list[str]:
        """The files of the system tablespace."""
        return innodb.system_files(self.settings.get("innodb_data_file_path", "ibdata1:12M"))


def claims(folder: Path) -> bool:
    """Tell whether `folder` is a backup, or what is left of one."""
    return (
        any((folder / name).is_file() for name in _names("checkpoints"))
        or (folder / "backup-my.cnf").is_file()
        or (folder / "ibdata1").is_file()
    )


def claims_file(head: bytes) -> bool:
    """Tell whether a file that begins with `head` is a stream of mariadb-backup."""
    return head.startswith(_MAGIC)


def audit(path: Path, name: str) -> Found:
    """Grade the backup in the directory `path`."""
    found = Findings()
    copy = _described(path)
    described = bool(copy.checkpoints or copy.settings)
    if _is_started(path) or ((path / "aria_log_control").is_file() and not described):
        found.unknown.append("this is a data directory, of a server or restored into one")
    elif _is_complete(copy, found):
        _content(copy, found)
        if not found.corrupt and not copy.is_incremental:
            _prepared(copy, found)
    return _found(copy, path, name, found)


def _is_started(path: Path) -> bool:
    """Tell whether a server ran on what is in `path`: it is no backup, or none any more."""
    return any((path / name).exists() for name in _STARTED)


def audit_stream(path: Path, name: str) -> Found:
    """Grade the backup that is the one file `path`: unpacked, and prepared, in a place of ours."""
    found = Findings()
    copy = Copy(path)
    with programs.workplace() as work:
        target = work / "unpacked"
        target.mkdir()
        if _extracted(path, target, work, found):
            copy = _described(target)
            if _is_complete(copy, found):
                _content(copy, found)
                if not found.corrupt and not copy.is_incremental:
                    _apply(copy, found, work=work)
    return _found(copy, path, name, found)


def _names(what: str) -> tuple[str, str]:
    return f"xtrabackup_{what}", f"mariadb_backup_{what}"


def _described(root: Path) -> Copy:
    texts = {}
    for what in ("checkpoints", "info"):
        there = [root / name for name in _names(what) if (root / name).is_file()]
        texts[what] = there[0].read_text("utf-8", "replace") if there else ""
    settings = root / "backup-my.cnf"
    text = settings.read_text("utf-8", "replace") if settings.is_file() else ""
    return Copy(
        root,
        dict(_VALUE.findall(texts["checkpoints"])),
        dict(_VALUE.findall(texts["info"])),
        dict(_SETTING.findall(text)),
    )


def _is_complete(copy: Copy, found: Findings) -> bool:
    """Look for the files without which nothing can be restored."""
    missing = []
    if not copy.checkpoints:
        missing.append(_names("checkpoints")[0])
    if not copy.info:
        missing.append(_names("info")[0])
    required = ["backup-my.cnf", "aria_log_control", "mysql"]
    if copy.is_incremental:
        required += [f"{each}.delta" for each in copy.system_files]
    else:
        required += copy.system_files
        undo = int(copy.settings.get("innodb_undo_tablespaces", "0"))
        required += [f"undo{number:03}" for number in range(1, undo + 1)]
    if not copy.is_prepared:
        required.append("ib_logfile0")
    missing += [each for each in required if not (copy.root / each).exists()]
    if missing:
        found.corrupt.append(f"it was not finished, or lost files: there is no {listed(missing)}")
    return not missing


def _content(copy: Copy, found: Findings) -> None:
    """Have every tablespace read, and look for those that are not there."""
    try:
        lost = innodb.missing_beside_frm(copy.root, in_system=_in_system(copy))
    except (StorageError, struct.error) as exc:
        found.corrupt.append(f"its tables cannot be told: {exc}")
        return
    if lost:
        found.corrupt.append(f"missing: {listed(lost)}")
    _log_size(copy, found)
    program = shutil.which("innochecksum", path=programs.environment()["PATH"])
    if program is None:
        found.unknown.append("its pages were not read: there is no innochecksum on this machine")
        return
    bad, count = [], 0
    first = copy.root / copy.system_files[0]
    with programs.workplace() as work:
        for path in _tablespaces(copy):
            count += 1
            for pages in innodb.readable_pages(path, first=first, page_bytes=copy.page_bytes):
                if said := programs.complaint([program, *pages, path], work=work):
                    bad.append(f"{path.relative_to(copy.root)} ({said})")
    if bad:
        found.corrupt.append(f"pages do not match their checksums: {listed(bad)}")
    else:
        found.checked.append(f"the pages of {count} tablespaces match their checksums")
    if copy.is_incremental and any(copy.root.rglob("*.delta")):
        found.unknown.append("the pages of its .delta files are read by nothing but --prepare")


def _in_system(copy: Copy) -> frozenset[str]:
    if copy.is_incremental:
        return frozenset()
    system = copy.root / copy.system_files[0]
    spaces = innodb.tables(system, page_bytes=copy.page_bytes)
    return frozenset(name for name, space in spaces.items() if space == 0)


def _log_size(copy: Copy, found: Findings) -> None:
    """Hold the size of the redo log against where it should end: --prepare takes a cut one."""
    first, last = copy.checkpoints.get("to_lsn"), copy.checkpoints.get("last_lsn")
    if copy.is_prepared or not (first and last) or _version(copy) < (10, 8):
        return
    wanted = _LOG_HEAD_BYTES + int(last) - int(first)
    size = (copy.root / "ib_logfile0").stat().st_size
    if size < wanted:
        found.corrupt.append(f"ib_logfile0 has {size:,} of {wanted:,} bytes")


def _version(copy: Copy) -> tuple[int, ...]:
    series = _SERIES.search(copy.info.get("server_version", ""))
    return tuple(int(part) for part in series[1].split(".")) if series else (0, 0)


def _tablespaces(copy: Copy) -> Iterator[Path]:
    names = [] if copy.is_incremental else [copy.root / each for each in copy.system_files]
    yield from names
    for path in sorted(copy.root.rglob("*")):
        if path.suffix in {".ibd", ".new"} or re.fullmatch(r"undo\d{3}", path.name):
            yield path


def _prepared(copy: Copy, found: Findings) -> None:
    if copy.is_prepared:
        _dictionary(copy, found)
        return
    size = size_of(copy.root)
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < size + size // 5 + _SPARE_BYTES:
        found.unknown.append(
            f"its redo log was not applied: a copy needs {size:,} bytes in "
            f"{tempfile.gettempdir()!r} (set TMPDIR)"
        )
        return
    with programs.workplace() as work:
        target = work / "copy"
        shutil.copytree(copy.root, target)
        _apply(Copy(target, copy.checkpoints, copy.info, copy.settings), found, work=work)


def _apply(copy: Copy, found: Findings, *, work: Path) -> None:
    """Apply the log to `copy`, which is ours, and see whether every table is there then."""
    program = shutil.which("mariadb-backup", path=programs.environment()["PATH"])
    series = ".".join(str(part) for part in _version(copy))
    if program is None or f"{series}." not in programs.answer([program, "--version"]):
        found.unknown.append(
            f"its redo log was not applied: there is no mariadb-backup {series} on this machine"
        )
        return
    if any(word in name for name in copy.settings for word in _ENCRYPTION):
        found.unknown.append("its redo log was not applied: it is encrypted")
        return
    argv = [program, "--prepare", f"--target-dir={copy.root}"]
    if said := programs.complaint(argv, work=work):
        found.corrupt.append(f"its redo log cannot be applied: {said}")
        return
    found.checked.append("a copy of it could be prepared")
    _dictionary(copy, found)


def _dictionary(copy: Copy, found: Findings) -> None:
    """Look for the tablespace of each table that the dictionary of a prepared backup has."""
    try:
        spaces = innodb.tables(copy.root / copy.system_files[0], page_bytes=copy.page_bytes)
    except (StorageError, struct.error) as exc:
        found.unknown.append(f"its dictionary cannot be read: {exc}")
        return
    own = [name for name, space in spaces.items() if space]
    lost = [f"{each}.ibd" for each in own if not (copy.root / f"{each}.ibd").is_file()]
    if lost:
        found.corrupt.append(f"InnoDB's dictionary has tables that are missing: {listed(lost)}")
    else:
        found.checked.append(f"all {len(own)} tables of InnoDB's dictionary are there")


def _extracted(path: Path, target: Path, work: Path, found: Findings) -> bool:
    program = shutil.which("mbstream", path=programs.environment()["PATH"])
    if program is None:
        found.unknown.append("there is no mbstream on this machine to unpack it")
        return False
    log = work / "mbstream.log"
    child = children.start(
        [program, "-x", "-C", target], cwd=work, log=log, env=programs.environment(), pipes="w"
    )
    try:
        with compressed.opened(path) as raw:
            for chunk in compressed.chunks(raw):
                child.stdin.write(chunk)
        child.stdin.close()
        child.finish(within_s=programs.TOOL_S)
    except (StorageError, ServerError, BrokenPipeError) as exc:
        child.end()
        said = programs.last_words(log) or str(exc)
        full = "No space left" in said
        (found.unknown if full else found.corrupt).append(f"it cannot be unpacked: {said}")
        return False
    except BaseException:
        child.end()
        raise
    found.checked.append("the stream is whole")
    return True


def _found(copy: Copy, path: Path, name: str, found: Findings) -> Found:
    kind = "incremental" if copy.is_incremental else "full"
    if not found.corrupt and not found.unknown and kind == "full":
        found.limits.append("tables of MyISAM and Aria were not read")
    row = Audited(
        tool=TOOL,
        id=name,
        kind=kind,
        started=None,
        size_bytes=size_of(path),
        grade=found.grade,
        reason=found.reason,
        next=_next(copy, path, found),
    )
    ends, begins = copy.checkpoints.get("to_lsn"), copy.checkpoints.get("from_lsn")
    return Found(
        row=row,
        offers=("mariadb", ends) if ends else None,
        needs=("mariadb", begins) if kind == "incremental" and begins else None,
    )


def _next(copy: Copy, path: Path, found: Findings) -> str:
    where = shlex.quote(str(path))
    if found.corrupt or found.gaps or _is_started(path):
        return "mariadb-backup --backup --target-dir=NEW"
    if path.is_file():
        return f"mkdir /tmp/proof && mbstream -x -C /tmp/proof < {where}"
    if copy.is_incremental:
        return f"mariadb-backup --prepare --target-dir=COPY_OF_FULL --incremental-dir={where}"
    if not copy.is_prepared:
        return f"cp -a {where} /tmp/proof && mariadb-backup --prepare --target-dir=/tmp/proof"
    return f"mariadb-backup --copy-back --target-dir={where} --datadir=/tmp/proof"
