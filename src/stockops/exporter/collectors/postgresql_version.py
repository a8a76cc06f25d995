"""The version of a PostgreSQL server, as the community names it."""

import re
from collections.abc import Iterable

from ...engine.base import Server
from ..context import Context, Lane
from ..families import Family

NAME = "version"
LANE: Lane = "fast"


def collect(server: Server, context: Context) -> Iterable[Family]:
    """Give ``pg_static``."""
    del context
    (row,) = server.rows("SELECT version() AS version")
    version = str(row["version"])
    number = re.search(r"\d+(?:\.\d+)*", version)
    labels = (("version", version), ("short_version", number[0] if number else ""))
    yield Family("pg_static", "untyped", "Version of the server, as a label.", ((labels, 1),))
