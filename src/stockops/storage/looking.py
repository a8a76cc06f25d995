"""What fills the disk of a server, by what it says itself and, of a lab, by its files."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .. import disk
from .. import lab as labs
from ..engine.base import Server
from ..lab import Lab
from ..targets import Target
from . import binlogs
from .questions import SIZES, Size, Slot, slots

_EACH_MAX = 5
_HELD_BYTES_MIN = 64 * 1024 * 1024  # less is what a slot of a busy server has any time
_FULL_SHARE = 0.9
_LEFT_OVER = ("#sql",)

Item = Size  # what a look gives has the shape of what the server answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What takes room, and in sentences what keeps it there that should not, with what to do."""

    items: list[Item]
    problems: list[str]


def look(server: Server, target: Target) -> Look:
    """Return what fills the disk of `server`."""
    items = server.fetch(SIZES, tables_max=_EACH_MAX)
    kept = slots(server)
    items = [_with_keepers(each, kept, items) for each in items]
    items[1:1] = [_slot(each) for each in kept]
    problems = [_idle(each, target) for each in kept if not each.is_active and _keeps_much(each)]
    waiting = next((each for each in items if each.kind == "archive" and each.size_bytes), None)
    if waiting is not None and "fails" in waiting.note:
        problems.append(
            f"{waiting.note}: the log stays until it is archived: stockops backup archive status "
            f"-t {target.name}"
        )
    if server.engine == "mariadb" and (files := binlogs.listed(server)):
        expires_s = _expires_s(server)
        items.insert(0, _binlog(files, expires_s))
        if not expires_s:
            problems.append(
                "binary logs are never removed: SET GLOBAL binlog_expire_logs_seconds = 604800, or "
                f"stockops storage free -t {target.name} --plan"
            )
    lab = labs.read(target.lab) if target.lab else None
    if lab is not None:
        room = list(_room(lab))
        problems += [
            f"{each.name} is nearly full: {each.note}" for each in room if _is_full(each.name)
        ]
        items = [*room, *items, *_files(lab)]
    return Look(items=items, problems=problems)


def _with_keepers(item: Item, kept: list[Slot], items: list[Item]) -> Item:
    """Return `item` with who keeps it there, where it is the log."""
    if item.kind != "wal":
        return item
    by = [f"slot {each.name}" for each in kept[:1] if each.held_bytes >= item.size_bytes // 2]
    by += [
        "the archiver"
        for each in items
        if each.kind == "archive" and each.size_bytes >= item.size_bytes // 2
    ]
    note = f"kept by {' and '.join(by)}; {item.note}" if by else item.note
    return Item(item.kind, item.name, item.size_bytes, note)


def _slot(slot: Slot) -> Item:
    note = "in use" if slot.is_active else "nobody uses it"
    note += "; its log is lost, it is of no use any more" if slot.is_lost else ""
    return Item("slot", slot.name, slot.held_bytes, note)


def _keeps_much(slot: Slot) -> bool:
    return slot.is_lost or slot.held_bytes >= _HELD_BYTES_MIN


def _idle(slot: Slot, target: Target) -> str:
    if slot.is_lost:
        return f"slot {slot.name} has lost its log: stockops storage free -t {target.name}"
    told = f"slot {slot.name} keeps {slot.held_bytes // 2**20:,} MiB of log, and nobody uses it"
    return f"{told}: start who does, or: stockops storage free -t {target.name} --slot {slot.name}"


def _binlog(files: dict[str, int], expires_s: int) -> Item:
    note = f"{len(files)} files, {'never removed' if not expires_s else _days(expires_s)}"
    return Item("binlog", "binary logs", sum(files.values()), note)


def _expires_s(server: Server) -> int:
    """Return how long binary logs are kept; 0: for ever."""
    return int(server.rows("SELECT @@GLOBAL.binlog_expire_logs_seconds AS s")[0]["s"])


def _days(length_s: int) -> str:
    return f"kept for {length_s / 86400:.1f} days"


def _room(lab: Lab) -> Iterator[Item]:
    """Give the disks that the data of `lab` are on, and what is free there."""
    seen = set()
    below = [*lab.data.iterdir(), *(lab.data / "pg_tblspc").glob("*"), *lab.directory.iterdir()]
    for path in (lab.data, *sorted(each for each in below if each.is_dir())):
        if (device := path.stat().st_dev) in seen:
            continue
        seen.add(device)
        room = os.statvfs(path)
        free, whole = room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize
        yield Item("free", str(path), free, f"of {disk.size(whole)}")


def _is_full(path: str) -> bool:
    disk = os.statvfs(path)
    return disk.f_bavail < disk.f_blocks * (1 - _FULL_SHARE)


def _files(lab: Lab) -> Iterator[Item]:
    """Give the logs that people read, and what a statement that was killed left behind."""
    for path in (lab.log_path, *sorted(lab.data.glob("*.log"))):
        if path.is_file():
            yield Item("log", str(path), path.stat().st_size, "")
    for path in sorted(lab.data.glob("*/*")):
        if path.name.startswith(_LEFT_OVER):
            note = "of an ALTER TABLE that runs, or was killed: the next start removes it"
            yield Item("left over", str(_within(path, lab)), path.stat().st_size, note)


def _within(path: Path, lab: Lab) -> Path:
    return path.relative_to(lab.data)
