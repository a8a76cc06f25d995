"""What a PostgreSQL is and counts as a whole, whatever version calls it what."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...engine.base import Server
from ...queries import Query
from ..columns import Column, every_column, families
from ..context import Context, Lane
from ..documents import Document, ask, rows
from ..families import Family, one
from ..naming import named
from ..values import number

NAME = "status"
LANE: Lane = "fast"
STATUS = Query("exporter/status", Document)

# The same figures under the names of before and since version 17, as the views have them.
# Both are given on every version, so that a dashboard of either kind has something to show.
_CHECKPOINTS = (
    ("checkpoints_timed", "num_timed", "Checkpoints because it was time."),
    ("checkpoints_req", "num_requested", "Checkpoints because somebody or something asked."),
    ("checkpoint_write_time", "write_time", "Milliseconds of writing at checkpoints."),
    ("checkpoint_sync_time", "sync_time", "Milliseconds of syncing at checkpoints."),
    ("buffers_checkpoint", "buffers_written", "Pages written by checkpoints."),
)
_WRITER = (
    ("buffers_clean", "Pages written by the background writer."),
    ("maxwritten_clean", "Times the background writer stopped, having written enough."),
    ("buffers_alloc", "Pages given out."),
    ("buffers_backend", "Pages that backends had to write by themselves."),
    ("buffers_backend_fsync", "Files that backends had to sync by themselves."),
    ("stats_reset", "When these figures began."),
)
_CHECKPOINTER = (
    ("restartpoints_timed", "Restartpoints because it was time."),
    ("restartpoints_req", "Restartpoints that were asked for."),
    ("restartpoints_done", "Restartpoints that were made."),
    ("stats_reset", "When these figures began."),
)
_ARCHIVER = (
    Column("archived_count", "pg_stat_archiver_archived_count", "Files archived.", "counter"),
    Column("failed_count", "pg_stat_archiver_failed_count", "Archivings that failed.", "counter"),
)


def collect(server: Server, context: Context) -> Iterable[Family]:
    """Give the version, the writers, the archiver, the WAL, and the role of the server."""
    return named(_families(server), context.names)


def _families(server: Server) -> Iterable[Family]:
    said = ask(server, STATUS)
    yield _version(said["version"])
    yield one(
        "pg_postmaster_start_time_seconds",
        "gauge",
        "When the server started.",
        said["start_time"],
    )
    yield from _replica(said)
    yield from _written(said["writer"] or {}, said.get("checkpointer"), said.get("backends"))
    yield from families([said["archiver"] or {}], _ARCHIVER)
    yield one(
        "pg_stat_archiver_last_archive_age",
        "gauge",
        "Seconds since a file was archived.",
        said["archive_age"],
    )
    yield from every_column(
        [said["wal"] or {}], "pg_stat_wal_", (), view="pg_stat_wal", gauges=("stats_reset",)
    )


def _version(said: str) -> Family:
    number = re.search(r"\d+(?:\.\d+)*", said)
    labels = (("version", said), ("short_version", number[0] if number else ""))
    return Family("pg_static", "untyped", "Version of the server, as a label.", ((labels, 1),))


def _replica(said: Mapping[str, Any]) -> Iterable[Family]:
    """
    Give whether this is a replica and how old what it shows is.

    A replica that has replayed all it received is up to date only while it receives: without a
    receiver, the age of the last transaction is what is known.
    """
    replica, receivers = bool(said["is_replica"]), rows(said, "receivers")
    streaming = any(each["status"] == "streaming" for each in receivers)
    age = said["replay_age"]
    current = not replica or (said["caught_up"] and streaming)
    yield one("pg_replication_is_replica", "gauge", "1 where the server replays.", replica)
    yield one(
        "pg_replication_lag_seconds",
        "gauge",
        "Seconds that this replica is behind; 0 on a primary.",
        0 if current else None if age is None else max(0, age),
    )
    yield one(
        "pg_replication_last_replay_seconds",
        "gauge",
        "Seconds since the last transaction that was replayed was committed.",
        age,
    )
    if replica:
        yield one("stockops_replica_receiving", "gauge", "1 while the replica receives.", streaming)
    heard = [number(each["last_message"]) for each in receivers]
    yield one(
        "stockops_replica_last_message_timestamp_seconds",
        "gauge",
        "When the replica last heard of its primary.",
        max((at for at in heard if at is not None), default=None),
    )


def _written(
    writer: Mapping[str, Any],
    checkpointer: Mapping[str, Any] | None,
    backends: Mapping[str, Any] | None,
) -> Iterable[Family]:
    """Give the writer's and the checkpointer's figures, each under the names of both ages."""
    columns = [
        Column(old, f"pg_stat_bgwriter_{old}_total", text, "counter") for old, text in _WRITER
    ]
    yield from families([{**writer, **(backends or {})}], columns)
    source = checkpointer if checkpointer is not None else writer
    for old, new, text in _CHECKPOINTS:
        value = number(source.get(new if checkpointer is not None else old))
        yield one(f"pg_stat_bgwriter_{old}_total", "counter", text, value)
        yield one(f"pg_stat_checkpointer_{new}_total", "counter", text, value)
    columns = [
        Column(name, f"pg_stat_checkpointer_{name}_total", text, "counter")
        for name, text in _CHECKPOINTER
    ]
    yield from families([checkpointer or {}], columns)
