"""A bed for orders: issues and accounts made to measure, with books that balance from the start."""

import itertools
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from conftest import migrated_database

from stockops import orders
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.lab import Lab
from stockops.orders import Answer, Clock, Order, clock_of
from stockops.targets import Target

OPENING = date(2025, 1, 2)
CLOCK = clock_of(date(2025, 1, 3), time(10, 0))
LISTED_SHARES = 1_000_000

# Each finds rows that may not be; `books check` asks more, and asks it for the operator.
BROKEN = {
    "a journal that does not sum to zero": (
        "SELECT journal_id, asset FROM journal_entries GROUP BY journal_id, asset "
        "HAVING sum(amount) <> 0"
    ),
    "cash that is not the sum of its entries": (
        "SELECT a.account_id FROM accounts a LEFT JOIN (SELECT account_id, sum(amount) AS won "
        "FROM journal_entries WHERE asset = 'KRW' GROUP BY account_id) e "
        "ON e.account_id = a.account_id "
        "WHERE a.kind = 'customer' AND a.cash_won <> coalesce(e.won, 0)"
    ),
    "a position that is not the sum of its entries": (
        "SELECT p.account_id, p.symbol FROM positions p LEFT JOIN (SELECT account_id, asset, "
        "sum(amount) AS shares FROM journal_entries GROUP BY account_id, asset) e "
        "ON e.account_id = p.account_id AND e.asset = p.symbol "
        "WHERE p.quantity <> coalesce(e.shares, 0)"
    ),
    "an inventory that is not the sum of its entries": (
        "SELECT i.symbol FROM stock_inventory i LEFT JOIN (SELECT asset, sum(amount) AS shares "
        "FROM journal_entries WHERE account_id = 1 GROUP BY asset) e ON e.asset = i.symbol "
        "WHERE i.available_shares <> coalesce(e.shares, 0)"
    ),
    "reserved cash that no open order needs": (
        "SELECT a.account_id FROM accounts a LEFT JOIN (SELECT account_id, "
        "sum(reserved_won) AS won FROM orders WHERE status = 'open' GROUP BY account_id) o "
        "ON o.account_id = a.account_id "
        "WHERE a.reserved_won <> coalesce(o.won, 0)"
    ),
    "reserved shares that no open order needs": (
        "SELECT p.account_id, p.symbol FROM positions p LEFT JOIN (SELECT account_id, symbol, "
        "sum(quantity - filled_quantity) AS shares FROM orders "
        "WHERE status = 'open' AND side = 'sell' GROUP BY account_id, symbol) o "
        "ON o.account_id = p.account_id AND o.symbol = p.symbol "
        "WHERE p.reserved_quantity <> coalesce(o.shares, 0)"
    ),
    "an order that is not filled by its trades": (
        "SELECT o.order_id FROM orders o LEFT JOIN (SELECT buy_order_id AS order_id, quantity "
        "FROM trades UNION ALL SELECT sell_order_id, quantity FROM trades) t "
        "ON t.order_id = o.order_id GROUP BY o.order_id, o.filled_quantity "
        "HAVING o.filled_quantity <> coalesce(sum(t.quantity), 0)"
    ),
    "a book that is crossed at rest": (
        "SELECT b.order_id FROM orders b JOIN orders s ON s.symbol = b.symbol AND s.side = 'sell' "
        "WHERE b.side = 'buy' AND b.resting_won >= s.resting_won"
    ),
    "an order without its audit row": (
        "SELECT o.order_id FROM orders o LEFT JOIN audit_log l ON l.audit_id = o.order_id "
        "AND l.action = 'place' WHERE l.audit_id IS NULL"
    ),
}


def check_books(server: Server) -> None:
    """Fail with the first rows that may not be."""
    for what, sql in BROKEN.items():
        found = server.rows(sql)
        assert not found, f"{what}: {found[:5]}"


@dataclass(slots=True)
class Bed:
    """A migrated database whose issues and accounts each test makes for itself."""

    server: Server
    target: Target
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def engine(self) -> str:
        return self.server.engine

    def next_event(self) -> int:
        call = "nextval('event_ids')" if self.engine == "postgresql" else "NEXTVAL(event_ids)"
        return int(self.server.rows(f"SELECT {call} AS event")[0]["event"])

    def stock(
        self, base_won: int = 50_000, *, status: str = "listed", opening: date = OPENING,
        house: int = LISTED_SHARES,
    ) -> str:  # fmt: skip
        """An issue that closed at `base_won`; the house holds `house` of its shares."""
        symbol = f"{next(self.numbers):05d}0"
        self.server.execute(
            "INSERT INTO stocks (symbol, isin, name, market, kind, status, listed_shares, origin) "
            "VALUES (%(symbol)s, %(isin)s, %(symbol)s, 'KOSPI', 'common', %(status)s, %(n)s, "
            "'file')",
            {"symbol": symbol, "isin": f"KR7{symbol}000", "status": status, "n": LISTED_SHARES},
        )
        self.server.execute(
            # The first order of a day sets what is true.
            "INSERT INTO stock_inventory (symbol, available_shares, last_won, quote_date, "
            "base_won, lower_won, upper_won, settles_on, sell_tax_rate) VALUES (%(symbol)s, "
            "%(house)s, %(base)s, %(opening)s, %(base)s, 1, 100000000, %(settles)s, 0)",
            {
                "symbol": symbol,
                "house": house,
                "base": base_won,
                "opening": opening,
                "settles": opening + timedelta(days=9),
            },
        )
        self.enter({5: -house, 1: house}, symbol, opening)
        return symbol

    def account(
        self, cash_won: int = 100_000_000, *, holds: Mapping[str, int] | None = None,
        broker: int = 1, user: int | None = None, exempt: bool = False, status: str = "active",
    ) -> int:  # fmt: skip
        """An account with cash and shares; of a user of its own unless `user` is given."""
        number = 1000 + next(self.numbers)
        values = {"n": number, "user": user or number, "broker": broker, "status": status}
        if user is None:
            self.server.execute(
                "INSERT INTO users (user_id, full_name, email, phone, created_at) VALUES "
                "(%(n)s, 'A', concat('u', %(n)s, '@example.com'), '010-0000-0000', '2024-01-01')",
                {"n": number},
            )
        self.server.execute(
            "INSERT INTO accounts (account_id, user_id, broker_id, account_no, status, tax_exempt, "
            "cash_won, opened_at) VALUES (%(n)s, %(user)s, %(broker)s, concat('N', %(n)s), "
            "%(status)s, %(exempt)s, %(cash)s, '2024-01-01')",
            {**values, "exempt": exempt, "cash": cash_won},
        )
        if cash_won:
            self.enter({4: -cash_won, number: cash_won}, "KRW", OPENING)
        for symbol, shares in (holds or {}).items():
            self.server.execute(
                "INSERT INTO positions VALUES (%(n)s, %(symbol)s, %(shares)s, 0, %(cost)s)",
                {"n": number, "symbol": symbol, "shares": shares, "cost": shares * 1000},
            )
            self.enter({5: -shares, number: shares}, symbol, OPENING)
        return number

    def enter(self, legs: Mapping[int, int], asset: str, on: date) -> None:
        """Write one opening journal."""
        journal = self.next_event()
        for leg, (account, amount) in enumerate(legs.items(), 1):
            if amount:
                self.server.execute(
                    "INSERT INTO journal_entries VALUES "
                    "(%(journal)s, %(leg)s, %(on)s, %(account)s, %(asset)s, %(amount)s, 'open')",
                    {"journal": journal, "leg": leg, "on": on, "account": account,
                     "asset": asset, "amount": amount},
                )  # fmt: skip

    def order(self, account: int, side: orders.Side, symbol: str, quantity: int,
              limit_won: int | None = None, **more: Any) -> Order:  # fmt: skip
        """An order with a key of its own."""
        order = Order(key=f"k{next(self.numbers)}", account_id=account, symbol=symbol, side=side,
                      quantity=quantity, limit_won=limit_won)  # fmt: skip
        return replace(order, **more)

    def buy(self, account: int, symbol: str, quantity: int, limit_won: int | None = None,
            *, clock: Clock = CLOCK) -> Answer:  # fmt: skip
        return self.place(self.order(account, "buy", symbol, quantity, limit_won), clock=clock)

    def sell(self, account: int, symbol: str, quantity: int, limit_won: int | None = None,
             *, clock: Clock = CLOCK) -> Answer:  # fmt: skip
        return self.place(self.order(account, "sell", symbol, quantity, limit_won), clock=clock)

    def place(self, order: Order, *, clock: Clock = CLOCK) -> Answer:
        return orders.place(self.server, order, clock=clock)

    def cancel(self, order_id: int | None, *, clock: Clock = CLOCK) -> Answer:
        assert order_id is not None
        return orders.cancel(self.server, order_id, clock=clock)

    def one(self, sql: str, **params: object) -> Any:
        """The only cell of the only row."""
        rows = self.server.rows(sql, params or None)
        assert len(rows) == 1, rows
        (cell,) = rows[0].values()
        return cell

    def cash(self, account: int) -> tuple[int, int]:
        """Cash and reserved cash of an account."""
        rows = self.server.rows(
            "SELECT cash_won, reserved_won FROM accounts WHERE account_id = %(a)s", {"a": account}
        )
        return int(rows[0]["cash_won"]), int(rows[0]["reserved_won"])

    def shares(self, account: int, symbol: str) -> tuple[int, int, int]:
        """Shares, reserved shares and cost of a position; zeros where there is none."""
        rows = self.server.rows(
            "SELECT quantity, reserved_quantity, cost_won FROM positions "
            "WHERE account_id = %(a)s AND symbol = %(s)s",
            {"a": account, "s": symbol},
        )
        quantity, reserved, cost = rows[0].values() if rows else (0, 0, 0)
        return int(quantity), int(reserved), int(cost)

    def trades(self, symbol: str) -> list[tuple[int, int]]:
        """Price and quantity of each trade of an issue, in order."""
        rows = self.server.rows(
            "SELECT price_won, quantity FROM trades WHERE symbol = %(s)s ORDER BY trade_id",
            {"s": symbol},
        )
        return [(int(row["price_won"]), int(row["quantity"])) for row in rows]


@contextmanager
def bed_of(lab: Lab) -> Iterator[Bed]:
    """A bed in a fresh database; its books must balance at the end of the block."""
    with migrated_database(lab) as target, connect(target) as server:
        yield Bed(server, target)
        check_books(server)


def rows_read(server: Server) -> int:
    """How many rows this database (PostgreSQL) or this session (MariaDB) has read so far."""
    if server.engine == "mariadb":
        sql = "SELECT sum(variable_value) AS n FROM information_schema.session_status "
        sql += "WHERE variable_name LIKE 'Handler_read%'"
    else:
        server.rows("SELECT pg_stat_force_next_flush() AS now")
        sql = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) AS n FROM pg_stat_user_tables"
    return int(server.rows(sql)[0]["n"])


@contextmanager
def member(bed: Bed, role: str) -> Iterator[Server]:
    """A session of somebody who has `role` and nothing else."""
    name = f"member_{secrets.token_hex(4)}"
    if bed.engine == "postgresql":
        bed.server.execute(f"CREATE ROLE {name} LOGIN IN ROLE stockops_{role}")
        user = name
    else:
        user = f"{name}@localhost"
        bed.server.execute(f"CREATE USER {user}")
        bed.server.execute(f"GRANT stockops_{role} TO {user}")
        bed.server.execute(f"SET DEFAULT ROLE stockops_{role} FOR {user}")
    try:
        url = bed.target.url.replace("//stockops@", f"//{name}@")
        with connect(replace(bed.target, name=role, url=url)) as server:
            yield server
    finally:
        bed.server.execute(f"DROP {'ROLE' if bed.engine == 'postgresql' else 'USER'} {user}")


def login(bed: Bed, server: Server) -> Target:
    """The target by which `server`, a session of a member, was opened; it is no lab."""
    name = str(server.rows("SELECT current_user AS name")[0]["name"]).partition("@")[0]
    url = bed.target.url.replace("//stockops@", f"//{name}@")
    return replace(bed.target, url=url, lab=None)


def plain(value: object) -> object:
    """The same value whichever engine said it."""
    if isinstance(value, bool):
        return int(value)
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value
