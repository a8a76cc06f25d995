"""Have PostgreSQL read what was written in its files, and wait until it did."""

from .. import children
from ..engine.base import Server
from ..errors import StockopsError

RELOAD_S = 20.0
TELL = "SELECT pg_reload_conf() AS told"
_READ_AT = "SELECT pg_conf_load_time() AS at"


def reload(server: Server) -> None:
    """
    Tell a PostgreSQL server to read its files, and return once it did.

    The postmaster reads them before it tells its sessions, so that what this session has read is
    what every new one begins with. `StockopsError` where that takes longer than `RELOAD_S`.
    """
    before = server.rows(_READ_AT)[0]["at"]
    server.rows(TELL)
    if not children.wait_until(
        lambda: bool(server.rows(_READ_AT)[0]["at"] > before), within_s=RELOAD_S
    ):
        raise StockopsError(f"the server did not read its settings within {RELOAD_S:.0f} s")
