"""Sessions by what they are doing, and by who they are."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

from ...engine.base import Server
from ...queries import Query
from ..columns import Column, families, labels_of
from ..context import Context, Lane
from ..documents import Document, ask, rows
from ..families import Family, Labels, Sample
from ..naming import named

NAME = "activity"
LANE: Lane = "fast"
ACTIVITY = Query("exporter/activity", Document)
APPLICATIONS_MAX = 20
USERS_MAX = 50
OTHER = "other"

_LABELS = (
    "datname",
    "state",
    "usename",
    "application_name",
    "backend_type",
    "wait_event_type",
    "wait_event",
)
_STATES = (
    "active",
    "idle",
    "idle in transaction",
    "idle in transaction (aborted)",
    "fastpath function call",
    "disabled",
)
_LONG = (
    Column("transactions", "pg_long_running_transactions", "Transactions that are open."),
    Column(
        "oldest_timestamp_seconds",
        "pg_long_running_transactions_oldest_timestamp_seconds",
        "Seconds (no timestamp) since the oldest open transaction began.",
    ),
)


def collect(server: Server, context: Context) -> Iterable[Family]:
    """Give pg_stat_activity in groups, without sessions of ours."""
    return named(_families(server), context.names)


def _families(server: Server) -> Iterable[Family]:
    said = ask(server, ACTIVITY)
    groups = rows(said, "sessions")
    _cap(groups, "application_name", APPLICATIONS_MAX)
    _cap(groups, "usename", USERS_MAX)
    counts: dict[Labels, float] = defaultdict(float)
    longest: dict[Labels, float] = defaultdict(float)
    for group in groups:
        labels = labels_of(group, _LABELS)
        counts[labels] += group["count"]
        longest[labels] = max(longest[labels], group["max_tx_duration"] or 0)
    there = {(group["datname"], group["state"]) for group in groups}
    for datname, state in product(rows(said, "databases"), _STATES):
        if (datname, state) not in there:  # a dashboard's choices are made of what is there
            none = (("datname", str(datname)), ("state", state))
            counts[none] = longest[none] = 0
    yield _family("pg_stat_activity_count", "Sessions in this state.", counts)
    yield _family(
        "pg_stat_activity_max_tx_duration",
        "Seconds since the oldest open transaction of these sessions began.",
        longest,
    )
    yield from families([said["long"]], _LONG)


def _cap(groups: Sequence[dict[str, Any]], label: str, most: int) -> None:
    """Give all but the `most` values of `label` with the most sessions one name."""
    sessions: dict[str, int] = defaultdict(int)
    for group in groups:
        sessions[group[label] or ""] += group["count"]
    kept = sorted(sessions, key=lambda name: (-sessions[name], name))[:most]
    for group in groups:
        if (group[label] or "") not in kept:
            group[label] = OTHER


def _family(name: str, help_text: str, values: dict[Labels, float]) -> Family:
    samples: list[Sample] = [*values.items()]
    return Family(name, "gauge", help_text, tuple(samples))
