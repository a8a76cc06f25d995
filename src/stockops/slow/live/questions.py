"""What is asked of a running server about what is slow on it."""

from dataclasses import dataclass
from typing import Literal

from ...queries import Query

Kind = Literal["statement", "hidden", "rest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """
    Whether the server counts statements: `why_not` is empty where it does.

    `gap` says what is never counted; `has_slow_log`: slow statements are written to a table.
    """

    schema_name: str | None
    why_not: str
    remedy: str
    has_slow_log: bool
    gap: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """
    A moment by the server's clock, and what tells whether the counters went on since another one.

    `busy_us` is how long all sessions have worked, counted apart from the statements.
    """

    at: str
    evictions: int
    reset_at: str
    busy_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """
    What an entry has cost since `since`, if the server says it.

    `hidden` has statements that the role may not see, `rest` those that found no room.
    """

    entry: str
    kind: Kind
    text_key: str | None
    database_name: str
    calls: int
    total_us: int
    row_count: int
    pages_read: int | None
    since: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """The text of a statement, with placeholders."""

    text_key: str
    sql_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What a session is at; `wait` is empty where it computes."""

    session_id: int
    login: str
    database_name: str
    state: Literal["active", "idle", "hidden", "not known"]
    wait: str
    statement_ms: int | None
    text_key: str | None
    sql_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowRow:
    """A slow statement that the server wrote to a table."""

    database_name: str
    duration_us: int
    row_count: int
    sql_text: str


READINESS = Query("live/readiness", Readiness)
MARK = Query("live/mark", Mark)
STATEMENTS = Query("live/statements", Counter)
TEXTS = Query("live/texts", Text)
RUNNING = Query("live/running", Running)
SLOW_LOG = Query("live/slow_log", SlowRow)

ASKED = (READINESS, MARK, STATEMENTS, TEXTS, RUNNING, SLOW_LOG)
