"""The counters of each database."""

from collections.abc import Iterable

from ...engine.base import Server
from ...queries import Query
from ..columns import Column, every_column, families
from ..context import Context, Lane
from ..documents import Document, ask, rows
from ..families import Family
from ..naming import named

NAME = "databases"
LANE: Lane = "fast"
DATABASES = Query("exporter/databases", Document)

_LABELS = ("datid", "datname")
_GAUGES = ("numbackends", "stats_reset", "checksum_last_failure")
_SECONDS = (
    Column(
        "active_time",
        "pg_stat_database_active_time_seconds_total",
        "Time that sessions spent running statements.",
        "counter",
        1e-3,
    ),
)
_AGES = (
    Column(
        "datfrozenxid",
        "pg_database_wraparound_age_datfrozenxid_seconds",
        "Transactions (no seconds, whatever the name says) since the oldest that is not frozen.",
    ),
    Column(
        "datminmxid",
        "pg_database_wraparound_age_datminmxid_seconds",
        "Multixacts (no seconds) since the oldest that is not frozen.",
    ),
)


def collect(server: Server, context: Context) -> Iterable[Family]:
    """Give pg_stat_database, pg_stat_database_conflicts and the age of each database."""
    return named(_families(server), context.names)


def _families(server: Server) -> Iterable[Family]:
    said = ask(server, DATABASES)
    databases = rows(said, "databases")
    yield from every_column(
        databases, "pg_stat_database_", _LABELS, view="pg_stat_database", gauges=_GAUGES
    )
    yield from families(databases, _SECONDS, _LABELS)
    yield from every_column(
        rows(said, "conflicts"),
        "pg_stat_database_conflicts_",
        _LABELS,
        view="pg_stat_database_conflicts",
        gauges=(),
    )
    yield from families(rows(said, "ages"), _AGES, ("datname",))
