"""Make the partitions that are missing, table by table: each is wholly done, or not at all."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from .. import plan
from ..engine import connect
from ..engine.base import Server
from ..errors import ServerError, StorageError
from ..migrations import lock
from ..plan import Consent
from ..sessions.waiting import Patience, Say
from ..targets import Target
from . import planning, statements
from .planning import Table
from .questions import Grant, grants_of
from .trying import APPLICATION, in_tries, require_empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """
    What became of a table; `partitions` are those that were made, or detached.

    `rows_moved` went into what was made, or out with what was detached, to the file `archive`.
    """

    schema_name: str
    table_name: str
    outcome: Literal["made", "nothing was missing", "detached", "refused", "failed"]
    partitions: tuple[str, ...]
    rows_moved: int
    ms: int
    note: str
    archive: str = ""


def apply(
    target: Target,
    tables: Callable[[Server], list[Table]],
    *,
    consent: Consent,
    patience: Patience,
    say: Say,
) -> list[Made]:
    """
    Make what `tables`, asked under the lock of migrations, lack; one table after the other.

    On PostgreSQL a table is done in one transaction, on MariaDB in one statement: a run that was
    killed leaves each as it was, or done. A table that fails does not keep the next one from it.
    Raises `Refused` where rows would have to move and `consent` lacks, `Busy` where a migration
    runs.
    """
    with lock.held(target, wait_s=patience.wait_s, say=say):
        with connect(target, application=APPLICATION) as server:
            found = tables(server)
            grants = {each: grants_of(server, each.last) for each in found if each.missing}
        planned = planning.steps(found, engine=target.engine)
        plan.check(planned, target=target.name, protected=target.protected, consent=consent)
        return [_made(target, each, grants.get(each, []), patience, say) for each in found]


def _made(
    target: Target, table: Table, grants: Sequence[Grant], patience: Patience, say: Say
) -> Made:
    if not table.missing:
        return _told(table, "nothing was missing", ms=0)
    started = time.monotonic()

    def work(server: Server) -> None:
        _run(server, table, statements.of(table, engine=server.engine, grants=grants))

    try:
        in_tries(target, work, patience=patience, say=say)
    except (ServerError, StorageError) as exc:
        return _told(table, "failed", ms=_ms_since(started), note=str(exc))
    return _told(table, "made", ms=_ms_since(started))


def _run(server: Server, table: Table, sql: Sequence[str]) -> None:
    if server.engine == "mariadb":  # its DDL is not part of a transaction; here it is one statement
        *locking, altering = sql
        for each in locking:  # given back when the session ends
            server.execute(each)
        if table.open_part is not None and not table.rewrites:
            require_empty(server, table.open_part)
        server.execute(altering)
        return
    with server.transaction():
        for each in sql:
            server.execute(each)


def _told(
    table: Table,
    outcome: Literal["made", "nothing was missing", "failed"],
    *,
    ms: int,
    note: str = "",
) -> Made:
    made = outcome == "made"
    return Made(
        schema_name=table.schema_name,
        table_name=table.table_name,
        outcome=outcome,
        partitions=tuple(each.name for each in table.missing) if made else (),
        rows_moved=table.rows_to_move if made else 0,
        ms=ms,
        note=note,
    )


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
