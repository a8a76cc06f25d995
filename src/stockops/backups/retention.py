"""
What is kept, and what may go.

Of each day, week and month the last good backup is kept, as far back as asked for; so are the last
one, the last one that was proven, and everything that a kept one builds upon. Dumps are counted by
themselves: no log goes on from them, so that none stands for a backup from which it does. Log goes
only when no backup that stays needs it; the histories of timelines stay for ever.

Nothing goes because it is old: periods are counted that have a backup, by a clock that does not go
back. While the clock is wrong, more than one day's backups may count as one day's.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from .. import counts
from ..errors import ConfigError
from ..plan import Step
from . import archive
from .archive import Log, wal
from .archive.binlog import number_of
from .manifest import Manifest
from .repository import Backup, Repository, moment_of

DEFAULT_KEEP: Mapping[str, int] = {"daily": 7, "weekly": 4, "monthly": 6}
_BINLOG = re.compile(r"[^/]+\.(\d{6,})\.[0-9a-f]{32}\.\d+\.?")
_PERIODS = {"daily": "%Y-%m-%d", "weekly": "%G-W%V", "monthly": "%Y-%m"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """One thing that goes: a backup, or a piece of log."""

    system: str
    what: str
    name: str
    objects: Sequence[str]
    stored_bytes: int
    why: str

    @property
    def step(self) -> Step:
        """It as a step of a plan."""
        return Step(
            action=f"remove {self.what} {self.name} ({self.stored_bytes >> 20:,} MB)",
            why=self.why,
            destroys=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """
    What stays, by id, with the reason; and what goes, in the order in which it must.

    `notes` say what of it the store will not let go of at once.
    """

    kept: Mapping[str, str]
    removed: Sequence[Removal]
    notes: Sequence[str] = ()


def plan(repo: Repository, system: str, keep: Mapping[str, int]) -> Retention:
    """Return what of `system` stays and what goes under `keep`; nothing is removed."""
    _require_some(keep)
    backups = repo.backups(system)
    good = [each for each in backups if each.state in {"complete", "verified"}]
    dumps = [each for each in good if _is_dump(each)]
    kept = _kept([each for each in good if not _is_dump(each)], keep)
    kept |= {name: f"{why}, of dumps" for name, why in _kept(dumps, keep).items()}
    for each in good:
        names = [] if each.id in kept else repo.store.entries(each.folder)
        if until := _still_kept(repo, [entry.name for entry in names]):
            kept[each.id] = f"the store keeps it until {_last(until)}"
    _keep_parents(kept, good)
    removed = [_backup(repo, each, kept) for each in reversed(backups) if _may_go(each, kept)]
    staying = [each.manifest for each in good if each.id in kept and each.manifest]
    notes: list[str] = []
    removed += _logs(repo, system, staying, notes)
    if removed and (remains := repo.store.remains()):
        notes.append(remains)
    return Retention(kept=kept, removed=removed, notes=notes)


def prune(repo: Repository, system: str, keep: Mapping[str, int]) -> Retention:
    """Remove what `plan` says, under the lock of the backups; children before their parents."""
    with repo.held(system):
        for prefix in (f"backups/{system}", f"archive/{system}", f"evidence/{system}"):
            repo.store.sweep(prefix)
        retention = plan(repo, system, keep)
        for removal in retention.removed:
            for name in removal.objects:
                repo.store.remove(name)
    return retention


def _require_some(keep: Mapping[str, int]) -> None:
    if not any(keep.values()):
        raise ConfigError(
            "nothing would be kept but the last backup",
            hint="Write backup: {keep: {daily: 7, weekly: 4, monthly: 6}} into stockops.yaml.",
        )
    if any(number < 0 for number in keep.values()):
        raise ConfigError("a negative number of backups cannot be kept", hint="Write 0 for none.")


def _kept(good: Sequence[Backup], keep: Mapping[str, int]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for period, number in keep.items():
        last = {moment_of(each.id).strftime(_PERIODS[period]): each for each in good}
        for name in sorted(last, reverse=True)[:number]:
            kept.setdefault(last[name].id, f"{period} {name}")
    if good:
        kept.setdefault(good[-1].id, "the last one")
    verified = [each for each in good if each.state == "verified"]
    if verified:
        kept.setdefault(verified[-1].id, "the last that was proven")
    return kept


def _keep_parents(kept: dict[str, str], good: Sequence[Backup]) -> None:
    """Add to `kept` what those in it build upon."""
    by_id = {each.id: each for each in good}
    for name in [*kept]:
        parent = _parent(by_id.get(name))
        while parent is not None and parent not in kept:
            kept[parent] = f"{name} builds upon it"
            parent = _parent(by_id.get(parent))


def _still_kept(repo: Repository, names: Sequence[str]) -> dict[str, datetime]:
    """Return which of the objects `names` the store keeps, and until when."""
    now = datetime.now(UTC)
    return {name: until for name, until in repo.store.kept_until(names).items() if until > now}


def _last(kept: Mapping[str, datetime]) -> str:
    return f"{max(kept.values()).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _may_go(backup: Backup, kept: Mapping[str, str]) -> bool:
    """A broken one stays until somebody has looked at it; a failed one holds no data."""
    return backup.state in {"complete", "verified", "failed"} and backup.id not in kept


def _backup(repo: Repository, backup: Backup, kept: Mapping[str, str]) -> Removal:
    folder = backup.folder if backup.manifest else repo.store.partial(backup.folder)
    size = sum(entry.stored_bytes for entry in repo.store.entries(folder))
    why = (
        backup.note
        if backup.state == "failed"
        else f"{counts.of(len(kept), 'other is', 'others are')} kept"
    )
    return Removal(
        system=backup.system,
        what="backup",
        name=backup.id,
        objects=[folder],
        stored_bytes=size,
        why=why,
    )


def _logs(
    repo: Repository, system: str, staying: Sequence[Manifest], notes: list[str]
) -> Iterator[Removal]:
    """Give what is older than the first log that any backup needs, one for each branch."""
    physical = [each for each in staying if each.method == "physical"]
    if not physical:
        return
    logs = archive.logs(repo, system)
    first = _first_needed(logs, physical)
    if first is None:
        return
    for branch in sorted({log.branch for log in logs}):
        old = [log for log in logs if log.branch == branch and (branch, log.number) < first]
        if system.startswith("pg-"):  # positions go on from one timeline to the next
            old = [log for log in old if log.number < first[1]]
            objects = [log.object for log in old if log.object]
        else:
            objects = _binlogs(repo, f"archive/{system}/binlog/{branch:08X}", (branch, first))
        kept = _still_kept(repo, objects)
        if kept:
            objects = objects[: next(at for at, name in enumerate(objects) if name in kept)]
            old = [log for log in old if log.object in objects]
            notes.append(
                f"the store keeps {counts.of(len(kept), 'more piece')} of log until {_last(kept)}"
            )
        if objects:
            yield Removal(
                system=system,
                what="log",
                name=f"{old[0].name} to {old[-1].name}"
                if old
                else f"{counts.of(len(objects), 'torn piece')}",
                objects=objects,
                stored_bytes=sum(log.stored_bytes for log in old),
                why=f"no backup that stays begins before {first[1]}",
            )


def _first_needed(logs: Sequence[Log], staying: Sequence[Manifest]) -> tuple[int, int] | None:
    """Return branch and number of the oldest piece of log that a backup needs."""
    if not logs:
        return None
    if logs[0].end.lsn is not None:
        size = logs[0].raw_bytes
        return min(
            (each.start.timeline or 1, wal.lsn(each.start.lsn or "0/0") // size) for each in staying
        )
    needed = []
    for each in staying:
        if each.stop.file is None:
            return None
        number = number_of(each.stop.file)
        on = [log.branch for log in logs if log.number == number]
        # Not to be told on which series it lies: keep every one.
        needed.append((min(on, default=min(log.branch for log in logs)), number))
    return min(needed)


def _binlogs(repo: Repository, folder: str, limit: tuple[int, tuple[int, int]]) -> list[str]:
    """
    Return the objects in `folder` that are older than the first that is needed, in their order.

    Of each file what states it goes before what it is; one that a removal which was cut short left
    without a statement goes, too.
    """
    branch, first = limit
    found = []
    for entry in repo.store.entries(folder):
        name = entry.name.rpartition("/")[2]
        match = _BINLOG.match(name)
        if match and (branch, int(match[1])) < first:
            found.append((int(match[1]), not name.endswith(".json"), entry.name))
    return [name for _, _, name in sorted(found)]


def _is_dump(backup: Backup) -> bool:
    return backup.manifest is not None and backup.manifest.method == "logical"


def _parent(backup: Backup | None) -> str | None:
    return backup.manifest.parent if backup and backup.manifest else None
