"""What the database remembers of its migrations: runs, and every statement of each."""

import os
import pwd
import socket
from dataclasses import dataclass
from datetime import datetime

from .. import __version__, queries
from ..engine.base import Server
from ..engine.moments import in_utc
from ..errors import Fault, Finding, ServerError
from ..queries import Query
from ..sqlscripts import Statement, split
from .files import CHECKSUM_ALGORITHM, Migration

_RUNS = "stockops_migrations"
_STEPS = "stockops_migration_steps"
_ERROR_MAX = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one migration. `state` is ``applying``, ``applied`` or ``failed``."""

    id: int
    migration: str
    description: str
    kind: str
    state: str
    installed_at: datetime
    installed_by: str
    host: str
    os_user: str
    tool_version: str
    ms: int | None
    checksum_algorithm: str
    checksum: str
    content: str

    @property
    def name(self) -> str:
        """The name the file had."""
        if self.kind == "repeatable":
            return f"{self.migration}.sql"
        return f"{self.migration}__{self.description}.sql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One statement of a run: ``intent`` before it is sent, ``done`` after the server agreed."""

    run_id: int
    statement_no: int
    line: int
    checksum: str
    state: str
    ms: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Made:
    """A table of the history that exists."""

    name: str


MADE = Query("migrations_made", Made)
RUNS = Query("migrations_runs", Run)
STEPS = Query("migrations_steps", Step)


def exists(server: Server) -> bool:
    """Return whether the database has a migration history; half of one is a `Finding`."""
    made = {row.name for row in server.fetch(MADE)}
    # MariaDB cannot make both tables at once: a first run that died between them left one, empty.
    if made == {_RUNS} and not server.fetch(RUNS):
        return False
    if made and made != {_RUNS, _STEPS}:
        raise Finding(
            f"the migration history is half there: {made.pop()} without its other table",
            hint="Restore the missing table from a backup; do not migrate before.",
        )
    return bool(made)


def _require_sight(server: Server) -> None:
    """Raise `ServerError` where it cannot be told: MariaDB lists no table without a right to it."""
    try:
        if server.engine == "mariadb":
            server.fetch(RUNS)
    except ServerError as exc:
        if exc.fault is Fault.DENIED:
            raise


def runs(server: Server) -> list[Run]:
    """Return every run, oldest first; none where there is no history yet. Writes nothing."""
    if exists(server):
        return [in_utc(run) for run in server.fetch(RUNS)]
    _require_sight(server)
    return []


def steps(server: Server) -> list[Step]:
    """Return every statement of every run; none where there is no history yet."""
    return server.fetch(STEPS) if exists(server) else []


def latest(runs: list[Run]) -> dict[str, Run]:
    """Return where each migration stands: its newest run that left something behind."""
    return {run.migration: run for run in runs if run.state != "failed"}


def create(server: Server) -> None:
    """Make the tables of the history where they are not there yet."""
    if exists(server):
        return
    sql = queries.text(server.engine, "migrations/history_table", server.version[0])
    try:
        with server.transaction():
            for statement in split(server.engine, sql, name="history_table.sql"):
                server.execute(statement.text)
    except ServerError as exc:
        if exc.fault is not Fault.DENIED:
            raise
        raise ServerError(
            f"this database user may not create tables: {exc}",
            fault=exc.fault,
            code=exc.code,
            hint="Migrate as the owner of the database, or grant CREATE to this user.",
        ) from exc


def begin(server: Server, migration: Migration, *, state: str = "applying") -> int:
    """Write down a run that begins; return its number."""
    sql = queries.text(server.engine, "migrations/run_begin", server.version[0])
    (row,) = server.rows(
        sql,
        {
            "migration": migration.key,
            "description": migration.description,
            "kind": migration.kind,
            "state": state,
            "host": socket.gethostname()[:255],
            "os_user": _os_user()[:200],
            "tool_version": __version__,
            "checksum_algorithm": CHECKSUM_ALGORITHM,
            "checksum": migration.checksum,
            "content": migration.content,
        },
    )
    return int(row["id"])


def end(server: Server, run_id: int, *, state: str, ms: int | None) -> None:
    """Write down how a run ended."""
    sql = queries.text(server.engine, "migrations/run_end", server.version[0])
    server.execute(sql, {"run_id": run_id, "state": state, "ms": ms})


def step_begin(server: Server, run_id: int, statement: Statement) -> None:
    """Write down that `statement` is about to be sent."""
    sql = queries.text(server.engine, "migrations/step_begin", server.version[0])
    server.execute(
        sql,
        {
            "run_id": run_id,
            "statement_no": statement.number,
            "line": statement.line,
            "checksum": statement.sha256,
        },
    )


def step_end(
    server: Server, run_id: int, statement: Statement, *, ms: int, error: str | None = None
) -> None:
    """Write down what the server said to `statement`; with an `error` it stays an intent."""
    sql = queries.text(server.engine, "migrations/step_end", server.version[0])
    server.execute(
        sql,
        {
            "run_id": run_id,
            "statement_no": statement.number,
            "state": "intent" if error else "done",
            "ms": ms,
            "error": error[:_ERROR_MAX] if error else None,
        },
    )


def _os_user() -> str:
    # Not $LOGNAME: it says what somebody wrote into it, not who runs this.
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
