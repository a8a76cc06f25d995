"""
What must hold in the books: one SQL file per invariant and engine, under ``sql/<engine>/books``.

The first line of a file says the invariant in prose. The statement answers with the number of rows
it looked at, the number that violate it, and up to 20 of these by name with what was expected and
what was found; with no violation it answers with one row whose names are NULL.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from .. import queries
from ..engine.base import Server
from ..errors import ConfigError

# In the order of a report: the journal, what it adds up to, what is reserved, orders and trades,
# the market's rules, the trail.
NAMES = (
    "journal_zero",
    "global_zero",
    "cash",
    "holdings",
    "cost",
    "inventory",
    "listed_shares",
    "available",
    "reserved_cash",
    "reserved_shares",
    "one_order_per_key",
    "order_fills",
    "trade_sides",
    "self_trade",
    "trade_journal",
    "fees",
    "tax",
    "price_band",
    "day_prices",
    "business_date",
    "expiry",
    "book_not_crossed",
    "price_time_priority",
    "auction_price",
    "quarantine",
    "conditional_orders",
    "audit_complete",
    "audit_chain",
    "house_balances",
    "settlement",
    "corporate_actions",
    "orphans",
)


@dataclass(frozen=True, slots=True)
class Invariant:
    """One invariant as `engine` asks for it; `params` is None where it is asked of everything."""

    name: str
    title: str
    sql: str
    params: Mapping[str, object] | None = None


def load(server: Server, only: Collection[str] = ()) -> list[Invariant]:
    """Return the invariants named in `only`, or all of them, in the order of `NAMES`."""
    for name in only:
        if name not in NAMES:
            near = get_close_matches(name, NAMES, 1)
            raise ConfigError(
                f"no invariant is called {name!r}",
                hint=f"Did you mean {near[0]}?" if near else f"Known: {', '.join(NAMES)}.",
            )
    return [_read(server, name) for name in NAMES if not only or name in only]


def _read(server: Server, name: str) -> Invariant:
    sql = queries.text(server.engine, f"books/{name}", server.version[0])
    title = sql.partition("\n")[0].removeprefix("-- ")
    return Invariant(name, title, sql)
