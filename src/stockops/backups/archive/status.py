"""
How far the archive is behind its server, and whether it is broken or only idle.

Nothing is believed that the server says of its archiver and the ledger does not show: a command
that was killed is not counted as failed, and one that does nothing succeeds.
"""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from ...engine import connect
from ...engine.base import Server
from ...errors import Refused
from ...targets import Target
from .. import s3place
from ..repository import Repository
from . import ledger, spool, wal
from .binlog import number_of
from .binlogreceiver import server_files
from .ledger import Log
from .questions import ARCHIVER, SLOTS, Archiver
from .receiving import system_of
from .showing import gap_line, place
from .walreceiver import slot_name
from .windows import coverage, missing

State = Literal["archiving", "idle", "behind", "broken", "gap"]
BEHIND_S = 60.0
_IDLE_BYTES = 256  # of a new segment: its first header, and a record that says who is running
OURS = "backup archive push"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """
    The archive of one server.

    `archived` is how far the log is safe, `server` how far the server is. `lag_s` is how old the
    oldest log is that is not safe, None where that is not known; `waiting` counts whole files.
    """

    target: str
    system: str
    how: str
    state: State
    archived: str
    server: str
    lag_bytes: int | None
    lag_s: float | None
    waiting: int
    last_at: datetime | None
    notes: Sequence[str]
    gaps: int = 0


def status(repo: Repository, target: Target, *, behind_s: float = BEHIND_S) -> Status:
    """Return how the archive of `target` stands; what is older than `behind_s` is too old."""
    system = system_of(target)
    with connect(target, application="stockops archive") as server:
        found = status_on(server, repo, system, behind_s=behind_s)
    return replace(found, target=target.name)


def status_on(
    server: Server, repo: Repository, system: str, *, behind_s: float = BEHIND_S
) -> Status:
    """Return how the archive of `system` stands, which is the cluster that `server` is one of."""
    received = repo.store.is_locked(f"archive-{system}")
    if server.engine == "postgresql":
        found = _postgresql(repo, server, system, received, behind_s)
    else:
        found = _mariadb(repo, server, system, received, behind_s)
    gaps = coverage(repo, system).gaps if repo.backups(system) else missing(repo, system)
    if gaps and found.state != "broken":
        found = replace(found, state="gap")
    return replace(found, gaps=len(gaps), notes=[*found.notes, *map(gap_line, gaps)])


def _postgresql(
    repo: Repository, server: Server, system: str, received: bool, behind_s: float
) -> Status:
    says = server.fetch(ARCHIVER)[0]
    last = _last(repo, system, says.timeline)
    commanded = says.archive_mode != "off" and bool(says.archive_command or says.archive_library)
    ours = is_ours(says.archive_command, repo)
    lag = None
    if last is not None and last.end.lsn is not None:
        lag = max(0, wal.lsn(says.lsn) - wal.lsn(last.end.lsn))
    since = _unsafe_since(says, last, lag)
    lag_s = max(0.0, (says.now - since).total_seconds()) if since else None
    lag_s = 0.0 if lag is not None and lag <= _IDLE_BYTES else lag_s
    notes = _notes(says, ours=ours, received=received, commanded=commanded)
    if any(slot.name == slot_name(repo) for slot in server.fetch(SLOTS)) and not received:
        notes.append("a replication slot of this archive keeps log that nobody receives")
    trouble = _trouble(repo, system, says, received=received, ours=ours, behind_s=behind_s)
    return Status(
        target="",
        system=system,
        how=_how(ours and commanded, received),
        state=_state(trouble, lag, lag_s, behind_s if received else None),
        archived=place(last.end) if last else "-",
        server=says.lsn,
        lag_bytes=lag,
        lag_s=lag_s,
        waiting=says.ready if commanded else 0,
        last_at=last.last_at if last else None,
        notes=[*trouble, *notes],
    )


def _trouble(
    repo: Repository,
    system: str,
    says: Archiver,
    *,
    received: bool,
    ours: bool,
    behind_s: float,
) -> list[str]:
    """Return why nothing, or not everything, arrives."""
    found = []
    if not received:
        if says.archive_mode == "off":
            found.append("nothing archives to this repository: archive_mode is off")
        elif not ours:
            what = "is another's" if says.archive_command or says.archive_library else "is empty"
            found.append(f"nothing archives to this repository: archive_command {what}")
    if says.archive_mode != "off" and says.ready and says.ready_since:
        waited_s = (says.now - says.ready_since).total_seconds()
        if waited_s > behind_s and (ours or not received):
            found.append(_why_waiting(says, waited_s))
    name = (says.last_archived or "")[:24]
    if ours and not received and says.archive_mode != "off" and wal.SEGMENT.fullmatch(name):
        there = ledger.find(repo, ledger.folder_of(system, name), name)
        if not there and _is_recent(repo, system, name):
            found.append(f"the server says that {name} is archived, and it is not here")
    return found


def _why_waiting(says: Archiver, waited_s: float) -> str:
    said = f"{says.ready} files wait, the oldest for {waited_s:.0f} s: "
    failed, done = says.last_failed_at, says.last_archived_at
    if failed is not None and (done is None or failed > done):
        return said + f"archive_command fails ({says.failed_count} times)"
    return said + "archive_command hangs, or is killed, or is not found, which is not counted"


def _is_recent(repo: Repository, system: str, name: str) -> bool:
    """Tell whether `name` is newer than all that is archived: the server's counts live long."""
    logs = ledger.segments(repo, system, int(name[:8], 16))
    return not logs or logs[-1].name < name


def _notes(says: Archiver, *, ours: bool, received: bool, commanded: bool) -> list[str]:
    found = []
    if commanded and received and not ours:
        found.append("there are two archivers: archive_command is another's, and goes elsewhere")
        if says.ready:
            found.append(f"{says.ready} files wait for that other command, and pg_wal grows")
    if commanded and says.archive_timeout in {"0", ""} and not received:
        found.append("archive_timeout is 0: what a quiet server committed last is not archived")
    return found


def _unsafe_since(says: Archiver, last: Log | None, lag: int | None) -> datetime | None:
    """Return how old the oldest log is that is not archived, as well as it is known."""
    if lag == 0:
        return says.now
    known = [each for each in (says.ready_since, says.last_archived_at) if each]
    if last is not None and last.last_at:
        known.append(last.last_at)
    if says.ready_since:
        return says.ready_since
    return max(known, default=None)


def _mariadb(
    repo: Repository, server: Server, system: str, received: bool, behind_s: float
) -> Status:
    try:
        files = server_files(server)
    except Refused as exc:
        return _blank(system, received, str(exc))
    newest = max(files, key=number_of)
    last = _last(repo, system, None)
    lag = None
    notes = []
    if last is not None:
        lag = sum(size for name, size in files.items() if number_of(name) > last.number)
        lag += max(0, files.get(last.name, 0) - last.raw_bytes)
        wanted = ledger.renumbered(last, last.number + (last.object is not None))
        if wanted not in files and newest != last.name:
            notes.append(f"the server has removed {wanted}, which was not received")
    lag_s = 0.0 if lag == 0 else None
    if lag and last is not None and last.last_at:
        lag_s = max(0.0, (datetime.now(UTC) - last.last_at).total_seconds())
    trouble = [] if received else ["nobody receives the binary log"]
    return Status(
        target="",
        system=system,
        how=_how(False, received),
        state=_state([*trouble, *notes], lag, lag_s, behind_s),
        archived=place(last.end) if last else "-",
        server=f"{newest}:{files[newest]}",
        lag_bytes=lag,
        lag_s=lag_s,
        waiting=sum(last is not None and number_of(name) > last.number for name in files),
        last_at=last.last_at if last else None,
        notes=[*trouble, *notes],
    )


def _state(
    trouble: Sequence[str], lag: int | None, lag_s: float | None, behind_s: float | None
) -> State:
    if trouble:
        return "broken"
    if lag is None:
        return "behind"
    if behind_s is not None and lag and (lag_s is None or lag_s > behind_s):
        return "behind"
    return "idle" if lag <= _IDLE_BYTES else "archiving"


def _last(repo: Repository, system: str, branch: int | None) -> Log | None:
    """Return the last piece of log of the newest branch, archived or in the spool."""
    pieces = [*ledger.logs(repo, system), *spool.tails(repo, system)]
    pieces = [log for log in pieces if branch in {None, log.branch}]
    order = {id(log): (log.branch, log.number, log.object is not None) for log in pieces}
    return max(pieces, key=lambda log: order[id(log)], default=None)


def _how(commanded: bool, received: bool) -> str:
    found = [
        *(["archive_command"] if commanded else []),
        *(["receiver"] if received else []),
    ]
    return " and ".join(found) or "none"


def _blank(system: str, received: bool, why: str) -> Status:
    return Status(
        target="",
        system=system,
        how=_how(False, received),
        state="broken",
        archived="-",
        server="-",
        lag_bytes=None,
        lag_s=None,
        waiting=0,
        last_at=None,
        notes=[why],
    )


def is_ours(command: str, repo: Repository) -> bool:
    """Tell whether the server's `command` archives to `repo`."""
    return OURS in command and escaped([anywhere(repo)]) in command


def anywhere(repo: Repository) -> str:
    """Return where `repo` is, as it is named from anywhere on this machine."""
    place = repo.store.place
    return place if s3place.is_one(place) else os.path.abspath(place)  # noqa: PTH100


def escaped(words: Sequence[str]) -> str:
    """Return `words` as a setting of PostgreSQL that is a command holds them."""
    return " ".join(shlex.quote(word) for word in words).replace("%", "%%")
