"""
One order, each statement of whose transaction the client sends itself: what a program does that has
no stored routine to call.

It is asked for the same orders as the other arms of the bench, and reads, locks and writes the same
rows in the same order as ``place_order`` does, one statement for each. It takes for granted what
the bench never asks for: an unknown account, a closed session, a price that is off its tick. Its
books balance.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stockops.orders import Order

DAY, AT = "2025-01-03", "2025-01-03 01:00:00"
Run = Callable[..., list[Any]]

LOCKS = {"postgresql": "FOR NO KEY UPDATE", "mariadb": "FOR UPDATE"}
ISSUE = (
    "SELECT available_shares, last_won, quote_date, lower_won, upper_won, settles_on, "
    "sell_tax_rate, opens_at, closes_at, tick_won, high_tick_from_won, high_tick_won "
    "FROM stock_inventory WHERE symbol = %s "
)
BEST = {
    "sell": "SELECT max(resting_won) FROM orders WHERE symbol = %s AND side = 'buy'",
    "buy": "SELECT min(resting_won) FROM orders WHERE symbol = %s AND side = 'sell'",
}
_MET = (
    "SELECT o.order_id, o.account_id, o.resting_won, o.quantity - o.filled_quantity, "
    "o.reserved_won, a.user_id, a.tax_exempt, a.broker_id "
    "FROM orders AS o JOIN accounts AS a ON a.account_id = o.account_id "
)
MET = {
    "sell": _MET + "WHERE o.symbol = %s AND o.side = 'buy' AND o.resting_won >= %s "
    "ORDER BY o.resting_won DESC, o.order_id LIMIT %s",
    "buy": _MET + "WHERE o.symbol = %s AND o.side = 'sell' AND o.resting_won <= %s "
    "ORDER BY o.resting_won, o.order_id LIMIT %s",
}
FILLED = (
    "UPDATE orders SET filled_quantity = filled_quantity + %s, reserved_won = %s, status = %s, "
    "closed_event_id = %s WHERE order_id = %s"
)
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
    "quantity, filled_quantity, reserved_won, status, reason, business_date, placed_at, "
    "closed_event_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
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
class Fill:
    """A trade to be written: with a resting order, or with the house."""

    price_won: int
    quantity: int
    fee_won: int
    tax_won: int
    order_id: int | None = None  # the rest is of the resting order
    account: int = 1
    left: int = 0
    released_won: int = 0
    reserve_won: int = 0
    their_fee_won: int = 0
    their_tax_won: int = 0
    trade_id: int = 0

    @property
    def value_won(self) -> int:
        """What it is worth."""
        return self.price_won * self.quantity


@dataclass(slots=True)
class Work:
    """One order on its way: what is asked for, then what was read, then what comes of it."""

    run: Run
    engine: str
    asked: Order
    stock: Any = None  # available, last, quote date, lower, upper, settles on, tax rate
    owner: Any = None  # status, user, exempt, available cash, broker
    rate: Any = None
    held: int = 0
    met: list[Any] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    reason: str | None = None
    order_id: int = 0
    left: int = 0
    reserve_won: int = 0

    @property
    def sells(self) -> bool:
        """Whether it is a sale."""
        return self.asked.side == "sell"

    @property
    def bound_won(self) -> int:
        """The last price it takes."""
        return self.asked.limit_won or int(self.stock[3 if self.sells else 4])

    def takes(self, price_won: int) -> bool:
        """Whether it trades at that price."""
        return price_won >= self.bound_won if self.sells else price_won <= self.bound_won

    def total(self, what: str) -> int:
        """What its fills sum up to."""
        return sum(getattr(fill, what) for fill in self.fills)


def drawn(key: str, draw: random.Random) -> Order:
    """Return an order of the bench's mix, as all of its clients ask for them."""
    place, sells = draw.randint(1, 1000), draw.random() < 0.4
    number = draw.randint(0, 89) * 10 + place % 10 if sells else draw.randint(1, 900)
    away = draw.randint(-5, 5)
    limit = None if draw.random() < 0.3 else 50_000 + away * (100 if away > 0 else 50)
    return Order(
        key=key,
        account_id=1000 + place,
        symbol=f"{(number or 900) * 10:06d}",
        side="sell" if sells else "buy",
        limit_won=limit,
        quantity=draw.randint(1, 20),
    )


def order(run: Run, engine: str, key: str, draw: random.Random) -> None:
    """Place one order; `run` sends one statement and returns its rows."""
    work = Work(run=run, engine=engine, asked=drawn(key, draw))
    run("BEGIN")
    read_issue(work)
    read_account(work)
    match(work)
    write_order(work)
    if work.reason is None:
        for fill in work.fills:
            write_trade(work, fill)
        write_holdings(work)
    run("COMMIT")


def read_issue(work: Work) -> None:
    """Lock the issue; read its rules, and the resting orders that are met."""
    run = work.run
    work.stock = run(ISSUE + LOCKS[work.engine], work.asked.symbol)[0]
    run("SELECT market, status, listed_shares FROM stocks WHERE symbol = %s", work.asked.symbol)
    best = run(BEST[work.asked.side], work.asked.symbol)[0][0]
    if best is not None and work.takes(best):
        work.met = run(MET[work.asked.side], work.asked.symbol, work.bound_won, work.asked.quantity)


def read_account(work: Work) -> None:
    """Look for the key, lock the accounts in their order, read the rate and what can be sold."""
    run = work.run
    run(
        "SELECT order_id FROM orders WHERE account_id = %s AND idempotency_key = %s",
        work.asked.account_id,
        work.asked.key,
    )
    left = work.asked.quantity
    owners = {work.asked.account_id}
    for n, (_, account, _, remaining, *_) in enumerate(work.met, 1):
        owners.add(account)
        left -= remaining
        if left <= 0:
            del work.met[n:]
            break
    for account in sorted(owners):
        row = run(ACCOUNT + LOCKS[work.engine], account)[0]
        if account == work.asked.account_id:
            work.owner = row
    work.rate = run(RATE, work.owner[4], DAY)[0][0]
    if work.sells:
        rows = run(HELD, work.asked.account_id, work.asked.symbol)
        work.held = rows[0][0] if rows else 0


def match(work: Work) -> None:
    """Decide what is filled, at which price, and what is refused."""
    run, last, exempt, tax_rate = work.run, int(work.stock[1]), work.owner[2], work.stock[6]
    work.left = work.asked.quantity
    for order_id, account, price, remaining, released, user, their_exempt, broker in work.met:
        if user == work.owner[1]:
            work.reason = "self_match"
        quantity = min(work.left, remaining)
        work.left -= quantity
        value, last = price * quantity, price
        their_rate = run(RATE, broker, DAY)[0][0]
        open_won = price * (remaining - quantity) if work.sells else 0
        work.fills.append(
            Fill(
                price_won=price,
                quantity=quantity,
                fee_won=int(value * work.rate),
                tax_won=int(value * tax_rate) if work.sells and not exempt else 0,
                order_id=order_id,
                account=account,
                left=remaining - quantity,
                released_won=released,
                reserve_won=open_won + int(open_won * their_rate),
                their_fee_won=int(value * their_rate),
                their_tax_won=0 if work.sells or their_exempt else int(value * tax_rate),
            )
        )
    if work.left and work.takes(last):
        value = last * work.left
        tax = int(value * tax_rate) if work.sells and not exempt else 0
        work.fills.append(
            Fill(price_won=last, quantity=work.left, fee_won=int(value * work.rate), tax_won=tax)
        )
        work.left = 0
    if work.left and not work.sells:
        open_won = work.bound_won * work.left
        work.reserve_won = open_won + int(open_won * work.rate)
    needed = work.total("value_won") + work.total("fee_won") + work.reserve_won
    if work.sells and work.held < work.asked.quantity:
        work.reason = "insufficient_shares"
    elif not work.sells and needed > work.owner[3]:
        work.reason = "insufficient_cash"


def write_order(work: Work) -> None:
    """Draw the numbers, and write the order and its line in the audit log."""
    run, asked = work.run, work.asked
    work.order_id = run(NEXT_ID[work.engine])[0][0]
    if work.reason:
        work.fills, work.left, work.reserve_won, status = [], asked.quantity, 0, "rejected"
    else:
        status = "open" if work.left else "filled"
    for fill in work.fills:
        fill.trade_id = run(NEXT_ID[work.engine])[0][0]
    ended = work.fills[-1].trade_id if work.fills else work.order_id
    filled = asked.quantity - work.left
    run(
        NEW_ORDER,
        *(work.order_id, asked.account_id, asked.key, asked.symbol, asked.side, asked.kind),
        *(asked.limit_won, asked.quantity, filled, work.reserve_won, status, work.reason),
        *(DAY, AT, None if work.left and not work.reason else ended),
    )
    said = f"{asked.side} {asked.kind} {asked.symbol} {asked.quantity} at "
    said += f"{asked.limit_won or 'market'} {status} "
    said += work.reason or f"filled {filled} for {work.total('value_won')}"
    run(NEW_AUDIT, work.order_id, DAY, work.owner[1], str(work.order_id), said)


def write_trade(work: Work, fill: Fill) -> None:
    """Write a trade and its journal, and what it leaves of the other side."""
    run, sells, value = work.run, work.sells, fill.value_won
    shares = -fill.quantity if sells else fill.quantity
    fees = (fill.their_fee_won, fill.fee_won) if sells else (fill.fee_won, fill.their_fee_won)
    sides = (fill.order_id, work.order_id) if sells else (work.order_id, fill.order_id)
    tax = fill.tax_won + fill.their_tax_won
    run(
        NEW_TRADE,
        *(fill.trade_id, work.asked.symbol, *sides, work.asked.side, fill.price_won, fill.quantity),
        *(*fees, tax, DAY, work.stock[5], AT),
    )
    theirs = (-value if sells else value) - fill.their_fee_won - fill.their_tax_won
    legs = [
        (
            work.asked.account_id,
            "KRW",
            (value if sells else -value) - fill.fee_won - fill.tax_won,
            "trade",
        ),
        (fill.account, "KRW", theirs, "trade"),
        (work.asked.account_id, work.asked.symbol, shares, "trade"),
        (fill.account, work.asked.symbol, -shares, "trade"),
        (2, "KRW", sum(fees), "fee"),
        (3, "KRW", tax, "tax"),
    ]
    rows = [(fill.trade_id, leg, DAY, *each) for leg, each in enumerate(legs, 1) if each[2]]
    run(
        NEW_LEGS + ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(rows)),
        *[cell for row in rows for cell in row],
    )
    if fill.order_id is None:
        return
    status, ended = ("open", None) if fill.left else ("filled", fill.trade_id)
    run(FILLED, fill.quantity, fill.reserve_won, status, ended, fill.order_id)
    run(CASH, theirs, fill.reserve_won - fill.released_won, fill.account)
    if sells:
        run(
            NEW_POSITION + KEEP_POSITION[work.engine],
            *(fill.account, work.asked.symbol, fill.quantity, value),
        )
    else:
        run(SOLD, fill.quantity, fill.quantity, -fill.quantity, fill.account, work.asked.symbol)


def write_holdings(work: Work) -> None:
    """Change what the house has left, and the account's cash and shares."""
    run, value, costs = work.run, work.total("value_won"), work.total("fee_won")
    filled = work.asked.quantity - work.left
    if work.fills:
        house = sum(fill.quantity for fill in work.fills if fill.order_id is None)
        price = work.fills[-1].price_won
        run(HOUSE, house if work.sells else -house, price, work.asked.symbol)
    if filled or work.reserve_won:
        cash = value - work.total("tax_won") if work.sells else -value
        run(CASH, cash - costs, work.reserve_won, work.asked.account_id)
    if work.sells:
        run(SOLD, filled, filled, work.left, work.asked.account_id, work.asked.symbol)
    elif filled:
        run(
            NEW_POSITION + KEEP_POSITION[work.engine],
            *(work.asked.account_id, work.asked.symbol, filled, value),
        )
