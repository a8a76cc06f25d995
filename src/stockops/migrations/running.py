"""Apply what is pending: file by file, statement by statement, each one written down."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .. import plan, queries, targets
from ..engine import connect
from ..engine.base import Server
from ..errors import Fault, Refused, ServerError, StockopsError
from ..plan import Consent
from ..sessions.waiting import Blocker, Patience, Say, patiently, watched
from ..sqlscripts import Statement, split
from ..targets import Target
from . import effects, files, history, lock, planning, trying
from .files import Kind, Migration
from .lock import Lock

_PATIENCE = Patience()
_CONSENT = Consent()


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A migration that this run applied, and how long it took."""

    migration: str
    file: str
    kind: Kind
    statements: int
    ms: int


@dataclass(frozen=True, slots=True)
class _Runner:
    """What applying a file needs to know beside the file."""

    target: Target
    lock: Lock
    patience: Patience
    say: Say


def _silent(_: str) -> None:
    """Say nothing."""


def up(
    target: Target | str,
    *,
    folder: Path | None = None,
    patience: Patience = _PATIENCE,
    consent: Consent = _CONSENT,
    say: Say = _silent,
) -> list[Applied]:
    """
    Apply every pending migration of `folder` to `target`, and return them in order.

    One run at a time: a second one waits for the first and then finds nothing to do. `folder`
    holds the files of this engine; by default the schema of stockops. `say` gets a sentence for
    each thing worth knowing on the way. Raises `Finding` where the history forbids to go on,
    `Busy` where the lock is not to be had, `Refused` without the `consent` a step needs, and
    `ServerError`, naming file and line, for a statement that the server refuses.
    """
    target = targets.from_url(target) if isinstance(target, str) else target
    files.read(folder or files.folder_of(target.engine), target.engine)
    with lock.held(target, wait_s=patience.wait_s, say=say) as held:
        with connect(target) as server:
            comparison = planning.compare(server, folder=folder, locked=True)
            planning.refuse(server, comparison)
            pending = comparison.pending()
            if not pending:
                return []
            _check_consent(pending, target, consent)
            history.create(server)
        runner = _Runner(target, held, patience, say)
        applied = []
        for number, migration in enumerate(pending, 1):
            applied.append(_apply(runner, migration))
            say(f"{number} of {len(pending)}: {migration.name}, {applied[-1].ms} ms")
        return applied


def _check_consent(pending: list[Migration], target: Target, consent: Consent) -> None:
    steps = planning.steps(pending)
    plan.check(steps, target=target.name, protected=target.protected, consent=consent)
    if target.protected and consent.meant != target.name:
        raise Refused(
            f"{len(steps)} statements would change the schema of the protected "
            f"target {target.name!r}",
            hint=f"Read them with `stockops migrate plan`, then add --i-mean {target.name}.",
        )


def _apply(runner: _Runner, migration: Migration) -> Applied:
    started = time.monotonic()
    if migration.transactional:
        _apply_whole(runner, migration)
    else:
        _apply_stepwise(runner, migration)
    return Applied(
        migration=migration.key,
        file=migration.name,
        kind=migration.kind,
        statements=len(migration.statements),
        ms=_ms_since(started),
    )


def _apply_whole(runner: _Runner, migration: Migration) -> None:
    """Apply a file and write down its run in one transaction: both are there, or neither is."""
    at = migration.statements[0]
    blockers: list[Blocker] = []

    def attempt() -> None:
        nonlocal at
        started = time.monotonic()
        with (
            _session(runner) as server,
            _watching(runner, server, blockers),
            server.transaction(),
        ):
            run_id = history.begin(server, migration)
            for at in migration.statements:
                _send(runner, server, server, run_id, at)
            history.end(server, run_id, state="applied", ms=_ms_since(started))

    try:
        patiently(attempt, patience=runner.patience, blockers=blockers, say=runner.say)
    except ServerError as exc:
        if exc.fault is Fault.UNKNOWN:
            hint = "Run `stockops migrate status`: the history says whether it was committed."
            raise _located(exc, migration, at, hint) from exc
        _note_failure(runner, migration, at, exc)
        hint = "Nothing of this file was kept: correct it, then run `stockops migrate up` again."
        raise _located(exc, migration, at, exc.hint if _is_wait(exc) else hint) from exc


def _apply_stepwise(runner: _Runner, migration: Migration) -> None:
    """Apply a file whose statements commit by themselves, with the journal always ahead of it."""
    started = time.monotonic()
    # A session of its own: LOCK TABLES, USE or SET ROLE in the file must not reach the journal.
    with connect(runner.target, application="stockops migrate") as journal:
        run_id = history.begin(journal, migration)
        with _session(runner) as server:
            for statement in migration.statements:
                try:
                    _step(runner, server, journal, run_id, statement)
                except ServerError as exc:
                    _stopped(journal, run_id, migration, statement, exc)
        history.end(journal, run_id, state="applied", ms=_ms_since(started))


def _step(
    runner: _Runner, server: Server, journal: Server, run_id: int, statement: Statement
) -> None:
    runner.lock.verify(journal)
    history.step_begin(journal, run_id, statement)
    started = time.monotonic()
    again = effects.leaves_nothing(server.engine, statement)
    blockers: list[Blocker] = []
    is_trial = trying.is_for(server.engine, statement)

    def attempt() -> None:
        with _watching(runner, server, blockers):
            if is_trial:
                trying.execute(server, statement)
            else:
                server.execute(statement.text)

    try:
        if again:
            patiently(attempt, patience=runner.patience, blockers=blockers, say=runner.say)
        else:
            attempt()
    except ServerError as exc:
        history.step_end(journal, run_id, statement, ms=_ms_since(started), error=str(exc))
        raise
    history.step_end(journal, run_id, statement, ms=_ms_since(started))


def _send(
    runner: _Runner, server: Server, journal: Server, run_id: int, statement: Statement
) -> None:
    runner.lock.verify(journal)
    history.step_begin(journal, run_id, statement)
    started = time.monotonic()
    server.execute(statement.text)
    history.step_end(journal, run_id, statement, ms=_ms_since(started))


def _stopped(
    journal: Server, run_id: int, migration: Migration, statement: Statement, exc: ServerError
) -> None:
    """Say what a file that stopped left behind; where that is nothing, let it be tried again."""
    undone = isinstance(exc, trying.Undone) or effects.did_nothing(migration.engine, statement, exc)
    if statement.number == 1 and undone:
        history.end(journal, run_id, state="failed", ms=None)
        hint = "Nothing of this file was kept: correct it, then run `stockops migrate up` again."
        raise _located(exc, migration, statement, exc.hint if _is_wait(exc) else hint) from exc
    if migration.kind == "repeatable":
        hint = "Correct it, then run `stockops migrate up` again: it starts over."
        raise _located(exc, migration, statement, hint) from exc
    done = statement.number - 1
    kept = f"; the {done} statements before it are kept" if done > 1 else ""
    kept = "; the statement before it is kept" if done == 1 else kept
    raise _located(exc, migration, statement, planning.undo_hint(run_id), kept) from exc


def _note_failure(
    runner: _Runner, migration: Migration, statement: Statement, exc: ServerError
) -> None:
    """Remember a run that was rolled back; where even that fails, the first error matters more."""
    with suppress(StockopsError), connect(runner.target) as server, server.transaction():
        run_id = history.begin(server, migration, state="failed")
        history.step_begin(server, run_id, statement)
        history.step_end(server, run_id, statement, ms=0, error=str(exc))


def _located(
    exc: ServerError, migration: Migration, at: Statement, hint: str | None, kept: str = ""
) -> ServerError:
    """Return `exc` with the file and the line before it."""
    return ServerError(
        f"{migration.place}:{at.line}: {exc}{kept}", fault=exc.fault, code=exc.code, hint=hint
    )


def _is_wait(exc: ServerError) -> bool:
    return exc.fault in (Fault.LOCKED, Fault.RETRY)


@contextmanager
def _session(runner: _Runner) -> Iterator[Server]:
    """Open the session of one file, with every setting that changes what SQL means pinned."""
    timeout_s = runner.patience.lock_timeout_s
    with connect(
        runner.target, lock_timeout_s=timeout_s, application="stockops migrate"
    ) as server:  # fmt: skip
        sql = queries.text(server.engine, "migrations/session", server.version[0])
        for statement in split(server.engine, sql, name="session.sql"):
            server.execute(statement.text)
        yield server


@contextmanager
def _watching(runner: _Runner, server: Server, blockers: list[Blocker]) -> Iterator[None]:
    after_s = runner.patience.lock_timeout_s / 2
    with watched(runner.target, server.session_id, after_s=after_s) as seen:
        try:
            yield
        finally:
            blockers[:] = seen


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
