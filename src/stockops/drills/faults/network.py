"""A bad network between the clients and the server, which itself has nothing."""

import time
from collections.abc import Mapping
from types import MappingProxyType

from ... import proxy
from ...engine import open_server
from ...errors import ConfigError, StockopsError
from ...proxy import Counts, Proxy, Toxic
from ..inverse import ClearProxy
from .base import Args, Driver, Needs, Ordinary, Spot, anywhere

SILENT_S = 0.5  # so long nobody was answered: it is not just slow
_TOKEN, _BEFORE, _SILENT = "network", "network_before", "network_silent"
_KNOCKED_S = 2.0
_STATEMENT = "statement"


class _ByProxy(Ordinary):
    """
    What these faults have in common: each is one toxic of the proxy that the load goes through.

    Their arguments are the toxic's parts, as ``stockops proxy`` takes them.
    """

    name: str
    toxic: str
    usual: Mapping[str, str] = MappingProxyType({})
    did: str  # how what the toxic did is said, after a number
    drivers = (Driver("proxy", anywhere),)

    def needs(self, engine: str, args: Args) -> Needs:
        """Return a proxy before the server; `ConfigError` where `args` make no toxic."""
        del engine
        self._of(args)
        return Needs(proxy=True)

    def inject(self, spot: Spot, driver: str) -> None:
        """Put the toxic in force."""
        del driver
        way = _proxy_of(spot)
        toxic = self._of(spot.args)
        spot.memory[_BEFORE] = way.seen()
        spot.memory[_TOKEN] = spot.undo.arm(ClearProxy(control=way.control.absolute()))
        way.set(toxic)

    def bites(self, spot: Spot) -> str | None:
        """Return what the toxic did since."""
        done = self._done(spot, _proxy_of(spot).seen())
        return f"{done} {self.did}" if done else None

    def lift(self, spot: Spot) -> None:
        """Heal the network; what was held back arrives."""
        _proxy_of(spot).clear()
        token = spot.memory.pop(_TOKEN, None)
        if token is not None:
            spot.undo.undone(token)

    def _done(self, spot: Spot, seen: Counts) -> int:
        before: Counts = spot.memory[_BEFORE]
        return seen.did.get(self.toxic, 0) - before.did.get(self.toxic, 0)

    def _of(self, args: Args) -> Toxic:
        said = {**self.usual, **{key: str(value) for key, value in args.items()}}
        # The last part takes all that follows.
        parts = sorted(said.items(), key=lambda part: part[0] == _STATEMENT)
        return proxy.parse(f"{self.toxic}:{','.join(f'{key}={value}' for key, value in parts)}")


class NetworkLatency(_ByProxy):
    """Whatever is sent arrives later, each way."""

    name = "network_latency"
    title = "The network is slow"
    toxic = "latency"
    usual = MappingProxyType({"ms": "150", "jitter_ms": "50"})
    did = "chunks were late"


class NetworkLoss(_ByProxy):
    """A share of what is sent is lost, and sent again by TCP after its time: clients stall."""

    name = "network_loss"
    title = "The network loses packets"
    toxic = "loss"
    usual = MappingProxyType({"share": "0.3"})
    did = "chunks were lost, and sent again"


class BlackHole(_ByProxy):
    """Nothing arrives, and nobody is told, as behind a firewall that forgot its connections."""

    name = "black_hole"
    title = "The network swallows everything, and says nothing"
    toxic = "black_hole"
    did = "directions are swallowed"

    def bites(self, spot: Spot) -> str | None:
        """Return that nothing was answered for a while, though there are connections."""
        seen = _proxy_of(spot).seen()
        if not self._done(spot, seen):
            return None
        answered, since = spot.memory.get(_SILENT, (-1, 0.0))
        if answered != seen.exchanges:
            spot.memory[_SILENT] = (seen.exchanges, time.monotonic())
            return None
        if time.monotonic() - since < SILENT_S:
            return None
        return f"{seen.open} connections are there, and none is answered"


class ConnectionsReset(_ByProxy):
    """Connections are cut, the old ones at once and the new ones at their first byte."""

    name = "connections_reset"
    title = "The network cuts every connection"
    toxic = "reset"
    did = "connections were cut"


class ConnectionsRefused(_ByProxy):
    """Nobody listens where the clients knock; who is in goes on."""

    name = "connections_refused"
    title = "New connections are refused"
    toxic = "refuse"

    def bites(self, spot: Spot) -> str | None:
        """Return that one more connection is refused, while the server itself takes one."""
        open_server(spot.target, application="stockops drill").close()
        try:
            open_server(
                spot.front, application="stockops drill", connect_timeout_s=_KNOCKED_S
            ).close()
        except StockopsError as exc:
            return f"one more is refused: {exc}"
        return None


class _LostWords(_ByProxy):
    """What both have in common: which statements they take, and how many of them."""

    usual = MappingProxyType({"count": "5", _STATEMENT: "place_order"})


class LostReply(_LostWords):
    """Orders are taken and committed; the answer is lost, and the connection is cut."""

    name = "lost_reply"
    title = "The answer to a commit is lost"
    toxic = "lost_reply"
    did = "answers to orders that were taken are lost"


class LostRequest(_LostWords):
    """Orders are lost on their way to the server, and the connection is cut."""

    name = "lost_request"
    title = "A request is lost, and never carried out"
    toxic = "lost_request"
    did = "orders never arrived"


def _proxy_of(spot: Spot) -> Proxy:
    if spot.proxy is None:
        raise ConfigError(
            "no proxy stands before this server, and the network is broken by one",
            hint="Leave out --target: a drill makes a sandbox with one for itself.",
        )
    return spot.proxy
