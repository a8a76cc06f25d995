"""One key, one order: also where two sessions send it at once, and where it is no key at all."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
from conftest import Labs, eventually
from trading import CLOCK, Bed, bed_of

from stockops import orders
from stockops.engine import ENGINES, connect
from stockops.engine.base import Server
from stockops.orders import Answer, Order

Send = Callable[[Server, Order], Answer]


@pytest.fixture(scope="module", params=sorted(ENGINES))
def bed(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    """One database for the tests of this file: each makes issues and accounts of its own."""
    with bed_of(all_labs.get(str(request.param))) as bed:
        yield bed


def alone(server: Server, order: Order) -> Answer:
    return orders.place(server, order, clock=CLOCK)


def in_a_batch(server: Server, order: Order) -> Answer:
    return orders.place_many(server, [order], clock=CLOCK)[0]


def open_stock(bed: Bed) -> str:
    """An issue whose day is open: the first order of a day looks for its key under all locks."""
    symbol = bed.stock()
    assert bed.buy(bed.account(), symbol, 1).status == "filled"
    return symbol


@contextmanager
def locked_account(bed: Bed, account: int) -> Iterator[None]:
    """Keep whoever trades for `account` waiting for the length of the block."""
    with connect(bed.target) as server, server.transaction():
        server.rows(
            "SELECT account_id FROM accounts WHERE account_id = %(a)s FOR UPDATE", {"a": account}
        )
        yield


def waiting(server: Server) -> int:
    """How many sessions wait for a row."""
    sql = {
        "postgresql": "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
        "mariadb": "SELECT count(*) AS n FROM information_schema.innodb_trx "
        "WHERE trx_state = 'LOCK WAIT'",
    }
    return int(server.rows(sql[server.engine])[0]["n"])


def send_at_once(bed: Bed, pairs: list[tuple[Send, Order]]) -> list[Answer]:
    """Send each order in a session of its own; none is done before all of them are under way."""
    with ThreadPoolExecutor(len(pairs)) as pool:
        with locked_account(bed, pairs[0][1].account_id):
            sent = [pool.submit(send_it, bed, send, order) for send, order in pairs]
            eventually(lambda: waiting(bed.server) == len(pairs))
        return [future.result(timeout=60) for future in sent]


def send_it(bed: Bed, send: Send, order: Order) -> Answer:
    with connect(bed.target, lock_timeout_s=30) as server:
        return send(server, order)


@pytest.mark.parametrize("second", [alone, in_a_batch])
@pytest.mark.parametrize("first", [alone, in_a_batch])
@pytest.mark.parametrize("change", ["nothing", "the quantity", "the symbol"])
def test_a_key_sent_twice_at_once_is_one_order(
    bed: Bed, first: Send, second: Send, change: str
) -> None:
    account = bed.account()
    order = bed.order(account, "buy", open_stock(bed), 5)
    others = {
        "nothing": order,
        "the quantity": replace(order, quantity=6),
        "the symbol": replace(order, symbol=open_stock(bed)),
    }
    answers = send_at_once(bed, [(first, order), (second, others[change])])
    told = sorted((answer.status, answer.reason, answer.replayed) for answer in answers)
    stored = ("filled", None, False)
    if change == "nothing":
        assert told == [stored, ("filled", None, True)]
        assert answers[0] == replace(answers[1], replayed=answers[0].replayed)
    else:
        assert told == [stored, ("rejected", "key_reused", False)]
    count = "SELECT count(*) AS n FROM orders WHERE account_id = %(a)s"
    assert bed.one(count, a=account) == 1


def test_a_batch_that_meets_some_of_its_keys_is_placed_for_the_rest(bed: Bed) -> None:
    account = bed.account()
    taken = [bed.order(account, "buy", open_stock(bed), 5) for _ in range(3)]
    batch = [replace(order, symbol=open_stock(bed)) for order in taken]
    batch.append(bed.order(account, "buy", open_stock(bed), 5))

    def whole(server: Server, order: Order) -> Answer:
        del order
        answers = orders.place_many(server, batch, clock=CLOCK)
        reused = [answer.reason == "key_reused" for answer in answers]
        assert reused.count(True) <= len(taken)
        assert answers[-1].status == "filled"
        return answers[-1]

    pairs: list[tuple[Send, Order]] = [(alone, order) for order in taken]
    send_at_once(bed, [*pairs, (whole, batch[-1])])
    kept = bed.server.rows(
        "SELECT count(*) AS n, count(DISTINCT idempotency_key) AS k FROM orders "
        "WHERE account_id = %(a)s",
        {"a": account},
    )
    assert kept == [{"n": 4, "k": 4}]


UNSAYABLE = ["x" * 65, "x" * 256, "가" * 300, "x" * 100_000, "a\0b", "\ud800", ""]


@pytest.mark.parametrize("send", [alone, in_a_batch])
@pytest.mark.parametrize("text", UNSAYABLE, ids=lambda text: f"{len(text)} characters")
def test_a_text_that_cannot_be_is_refused_by_an_answer(bed: Bed, send: Send, text: str) -> None:
    order = bed.order(bed.account(), "buy", bed.stock(), 5)
    for change, reason in (
        ({"key": text}, "bad_request"),
        ({"side": text}, "bad_request"),
        ({"symbol": text}, "unknown_symbol"),
        ({"key": text, "quantity": 0}, "bad_quantity"),
    ):
        answer = send(bed.server, replace(order, **change))
        assert (answer.status, answer.reason, answer.order_id) == ("rejected", reason, None)
    assert send(bed.server, order).status == "filled"


@pytest.mark.parametrize("send", [alone, in_a_batch])
def test_a_valid_text_with_more_behind_it_is_not_the_valid_one(bed: Bed, send: Send) -> None:
    symbol = bed.stock()
    order = bed.order(bed.account(holds={symbol: 50}), "sell", symbol, 5)
    sent: list[tuple[dict[str, str], str]] = [
        ({"side": "sells"}, "bad_request"),
        ({"symbol": f"{symbol}0"}, "unknown_symbol"),
        ({"symbol": f"{symbol} "}, "unknown_symbol"),
        ({"side": "SELL"}, "bad_request"),
    ]
    for change, reason in sent:
        assert send(bed.server, replace(order, **change)).reason == reason  # type: ignore[arg-type]
    assert bed.shares(order.account_id, symbol)[0] == 50
