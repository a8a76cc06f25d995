"""Who follows the server, and the slots that keep WAL for somebody."""

from collections.abc import Iterable

from ...engine.base import Server
from ...queries import Query
from ..columns import Column, families
from ..context import Context, Lane
from ..documents import Document, ask, rows
from ..families import Family
from ..naming import named

NAME = "replication"
LANE: Lane = "fast"
REPLICATION = Query("exporter/replication", Document)

_FOLLOWER = ("application_name", "client_addr", "state", "slot_name", "pid")
_SLOT = ("slot_name", "database")
_FOLLOWERS = (
    Column(
        "pg_wal_lsn_diff",
        "pg_stat_replication_pg_wal_lsn_diff",
        "Bytes of WAL that the follower has not replayed, or not stored if it replays none.",
    ),
    Column(
        "pg_current_wal_lsn_bytes",
        "pg_stat_replication_pg_current_wal_lsn_bytes",
        "Bytes of WAL that this server has ever written.",
    ),
    Column("reply_time", "pg_stat_replication_reply_time", "When the follower last answered."),
    Column(
        "replay_lag",
        "stockops_follower_replay_lag_seconds",
        "Seconds until the follower had replayed what was written last.",
    ),
)
_SLOTS = (
    Column("active", "pg_replication_slots_active", "1 while somebody uses the slot."),
    Column(
        "pg_wal_lsn_diff",
        "pg_replication_slots_pg_wal_lsn_diff",
        "Bytes of WAL that the slot keeps.",
    ),
    Column(
        "safe_wal_size_bytes",
        "pg_replication_slots_safe_wal_size_bytes",
        "Bytes that may be written before the slot loses what it keeps.",
    ),
)


def collect(server: Server, context: Context) -> Iterable[Family]:
    """Give pg_stat_replication and pg_replication_slots; no row where there are none."""
    return named(_families(server), context.names)


def _families(server: Server) -> Iterable[Family]:
    said = ask(server, REPLICATION)
    slots = rows(said, "slots")
    yield from families(rows(said, "followers"), _FOLLOWERS, _FOLLOWER)
    yield from families(slots, _SLOTS, _SLOT)
    yield Family(
        "pg_replication_slots_wal_status",
        "gauge",
        "1 for what the slot's WAL is: reserved, extended, unreserved or lost.",
        tuple(
            (tuple((name, slot[name]) for name in (*_SLOT, "wal_status")), 1)
            for slot in slots
            if slot["wal_status"]
        ),
    )
