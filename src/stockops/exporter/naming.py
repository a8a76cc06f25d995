"""
The names of a metric: what the community calls it today, what it used to, what it should.

``compat`` gives each fact once, under the name of the community's exporters today: those of a
counter often lack ``_total``, and are of no type then, because a counter without it is refused by
OpenMetrics. ``both`` adds the names of their older versions, which dashboards still ask for.
``strict`` gives each fact once, with ``_total`` and units as Prometheus wants them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from .context import Names
from .families import Family

# What a metric of today was called, by its name of today.
OLDER: dict[str, tuple[str, ...]] = {
    "pg_replication_lag_seconds": ("pg_replication_lag",),
    "pg_replication_slots_active": (
        "pg_replication_slot_active",
        "pg_replication_slot_slot_is_active",
    ),
    "pg_replication_slots_safe_wal_size_bytes": ("pg_replication_slot_safe_wal_size_bytes",),
    "pg_replication_slots_wal_status": ("pg_replication_slot_wal_status",),
    "mysql_info_schema_processlist_threads": ("mysql_info_schema_threads",),
    "mysql_info_schema_processlist_seconds": ("mysql_info_schema_threads_seconds",),
}
_TOTALLED = ("pg_stat_bgwriter_", "pg_stat_checkpointer_")  # of no suffix before 0.13
_REPLICA = {
    "_slave_": "_replica_",
    "_master_": "_source_",
    "_behind_master": "_behind_source",
}

# The last word of a name that says a unit, or lacks it, and what is right.
STRICT: dict[str, str] = {
    "pg_stat_activity_max_tx_duration": "pg_stat_activity_max_tx_duration_seconds",
    "pg_stat_archiver_last_archive_age": "pg_stat_archiver_last_archive_age_seconds",
    "pg_stat_activity_count": "pg_stat_activity_sessions",
    "pg_locks_count": "pg_locks_held",
    "pg_locks_waiting_count": "pg_locks_waiting",
    "pg_database_wraparound_age_datfrozenxid_seconds": "pg_database_wraparound_age_xids",
    "pg_database_wraparound_age_datminmxid_seconds": "pg_database_wraparound_age_mxids",
}


def named(families: Iterable[Family], names: Names) -> Iterator[Family]:
    """Give `families` under the names that `names` asks for."""
    for family in families:
        if names == "strict":
            yield _strict(family)
            continue
        yield _typed(family)
        if names == "both":
            for older in older_names(family.name):
                yield replace(_typed(replace(family, name=older)), help=f"{family.name}, as it was")


def older_names(name: str) -> tuple[str, ...]:
    """Return the other names that older, or other, dashboards know metric `name` by."""
    if name in OLDER:
        return OLDER[name]
    if name.startswith(_TOTALLED) and name.endswith("_total"):
        return (name.removesuffix("_total"),)
    if name.startswith("mysql_slave_status_"):
        other = name.removeprefix("mysql_slave_status")
        for ours, theirs in _REPLICA.items():
            other = other.replace(ours, theirs)
        changed = "mysql_slave_status" + other
        return (changed,) if changed != name else ()
    return ()


def _typed(family: Family) -> Family:
    """Return `family` without a type where its name is not one that a counter may have."""
    if family.kind == "counter" and not family.name.endswith("_total"):
        return Family(family.name, "untyped", family.help, family.samples, family.fold)
    return family


def _strict(family: Family) -> Family:
    name = STRICT.get(family.name, family.name)
    if family.kind == "counter" and not name.endswith("_total"):
        name += "_total"
    if family.kind == "gauge" and name.endswith("_total"):
        name = name.removesuffix("_total")
    return replace(family, name=name)
