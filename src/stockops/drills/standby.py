"""A replica beside a sandbox: made, waited for, and what it takes that commits wait for it."""

from typing import TYPE_CHECKING

from .. import children, replication
from ..engine import connect
from ..errors import StockopsError
from ..lab import Lab
from ..settings.reloading import reload

if TYPE_CHECKING:  # a fault breaks what is made here, and so comes after it
    from .faults.base import Spot

NEAR_BYTES = 1024 * 1024  # so much is on its way while orders come
READY_S = 30.0
_WAITS_S = 10
_WHO = "stockops drill"


def name_of(lab: Lab) -> str:
    """Return the name of the replica of the sandbox `lab`."""
    return f"{lab.name}-b"


def add(spot: "Spot", *, synchronous: bool) -> None:
    """Make the replica, which follows on return; where `synchronous`, commits wait for it."""
    spot.replica = replication.add(spot.now, name_of(spot.lab))
    spot.companions |= {spot.replica.name, spot.lab.owner}  # as its primary sees it
    if synchronous:
        _SYNCHRONOUS[spot.engine](spot, spot.replica)


def follows(spot: "Spot", *, within_s: float) -> bool:
    """Wait until whoever holds the truth has a replica that is near it; tell whether it has."""

    def near() -> bool:
        try:
            found = replication.status(replication.target_of(spot.standing))
        except StockopsError:  # it is being started, or copied
            return False
        late = max((each.behind_bytes or 0 for each in found), default=0)
        return replication.is_sound(found) and late < NEAR_BYTES

    return children.wait_until(near, within_s=within_s)


def _wait_in_postgresql(spot: "Spot", replica: Lab) -> None:
    """Have commits wait until the replica has written the log down."""
    target = replication.target_of(spot.now)
    with connect(target, application=_WHO) as server:
        server.execute(f"ALTER SYSTEM SET synchronous_standby_names = '\"{replica.name}\"'")
        reload(server)

        def waits() -> bool:
            asked = "SELECT count(*) AS n FROM pg_stat_replication WHERE sync_state = 'sync'"
            return bool(server.rows(asked)[0]["n"])

        if not children.wait_until(waits, within_s=READY_S):
            raise StockopsError(f"{replica.name!r} does not become synchronous")


def _wait_in_mariadb(spot: "Spot", replica: Lab) -> None:
    """Have commits wait until the replica has the log, before anybody sees them."""
    with connect(replication.target_of(replica), application=_WHO) as server:
        server.execute("SET GLOBAL rpl_semi_sync_slave_enabled = ON")
        server.execute("STOP SLAVE IO_THREAD")
        server.execute("START SLAVE IO_THREAD")
    with connect(replication.target_of(spot.now), application=_WHO) as server:
        server.execute("SET GLOBAL rpl_semi_sync_master_wait_point = 'AFTER_SYNC'")
        server.execute(f"SET GLOBAL rpl_semi_sync_master_timeout = {_WAITS_S * 1000}")
        server.execute("SET GLOBAL rpl_semi_sync_master_enabled = ON")

        def waits() -> bool:
            asked = "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_master_clients'"
            return str(server.rows(asked)[0]["Value"]) != "0"

        if not children.wait_until(waits, within_s=READY_S):
            raise StockopsError(f"{replica.name!r} does not become synchronous")


_SYNCHRONOUS = {"postgresql": _wait_in_postgresql, "mariadb": _wait_in_mariadb}
