"""How a replica does, for each of its connections, and the binary logs of a primary."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ... import queries
from ...engine.base import Server
from ...errors import ServerError
from ..context import Context, Lane
from ..families import Family, one
from ..naming import named
from ..values import number

NAME = "replication"
LANE: Lane = "fast"

_LABELS = {
    "master_host": "Master_Host",
    "master_uuid": "Master_UUID",
    "channel_name": "Channel_Name",
    "connection_name": "Connection_name",
}
_NO_BINARY_LOG = "1381"
_ODD = re.compile(r"[^a-z0-9_]")


def collect(server: Server, context: Context) -> Iterable[Family]:
    """Give every number of SHOW ALL SLAVES STATUS; a lag that is not known is absent."""
    said = server.rows(queries.text(server.engine, "showing/replicas", server.version[0]))
    return named([*_replica(said), *_binary_logs(server)], context.names)


def _replica(connections: Sequence[Mapping[str, Any]]) -> Iterable[Family]:
    yield one(
        "stockops_replica_connections",
        "gauge",
        "Connections to primaries that are configured; 0 where this is no replica.",
        len(connections),
    )
    columns = dict.fromkeys(
        name for each in connections for name in each if name not in _LABELS.values()
    )
    for column in columns:
        samples = tuple(
            (
                tuple((label, _text(each.get(source))) for label, source in _LABELS.items()),
                number(each.get(column)),
            )
            for each in connections
        )
        if any(value is not None for _, value in samples):
            yield Family(
                f"mysql_slave_status_{_ODD.sub('_', column.lower())}",
                "untyped",
                f"{column} of SHOW ALL SLAVES STATUS.",
                samples,
            )


def _binary_logs(server: Server) -> Iterable[Family]:
    try:
        logs = server.rows(queries.text(server.engine, "showing/binary_logs", server.version[0]))
    except ServerError as exc:
        if exc.code == _NO_BINARY_LOG:
            return
        raise
    sizes = [int(log["File_size"]) for log in logs]
    newest = number(logs[-1]["Log_name"]) if logs else None
    yield one("mysql_binlog_size_bytes", "gauge", "Bytes of all binary logs.", sum(sizes))
    yield one("mysql_binlog_files", "gauge", "Binary logs.", len(sizes))
    yield one("mysql_binlog_file_number", "gauge", "The number of the newest one.", newest)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
