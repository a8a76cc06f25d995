"""SHOW GLOBAL STATUS, with the groups of counters that the community tells apart by a label."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from ...engine.base import Server
from ...queries import Query
from ..context import Context, Lane
from ..documents import Document, ask
from ..families import Family, Kind, Labels, Sample
from ..naming import named
from ..values import number

NAME = "status"
LANE: Lane = "fast"
STATUS = Query("exporter/status", Document)

Metric = tuple[str, Kind, str]

_PREFIX = "mysql_global_status_"
_ODD = re.compile(r"[^a-z0-9_]")
_GROUP = re.compile(
    r"(com|handler|connection_errors|innodb_buffer_pool_pages|innodb_rows|performance_schema)_(.+)"
)
_GROUPS = {
    "com": ("commands_total", "command", "Statements that were run, by command."),
    "handler": ("handlers_total", "handler", "What storage engines were asked to do."),
    "connection_errors": ("connection_errors_total", "error", "Connections refused, by reason."),
    "innodb_rows": ("innodb_row_ops_total", "operation", "Rows that InnoDB read or changed."),
    "performance_schema": (
        "performance_schema_lost_total",
        "instrumentation",
        "What performance_schema had no room for.",
    ),
}
_PAGES = {"data", "free", "misc", "old"}
# They may fall; all others that are not told apart only count, as far as the server says.
_GAUGES = re.compile(
    r"(threads|open|uptime|innodb_row_lock_(current|time_avg|time_max)|innodb_history|wsrep|"
    r"max_used|memory|slaves_|key_blocks|innodb_(mem|checkpoint|buffer_pool_bytes|data_pending|"
    r"num_open|page_size|lsn)|prepared_stmt_count|acl|qcache_(free|queries|total)|threadpool|"
    r"ssl_(default|verify|ctx|session_cache_size)|not_flushed|last_query|rpl_status|"
    r"slave_(open|running)|tc_log|busy|aria_pagecache_blocks|delayed_insert|stack|compression)"
)


def collect(server: Server, context: Context) -> Iterable[Family]:
    """Give every variable of status that is a number, a switch or a state."""
    return named(families_of(ask(server, STATUS)), context.names)


def families_of(status: Mapping[str, object]) -> Iterable[Family]:
    """Give the families of `status`, values as text by names in lower case."""
    found: dict[Metric, list[Sample]] = {}
    for name, text in status.items():
        value = number(text)
        metric = _metric(name)
        if value is not None and metric is not None:
            found.setdefault(metric[0], []).append((metric[1], value))
    for (metric_name, kind, said), samples in found.items():
        yield Family(metric_name, kind, said, samples)


@lru_cache(maxsize=4096)
def _metric(name: str) -> tuple[Metric, Labels] | None:
    """Return the metric that the variable `name` is, and its label there; None if it is none."""
    found = _GROUP.fullmatch(name)
    if not found:
        key = _ODD.sub("_", name)
        kind: Kind = "gauge" if _GAUGES.match(key) else "counter"
        return (_PREFIX + key, kind, f"{name} of SHOW GLOBAL STATUS."), ()
    group, member = found[1], found[2]
    if group == "innodb_buffer_pool_pages":
        metric, label, kind, said = _page(member)
        if not metric:
            return None
    else:
        (metric, label, said), kind = _GROUPS[group], "counter"
    return (_PREFIX + metric, kind, said), ((label, member),) if label else ()


def _page(member: str) -> tuple[str, str, Kind, str]:
    """Return the metric that a number of pages of the buffer pool belongs to."""
    if member in _PAGES:
        return "buffer_pool_pages", "state", "gauge", "Pages of the buffer pool, by state."
    if member == "dirty":
        return "buffer_pool_dirty_pages", "", "gauge", "Pages that differ from the disk's."
    if member == "total":  # the sum of what is given by state
        return "", "", "gauge", ""
    return (
        "buffer_pool_page_changes_total",
        "operation",
        "counter",
        "Pages of the buffer pool that changed their state, by what happened.",
    )
