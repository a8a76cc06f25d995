"""The largest tables and indexes of the target's database."""

from collections.abc import Iterable

from ...engine.base import Server
from ...queries import Query
from ..columns import Column, every_column, families
from ..context import Context, Lane
from ..documents import Document, ask, rows
from ..families import Family
from ..naming import named

NAME = "tables"
LANE: Lane = "slow"
TABLES = Query("exporter/tables", Document)
INDEXES = Query("exporter/indexes", Document)
TABLES_MAX = 100
INDEXES_MAX = 100
PAGES_MIN = 64  # half a MiB; where there is a place for every table, all are shown
OTHER = "other"

_LABELS = ("datname", "schemaname", "relname")
_BLOCKS = tuple(
    Column(
        f"{part}_blks_{verb}",
        f"pg_statio_user_tables_{part}_blocks_{verb}_total",
        f"Pages of the {what} {'read' if verb == 'read' else 'found in memory'}.",
        "counter",
    )
    for part, what in (
        ("heap", "table"),
        ("idx", "table's indexes"),
        ("toast", "table's long values"),
        ("tidx", "index of its long values"),
    )
    for verb in ("read", "hit")
)
_NOT_COUNTED = frozenset(
    {"relid", "relpages", "place", "tables", "is_shown", *(block.name for block in _BLOCKS)}
)
_GAUGES = (
    "n_live_tup",
    "n_dead_tup",
    "n_mod_since_analyze",
    "n_ins_since_vacuum",
    "last_vacuum",
    "last_autovacuum",
    "last_analyze",
    "last_autoanalyze",
    "last_seq_scan",
    "last_idx_scan",
)
_USES = (
    Column("idx_scan", "pg_stat_user_indexes_idx_scans_total", "Scans of the index.", "counter"),
    Column(
        "idx_tup_read",
        "pg_stat_user_indexes_idx_tup_reads_total",
        "Entries read from the index.",
        "counter",
    ),
    Column(
        "idx_tup_fetch",
        "pg_stat_user_indexes_idx_tup_fetches_total",
        "Rows fetched by plain scans of the index.",
        "counter",
    ),
)


def collect(server: Server, context: Context) -> Iterable[Family]:
    """Give the counters of the largest tables, and of all others as one table called `OTHER`."""
    return named(_families(server), context.names)


def _families(server: Server) -> Iterable[Family]:
    said = ask(server, TABLES, tables_max=TABLES_MAX, pages_min=PAGES_MIN)
    tables = [{**row, "datname": said["database"]} for row in rows(said, "tables")]
    counted = [
        {name: value for name, value in row.items() if name not in _NOT_COUNTED} for row in tables
    ]
    others = said["others"]
    if others.pop("tables"):
        counted.append({"datname": said["database"], "relname": OTHER, **others})
    yield from every_column(
        counted, "pg_stat_user_tables_", _LABELS, view="pg_stat_user_tables", gauges=_GAUGES
    )
    yield from families(tables, _BLOCKS, _LABELS)
    indexes = ask(server, INDEXES, indexes_max=INDEXES_MAX)
    yield from families(indexes, _USES, (*_LABELS, "indexrelname"))
