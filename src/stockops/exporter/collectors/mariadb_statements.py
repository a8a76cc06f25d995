"""The statements that cost most of late, by digest, never by text."""

from collections.abc import Iterable

from ...engine.base import Server
from ...queries import Query
from ..context import Context, Lane
from ..documents import Document, ask
from ..families import Family
from ..naming import named
from ..ranking import Figures, ranked

NAME = "statements"
LANE: Lane = "slow"
STATEMENTS = Query("exporter/statements", Document)
STATEMENTS_MAX = 100
OTHER = "other"

_PREFIX = "mysql_perf_schema_events_statements_"
_METRICS = (
    ("total", "Times the statement was run."),
    ("seconds_total", "Seconds spent in the statement."),
    ("errors_total", "Times it ended in an error."),
    ("warnings_total", "Warnings it gave."),
    ("rows_affected_total", "Rows it changed."),
    ("rows_sent_total", "Rows it gave."),
    ("rows_examined_total", "Rows it looked at."),
    ("tmp_tables_total", "Temporary tables it made."),
    ("tmp_disk_tables_total", "Temporary tables it made on disk."),
    ("sort_merge_passes_total", "Passes that its sorts needed."),
    ("sort_rows_total", "Rows it sorted."),
    ("no_index_used_total", "Times it used no index."),
)
_SECONDS = 1  # by what the statements are ranked


def collect(server: Server, context: Context) -> Iterable[Family]:
    """Give the `STATEMENTS_MAX` that cost most of late and the rest; nothing if none is kept."""
    totals: dict[tuple[str, str], Figures] = {
        (schema, digest): tuple(map(float, figures))
        for digest, schema, *figures in ask(server, STATEMENTS)
    }
    found = ranked(totals, by=_SECONDS, most=STATEMENTS_MAX, memory=context.memory)
    lines = {**found.shown, (OTHER, OTHER): found.rest} if totals else {}
    return named(
        (
            Family(
                f"{_PREFIX}{name}",
                "counter",
                help_text,
                tuple(
                    ((("schema", schema), ("digest", digest)), figures[place])
                    for (schema, digest), figures in lines.items()
                ),
            )
            for place, (name, help_text) in enumerate(_METRICS)
        ),
        context.names,
    )
