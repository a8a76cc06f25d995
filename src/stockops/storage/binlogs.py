"""Which binary logs nobody needs any more: the archive and every replica have them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .. import counts, queries
from ..backups.archive import binlogs as archived
from ..backups.archive import missing
from ..backups.repository import Repository
from ..engine import connect
from ..engine.base import Server
from ..errors import Refused, ServerError
from ..targets import Target
from .questions import FOLLOWERS

_NO_BINLOG = "1381"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What proves that a binary log is not needed: an archive, and the replicas that were named."""

    repository: Repository | None = None
    system: str = ""
    replicas: Sequence[Target] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """The binary logs before `first_kept` may go; `why_not` where none may, or no more."""

    first_kept: str
    frees_bytes: int
    is_proven: bool
    why: str
    why_not: str = ""


def listed(server: Server) -> dict[str, int]:
    """Return the binary logs of `server` and their sizes, the oldest first."""
    try:
        found = server.rows(queries.text(server.engine, "showing/binary_logs", server.version[0]))
    except ServerError as exc:
        if exc.code == _NO_BINLOG:
            return {}
        raise
    return {str(row["Log_name"]): int(row["File_size"]) for row in found}


def purge(server: Server, files: Mapping[str, int], proof: Proof) -> Purge:
    """
    Return up to where `files` may go.

    The archive must have each whole, as large as it is here, without a gap; each replica that is
    named must have applied it. More replicas connected than are named: none may go.
    """
    names = list(files)
    if len(names) < 2:
        return _none("")  # the only one is being written
    if proof.repository is None:
        return _none("no archive is named that has them: name it with --repository")
    followers = server.fetch(FOLLOWERS)
    if len(followers) > len(proof.replicas):
        hosts = ", ".join(each.host for each in followers)
        return _none(
            f"{len(followers)} replicas are connected ({hosts}) and {len(proof.replicas)} named: "
            "name each with --replica"
        )
    if missing(proof.repository, proof.system):
        return _none("the archive has gaps: stockops backup windows")
    safe = _archived(proof.repository, proof.system, files)
    place, who = safe, "the archive"
    for replica in proof.replicas:
        applied = _applied(replica, names)
        if applied < place:
            place, who = applied, f"the replica {replica.name!r}"
    if place == 0:
        return _none(f"{who} does not have the oldest one, {names[0]}")
    place = min(place, len(names) - 1)
    gone = names[:place]
    why = f"the archive has {gone[0]} to {gone[-1]} whole"
    why += (
        f", {counts.of(len(proof.replicas), 'replica has', 'replicas have')} applied them"
        if proof.replicas
        else ("; no replica is connected or named: one that is away would have to be made anew")
    )
    return Purge(
        first_kept=names[place],
        frees_bytes=sum(files[name] for name in gone),
        is_proven=bool(proof.replicas),
        why=why,
        why_not="" if place == len(names) - 1 else f"{who} does not have {names[place]} yet",
    )


def _none(why_not: str) -> Purge:
    return Purge(first_kept="", frees_bytes=0, is_proven=False, why="", why_not=why_not)


def _archived(repository: Repository, system: str, files: Mapping[str, int]) -> int:
    """Return how many of `files`, from the oldest on, are whole in the archive."""
    logs = archived(repository, system)
    newest = max((log.branch for log in logs), default=0)  # names come again after RESET MASTER
    there = {
        log.name: log.raw_bytes for log in logs if log.branch == newest and log.object is not None
    }
    count = 0
    for name, size in files.items():
        if there.get(name) != size:
            break
        count += 1
    return count


def _applied(replica: Target, names: Sequence[str]) -> int:
    """Return how many of `names`, from the oldest on, `replica` has applied whole."""
    with connect(replica, application="stockops storage") as server:
        sql = queries.text(server.engine, "showing/replicas", server.version[0])
        found = [str(row["Relay_Master_Log_File"]) for row in server.rows(sql)]
    if not found:
        raise Refused(
            f"{replica.name!r} replicates from nobody, so that it proves nothing",
            hint="Name the replicas of this server with --replica.",
        )
    at = [names.index(each) for each in found if each in names]
    return min(at, default=0)
