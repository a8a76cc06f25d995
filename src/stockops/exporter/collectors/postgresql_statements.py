"""The statements that cost most of late, by number, never by text."""

import time
from collections.abc import Iterable

from ...engine.base import Server
from ...errors import ServerError
from ...queries import Query
from ..context import Context, Lane
from ..documents import Document, ask
from ..families import Family
from ..naming import named
from ..ranking import Figures, ranked

NAME = "statements"
LANE: Lane = "slow"
STATEMENTS = Query("exporter/statements", Document)
OWN_STATEMENTS = Query("exporter/own_statements", Document)
STATEMENTS_MAX = 100
OTHER = "other"

_OWN_ASKED_EVERY_S = 3600.0
_OWN = "own"
# There is no such view, or the library that fills it was not loaded.
_ABSENT = {"42P01", "42883", "55000"}
_METRICS = (
    ("pg_stat_statements_calls_total", "Times the statement was run."),
    ("pg_stat_statements_seconds_total", "Seconds spent in the statement."),
    ("pg_stat_statements_rows_total", "Rows it gave or changed."),
    ("pg_stat_statements_block_read_seconds_total", "Seconds of reading pages."),
    ("pg_stat_statements_block_write_seconds_total", "Seconds of writing pages."),
)
_SECONDS = 1  # by what the statements are ranked
Key = tuple[str, str, str]


def collect(server: Server, context: Context) -> Iterable[Family]:
    """Give the `STATEMENTS_MAX` that cost most of late and the rest; nothing without the view."""
    try:
        own = _own(server, context)
        said = ask(server, STATEMENTS)
    except ServerError as exc:
        if exc.code in _ABSENT:
            return ()
        raise
    totals: dict[Key, Figures] = {}
    for queryid, user, datname, *figures in said:
        if str(queryid) not in own:
            totals[user or "", datname or "", str(queryid)] = tuple(map(float, figures))
    return named(_families(totals, context), context.names)


def _families(totals: dict[Key, Figures], context: Context) -> Iterable[Family]:
    found = ranked(totals, by=_SECONDS, most=STATEMENTS_MAX, memory=context.memory)
    lines = {**found.shown, (OTHER, OTHER, OTHER): found.rest} if totals else {}
    for place, (name, help_text) in enumerate(_METRICS):
        yield Family(
            name,
            "counter",
            help_text,
            tuple(
                ((("user", user), ("datname", datname), ("queryid", queryid)), figures[place])
                for (user, datname, queryid), figures in lines.items()
            ),
        )


def _own(server: Server, context: Context) -> frozenset[str]:
    """Return the numbers of the exporter's own statements; asked for once an hour."""
    asked_at, own = context.memory.get(_OWN) or (None, frozenset())
    if asked_at is None or time.monotonic() - asked_at > _OWN_ASKED_EVERY_S:
        own = frozenset(ask(server, OWN_STATEMENTS))
        context.memory[_OWN] = (time.monotonic(), own)
    return frozenset(own)
