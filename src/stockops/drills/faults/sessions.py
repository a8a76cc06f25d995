"""What clients do to a server: too many of them, too long, in each other's way."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from ...engine import open_server
from ...engine.base import Server
from ...errors import StockopsError
from ...queries import Query
from .. import clients
from ..clients import Count
from .base import Args, Driver, Needs, Ordinary, Spot, anywhere

APP_RUNNING = Query("drills/app_running", Count)
APP_IDLING = Query("drills/app_idling", Count)
WAITING_FOR_TABLE = Query("drills/waiting_for_table", Count)
KEPT_VERSIONS = Query("drills/kept_versions", Count)
DEADLOCKS = Query("drills/deadlocks", Count)
CHURN_THERE = Query("drills/churn_there", Count)

KEPT_MIN: Mapping[str, int] = {"postgresql": 5_000, "mariadb": 200}  # rows; transactions
_REPORT = (
    "SELECT count(*) FROM stock_prices AS a CROSS JOIN (SELECT * FROM stock_prices LIMIT {limit})"
    " AS b WHERE a.close_won * 3 < b.close_won + length(a.symbol);"
)
_LOCKED = "SELECT * FROM stock_inventory ORDER BY symbol {order} LIMIT {stocks} FOR UPDATE"
_CHURN_MADE = "CREATE TABLE drill_churn AS SELECT symbol, 0 AS n FROM stocks;"
_CHURN_READ = "SELECT count(*) FROM drill_churn;"
_CHURN_WRITTEN = "UPDATE drill_churn SET n = n + 1;"
_CLIENTS_MAX, _STOCKS_MAX = 500, 10_000
_SESSIONS = "sessions"  # in a spot's memory: what the flood holds open


class _ByClients(Ordinary):
    """What faults have in common that clients make, and that are over when those are gone."""

    drivers = (Driver("sessions", anywhere),)

    def lift(self, spot: Spot) -> None:
        """End the clients."""
        clients.end(spot)


class ConnectionFlood(_ByClients):
    """Every session that the server gives is taken: who is in goes on, nobody comes in."""

    name = "connection_flood"
    title = "All connections are taken"
    takes = MappingProxyType({"connections": range(1, _CLIENTS_MAX + 1)})

    def needs(self, engine: str, args: Args) -> Needs:
        """Return a server with few sessions to give."""
        settings = {"max_connections": str(args.get("connections", 40))}
        return replace(super().needs(engine, args), settings=settings)

    def inject(self, spot: Spot, driver: str) -> None:
        """Open sessions until there is none left."""
        del driver
        held: list[Server] = spot.memory.setdefault(_SESSIONS, [])
        while (session := self._one_more(spot)) is not None:
            held.append(session)

    def bites(self, spot: Spot) -> str | None:
        """Return that one more is refused."""
        session = self._one_more(spot)
        if session is None:
            return f"{len(spot.memory[_SESSIONS])} sessions are held, and one more is refused"
        session.close()
        return None

    def lift(self, spot: Spot) -> None:
        """Close them."""
        for each in spot.memory.pop(_SESSIONS, []):
            each.close()

    def _one_more(self, spot: Spot) -> Server | None:
        try:
            return open_server(clients.target_of(spot), application="stockops drill flood")
        except StockopsError:
            return None


class QueryFlood(_ByClients):
    """A storm of reports: as many as `clients` at once, each of seconds, and then the next."""

    name = "query_flood"
    title = "A storm of slow reports"
    takes = MappingProxyType({"clients": range(1, _CLIENTS_MAX + 1)})

    def inject(self, spot: Spot, driver: str) -> None:
        """Have every client ask for its report, again and again."""
        del driver
        for _ in range(spot.args.get("clients", 6)):
            clients.repeat(spot, _REPORT.format(limit=1500))

    def bites(self, spot: Spot) -> str | None:
        """Return how many reports run."""
        running = clients.count(spot, APP_RUNNING)
        return f"{running} reports run" if running > 1 else None


class RunawayQuery(_ByClients):
    """A report that reads for ever: it joins every price with every price."""

    name = "runaway_query"
    title = "A report reads for ever"

    def inject(self, spot: Spot, driver: str) -> None:
        """Have a client ask for it."""
        del driver
        clients.begin(spot, _REPORT.format(limit=100_000_000))

    def bites(self, spot: Spot) -> str | None:
        """Return that it runs."""
        return "the report runs" if clients.count(spot, APP_RUNNING) else None


class LockStorm(_ByClients):
    """A reader that stays in its transaction, DDL that waits for it, and everybody behind both."""

    name = "lock_storm"
    title = "Everybody waits behind a change of a table"

    def inject(self, spot: Spot, driver: str) -> None:
        """Read the orders and stay; then have another client change them."""
        del driver
        clients.begin(spot, "BEGIN; SELECT count(*) FROM orders;")
        clients.soon(lambda: _idles(spot), "the client that is to hold the lock does not begin")
        clients.begin(spot, "ALTER TABLE orders ADD COLUMN drill_note INTEGER;")

    def bites(self, spot: Spot) -> str | None:
        """Return how many sessions wait for a lock on the table."""
        waiting = clients.count(spot, WAITING_FOR_TABLE)
        return f"{waiting} sessions wait for a lock on the table" if waiting > 1 else None


class IdleInTransaction(_ByClients):
    """A session that locks some stocks, and forgets its transaction."""

    name = "idle_in_transaction"
    title = "A session forgets its transaction"
    takes = MappingProxyType({"stocks": range(1, _STOCKS_MAX + 1)})

    def inject(self, spot: Spot, driver: str) -> None:
        """Lock the stocks, and say nothing more."""
        del driver
        stocks = spot.args.get("stocks", 400)
        clients.begin(spot, f"BEGIN; {_LOCKED.format(order='ASC', stocks=stocks)};")
        clients.soon(lambda: _idles(spot), "the client that is to idle does not begin")

    def bites(self, spot: Spot) -> str | None:
        """Return that it idles in its transaction."""
        return "a session idles in its transaction" if _idles(spot) else None


class OldSnapshot(_ByClients):
    """A reader keeps its snapshot while rows are written over and over: nothing can be cleaned."""

    name = "old_snapshot"
    title = "A forgotten snapshot keeps every dead row"

    def inject(self, spot: Spot, driver: str) -> None:
        """Take a snapshot and stay; have another client write the same rows over and over."""
        del driver
        clients.begin(spot, _CHURN_MADE)
        clients.soon(
            lambda: clients.count(spot, CHURN_THERE) > 0, "the table to write to does not come"
        )
        first = {
            "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ",
            "mariadb": "START TRANSACTION WITH CONSISTENT SNAPSHOT",
        }
        clients.begin(spot, f"{first[spot.engine]}; {_CHURN_READ}")
        clients.soon(lambda: _idles(spot), "the client that is to keep its snapshot does not begin")
        clients.repeat(spot, _CHURN_WRITTEN)

    def bites(self, spot: Spot) -> str | None:
        """Return how many versions of rows are kept that nobody will read."""
        kept = clients.count(spot, KEPT_VERSIONS)
        return f"{kept:,} old versions cannot be removed" if kept > KEPT_MIN[spot.engine] else None


class DeadlockStorm(_ByClients):
    """Pairs of clients that lock the same two stocks, each in its own order."""

    name = "deadlock_storm"
    title = "Transactions take their locks in opposite orders"
    takes = MappingProxyType({"pairs": range(1, _CLIENTS_MAX + 1)})

    def inject(self, spot: Spot, driver: str) -> None:
        """Have the pairs lock, wait and lock, again and again."""
        del driver
        spot.memory["deadlocks"] = clients.count(spot, DEADLOCKS)
        pause = {"postgresql": "SELECT pg_sleep(0.1)", "mariadb": "SELECT sleep(0.1)"}[spot.engine]
        for _ in range(spot.args.get("pairs", 2)):
            for first, second in (("ASC", "DESC"), ("DESC", "ASC")):
                one, other = (_LOCKED.format(order=order, stocks=1) for order in (first, second))
                clients.repeat(spot, f"BEGIN; {one}; {pause}; {other}; COMMIT;")

    def bites(self, spot: Spot) -> str | None:
        """Return how many deadlocks the server broke since."""
        broken = clients.count(spot, DEADLOCKS) - spot.memory["deadlocks"]
        return f"{broken} deadlocks" if broken > 0 else None


def _idles(spot: Spot) -> bool:
    return clients.count(spot, APP_IDLING) > 0
