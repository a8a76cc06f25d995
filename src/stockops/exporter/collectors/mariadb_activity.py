"""Sessions by command and state."""

import re
from collections import defaultdict
from collections.abc import Iterable

from ...engine.base import Server
from ...queries import Query
from ..context import Context, Lane
from ..documents import Document, ask
from ..families import Family, Labels, Sample
from ..naming import named

NAME = "activity"
LANE: Lane = "fast"
ACTIVITY = Query("exporter/activity", Document)

_ODD = re.compile(r"[^a-z0-9_]+")
_HELP = {
    "mysql_info_schema_processlist_threads": "Sessions at this command, in this state.",
    "mysql_info_schema_processlist_seconds": "Seconds that these have been at it, together.",
    "mysql_info_schema_processlist_processes_by_user": "Sessions of this user.",
    "mysql_info_schema_processlist_processes_by_host": "Sessions from this host.",
}


def collect(server: Server, context: Context) -> Iterable[Family]:
    """Give the list of sessions in groups, without this one."""
    sums: dict[str, dict[Labels, float]] = {name: defaultdict(float) for name in _HELP}
    threads, seconds, users, hosts = sums.values()
    for group in ask(server, ACTIVITY):
        state = (("command", _word(group["command"])), ("state", _word(group["state"])))
        threads[state] += group["threads"]
        seconds[state] += float(group["seconds"] or 0)
        users[(("mysql_user", group["user"]),)] += group["threads"]
        hosts[(("client_host", group["host"]),)] += group["threads"]
    return named((_family(name, values) for name, values in sums.items()), context.names)


def _family(name: str, values: dict[Labels, float]) -> Family:
    samples: list[Sample] = [*values.items()]
    fold = () if samples and len(samples[0][0]) > 1 else ("mysql_user", "client_host")
    return Family(name, "gauge", _HELP[name], tuple(samples), fold)


def _word(text: str | None) -> str:
    """Return a command or a state as the community writes it: one word in lower case."""
    return _ODD.sub("_", (text or "").lower()).strip("_") or "unknown"
