"""
A client that sends each statement of an order's transaction itself: what a program does that has no
stored routine to call.

It reads, locks and writes the same tables in the same order as ``place_order`` does, one statement
for each of them, on prepared statements where the driver has them (psycopg; PyMySQL has none). It
asks for less: its prices are such that no order meets a resting one, so there are fills by the
house and orders that rest, and nothing to match. Its books balance.
"""

import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

DAY, AT = "2025-01-03", "2025-01-03 01:00:00"
Run = Callable[..., list[Any]]

LOCKS = {"postgresql": "FOR NO KEY UPDATE", "mariadb": "FOR UPDATE"}
ISSUE = (
    "SELECT available_shares, last_won, quote_date, lower_won, upper_won, settles_on, "
    "sell_tax_rate FROM stock_inventory WHERE symbol = %s "
)
SESSION = (
    "SELECT opens_at, closes_at FROM market_sessions WHERE market = %s AND matching = "
    "'continuous' AND valid_from <= %s AND (valid_to IS NULL OR valid_to >= %s) "
    "ORDER BY valid_from DESC LIMIT 1"
)
TICK = (
    "SELECT tick_won FROM tick_sizes WHERE market = %s AND valid_from <= %s AND "
    "price_from_won <= %s ORDER BY valid_from DESC, price_from_won DESC LIMIT 1"
)
BEST = {
    "sell": "SELECT max(resting_won) FROM orders WHERE symbol = %s AND side = 'buy'",
    "buy": "SELECT min(resting_won) FROM orders WHERE symbol = %s AND side = 'sell'",
}
ACCOUNT = (
    "SELECT status, user_id, tax_exempt, cash_won - reserved_won, broker_id FROM accounts "
    "WHERE account_id = %s "
)
RATE = (
    "SELECT commission_rate FROM fee_schedules WHERE broker_id = %s AND valid_from <= %s "
    "ORDER BY valid_from DESC LIMIT 1"
)
HELD = "SELECT quantity - reserved_quantity FROM positions WHERE account_id = %s AND symbol = %s"
NEW_ORDER = (
    "INSERT INTO orders (order_id, account_id, idempotency_key, symbol, side, kind, limit_won, "
    "quantity, filled_quantity, reserved_won, status, business_date, placed_at, closed_event_id) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
NEW_AUDIT = (
    "INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail) "
    "VALUES (%s, %s, %s, 'place', 'order', %s, %s)"
)
NEW_TRADE = (
    "INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, "
    "quantity, buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
NEW_LEGS = (
    "INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind) "
    "VALUES "
)
HOUSE = (
    "UPDATE stock_inventory SET available_shares = available_shares + %s, last_won = %s "
    "WHERE symbol = %s"
)
CASH = (
    "UPDATE accounts SET cash_won = cash_won + %s, reserved_won = reserved_won + %s "
    "WHERE account_id = %s"
)
SOLD = (
    "UPDATE positions SET cost_won = cost_won - floor(cost_won * %s / quantity), "
    "quantity = quantity - %s, reserved_quantity = reserved_quantity + %s "
    "WHERE account_id = %s AND symbol = %s"
)
NEW_POSITION = (
    "INSERT INTO positions (account_id, symbol, quantity, cost_won) VALUES (%s, %s, %s, %s) "
)
NEXT_ID = {
    "postgresql": "SELECT nextval('event_ids')",
    "mariadb": "SELECT nextval(event_ids)",
}
KEEP_POSITION = {
    "postgresql": "ON CONFLICT (account_id, symbol) DO UPDATE SET quantity = positions.quantity + "
    "excluded.quantity, cost_won = positions.cost_won + excluded.cost_won",
    "mariadb": "ON DUPLICATE KEY UPDATE quantity = quantity + VALUES(quantity), "
    "cost_won = cost_won + VALUES(cost_won)",
}


@dataclass(slots=True)
class Work:
    """One order on its way: what is asked for, then what was read, then what comes of it."""

    run: Run
    engine: str
    key: str
    account: int
    symbol: str
    side: str
    limit_won: int | None  # None at the market
    quantity: int
    stock: Any = None  # available, last, quote date, lower, upper, settles on, tax rate
    owner: Any = None  # status, user, exempt, available cash, broker
    rate: Any = None
    order_id: int = 0
    trade_id: int | None = None
    value_won: int = 0
    fee_won: int = 0
    tax_won: int = 0
    reserve_won: int = 0

    @property
    def sells(self) -> bool:
        """Whether it is a sale."""
        return self.side == "sell"

    @property
    def kind(self) -> str:
        """Limit or market."""
        return "market" if self.limit_won is None else "limit"

    @property
    def filled(self) -> int:
        """How many shares trade: all or none."""
        return self.quantity if self.limit_won in {None, self.stock[1]} else 0


def order(run: Run, engine: str, key: str, draw: random.Random) -> None:
    """Place one order; `run` sends one statement and returns its rows."""
    place, sells = draw.randint(1, 1000), draw.random() < 0.4
    number = draw.randint(0, 89) * 10 + place % 10 if sells else draw.randint(1, 900)
    away = draw.randint(1, 5) * (100 if sells else -50)
    limit = None if draw.random() < 0.3 else 50_000 + (away if draw.random() < 0.45 else 0)
    work = Work(
        run=run,
        engine=engine,
        key=key,
        account=1000 + place,
        symbol=f"{(number or 900) * 10:06d}",
        side="sell" if sells else "buy",
        limit_won=limit,
        quantity=draw.randint(1, 20),
    )
    run("BEGIN")
    read_issue(work)
    read_account(work)
    write_order(work)
    if work.filled:
        write_trade(work)
    write_holdings(work)
    run("COMMIT")


def read_issue(work: Work) -> None:
    """Lock the issue; read its rules and the best price on the other side."""
    run, limit = work.run, work.limit_won or 1
    work.stock = run(ISSUE + LOCKS[work.engine], work.symbol)[0]
    market = run("SELECT market, status, listed_shares FROM stocks WHERE symbol = %s", work.symbol)[
        0
    ][0]
    run("SELECT 1 FROM market_holidays WHERE market = %s AND holiday = %s", market, DAY)
    run(SESSION, market, DAY, DAY)
    run(TICK, market, DAY, limit)
    run(BEST["sell" if work.sells else "buy"], work.symbol)


def read_account(work: Work) -> None:
    """Look for the key, lock the account, read its rate and what it can sell."""
    run = work.run
    run(
        "SELECT order_id FROM orders WHERE account_id = %s AND idempotency_key = %s",
        work.account,
        work.key,
    )
    work.owner = run(ACCOUNT + LOCKS[work.engine], work.account)[0]
    work.rate = run(RATE, work.owner[4], DAY)[0][0]
    if work.sells:
        run(HELD, work.account, work.symbol)


def write_order(work: Work) -> None:
    """Draw the numbers, and write the order and its line in the audit log."""
    run, price = work.run, int(work.stock[1])
    work.order_id = run(NEXT_ID[work.engine])[0][0]
    if work.filled:
        work.trade_id = run(NEXT_ID[work.engine])[0][0]
        work.value_won = price * work.quantity
        work.fee_won = int(work.value_won * work.rate)
        work.tax_won = int(work.value_won * work.stock[6]) if work.sells else 0
    elif not work.sells and work.limit_won:
        held = work.limit_won * work.quantity
        work.reserve_won = held + int(held * work.rate)
    status = "filled" if work.filled else "open"
    run(
        NEW_ORDER,
        *(work.order_id, work.account, work.key, work.symbol, work.side, work.kind),
        *(work.limit_won, work.quantity, work.filled, work.reserve_won, status),
        *(DAY, AT, work.trade_id),
    )
    said = f"{work.side} {work.kind} {work.symbol} {work.quantity} at "
    said += f"{work.limit_won or 'market'} {status} filled {work.filled} for {work.value_won}"
    run(NEW_AUDIT, work.order_id, DAY, work.owner[1], str(work.order_id), said)


def write_trade(work: Work) -> None:
    """Write the trade with the house, its journal, and what the house has left."""
    run, sells, price = work.run, work.sells, int(work.stock[1])
    value, fee, tax = work.value_won, work.fee_won, work.tax_won
    shares = -work.quantity if sells else work.quantity
    run(
        NEW_TRADE,
        *(work.trade_id, work.symbol, None if sells else work.order_id),
        *(work.order_id if sells else None, work.side, price, work.quantity),
        *(0 if sells else fee, fee if sells else 0, tax, DAY, work.stock[5], AT),
    )
    legs = [
        (work.account, "KRW", value - fee - tax if sells else -value - fee, "trade"),
        (1, "KRW", -value if sells else value, "trade"),
        (work.account, work.symbol, shares, "trade"),
        (1, work.symbol, -shares, "trade"),
        (2, "KRW", fee, "fee"),
        (3, "KRW", tax, "tax"),
    ]
    rows = [(work.trade_id, leg, DAY, *each) for leg, each in enumerate(legs, 1) if each[2]]
    run(
        NEW_LEGS + ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(rows)),
        *[cell for row in rows for cell in row],
    )
    run(HOUSE, -shares, price, work.symbol)


def write_holdings(work: Work) -> None:
    """Change the account's cash and shares."""
    run, sold = work.run, work.filled
    if sold or work.reserve_won:
        cash = work.value_won - work.tax_won if work.sells else -work.value_won
        run(CASH, cash - work.fee_won, work.reserve_won, work.account)
    if work.sells:
        run(SOLD, sold, sold, work.quantity - sold, work.account, work.symbol)
    elif sold:
        run(
            NEW_POSITION + KEEP_POSITION[work.engine],
            *(work.account, work.symbol, sold, work.value_won),
        )


def postgresql(url: str) -> Run:
    """Return what sends one statement to PostgreSQL: prepared, over one connection."""
    import psycopg  # noqa: PLC0415  one driver is enough

    conn = psycopg.connect(url, autocommit=True, prepare_threshold=0)
    conn.execute("SET TimeZone = 'UTC'")
    cursor = conn.cursor()

    def run(sql: str, *values: object) -> list[Any]:
        cursor.execute(sql.encode(), values or None)
        return cursor.fetchall() if cursor.description else []

    return run


def mariadb(url: str) -> Run:
    """Return what sends one statement to MariaDB, as text: PyMySQL prepares nothing."""
    import pymysql  # noqa: PLC0415  one driver is enough

    parts = urlsplit(url)
    conn = pymysql.connect(
        unix_socket=parse_qs(parts.query)["unix_socket"][0],
        user=parts.username,
        database=parts.path.lstrip("/"),
        charset="utf8mb4",
        collation="utf8mb4_nopad_bin",
        init_command="SET time_zone = '+00:00', tx_isolation = 'READ-COMMITTED'",
        autocommit=True,
    )
    cursor = conn.cursor()

    def run(sql: str, *values: object) -> list[Any]:
        cursor.execute(sql, values or None)
        return list(cursor.fetchall()) if cursor.description else []

    return run


def client(url: str, seconds: float, number: int, done: Any) -> None:
    """Place orders for so long; put how many into `done`."""
    engine = urlsplit(url).scheme
    run = {"postgresql": postgresql, "mariadb": mariadb}[engine](url)
    draw, tag, count = random.Random(), f"st-{os.getpid()}-{time.time_ns()}", 0  # noqa: S311
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        order(run, engine, f"{tag}-{count}", draw)
        count += 1
    done.put((number, count))


def measure(url: str, clients: int, seconds: float) -> float:
    """Return the orders a second of so many clients."""
    fork = multiprocessing.get_context("fork")
    done = fork.Queue()
    processes = [fork.Process(target=client, args=(url, seconds, n, done)) for n in range(clients)]
    for process in processes:
        process.start()
    counts = [done.get(timeout=seconds + 60)[1] for _ in processes]
    for process in processes:
        process.join(60)
    return sum(counts) / seconds


if __name__ == "__main__":
    print(measure(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
