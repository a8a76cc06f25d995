"""How the backups and the archive of one target stand, in figures, for whoever watches them."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..engine.base import Server
from ..errors import ServerError
from ..queries import Query
from .archive.status import Status, status_on
from .repository import Backup, Repository, moment_of

WHOLE = frozenset({"complete", "verified"})
SIZES_MIN = 3  # fewer earlier backups say nothing of what the next one should weigh


@dataclass(frozen=True, slots=True)
class System:
    """The name under which a repository keeps what is of one cluster."""

    system: str


SYSTEM = Query("standing/system", System)


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """
    The last whole backup of one kind.

    `usual_bytes` is the median of those before it, None where there are fewer than three.
    """

    kind: str  # "full", "incremental" or "logical"
    id: str
    ended_at: datetime
    stored_bytes: int
    usual_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """
    The backups of one cluster.

    `usable` counts those that a restore can begin with or go on from, `proven` those of them that
    a drill brought back; `proven_at` is when the last of these ended. `broken` are those that a
    drill or a verification failed, `unfinished` the attempts since the last whole backup that came
    to nothing. `drill_at` and `drill_rto_s` are of the last drill that passed.
    """

    system: str
    last: Sequence[Last] = ()
    usable: int = 0
    proven: int = 0
    proven_at: datetime | None = None
    broken: Sequence[str] = ()
    unfinished: Sequence[str] = ()
    drill_at: datetime | None = None
    drill_rto_s: float | None = None
    archive: Status | None = field(default=None)


def system_of(repo: Repository, target: str, server: Server | None) -> str | None:
    """
    Return the system that `target` is in `repo`; None where nothing there is known to be of it.

    The server says which one it is; where it cannot, the last backup of that name does.
    """
    if server is not None:
        try:
            found = server.fetch(SYSTEM)
        except ServerError:
            found = []
        if found:
            return found[0].system
    named = [each for each in repo.backups() if each.manifest and each.manifest.target == target]
    return named[-1].system if named else None


def look(repo: Repository, system: str, *, server: Server | None = None) -> Standing:
    """Return how the backups of `system` stand; its archive, too, where `server` is open."""
    backups = repo.backups(system)
    usable = _usable(backups)
    proven = [each for each in usable if each.state == "verified"]
    drill_at, rto_s = _last_drill(repo, backups)
    newest = usable[-1].id if usable else ""
    return Standing(
        system=system,
        last=_last_of_each_kind(usable),
        usable=len(usable),
        proven=len(proven),
        proven_at=max(map(_ended, proven), default=None),
        broken=[each.id for each in backups if each.state == "broken"],
        unfinished=[
            each.id
            for each in backups
            if each.state in {"failed", "incomplete"} and each.id > newest
        ],
        drill_at=drill_at,
        drill_rto_s=rto_s,
        archive=archive_of(repo, system, server) if server else None,
    )


def archive_of(repo: Repository, system: str, server: Server) -> Status | None:
    """Return how the archive of `system` stands; None where nothing archives, nor ever did."""
    status = status_on(server, repo, system)
    if status.how == "none" and system not in repo.store.folders("archive"):
        return None
    return status


def _usable(backups: Sequence[Backup]) -> list[Backup]:
    """Return the whole ones of `backups` that build upon nothing that is gone or broken."""
    found: dict[str, Backup] = {}
    for each in backups:  # the oldest first: a parent is older than what builds upon it
        said = each.manifest
        if said is None or each.state not in WHOLE:
            continue
        if said.parent is None or said.parent in found:
            found[each.id] = each
    return list(found.values())


def _last_of_each_kind(usable: Sequence[Backup]) -> list[Last]:
    kinds: dict[str, list[Backup]] = {}
    for each in usable:
        kinds.setdefault(_kind(each), []).append(each)
    found = []
    for kind, there in sorted(kinds.items()):
        sizes = [_stored(each) for each in there]
        usual = round(statistics.median(sizes[:-1])) if len(sizes) > SIZES_MIN else None
        found.append(
            Last(
                kind=kind,
                id=there[-1].id,
                ended_at=_ended(there[-1]),
                stored_bytes=sizes[-1],
                usual_bytes=usual,
            )
        )
    return found


def _last_drill(
    repo: Repository, backups: Sequence[Backup]
) -> tuple[datetime | None, float | None]:
    """Return when the last drill passed, and how long its restore took."""
    passed = [
        each
        for backup in backups
        if backup.state == "verified"
        for each in repo.evidence(backup)
        if each.what == "drill" and each.passed
    ]
    if not passed:
        return None, None
    last = max(passed, key=lambda each: each.at)
    rto_s = last.detail.get("rto_s")
    return datetime.fromisoformat(last.at), float(rto_s) if rto_s else None


def _kind(backup: Backup) -> str:
    said = backup.manifest
    return "logical" if said is None or said.method == "logical" else said.kind


def _stored(backup: Backup) -> int:
    return backup.manifest.stored_bytes if backup.manifest else 0


def _ended(backup: Backup) -> datetime:
    said = backup.manifest
    return datetime.fromisoformat(said.ended_at) if said else moment_of(backup.id)
