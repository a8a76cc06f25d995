"""Compare the files with the history: what is applied, what would be, what must not go on."""

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, TypedDict

from ..catalog import TABLES
from ..engine.base import Server
from ..errors import Busy, Finding
from ..plan import Lock, Step
from . import effects, files, history, lock
from .files import Kind, Migration
from .history import Run

State = Literal[
    "applied",  # and the file is as it was
    "pending",  # would be applied by `up`
    "changed",  # a version that was applied, and whose file is another now
    "missing",  # a version that was applied, and whose file is gone
    "out of order",  # never applied, though a later version is
    "half applied",  # stopped half way
    "running",  # being applied by the session that holds the migration lock
    "retired",  # a repeatable that was applied, and whose file is gone
]
CLEAN: frozenset[State] = frozenset({"applied", "retired"})


_AT = "%Y-%m-%d %H:%M:%S"


class Changed(Finding):
    """A file is not the one that was applied; `diff` is what came after what was stored."""

    def __init__(self, message: str, *, hint: str, diff: str) -> None:
        super().__init__(message, hint=hint)
        self.diff = diff


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where one migration stands; the last four are None where it was never applied."""

    migration: str
    file: str
    kind: Kind
    state: State
    note: str
    installed_at: datetime | None = None
    installed_by: str | None = None
    host: str | None = None
    ms: int | None = None


class _When(TypedDict, total=False):
    installed_at: datetime
    installed_by: str
    host: str
    ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStatement:
    """
    A statement that `up` would send, exactly as it would send it.

    `transaction` is ``file`` where the whole file commits or rolls back as one, ``statement``
    where each statement commits by itself.
    """

    file: str
    statement_no: int
    line: int
    transaction: Literal["file", "statement"]
    lock: Lock
    destroys: bool
    sql: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The files, in order, beside what the database remembers; `live` is who runs right now."""

    folder: Path
    migrations: Sequence[Migration]
    applied: dict[str, Run]
    live: lock.Holder | None

    def statuses(self) -> list[Status]:
        """Return where each migration stands, known files first, then those that are gone."""
        gone = [run for key, run in self.applied.items() if key not in self._keys()]
        return [self._of_file(m) for m in self.migrations] + [_of_gone(run) for run in gone]

    def pending(self) -> list[Migration]:
        """
        Return what `up` has to apply.

        A repeatable that stopped half way is applied again: that is what it is written for.
        """
        states = {status.migration: status.state for status in self.statuses()}
        return [
            m
            for m in self.migrations
            if states[m.key] == "pending"
            or (states[m.key] in ("half applied", "running") and m.kind == "repeatable")
        ]

    def run_of(self, key: str) -> Run:
        """Return the run that left migration `key` as it is."""
        return self.applied[key]

    def file_of(self, key: str) -> Migration:
        """Return the file of migration `key`."""
        return next(m for m in self.migrations if m.key == key)

    def newest(self) -> int:
        """Return the highest version applied; 0 where there is none."""
        return max((int(r.migration[1:]) for r in self._versions()), default=0)

    def _versions(self) -> list[Run]:
        return [run for run in self.applied.values() if run.kind == "versioned"]

    def _keys(self) -> set[str]:
        return {migration.key for migration in self.migrations}

    def _of_file(self, migration: Migration) -> Status:
        run = self.applied.get(migration.key)
        state, note = self._judge(migration, run)
        return Status(
            migration=migration.key,
            file=migration.name,
            kind=migration.kind,
            state=state,
            note=note,
            **_when(run),
        )

    def _judge(self, migration: Migration, run: Run | None) -> tuple[State, str]:
        if run is None:
            late = migration.version is not None and migration.version < self.newest()
            note = f"V{self.newest():04d} is applied already"
            return ("out of order", note) if late else ("pending", "new")
        if run.state == "applying" and self.live:
            return "running", f"by {self.live}"
        if run.state == "applying":
            return "half applied", "see the journal: stockops_migration_steps"
        if same(migration, run):
            return "applied", ""
        if migration.kind == "repeatable":
            return "pending", "its text has changed"
        return "changed", "the file is not the one that was applied"


def _of_gone(run: Run) -> Status:
    kind: Kind = "versioned" if run.kind == "versioned" else "repeatable"
    state: State = "missing" if kind == "versioned" else "retired"
    note = "its file is gone"
    return Status(
        migration=run.migration, file=run.name, kind=kind, state=state, note=note, **_when(run)
    )  # fmt: skip


def _when(run: Run | None) -> _When:
    if run is None:
        return {}
    return {
        "installed_at": run.installed_at,
        "installed_by": run.installed_by,
        "host": run.host,
        "ms": run.ms,
    }


def same(migration: Migration, run: Run) -> bool:
    """Return whether the file is what was applied; by its text where the hash is another kind."""
    if run.checksum_algorithm == files.CHECKSUM_ALGORITHM:
        return migration.checksum == run.checksum
    return migration.content == run.content


def compare(server: Server, *, folder: Path | None = None, locked: bool = False) -> Comparison:
    """
    Read the files and the history. Writes nothing, and needs no history to be there.

    `locked`: the caller holds the migration lock, so whatever is half done is nobody's.
    """
    folder = folder or files.folder_of(server.engine)
    migrations = files.read(folder, server.engine)
    live = None if locked else lock.holder(server)
    runs = history.runs(server)
    applied = history.latest(runs)
    if live is None and any(run.state == "applying" for run in applied.values()):
        applied = history.latest(_begun(server, runs))
    return Comparison(folder, migrations, applied, live)


def _begun(server: Server, runs: Sequence[Run]) -> list[Run]:
    """
    Return those of `runs` that sent a statement, or are done.

    The journal is always ahead of the server: what is not in it was not sent.
    """
    sent = {step.run_id for step in history.steps(server)}
    return [run for run in runs if run.state != "applying" or run.id in sent]


def status(server: Server, *, folder: Path | None = None) -> list[Status]:
    """Return where each migration stands; none of them raises, whatever its state."""
    return compare(server, folder=folder).statuses()


def missing(server: Server) -> list[str]:
    """Return the tables that the applied migrations made, and that are not there, by name."""
    comparison = compare(server)
    done = [each.migration for each in comparison.statuses() if each.state == "applied"]
    made = effects.tables(comparison.file_of(key) for key in done)
    there = {each.table_name.lower() for each in server.fetch(TABLES)}
    return sorted(made - there)


def made(engine: str, keys: Collection[str], *, folder: Path | None = None) -> set[str]:
    """Return the tables that the migrations `keys` made, by their lower case names."""
    known = files.read(folder or files.folder_of(engine), engine)
    return effects.tables(each for each in known if each.key in keys)


def plan(server: Server, *, folder: Path | None = None) -> list[PlannedStatement]:
    """
    Return the statements that `up` would send, in order. Writes nothing.

    Raises the `Finding` that `up` would raise, and `Busy` while another run is under way.
    """
    comparison = compare(server, folder=folder)
    refuse(server, comparison)
    pending = comparison.pending()
    origins = [(m, statement) for m in pending for statement in m.statements]
    return [
        PlannedStatement(
            file=migration.name,
            statement_no=statement.number,
            line=statement.line,
            transaction="file" if migration.transactional else "statement",
            lock=step.lock,
            destroys=step.destroys,
            sql=step.action,
        )
        for (migration, statement), step in zip(origins, steps(pending), strict=True)
    ]


def steps(pending: Sequence[Migration]) -> list[Step]:
    """Return the steps of `pending`, for `stockops.plan.check`."""
    return effects.steps(pending)


def refuse(server: Server, comparison: Comparison) -> None:
    """Raise what keeps `up` from going on, the gravest first; return where nothing does."""
    statuses = comparison.statuses()
    if comparison.live and any(status.state == "running" for status in statuses):
        raise Busy(
            f"a migration is under way: {comparison.live}",
            hint="Let it end, then look again.",
        )
    for state in ("half applied", "changed", "missing", "out of order"):
        for status in statuses:
            if status.state == state and status.kind == "versioned":
                _raise(server, comparison, status)


def _raise(server: Server, comparison: Comparison, status: Status) -> None:
    run = comparison.applied.get(status.migration)
    match status.state, run:
        case "half applied", Run():
            raise Finding(_half(server, run), hint=undo_hint(run.id))
        case "changed", Run():
            migration = comparison.file_of(status.migration)
            raise Changed(
                f"{migration.place} is not the file that was applied at "
                f"{run.installed_at:{_AT}} UTC by {run.installed_by}",
                hint="Put the old text back and write the change as a new version.",
                diff=diff(run, migration),
            )
        case "missing", _:
            raise Finding(
                f"{status.file} was applied at {status.installed_at:{_AT}} UTC, and is not in "
                f"{files.shown(comparison.folder)}",
                hint="Bring the file back; its text is in stockops_migrations.content.",
            )
        case _:
            raise Finding(
                f"{status.file} was never applied, and V{comparison.newest():04d} after it was",
                hint=f"Give it a number above {comparison.newest():04d}.",
            )


def _half(server: Server, run: Run) -> str:
    journal = [step for step in history.steps(server) if step.run_id == run.id]
    open_steps = [step for step in journal if step.state != "done"]
    done = len(journal) - len(open_steps)
    if not open_steps:
        return f"{run.name} is half applied: it stopped after statement {done}"
    stuck = open_steps[-1]
    said = f" ({stuck.error})" if stuck.error else ", and nobody knows whether it took effect"
    return (
        f"{run.name} is half applied: it stopped in statement {stuck.statement_no}, "
        f"line {stuck.line}{said}"
    )


def undo_hint(run_id: int) -> str:
    """Return what to do about a run that stopped half way."""
    mark = f"UPDATE stockops_migrations SET state = 'failed' WHERE id = {run_id}"  # noqa: S608
    listed = "stockops_migration_steps lists them"
    return f"Undo its finished statements by hand ({listed}), then run: {mark}"


def diff(run: Run, migration: Migration) -> str:
    """Return what changed between the text that was applied and the file, as a unified diff."""
    lines = difflib.unified_diff(
        run.content.splitlines(),
        migration.content.splitlines(),
        f"{run.name} (applied)",
        migration.place,
        lineterm="",
    )
    return "\n".join(lines)
