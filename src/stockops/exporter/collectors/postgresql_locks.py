"""Locks of each database by mode."""

from collections.abc import Iterable
from itertools import product

from ...engine.base import Server
from ...queries import Query
from ..context import Context, Lane
from ..documents import Document, ask, rows
from ..families import Family, Sample
from ..naming import named

NAME = "locks"
LANE: Lane = "fast"
LOCKS = Query("exporter/locks", Document)

MODES = (
    "accesssharelock",
    "rowsharelock",
    "rowexclusivelock",
    "shareupdateexclusivelock",
    "sharelock",
    "sharerowexclusivelock",
    "exclusivelock",
    "accessexclusivelock",
    "sireadlock",
)


def collect(server: Server, context: Context) -> Iterable[Family]:
    """Give a number for every mode of every database; that of one nobody asks for is 0."""
    return named(_families(server), context.names)


def _families(server: Server) -> Iterable[Family]:
    said = ask(server, LOCKS)
    found = {(row["datname"], row["mode"]): row for row in rows(said, "locks")}
    places = [*product(rows(said, "databases"), MODES)]
    for name, column, help_text in (
        ("pg_locks_count", "count", "Locks, held or waited for."),
        ("pg_locks_waiting_count", "waiting", "Locks that are waited for."),
    ):
        samples: list[Sample] = [
            ((("datname", datname), ("mode", mode)), found.get((datname, mode), {}).get(column, 0))
            for datname, mode in places
        ]
        yield Family(name, "gauge", help_text, samples)
