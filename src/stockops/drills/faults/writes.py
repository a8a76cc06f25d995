"""Writes to the log that the kernel refuses, though the disk has room: a limit is in the way."""

from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType

from ...engine import connect
from ...errors import StockopsError
from . import logs
from .base import Spot
from .limited import ByLimit
from .processes import gone

LIMIT_KIB = 1024
WRITE_S = 10.0
_MOST_KIB = 8 * 1024  # half of a segment of the WAL
_SERVER = "server"
_WORDS = (b"File too large",)

# One transaction whose log is twice as long as a file of it may be: it does not fit in between.
_LONG: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "postgresql": (
            "SELECT pg_logical_emit_message(true, 'drill', repeat('x', %(bytes)s))::text AS lsn",
        ),
        "mariadb": (
            "CREATE TABLE drill_long (x LONGTEXT)",
            "INSERT INTO drill_long SELECT repeat('x', %(bytes)s)",
        ),
    }
)


class LogWriteRefused(ByLimit):
    """
    No file may be written to behind ``limit_kib``: the server's soft limit of the size of files.

    It comes with a service, a shell or a container, and strikes when the log has grown. PostgreSQL
    is told that the file is too large; MariaDB, which has not asked to be told, is ended.
    """

    name = "log_write_refused"
    title = "A limit of the size of files refuses the log"
    takes = MappingProxyType({"limit_kib": range(64, _MOST_KIB + 1)})

    def inject(self, spot: Spot, driver: str) -> None:
        """Lower the limits, and write what has to go behind them."""
        del driver
        most = int(spot.args.get("limit_kib", LIMIT_KIB)) * 1024
        logs.mark(spot)
        spot.memory[_SERVER] = self.lower(spot, "FSIZE", lambda _: most)
        with (
            suppress(StockopsError),
            connect(
                spot.target, statement_timeout_s=WRITE_S, application="stockops drill"
            ) as session,
        ):
            for sql in _LONG[spot.engine]:
                session.rows(sql, {"bytes": 2 * most})

    def bites(self, spot: Spot) -> str | None:
        """Return how the server says that a file is too large, or that it is gone."""
        return logs.said(spot, _WORDS) or gone(spot.memory[_SERVER])
