"""
The proof of recovery: restore into a private server, replay, start, prove, and time all of it.

Only a backup that went through this is `verified`. What was lost up to the target is measured by
what the copy holds: the youngest heartbeat, and the orders that a client's journal says were
acknowledged. A dump is loaded instead of restored, and stands for its own moment.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from .. import journal as journals
from .. import lab
from ..engine import connect
from ..errors import Busy, ConfigError, Fault, Refused, ServerError, StockopsError, Unsupported
from ..lab import Lab
from . import caches, owing, proving
from .keys import Identities
from .manifest import Manifest
from .proving import Level
from .repository import Backup, Evidence, Repository, now
from .restoring import Phases, Recovery, filling, finish, loading, manifest_of, require_room
from .store import OutOfReach

SUMMARY_CHARACTERS = 500


@dataclass(slots=True)
class Loss:
    """
    What was lost up to the target, as far as it can be told.

    `seconds` are those between the target and the youngest heartbeat in the copy; `orders` and
    `cancels` were acknowledged to a client and are not there, `won` is what the orders had been
    filled for by then.
    """

    target_at: str
    reached_at: str | None = None
    seconds: float | None = None
    acknowledged: int | None = None
    orders: int | None = None
    cancels: int | None = None
    won: int | None = None


@dataclass(slots=True)
class Drilled:
    """One drill: which backup, what was proven, how long it took."""

    backup: str
    system: str
    engine: str
    aim: str
    at: str
    links: int
    logs: int
    restored_bytes: int
    predicted_s: float
    rto_s: float = 0.0
    seconds: float = 0.0
    phases: dict[str, float] = field(default_factory=dict)
    levels: list[Level] = field(default_factory=list)
    loss: Loss | None = None
    failure: str = ""

    @property
    def passed(self) -> bool:
        """Whether it came back, and every level that can be judged passed, and one was."""
        verdicts = [level.passed for level in self.levels]
        return not self.failure and False not in verdicts and True in verdicts

    @property
    def summary(self) -> str:
        """The verdict in one line."""
        if self.failure:
            return " ".join(self.failure.split())[:SUMMARY_CHARACTERS]
        bad = [level for level in self.levels if level.passed is False]
        if bad:
            return (
                f"{bad[0].name} {bad[0].title}: {(bad[0].findings or ['nothing was checked'])[0]}"
            )
        good = [level.name for level in self.levels if level.passed]
        return f"restored in {self.rto_s:.1f} s; {', '.join(good)} passed"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        says = asdict(self)
        for level, said in zip(self.levels, says["levels"], strict=True):
            said["passed"] = level.passed
        rate = self.restored_bytes / self.rto_s if self.rto_s and not self.failure else None
        return {
            **says,
            "passed": self.passed,
            "summary": self.summary,
            "restored_bytes_per_s": rate,
        }


Seen = Callable[[str], None]


def drill(
    repo: Repository,
    recovery: Recovery,
    *,
    identities: Identities = (),
    journal: Path | None = None,
    bin_directory: Path | None = None,
    seen: Seen = lambda _: None,
) -> Drilled:
    """Prove that `recovery` works; keep what was found as evidence. The copy is gone afterwards."""
    said = recovery.last
    drilled = Drilled(
        backup=said.id,
        system=said.system,
        engine=said.engine,
        aim=str(recovery.aim),
        at=now(),
        links=len(recovery.links),
        logs=len(recovery.logs),
        restored_bytes=recovery.raw_bytes,
        predicted_s=round(recovery.predicted_s, 1),
    )
    target = recovery.aim.at or recovery.window.end_at
    if recovery.aim.kind == "backup":
        target = datetime.fromisoformat(said.ended_at)
    require_room(recovery)
    with _timed(repo, drilled, seen) as (phases, began):
        fill = filling(repo, recovery, identities=identities, phases=phases)
        with (
            lab.temporary(
                said.engine,
                version=said.major,
                bin_directory=bin_directory,
                settings=caches.settings_of_proof(said.engine, recovery.raw_bytes),
                fill=fill,
            ) as copy,
            lab.telling_full(copy.name),
        ):
            finish(copy, recovery, phases=phases)
            drilled.rto_s = round(monotonic() - began, 3)
            drilled.loss = _loss(copy, said, target, journal)
            held = owing.complete(repo, said)
            stored = proving.stored(map(manifest_of, recovery.links), phases.seconds)
            proven = proving.prove(copy, held, moved_on=bool(recovery.logs), seen=seen)
            drilled.levels = [stored, *proven]
    return drilled


def drill_dump(
    repo: Repository,
    backup: Backup,
    *,
    identities: Identities = (),
    journal: Path | None = None,
    bin_directory: Path | None = None,
    seen: Seen = lambda _: None,
) -> Drilled:
    """
    Prove that the dump `backup` loads, as `drill` does.

    There are no pages to read, and no log: what came after its moment is lost.
    """
    said = manifest_of(backup)
    if said.method != "logical":
        raise Refused(f"{said.id} is no dump: it is restored as a whole server")
    at = datetime.fromisoformat(said.started_at)
    drilled = Drilled(
        backup=said.id,
        system=said.system,
        engine=said.engine,
        aim=f"the dump's own moment, {at:%Y-%m-%d %H:%M:%S} UTC",
        at=now(),
        links=1,
        logs=0,
        restored_bytes=said.raw_bytes,
        predicted_s=round(loading.predicted_of(repo, backup), 1),
    )
    loading.require_room(backup, new=True)
    with (
        _timed(repo, drilled, seen) as (phases, began),
        lab.temporary(said.engine, bin_directory=bin_directory) as copy,
        lab.telling_full(copy.name),
    ):
        loading.load(repo, backup, copy, identities=identities, phases=phases)
        drilled.rto_s = round(monotonic() - began, 3)
        drilled.loss = _loss(copy, said, at, journal)
        stored = proving.stored([said], phases.seconds)
        drilled.levels = [stored, *proving.prove(copy, said, moved_on=False, seen=seen)]
    return drilled


@contextmanager
def _timed(repo: Repository, drilled: Drilled, seen: Seen) -> Iterator[tuple[Phases, float]]:
    """
    Give the phases, and when it began; what goes wrong in the block is the drill's failure.

    A key, a program or a store that is not there, or a full disk here, says nothing about the
    backup: that is raised.
    """
    phases = Phases(seen=seen)
    began = monotonic()
    try:
        yield phases, began
    except (ConfigError, Refused, Unsupported, Busy, OutOfReach, lab.NoRoom):
        raise
    except StockopsError as exc:
        if isinstance(exc, ServerError) and exc.fault is Fault.FULL:
            raise
        drilled.failure = str(exc)
    drilled.phases = phases.seconds
    drilled.seconds = round(monotonic() - began, 3)
    evidence = Evidence(
        backup=drilled.backup,
        what="drill",
        at=drilled.at,
        passed=drilled.passed,
        summary=drilled.summary,
        detail=drilled.as_json(),
    )
    repo.record(evidence, system=drilled.system)


def _loss(copy: Lab, said: Manifest, target: datetime, journal: Path | None) -> Loss:
    loss = Loss(target_at=target.isoformat())
    with connect(copy.url(said.database)) as server:
        try:
            beats = server.rows("SELECT max(beaten_at) AS at FROM heartbeats")
        except ServerError:  # a database without our schema has none
            beats = []
        at = beats[0]["at"] if beats else None
        if at is not None:
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            loss.reached_at = at.isoformat()
            loss.seconds = round(max((target - at).total_seconds(), 0.0), 3)
        if journal is not None:
            audit = journals.audit(server, journal)
            loss.acknowledged = audit.acknowledged
            loss.cancels, loss.won = audit.missing_cancels, audit.missing_won
            loss.orders = audit.findings["missing"] - audit.missing_cancels
    return loss
