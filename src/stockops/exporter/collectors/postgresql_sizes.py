"""How large the databases and the WAL are."""

from collections.abc import Iterable

from ...engine.base import Server
from ...queries import Query
from ..columns import Column, families
from ..context import Context, Lane
from ..documents import Document, ask, rows
from ..families import Family
from ..naming import named

NAME = "sizes"
LANE: Lane = "slow"
SIZES = Query("exporter/sizes", Document)

_DATABASES = (Column("size", "pg_database_size_bytes", "Bytes of the database's files."),)
_WAL = (
    Column("bytes", "pg_wal_size_bytes", "Bytes of the files of the WAL."),
    Column("segments", "pg_wal_segments", "Files of the WAL."),
)


def collect(server: Server, context: Context) -> Iterable[Family]:
    """Give the sizes that this role may ask for."""
    said = ask(server, SIZES)
    found = [*families(rows(said, "databases"), _DATABASES, ("datname",))]
    found += families([said["wal"] or {}], _WAL)
    return named(found, context.names)
