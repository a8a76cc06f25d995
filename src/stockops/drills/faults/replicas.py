"""What happens between a primary and its replica."""

from dataclasses import replace
from types import MappingProxyType

from ... import lab as labs
from ... import proxy, replication
from ...engine import connect
from ...errors import ConfigError
from ...lab import Lab
from .. import clients
from ..inverse import Sql
from .base import Args, Driver, Needs, Ordinary, Spot, anywhere

_WHO = "stockops drill"
_PAUSE = {"postgresql": "SELECT pg_wal_replay_pause()", "mariadb": "STOP SLAVE SQL_THREAD"}
_RESUME = {"postgresql": "SELECT pg_wal_replay_resume()", "mariadb": "START SLAVE SQL_THREAD"}

# What was committed meanwhile, and then is in no log any more.
_REMOVE_LOG = {
    "postgresql": (
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active",
        *("SELECT pg_logical_emit_message(true, 'drill', 'x')", "SELECT pg_switch_wal()") * 3,
        "CHECKPOINT",
    ),
    "mariadb": (
        "CREATE DATABASE drill_meanwhile",
        "DROP DATABASE drill_meanwhile",
        "FLUSH BINARY LOGS",
    ),
}


class ReplicaLagging(Ordinary):
    """A replica receives, and applies nothing: somebody paused it, and went home."""

    name = "replica_lagging"
    title = "The replica applies nothing"
    wants = Needs(replica=True)

    def inject(self, spot: Spot, driver: str) -> None:
        """Pause it."""
        del driver
        lab, undo = replica_of(spot), _RESUME[spot.engine]
        target = replication.target_of(lab)
        spot.memory["token"] = spot.undo.arm(Sql(url=target.url, statement=undo, lab=lab.directory))
        tell(lab, _PAUSE[spot.engine])

    def bites(self, spot: Spot) -> str | None:
        """Return how far it is behind."""
        for each in replication.status(replication.target_of(replica_of(spot))):
            if each.state == "paused" and each.behind_bytes:
                return f"{each.reason}, {each.behind_bytes:,} bytes behind"
        return None

    def lift(self, spot: Spot) -> None:
        """Have it go on, where nobody did."""
        if (token := spot.memory.pop("token", None)) is not None:
            tell(replica_of(spot), _RESUME[spot.engine])
            spot.undo.undone(token)


class ReplicaBroken(Ordinary):
    """While the replica was down, somebody removed the log that it needs to go on."""

    name = "replica_broken"
    title = "The log that the replica needs is gone"
    destroys = True
    wants = Needs(replica=True)

    def inject(self, spot: Spot, driver: str) -> None:
        """Stop the replica, remove the log on the primary, and start the replica."""
        del driver
        replica = replica_of(spot).name
        labs.down(replica)
        tell(spot.now, *_REMOVE_LOG[spot.engine])
        if spot.engine == "mariadb":
            clients.soon(lambda: _purged(spot), "the binary logs stay: somebody still reads them")
        labs.up(replica)

    def bites(self, spot: Spot) -> str | None:
        """Return why it cannot go on."""
        for each in replication.status(replication.target_of(replica_of(spot))):
            if each.state == "broken":
                return each.reason
        return None


class PrimaryLost(Ordinary):
    """
    The primary is killed, and its machine does not come back: the replica has to take over.

    With ``synchronous`` commits waited for the replica. Clients keep their address: it is that of a
    proxy, which stands for whatever leads them, a name, an address that moves, a pooler.
    """

    name = "primary_lost"
    title = "The primary is lost"
    destroys = True
    drivers = (Driver("signal", anywhere),)
    takes = MappingProxyType({"synchronous": (False, True)})
    wants = Needs(replica=True, proxy=True)

    def needs(self, engine: str, args: Args) -> Needs:
        """Return a replica, and a proxy that can be led to it."""
        return replace(
            super().needs(engine, args), synchronous=bool(args.get("synchronous", False))
        )

    def inject(self, spot: Spot, driver: str) -> None:
        """Kill it. Nothing arms this: the sandbox goes as a whole."""
        del driver
        labs.crash(spot.now)

    def bites(self, spot: Spot) -> str | None:
        """Return that no process of it is there."""
        return None if spot.now.pid else f"{spot.lab.name} is gone, and nobody starts it"

    def lift(self, spot: Spot) -> None:
        """Lead the clients to who took over, if anybody did."""
        if spot.proxy is not None and spot.proxy.lives:
            spot.proxy.lead(proxy.server_of(spot.authority.url))


def _purged(spot: Spot) -> bool:
    """Remove every binary log but the last, and tell whether they are gone; in use they stay."""
    with connect(replication.target_of(spot.now), application=_WHO) as server:
        last = server.rows("SHOW MASTER STATUS")[0]["File"]
        server.execute(f"PURGE BINARY LOGS TO '{last}'")
        return len(server.rows("SHOW BINARY LOGS")) == 1


def replica_of(spot: Spot) -> Lab:
    """Return the replica of the sandbox."""
    if spot.replica is None:
        raise ConfigError("the sandbox has no replica, and its fault is one of a replica")
    return spot.replica


def tell(lab: Lab, *statements: str) -> None:
    """Run statements on the server of `lab`."""
    with connect(replication.target_of(lab), application=_WHO) as server:
        for each in statements:
            if each.startswith("SELECT"):
                server.rows(each)
            else:
                server.execute(each)
