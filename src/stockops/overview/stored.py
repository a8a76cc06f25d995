"""What a repository holds: the last backups, the windows that can be recovered, the last drill."""

from dataclasses import dataclass
from datetime import datetime

from ..backups import repository
from ..backups.archive import showing
from ..backups.repository import Backup, Evidence, Repository
from ..errors import StockopsError
from ..jobs import records
from ..jobs.records import Seen
from ..targets import Config

BACKUPS_MAX = 6
WINDOWS_MAX = 6
GAPS_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSeen:
    """A backup; `drilled_at` is None where it was never restored and proven."""

    id: str
    system: str
    kind: str
    state: str
    target: str
    stored_bytes: int | None
    drilled_at: str | None
    drill: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSeen:
    """A span of time that can be recovered."""

    system: str
    from_at: datetime
    to_at: datetime
    pieces: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSeen:
    """A repository; `note` says why nothing is known of it. `drill` is the last one, in words."""

    place: str = ""
    backups: tuple[BackupSeen, ...] = ()
    windows: tuple[WindowSeen, ...] = ()
    gaps: tuple[str, ...] = ()
    drill: str = ""
    note: str = ""


def look(config: Config) -> StoreSeen:
    """Return what the repository of `config` holds, the newest first."""
    place = config.backup.repository
    if place is None:
        return StoreSeen(note="stockops.yaml names no repository")
    try:
        repo = repository.opened(place)
        found = [each for each in repo.backups() if each.manifest is not None]
        windows, gaps = showing.windows(repo, None)
        newest = found[::-1][:BACKUPS_MAX]
        proofs = {each.id: _drills(repo, each) for each in newest}
    except StockopsError as exc:
        return StoreSeen(place=place, note=str(exc))
    last = max((drill for drills in proofs.values() for drill in drills), key=_at, default=None)
    return StoreSeen(
        place=place,
        backups=tuple(_backup(each, proofs[each.id]) for each in newest),
        windows=tuple(
            WindowSeen(system=w.system, from_at=w.from_at, to_at=w.to_at, pieces=w.pieces)
            for w in sorted(windows, key=lambda w: w.to_at, reverse=True)[:WINDOWS_MAX]
        ),
        gaps=tuple(gaps[:GAPS_MAX]),
        drill="" if last is None else f"{last.at}, {_verdict(last)}: {last.summary}",
    )


def _drills(repo: Repository, backup: Backup) -> list[Evidence]:
    return [each for each in repo.evidence(backup) if each.what == "drill"]


def _at(evidence: Evidence) -> str:
    return evidence.at


def _verdict(evidence: Evidence) -> str:
    return "passed" if evidence.passed else "failed"


def _backup(backup: Backup, drills: list[Evidence]) -> BackupSeen:
    manifest = backup.manifest
    last = max(drills, key=_at, default=None)
    return BackupSeen(
        id=backup.id,
        system=backup.system,
        kind=manifest.kind if manifest else "",
        state=backup.state,
        target=manifest.target if manifest else "",
        stored_bytes=manifest.stored_bytes if manifest else None,
        drilled_at=last.at if last and last.passed else None,
        drill="" if last is None else _verdict(last),
    )


def jobs() -> list[Seen]:
    """Return the jobs of this user on this machine, those that are wrong first."""
    found = [seen for name in records.names() if (seen := _job(name))]
    return sorted(found, key=lambda each: (records.is_well(each), each.job))


def _job(name: str) -> Seen | None:
    try:
        return records.look(name)
    except StockopsError:
        return None  # `job list` says why
