"""Build indexes again beside readers and writers, and leave nothing half done behind."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from .. import queries
from ..engine import connect
from ..engine.base import Server
from ..errors import Fault, ServerError, StockopsError
from ..sessions.waiting import Blocker, Patience, Say, patiently, watched
from ..targets import Target
from . import questions
from .questions import Leftover, Progress
from .rebuilding import Job, drop, left_behind

Seen = Callable[[Job, Progress], None]

_LOOK_EVERY_S = 0.5
_STOP_S = 60.0
_APPLICATION = "stockops index rebuild"
_DONE: dict[str, Literal["rebuilt", "dropped"]] = {"rebuild": "rebuilt", "drop": "dropped"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """
    What became of one job; sizes are of the index, on MariaDB of the table with all of them.

    A size is None where the role may not know it.
    """

    table_name: str
    index_names: tuple[str, ...]
    outcome: Literal["rebuilt", "dropped", "failed"]
    before_bytes: int | None
    after_bytes: int | None
    took_s: float
    note: str = ""


@dataclass(slots=True)
class _Statement:
    """A statement that runs in a thread of its own, so that it can be watched and stopped."""

    server: Server
    sql: str
    over: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self.server.execute(self.sql)
        except Exception as exc:  # raised again where the statement was asked for
            self.error = exc
        finally:
            self.over.set()


def build(
    target: Target, job: Job, *, patience: Patience, say: Say, seen: Seen | None = None
) -> Rebuilt:
    """
    Do `job`, again while a lock is not to be had, and return what became of it.

    An error of the server is an outcome. Interrupted, it stops the server's work, clears away what
    that left behind, and raises again.
    """
    with connect(target, application=_APPLICATION) as watcher:
        site = _Site(target, watcher, job, patience, seen, _behind(watcher, job))
        before, started, note = _size(watcher, job), time.monotonic(), ""
        blockers: list[Blocker] = []

        def attempt() -> None:
            site.clear()
            site.run(job.sql, blockers)

        try:
            patiently(attempt, patience=patience, blockers=blockers, say=say)
        except ServerError as exc:
            note = f"{exc}. {exc.hint}" if exc.hint else str(exc)
            note += site.cleared()
        except BaseException:
            say(f"stopped{site.cleared() or '; nothing of it is left behind'}")
            raise
        return Rebuilt(
            table_name=job.table_name,
            index_names=job.index_names,
            outcome="failed" if note else _DONE[job.does],
            before_bytes=before,
            after_bytes=_size(watcher, job),
            took_s=round(time.monotonic() - started, 3),
            note=note,
        )


@dataclass(slots=True)
class _Site:
    """Where a job is done: what runs, what it may leave behind, who watches it."""

    target: Target
    watcher: Server
    job: Job
    patience: Patience
    seen: Seen | None
    there: set[str]

    def run(self, sql: str, blockers: list[Blocker]) -> None:
        """Run `sql` in a session of its own; where this program is stopped, stop it there, too."""
        with connect(
            self.target, application=_APPLICATION, lock_timeout_s=self.patience.lock_timeout_s
        ) as builder:
            statement = _Statement(builder, sql)
            after_s = self.patience.lock_timeout_s / 2
            with watched(self.target, builder.session_id, after_s=after_s) as by:
                statement.start()
                try:
                    while not statement.over.wait(_LOOK_EVERY_S):
                        self._tell(builder.session_id)
                except BaseException:
                    self._stop(builder.session_id)
                    statement.over.wait(_STOP_S)
                    raise
                finally:
                    blockers[:] = by
        if statement.error is not None:
            raise statement.error

    def clear(self) -> None:
        """Drop what this job left behind in an earlier try."""
        for each in left_behind(self.watcher):
            if _is_of(each, self.job) and each.quoted_index not in self.there:
                self.run(drop(each).sql, [])

    def cleared(self) -> str:
        """Drop what this job left behind; say what stays all the same."""
        with suppress(StockopsError):
            self.clear()
        left = sorted(_behind(self.watcher, self.job) - self.there)
        if not left:
            return ""
        names = ", ".join(left)
        return f"; left behind, for others hold its table: {names}; the next rebuild drops it"

    def _tell(self, builder_id: int) -> None:
        if self.seen is None:
            return
        for progress in self.watcher.fetch(questions.PROGRESS, builder_id=builder_id)[:1]:
            self.seen(self.job, progress)

    def _stop(self, builder_id: int) -> None:
        sql = queries.text(self.watcher.engine, "rebuilding/stop", self.watcher.version[0])
        with suppress(StockopsError):
            self.watcher.execute(sql, {"builder_id": builder_id})


def _behind(server: Server, job: Job) -> set[str]:
    return {each.quoted_index for each in left_behind(server) if _is_of(each, job)}


def _is_of(leftover: Leftover, job: Job) -> bool:
    return (leftover.schema_name, leftover.table_name) == (job.schema_name, job.table_name)


def _size(server: Server, job: Job) -> int | None:
    """Return how large it is now; None where it is away, or the role may not know."""
    sql = queries.text(server.engine, "rebuilding/size", server.version[0])
    asked = {"index": job.quoted_index, "schema": job.schema_name, "table": job.table_name}
    try:
        found = server.rows(sql, asked)[0]["size_bytes"]
    except ServerError as exc:
        if exc.fault is not Fault.DENIED:
            raise
        return None
    return None if found is None else int(found)
