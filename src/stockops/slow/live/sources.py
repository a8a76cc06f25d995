"""Where the time of statements is read off: the server's counters, or its table of slow ones."""

from typing import Protocol

from ...engine.base import Server
from ...errors import Fault, ServerError, Unsupported
from ...sessions import grantee, may_not, to_see
from . import counting, questions
from .counting import Cost, Reading, Span

_SLOW_ROWS_MAX = 20_000


class Source(Protocol):
    """What knows what statements have cost since it was asked last."""

    name: str

    def step(self) -> Span:
        """Return what statements have cost since the last step, or since it was made."""


def choose(server: Server) -> Source:
    """
    Return the source of `server`: its counters, else its table of slow statements.

    Raises `Unsupported` where it has neither, with the setting to change.
    """
    try:
        ready = server.fetch(questions.READINESS)[0]
        if ready.schema_name:  # of the extension: its views have no other name
            path = {"path": f"{ready.schema_name}, pg_catalog"}
            server.rows("SELECT set_config('search_path', %(path)s, false) AS path", path)
        if not ready.why_not:
            return Counters(server)
    except ServerError as exc:
        if exc.fault is not Fault.DENIED:
            raise
        raise may_not(
            exc, "read the counters of statements", grant=f"As an administrator: {to_see(server)}"
        ) from exc
    if ready.has_slow_log:
        return SlowTable(server, why=ready.why_not)
    raise Unsupported(
        f"nothing counts the statements of this server: {ready.why_not}", hint=ready.remedy
    )


class Counters:
    """pg_stat_statements, or the digests of performance_schema."""

    def __init__(self, server: Server) -> None:
        self.name = "pg_stat_statements" if server.engine == "postgresql" else "performance_schema"
        self._server = server
        self._last: Reading = counting.read(server)

    def step(self) -> Span:
        """Return what statements have cost since the last step."""
        now = counting.read(self._server)
        span = counting.between(self._last, now, engine=self._server.engine)
        self._last = now
        return span


class SlowTable:
    """The table mysql.slow_log, which holds what was longer than long_query_time."""

    name = "mysql.slow_log"

    def __init__(self, server: Server, *, why: str) -> None:
        self._server = server
        self._why = why
        self._at = server.fetch(questions.MARK)[0].at

    def step(self) -> Span:
        """Return the slow statements that ended since the last step."""
        at = self._server.fetch(questions.MARK)[0].at
        try:
            rows = self._server.fetch(
                questions.SLOW_LOG, after_at=self._at, until_at=at, row_limit=_SLOW_ROWS_MAX
            )
        except ServerError as exc:
            if exc.fault is not Fault.DENIED:
                raise
            grant = f"GRANT SELECT ON mysql.slow_log TO {grantee(self._server)}"
            raise may_not(exc, "read the slow log", grant=grant) from exc
        self._at = at
        problems = [
            f"only statements longer than long_query_time are in mysql.slow_log, and {self._why}: "
            "what the others took is not known"
        ]
        if len(rows) == _SLOW_ROWS_MAX:
            problems.append(f"only the last {_SLOW_ROWS_MAX:,} slow statements were read")
        costs = [
            Cost(
                kind="statement",
                text_key=None,
                sql_text=row.sql_text,
                database_name=row.database_name,
                calls=1,
                total_us=row.duration_us,
                row_count=row.row_count,
                pages_read=None,
            )
            for row in rows
        ]
        return Span(at=at, costs=costs, busy_us=None, busy_us_max=None, problems=problems)
