"""Orders through the program: what is sent, what comes back, what it means."""

import re
from dataclasses import replace
from datetime import date, time

import pytest

from stockops import orders, resources
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import ConfigError
from stockops.orders import Order, clock_of
from stockops.targets import Target

CLOCK = clock_of(date(2025, 1, 3), time(10, 0))


def some_order(server: Server, **changes: object) -> Order:
    """Return an order for ten shares that the house can fill."""
    symbol = server.rows(
        "SELECT i.symbol FROM stock_inventory i JOIN stocks s ON s.symbol = i.symbol "
        "WHERE s.status = 'listed' AND i.last_won < 200000 ORDER BY i.symbol"
    )[0]["symbol"]
    order = Order(key="k-1", account_id=1001, symbol=symbol, side="buy", quantity=10)
    return replace(order, **changes)  # type: ignore[arg-type]


def test_an_order_is_placed_and_the_same_key_answers_the_same(market: Target) -> None:
    with connect(market) as server:
        order = some_order(server)
        first = orders.place(server, order, clock=CLOCK)
        again = orders.place(server, order, clock=CLOCK)
    assert first.status == "filled"
    assert first.filled_quantity == 10
    assert first.filled_value_won > 0
    assert first.accepted
    assert first.meaning is None
    assert not first.replayed
    assert again == replace(first, replayed=True)


def test_a_rejection_is_an_answer_with_a_meaning(market: Target) -> None:
    with connect(market) as server:
        answer = orders.place(server, some_order(server, account_id=7), clock=CLOCK)
    assert not answer.accepted
    assert answer.reason == "unknown_account"
    assert answer.order_id is None
    assert answer.meaning == "there is no customer account of that number"


def test_an_open_order_is_cancelled_and_cancelling_twice_answers_the_same(market: Target) -> None:
    with connect(market) as server:
        order = some_order(server)
        low = server.rows(f"SELECT lower_won FROM stock_inventory WHERE symbol = '{order.symbol}'")[
            0
        ]["lower_won"]
        placed = orders.place(server, replace(order, limit_won=low), clock=CLOCK)
        assert placed.status == "open"
        assert placed.order_id is not None
        for other in ({"account_id": 1002}, {"key": "k-2"}, {"account_id": 1001, "key": "K-1"}):
            answer = orders.cancel(server, placed.order_id, clock=CLOCK, **other)
            assert answer.reason == "unknown_order"
        mine = {"account_id": 1001, "key": "k-1"}
        once = orders.cancel(server, placed.order_id, clock=CLOCK, **mine)  # type: ignore[arg-type]
        twice = orders.cancel(server, placed.order_id, clock=CLOCK)
        unknown = orders.cancel(server, 1, clock=CLOCK)
    assert (once.status, once.reason) == (twice.status, twice.reason) == ("cancelled", "cancelled")
    assert unknown.reason == "unknown_order"
    assert unknown.meaning


def test_a_batch_answers_each_order_in_its_place(market: Target) -> None:
    with connect(market) as server:
        good = some_order(server)
        batch = [
            replace(good, key="b-0"),
            replace(good, key="b-1", symbol="999990"),
            replace(good, key="b-2", quantity=0),
            replace(good, key="b-3", side="buy"),
        ]
        answers = orders.place_many(server, batch, clock=CLOCK)
        again = orders.place_many(server, batch, clock=CLOCK)
    assert [answer.reason for answer in answers] == [None, "unknown_symbol", "bad_quantity", None]
    assert [answer.replayed for answer in again] == [True, False, False, True]
    assert [a.order_id for a in again] == [a.order_id for a in answers]


def test_a_batch_that_is_too_long_is_not_sent(market: Target) -> None:
    with connect(market) as server:
        batch = [some_order(server)] * 1001
        with pytest.raises(ConfigError, match="1000 orders at most"):
            orders.place_many(server, batch, clock=CLOCK)
        assert orders.place_many(server, [], clock=CLOCK) == []


def test_the_clock_is_korean_and_travels_in_utc() -> None:
    assert clock_of(date(2025, 1, 3), time(9, 0)).cells == (
        "2025-01-03",
        "2025-01-03 00:00:00.000000",
    )
    assert orders.SERVER_CLOCK.cells == (None, None)


@pytest.mark.parametrize("engine_name", ["postgresql", "mariadb"])
def test_every_reason_that_a_routine_gives_has_a_meaning(engine_name: str) -> None:
    text = "".join(
        path.read_text("utf-8")
        for path in (resources.folder("schema") / engine_name).glob("R__*order*.sql")
    )
    given = set(re.findall(r"THEN\s+'([a-z_]+_[a-z_]+|halted|delisted)'", text))
    assert given
    assert given <= orders.REASONS.keys()
