"""
The hashes that backups did not wait for, computed on the server they were taken of.

A manifest never changes: what is computed later is evidence of the backup, and `content_of` reads
both. Rows that were changed before anybody came to hash them are held to nothing, and that is
written down, too.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from ..engine import connect
from ..engine.base import Server
from ..errors import Finding, Refused
from ..targets import Target
from . import content
from .manifest import Manifest, TableContent
from .questions import CLUSTER, SETTINGS
from .repository import Backup, Evidence, Repository, now

WHAT = "hash"


@dataclass(frozen=True, slots=True)
class Hashed:
    """A table of a backup whose rows were hashed later; None where they are not the same now."""

    backup: str
    table: str
    rows: int | None


Seen = Callable[[str], None]


def content_of(repo: Repository, said: Manifest) -> list[TableContent]:
    """Return what the tables held by the manifest `said`, and by what was hashed later."""
    if not any(each.owed for each in said.content):
        return [*said.content]
    draft = Backup(id=said.id, system=said.system, state="complete", manifest=said)
    later = {
        each["table"]: TableContent(**each)
        for evidence in repo.evidence(draft)
        if evidence.what == WHAT
        for each in evidence.detail["content"]
    }
    return [later.get(each.table, each) if each.owed else each for each in said.content]


def complete(repo: Repository, said: Manifest) -> Manifest:
    """Return `said` with what was hashed later."""
    return replace(said, content=content_of(repo, said))


def owed(repo: Repository, said: Manifest) -> list[str]:
    """Return the tables of the backup `said` whose rows are not hashed yet."""
    return [each.table for each in content_of(repo, said) if each.owed]


def pay(
    repo: Repository, target: Target, chosen: Sequence[Backup] = (), *, seen: Seen = lambda _: None
) -> list[Hashed]:
    """
    Hash on `target` what its backups owe, or those `chosen` do, the oldest first.

    Each backup is written down when all of it is hashed, so that an interruption costs one of them.
    Raises `Finding` where no backup was looked at.
    """
    looked_at = 0
    found: list[Hashed] = []
    with connect(target, application="stockops backup hash") as server:
        system = server.fetch(CLUSTER)[0].system
        for each in chosen:
            if each.system != system:
                raise Refused(
                    f"{each.id} is of {each.system}, and {target.name!r} is {system}",
                    hint="Name the server that it was taken of: -t TARGET",
                )
        wanted = {each.id for each in chosen}
        earlier: Sequence[TableContent] = ()
        for backup in repo.backups(system):
            said = backup.manifest
            if said is None or said.method != "physical" or said.database != target.database:
                continue
            if not wanted or backup.id in wanted:
                looked_at += 1
                found += _pay(repo, server, said, earlier, seen)
            earlier = content_of(repo, said)
    if not looked_at:
        raise Finding(
            f"no physical backup of {target.database!r} of {target.name!r} is meant: nothing is to "
            "be hashed",
            hint="See what there is: stockops backup list",
        )
    return found


def _pay(
    repo: Repository,
    server: Server,
    said: Manifest,
    earlier: Sequence[TableContent],
    seen: Seen,
) -> list[Hashed]:
    todo = [each for each in content_of(repo, said) if each.owed]
    if not todo:
        return []
    prior = {each.table: each for each in earlier}
    hashed = []
    for each in todo:
        seen(f"{said.id}: hashing the rows of {each.table}")
        found = content.later(server, each, prior.get(each.table))
        if found.hash is None and _may_be_a_copy(server, said):
            raise Refused(
                f"{each.table} is not as it was in {said.id}, and this server may be a copy of the "
                "one that it was taken of",
                hint="Name that one, which can tell: -t TARGET",
            )
        hashed.append(found)
    held = sum(each.hash is not None for each in hashed)
    evidence = Evidence(
        backup=said.id,
        what=WHAT,
        at=now(),
        passed=True,
        summary=f"the rows of {held} of {len(todo)} tables that were owed",
        detail={"content": [asdict(each) for each in hashed]},
    )
    repo.record(evidence, system=said.system)
    return [Hashed(said.id, each.table, each.rows) for each in hashed]


def _may_be_a_copy(server: Server, said: Manifest) -> bool:
    """Tell whether `server` may be behind, or not know what stayed as it was on the other one."""
    if server.engine == "postgresql":
        return bool(server.rows("SELECT pg_is_in_recovery() AS copy")[0]["copy"])
    there = {each.name: each.value for each in server.fetch(SETTINGS)}
    return there["server_id"] != said.settings["server_id"]
