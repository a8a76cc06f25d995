"""What happens between a primary and its replica."""

import signal
from dataclasses import replace
from types import MappingProxyType

from ... import lab as labs
from ... import proxy, replication
from ...catalog import TABLES
from ...engine import connect
from ...errors import ConfigError
from ...lab import Lab
from ...processes import Process
from ...targets import Target
from .. import clients
from ..inverse import Sql
from .base import Args, Driver, Needs, Ordinary, Spot
from .processes import by_signal, kill

_WHO = "stockops drill"
_UNSENT = "unsent"  # in a spot's memory
_UNSENT_MAX = 10_000
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

# What a person types who takes it for the one that is to take over.
_PROMOTE = {
    "postgresql": ("SELECT pg_promote()",),
    "mariadb": ("STOP ALL SLAVES", "RESET SLAVE ALL", "SET GLOBAL read_only = OFF"),
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


class ReplicaPromoted(Ordinary):
    """
    The replica is promoted while the primary works, and somebody writes to it.

    From then on there are two servers that take orders, and what either has is not in the other.
    """

    name = "replica_promoted"
    title = "The replica is promoted beside its primary"
    destroys = True
    wants = Needs(replica=True)

    def inject(self, spot: Spot, driver: str) -> None:
        """Promote it, and write to it. Nothing arms this: the sandbox goes as a whole."""
        del driver
        replica = replica_of(spot)
        tell(replica, *_PROMOTE[spot.engine])
        with connect(replica.url(), application=_WHO) as server:
            server.execute("CREATE TABLE written_by_mistake (n INTEGER)")

    def bites(self, spot: Spot) -> str | None:
        """Return that it follows nobody, and has what its primary never got."""
        replica = replica_of(spot)
        found = replication.status(replication.target_of(replica))
        with connect(replica.url(), application=_WHO) as server:
            parted = [each.table_name for each in server.fetch(TABLES)]
        if "written_by_mistake" not in parted or replication.is_sound(found):
            return None
        return f"{replica.name} takes writes beside {spot.lab.name}: {found[0].reason}"


class PrimaryLost(Ordinary):
    """
    The primary is killed, and its machine does not come back: the replica has to take over.

    With ``synchronous`` commits waited for the replica. With ``unsent`` the network between the two
    stalls before, until at least so many orders are confirmed that the replica never got: what an
    asynchronous one loses. Clients keep their address: it is that of a proxy, which stands for
    whatever leads them, a name, an address that moves, a pooler.
    """

    name = "primary_lost"
    title = "The primary is lost"
    destroys = True
    drivers = (Driver("signal", by_signal),)
    takes = MappingProxyType({"synchronous": (False, True), "unsent": range(_UNSENT_MAX + 1)})
    wants = Needs(replica=True, proxy=True)

    def needs(self, engine: str, args: Args) -> Needs:
        """Return a replica, and a proxy that can be led to it."""
        return replace(
            super().needs(engine, args), synchronous=bool(args.get("synchronous", False))
        )

    def inject(self, spot: Spot, driver: str) -> None:
        """Kill it, all at once. Nothing arms this: the sandbox goes as a whole."""
        del driver
        unsent = spot.args.get("unsent", 0)
        if unsent:
            _STALL[spot.engine](spot)
            spot.memory[_UNSENT] = _unsent(spot, at_least=unsent)
        kill(spot)
        clients.soon(lambda: not spot.now.pid, f"{spot.lab.name!r} is killed, and stays")
        if unsent and spot.engine == "mariadb":  # as one that looks for its primary in vain
            tell(replica_of(spot), "START SLAVE IO_THREAD")

    def bites(self, spot: Spot) -> str | None:
        """Return that no process of it is there, and what the replica never got."""
        if spot.now.pid:
            return None
        never_got = spot.memory.get(_UNSENT, 0)
        more = f"; its replica never got {never_got} orders or more" if never_got else ""
        return f"{spot.lab.name} is gone, and nobody starts it{more}"

    def lift(self, spot: Spot) -> None:
        """Lead the clients to who took over, if anybody did."""
        if spot.proxy is not None and spot.proxy.lives:
            spot.proxy.lead(proxy.server_of(spot.authority.url))


def _stall_in_postgresql(spot: Spot) -> None:
    """Have the process that sends the log to the replica stand still."""
    asked = "SELECT pid FROM pg_stat_replication WHERE application_name = %(name)s"
    with connect(replication.target_of(spot.now), application=_WHO) as server:
        sender = server.rows(asked, {"name": replica_of(spot).name})[0]["pid"]
    Process.of(int(sender)).tell(signal.SIGSTOP)


def _stall_in_mariadb(spot: Spot) -> None:
    """Have the replica receive no more: who sends to it is a thread, and cannot be held."""
    tell(replica_of(spot), "STOP SLAVE IO_THREAD")


_STALL = {"postgresql": _stall_in_postgresql, "mariadb": _stall_in_mariadb}


def _unsent(spot: Spot, *, at_least: int) -> int:
    """Wait until so many orders are on the primary alone; return how many are."""
    found = [0]
    asked = "SELECT count(*) AS n FROM orders"
    with (
        connect(spot.target, application=_WHO) as primary,
        connect(Target(name=_WHO, url=replica_of(spot).url(spot.target.database))) as replica,
    ):

        def enough() -> bool:
            found[0] = int(primary.rows(asked)[0]["n"]) - int(replica.rows(asked)[0]["n"])
            return found[0] >= at_least

        clients.soon(enough, f"fewer than {at_least} orders came while the replica got none")
    return found[0]


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
