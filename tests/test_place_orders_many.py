"""Many orders: one by one, in batches, at once, and on both engines."""

import itertools
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

import pytest
from conftest import Labs
from market import Markets
from trading import CLOCK, Bed, bed_of, check_books, plain

from stockops import orders
from stockops.engine import ENGINES, connect
from stockops.engine.base import Server
from stockops.orders import Answer, Order

Row = dict[str, object]
Mode = Literal["one by one", "in batches"]

ORDERS = 500
BATCH = 100
CLIENTS = 16
CLIENT_SECONDS = 3.0
CALLS_MIN = 30  # of a client, however busy the machine is: enough to fill and to cancel
CLIENT_LOCK_TIMEOUT_S = 30.0

# Numbers drawn from event_ids, counted from the first one that the orders drew. A batch may draw
# them in another order, but not within an issue: `TABLES` are sorted by issue, then by number.
EVENTS = {
    "order_id", "trade_id", "journal_id", "audit_id", "closed_event_id", "buy_order_id",
    "sell_order_id",
}  # fmt: skip
TABLES = {
    "orders": (
        "SELECT order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, "
        "filled_quantity, reserved_won, status, reason, resting_won, business_date, placed_at, "
        "closed_event_id FROM orders ORDER BY symbol, order_id"
    ),
    "trades": (
        "SELECT trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity, "
        "value_won, buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at "
        "FROM trades ORDER BY symbol, trade_id"
    ),
    "journal": (
        "SELECT j.journal_id, t.symbol, j.leg, j.business_date, j.account_id, j.asset, j.amount, "
        "j.kind FROM journal_entries j LEFT JOIN trades t ON t.trade_id = j.journal_id "
        "WHERE j.journal_id >= %(first)s ORDER BY t.symbol, j.journal_id, j.leg"
    ),
    "positions": (
        "SELECT account_id, symbol, quantity, reserved_quantity, cost_won FROM positions "
        "ORDER BY account_id, symbol"
    ),
    "accounts": "SELECT account_id, cash_won, reserved_won FROM accounts ORDER BY account_id",
    "inventory": (
        "SELECT symbol, available_shares, last_won, quote_date, base_won, lower_won, upper_won, "
        "settles_on, sell_tax_rate FROM stock_inventory ORDER BY symbol"
    ),
    "audit": (
        "SELECT l.audit_id, o.symbol, l.business_date, l.actor, l.user_id, l.action, l.entity, "
        "l.detail FROM audit_log l LEFT JOIN orders o ON o.order_id = l.audit_id "
        "WHERE l.audit_id >= %(first)s ORDER BY o.symbol, l.audit_id"
    ),
}


@dataclass(slots=True)
class Runs:
    """What the same orders made of the same market, for each engine and way of sending them."""

    labs: Labs
    markets: Markets
    done: dict[tuple[str, Mode], dict[str, list[Row]]] = field(default_factory=dict)

    def books(self, engine: str, mode: Mode) -> dict[str, list[Row]]:
        if (engine, mode) not in self.done:
            with self.markets.open(self.labs.get(engine)) as target, connect(target) as server:
                first = Bed(server, target).next_event() + 1
                asked = random_orders(server)
                answers = placed(server, asked, mode)
                assert len({answer.reason for answer in answers}) >= 8  # of all kinds
                check_books(server)
                books = {name: rows_of(server, sql, first) for name, sql in TABLES.items()}
                books["answers"] = [{**asdict(a), "order_id": None} for a in answers]
                self.done[engine, mode] = books
        return self.done[engine, mode]


@pytest.fixture(scope="module")
def runs(all_labs: Labs, markets: Markets) -> Runs:
    return Runs(all_labs, markets)


def random_orders(server: Server) -> list[Order]:
    """
    The same for the same market: of 21 issues, one of them halted, and 24 accounts.

    Every other batch repeats keys and asks for more than an account can pay: what a batch must
    not take together.
    """
    listed = (
        "SELECT i.symbol, i.last_won, tick_won('KOSPI', '2025-01-03', i.last_won) AS tick "
        "FROM stock_inventory i JOIN stocks s ON s.symbol = i.symbol "
        "WHERE s.status = %(status)s ORDER BY i.last_won, i.symbol LIMIT %(n)s"
    )
    issues = server.rows(listed, {"status": "listed", "n": 20})
    issues += server.rows(listed, {"status": "halted", "n": 1})
    rich = "SELECT account_id FROM accounts ORDER BY cash_won DESC, account_id LIMIT 24"
    accounts = [int(row["account_id"]) for row in server.rows(rich)]
    held = (
        "SELECT account_id, symbol FROM positions WHERE quantity >= 6 ORDER BY account_id, symbol"
    )
    holdings = [(int(row["account_id"]), str(row["symbol"])) for row in server.rows(held)]
    prices = {str(row["symbol"]): (int(row["last_won"]), int(row["tick"])) for row in issues}
    holdings = [each for each in holdings if each[1] in prices]
    draw = random.Random(20250103)
    asked: list[Order] = []
    for number in range(ORDERS):
        account, symbol = draw.choice(accounts), draw.choice(list(prices))
        side: orders.Side = draw.choice(("buy", "sell"))
        if side == "sell" and draw.random() < 0.9:
            account, symbol = draw.choice(holdings)
        price = prices[symbol][0] + prices[symbol][1] * draw.randint(-4, 4)
        order = Order(
            key=f"key-{number}",
            account_id=account,
            symbol=symbol,
            side=side,
            quantity=draw.randint(1, 6),
            limit_won=price if draw.random() < 0.85 else None,
        )
        asked.append(troubled(order, asked, draw, hard=number // BATCH % 2 == 1))
    return asked


def troubled(order: Order, asked: list[Order], draw: random.Random, *, hard: bool) -> Order:
    """Return `order`, or now and then one that is refused or answered again."""
    match draw.randrange(30):
        case 0:
            return replace(order, symbol="99999Z")
        case 1 if order.limit_won:
            return replace(order, limit_won=int(order.limit_won * 1.5))
        case 2:
            return replace(order, quantity=0)
        case 3 if hard:
            return replace(order, side="buy", quantity=1_000_000)
        case 4 if hard:
            return draw.choice(asked)
        case 5 if hard:
            return replace(draw.choice(asked), quantity=7)
    return order


def placed(server: Server, asked: list[Order], mode: Mode) -> list[Answer]:
    if mode == "one by one":
        return [orders.place(server, order, clock=CLOCK) for order in asked]
    return [
        answer
        for at in range(0, len(asked), BATCH)
        for answer in orders.place_many(server, asked[at : at + BATCH], clock=CLOCK)
    ]


def rows_of(server: Server, sql: str, first: int) -> list[Row]:
    """Return rows whose event numbers count from `first`."""
    rows = server.rows(sql, {"first": first} if "%(first)s" in sql else None)
    return [
        {
            name: int(value) - first if name in EVENTS and value is not None else plain(value)
            for name, value in row.items()
        }
        for row in rows
    ]


def without_numbers(rows: list[Row]) -> list[Row]:
    return [{name: value for name, value in row.items() if name not in EVENTS} for row in rows]


def test_the_same_orders_make_the_same_rows_on_both_engines(runs: Runs) -> None:
    theirs, ours = runs.books("postgresql", "one by one"), runs.books("mariadb", "one by one")
    for name, rows in theirs.items():
        assert ours[name] == rows, name
    assert len(theirs["trades"]) > 100
    met = [row for row in theirs["trades"] if row["buy_order_id"] and row["sell_order_id"]]
    assert len(met) > 20  # two customers, not one and the house


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_the_same_orders_in_batches_make_the_same_books(runs: Runs, engine: str) -> None:
    singly, batched = runs.books(engine, "one by one"), runs.books(engine, "in batches")
    for name, rows in singly.items():
        assert without_numbers(batched[name]) == without_numbers(rows), name


@pytest.fixture(params=sorted(ENGINES))
def busy(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    with bed_of(all_labs.get(str(request.param))) as bed:
        yield bed


def deadlocks(bed: Bed) -> int:
    """How many the server has seen so far."""
    if bed.engine == "postgresql":
        return int(bed.one("SELECT sum(deadlocks) AS n FROM pg_stat_database"))
    rows = bed.server.rows("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")
    return int(rows[0]["Value"])


# Position, number and turn of what the orders of a batch meet, and which positions to take out.
CHAINS = [
    (
        [(44, 2, 1), (185, 1, 1), (428, 1, 2), (87, 1, 1), (87, 2, 1), (87, 3, 1), (377, 1, 1),
         (377, 2, 1), (415, 1, 2), (415, 2, 2), (343, 1, 1), (343, 2, 1)],
        {377},
    ),
    (
        [(297, 1, 1), (362, 1, 1), (362, 2, 1), (168, 1, 1), (168, 2, 1), (168, 3, 1),
         (226, 1, 1), (408, 1, 2), (408, 2, 2), (408, 3, 2), (384, 3, 1), (232, 1, 1)],
        {168, 226},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("met", "out"), CHAINS)
def test_mariadb_deletes_each_meeting_of_an_order_that_is_taken_out(
    all_labs: Labs, met: list[tuple[int, int, int]], out: set[int]
) -> None:
    """Where it reads the table of meetings by an index while it deletes, it skips one of these."""
    with bed_of(all_labs.get("mariadb")) as bed:
        text = bed.one(
            "SELECT routine_definition FROM information_schema.routines "
            "WHERE routine_schema = database() AND routine_name = 'place_turn'"
        )
        (delete,) = re.findall(r"DELETE f FROM [^;]*batch_fills[^;]*;", text)
        bed.server.execute("CALL judge_orders('[]', '2025-01-03', '2025-01-03 01:00:00')")
        for position, number, turn in met:
            row = {"position": position, "number": number, "turn": turn}
            bed.server.execute(
                "INSERT INTO batch_fills (position_no, fill_no, turn) "
                "VALUES (%(position)s, %(number)s, %(turn)s)",
                row,
            )
        for position, turn in sorted({(position, turn) for position, _, turn in met}):
            row = {"position": position, "turn": turn, "out": position in out}
            bed.server.execute(
                "INSERT INTO batch_done (position_no, turn, reason) VALUES (%(position)s, "
                "%(turn)s, CASE WHEN %(out)s THEN 'self_match' END)",
                row,
            )
        bed.server.execute(delete.replace("p_turn", "1"))
        left = bed.server.rows("SELECT position_no, fill_no, turn FROM batch_fills")
        assert {tuple(row.values()) for row in left} == {m for m in met if m[0] not in out}


def test_each_sale_of_an_account_to_one_order_cuts_its_cost(busy: Bed) -> None:
    symbols = [busy.stock() for _ in range(8)]
    seller, buyer = busy.account(holds=dict.fromkeys(symbols, 7)), busy.account()
    busy.server.execute("UPDATE positions SET cost_won = 10000")
    sells = [busy.order(seller, "sell", symbol, 1, 50_100) for symbol in symbols * 2]
    orders.place_many(busy.server, sells, clock=CLOCK)
    buys = [busy.order(buyer, "buy", symbol, 2, 50_100) for symbol in symbols]
    busy.server.execute("UPDATE stock_inventory SET available_shares = 0, last_won = 50200")
    answers = orders.place_many(busy.server, buys, clock=CLOCK)
    assert {answer.filled_quantity for answer in answers} == {2}
    # 10,000 less a seventh, less a sixth of what is left; at once it would be 7,143.
    assert {busy.shares(seller, symbol) for symbol in symbols} == {(5, 0, 7144)}
    busy.server.execute("UPDATE stock_inventory SET available_shares = 1000000")


def test_more_resting_orders_than_a_batch_copies_are_met_in_order(busy: Bed) -> None:
    symbols = [busy.stock() for _ in range(8)]
    deep, resting = symbols[0], 1_050
    seller, buyer = busy.account(holds={deep: resting}), busy.account(1_000_000_000)
    busy.sell(seller, deep, 1, 60_000)  # opens the day
    columns = (
        "account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, "
        "reserved_won, status, business_date, placed_at"
    )
    busy.server.execute(
        f"INSERT INTO orders (order_id, {columns}) "
        + " UNION ALL ".join(
            f"SELECT {-n}, account_id, 'planted {n}', symbol, side, kind, 50100, quantity, "
            "filled_quantity, reserved_won, status, business_date, placed_at FROM orders"
            for n in range(1, resting)
        )
    )
    busy.server.execute(
        "INSERT INTO audit_log (audit_id, business_date, action, entity, entity_id, detail) "
        "SELECT order_id, business_date, 'place', 'order', order_id, 'planted' FROM orders "
        "WHERE order_id < 0"
    )
    busy.server.execute(f"UPDATE positions SET reserved_quantity = {resting}")
    busy.server.execute(
        "UPDATE stock_inventory SET last_won = 50200 WHERE symbol = %(s)s", {"s": deep}
    )
    wanted = [busy.order(buyer, "buy", symbol, 1, 50_100) for symbol in symbols[1:]]
    wanted.append(busy.order(buyer, "buy", deep, 1_040, 50_100))
    answers = orders.place_many(busy.server, wanted, clock=CLOCK)
    assert [answer.filled_quantity for answer in answers] == [1] * 7 + [1_040]
    left = "SELECT order_id FROM orders WHERE order_id < 0 AND status = 'open' ORDER BY order_id"
    assert [int(row["order_id"]) for row in busy.server.rows(left)] == list(range(-9, 0))
    assert busy.shares(seller, deep)[:2] == (10, 10)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_refused_orders_of_batches_have_no_trades(busy: Bed) -> None:
    draw = random.Random(20250103)
    symbols = [busy.stock(50_000) for _ in range(30)]
    buyers = [busy.account(1_000_000_000) for _ in range(8)]
    sellers = [busy.account(holds=dict.fromkeys(symbols, 100_000)), busy.account()]
    refused = 0
    for n in range(2_000):
        price = 49_900 - 100 * (n % 90)
        some = draw.sample(symbols, draw.randint(8, 30))
        rest = [
            busy.order(buyer, "buy", symbol, 1, price)
            for symbol in some
            for buyer in draw.sample(buyers, draw.randint(0, 8))
        ]
        selling = [
            busy.order(draw.choice(sellers), "sell", symbol, draw.randint(1, 3), price)
            for _ in range(4)
            for symbol in draw.sample(some, len(some))
        ]
        for batch in (rest, selling):
            answers = orders.place_many(busy.server, batch, clock=CLOCK) if batch else []
            refused += sum(answer.status == "rejected" for answer in answers)
    assert refused > 10_000
    assert not busy.server.rows(
        "SELECT o.order_id FROM orders o JOIN trades t ON t.sell_order_id = o.order_id "
        "WHERE o.status = 'rejected'"
    )


@dataclass(slots=True)
class Client:
    """One of many that trade the same few issues from the same few accounts."""

    number: int
    bed: Bed
    symbols: list[str]
    accounts: list[int]

    def run(self, start: threading.Barrier) -> Counter[str]:
        """Place, cancel and send batches, `CALLS_MIN` at least; return the answers by status."""
        draw, said, resting = random.Random(self.number), Counter[str](), list[int]()
        with connect(self.bed.target, lock_timeout_s=CLIENT_LOCK_TIMEOUT_S) as server:
            start.wait(60)
            until, calls = time.monotonic() + CLIENT_SECONDS, itertools.count()
            while next(calls) < CALLS_MIN or time.monotonic() < until:
                if resting and draw.random() < 0.2:
                    answers = [orders.cancel(server, resting.pop(), clock=CLOCK)]
                elif draw.random() < 0.1:
                    batch = [self._order(draw) for _ in range(8)]
                    answers = orders.place_many(server, batch, clock=CLOCK)
                else:
                    answers = [orders.place(server, self._order(draw), clock=CLOCK)]
                said.update(answer.status for answer in answers)
                resting += [a.order_id for a in answers if a.status == "open" and a.order_id]
        return said

    def _order(self, draw: random.Random) -> Order:
        return Order(
            key=f"{self.number}-{draw.getrandbits(64)}",
            account_id=draw.choice(self.accounts),
            symbol=draw.choice(self.symbols),
            side=draw.choice(("buy", "sell")),
            quantity=draw.randint(1, 20),
            limit_won=50_000 + 100 * draw.randint(-6, 6) if draw.random() < 0.9 else None,
        )


def test_sixteen_clients_on_three_issues_and_ten_accounts_never_deadlock(busy: Bed) -> None:
    symbols = [busy.stock(50_000, house=5_000) for _ in range(3)]
    holds = dict.fromkeys(symbols, 10_000)
    accounts = [busy.account(1_000_000_000, holds=holds) for _ in range(10)]
    before, start = deadlocks(busy), threading.Barrier(CLIENTS)
    clients = [Client(n, busy, symbols, accounts) for n in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        said = sum(pool.map(lambda client: client.run(start), clients), Counter[str]())
    assert deadlocks(busy) == before
    assert said["filled"] > 100
    assert said["cancelled"] > 10
    check_books(busy.server)
    met = "SELECT count(*) AS n FROM trades WHERE buy_order_id > 0 AND sell_order_id > 0"
    assert busy.one(met) > 50
