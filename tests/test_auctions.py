"""Call auctions on both engines: one price, who gets shares at it, and what the books say of it."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, time
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import Labs
from trading import Bed, bed_of

from stockops import books, orders
from stockops.books import checking
from stockops.cli.main import main
from stockops.engine import ENGINES
from stockops.orders import Answer, Clock, clock_of
from stockops.tradingday import auctions

DAY = date(2025, 1, 3)


def at(hour: int, minute: int, second: int = 0) -> Clock:
    return clock_of(DAY, time(hour, minute, second))


EARLY, OPEN, NOON, LATE, CLOSED = at(8, 40), at(9, 0), at(12, 0), at(15, 25), at(15, 30)


@pytest.fixture(scope="module", params=sorted(ENGINES))
def bed(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    """One database for the tests of this file: each makes issues and accounts of its own."""
    with bed_of(all_labs.get(str(request.param))) as bed:
        yield bed


def seller(bed: Bed, symbol: str, shares: int = 1_000) -> int:
    return bed.account(holds={symbol: shares})


def issue(bed: Bed, base_won: int = 50_000) -> str:
    """An issue of which the house holds nothing, so that customers can hold it all."""
    return bed.stock(base_won, house=0)


def uncrossed(bed: Bed, symbol: str, clock: Clock) -> tuple[str, int | None, int] | None:
    done = auctions.uncross(bed.server, symbol, clock=clock)
    return None if done is None else (done.kind, done.price_won, done.volume)


def left(bed: Bed, answer: Answer) -> tuple[str, str | None, int]:
    rows = bed.server.rows(
        "SELECT status, reason, filled_quantity FROM orders WHERE order_id = %(n)s",
        {"n": answer.order_id},
    )
    return rows[0]["status"], rows[0]["reason"], int(rows[0]["filled_quantity"])


def held(bed: Bed) -> None:
    """Every invariant that orders and trades of an auction could violate must hold."""
    bad = [r for r in books.check(bed.server, only=JUDGED) if r.state != "held"]
    assert bad == []


JUDGED = [
    "journal_zero", "cash", "holdings", "reserved_cash", "reserved_shares", "order_fills",
    "trade_sides", "self_trade", "trade_journal", "fees", "tax", "day_prices",
    "business_date", "expiry", "book_not_crossed", "price_time_priority", "auction_price",
    "audit_complete",
]  # fmt: skip


def test_orders_before_the_opening_rest_until_one_price_clears_them(bed: Bed) -> None:
    symbol = issue(bed)
    sells = [
        bed.sell(seller(bed, symbol), symbol, 100, won, clock=EARLY)
        for won in (49_000, 49_500, 50_500)
    ]
    buys = [
        bed.buy(bed.account(), symbol, 80, won, clock=EARLY) for won in (51_000, 50_000, 49_500)
    ]
    assert {(a.status, a.filled_quantity) for a in (*sells, *buys)} == {("open", 0)}
    assert uncrossed(bed, symbol, at(8, 59)) is None
    assert uncrossed(bed, symbol, OPEN) == ("opening", 49_500, 200)
    assert bed.trades(symbol) == [(49_500, 80), (49_500, 20), (49_500, 60), (49_500, 40)]
    assert [left(bed, a) for a in buys] == [
        ("filled", None, 80),
        ("filled", None, 80),
        ("open", None, 40),
    ]
    assert [left(bed, a)[2] for a in sells] == [100, 100, 0]
    assert uncrossed(bed, symbol, OPEN) is None
    met = bed.sell(seller(bed, symbol), symbol, 10, 49_500, clock=at(9, 1))
    assert (met.status, met.filled_quantity) == ("filled", 10)
    held(bed)


@pytest.mark.parametrize(
    ("base", "sells", "buys", "expected"),
    [
        pytest.param(50_000, [(49_000, 100)], [(51_000, 100)], 50_000, id="the last price itself"),
        pytest.param(52_000, [(49_000, 100)], [(51_000, 100)], 51_000, id="a limit near the last"),
        pytest.param(
            50_000, [(49_000, 100), (50_000, 50)], [(50_000, 100), (49_000, 50)], 49_950,
            id="between the limits less is left over, as near to the last as may be",
        ),
        pytest.param(
            50_000, [(49_900, 100), (50_000, 10)], [(50_100, 110), (50_000, 90)], 50_100,
            id="least left over before the last price",
        ),
    ],
)  # fmt: skip
def test_of_prices_with_the_same_volume_the_least_left_over_then_the_nearest(
    bed: Bed,
    base: int,
    sells: list[tuple[int, int]],
    buys: list[tuple[int, int]],
    expected: int,
) -> None:
    symbol = issue(bed, base)
    for won, shares in sells:
        bed.sell(seller(bed, symbol), symbol, shares, won, clock=EARLY)
    for won, shares in buys:
        bed.buy(bed.account(), symbol, shares, won, clock=EARLY)
    done = uncrossed(bed, symbol, OPEN)
    assert done is not None
    assert done[1] == expected
    held(bed)


def test_on_a_day_that_opens_late_orders_are_collected_until_then(bed: Bed) -> None:
    symbol = issue(bed)
    late = date(2025, 11, 13)
    sold = bed.sell(seller(bed, symbol), symbol, 100, 50_000, clock=clock_of(late, time(8, 40)))
    bought = bed.buy(bed.account(), symbol, 40, 50_000, clock=clock_of(late, time(9, 30)))
    assert [(a.status, a.filled_quantity) for a in (sold, bought)] == [("open", 0)] * 2
    assert uncrossed(bed, symbol, clock_of(late, time(9, 59))) is None
    assert uncrossed(bed, symbol, clock_of(late, time(10, 0))) == ("opening", 50_000, 40)
    held(bed)


def test_the_first_order_after_the_end_uncrosses(bed: Bed) -> None:
    symbol = issue(bed)
    sold = bed.sell(seller(bed, symbol), symbol, 100, 50_000, clock=EARLY)
    bed.buy(bed.account(), symbol, 40, 50_000, clock=EARLY)
    met = bed.buy(bed.account(), symbol, 30, 50_000, clock=at(9, 0, 1))
    assert (met.status, met.filled_value_won) == ("filled", 1_500_000)
    assert left(bed, sold) == ("open", None, 70)
    held(bed)


def test_the_command_uncrosses_what_is_over_and_stops_what_moved_too_far(bed: Bed) -> None:
    symbol, moved = issue(bed), issue(bed)
    bed.sell(seller(bed, symbol), symbol, 10, 50_000, clock=EARLY)
    bed.buy(bed.account(), symbol, 10, 50_000, clock=EARLY)
    assert {(each["what"], each["symbol"]) for each in command(bed, "--plan")} >= {("due", symbol)}
    bed.buy(bed.account(), moved, 10, 56_000, clock=NOON)
    bed.sell(seller(bed, moved), moved, 10, 56_000, clock=NOON)
    done = {each["symbol"]: each for each in command(bed)}
    assert done[symbol] == {
        "what": "uncrossed",
        "symbol": symbol,
        "kind": "opening",
        "price_won": 50_000,
        "volume": 10,
    }
    assert (done[moved]["what"], done[moved]["kind"]) == ("interrupted", "static")
    assert not {symbol, moved} & {each["symbol"] for each in command(bed)}


def command(bed: Bed, *words: str) -> list[dict[str, Any]]:
    """Run `trade auctions` at noon, and return its rows."""
    there = ["trade", "auctions", "-t", bed.target.url, "--date", f"{DAY}", "--at", "12:00"]
    done = CliRunner().invoke(main, [*there, "--format", "json", *words])
    assert done.exit_code == 0, done.output
    return list(json.loads(done.stdout))


def test_after_the_closing_auction_the_rest_expires(bed: Bed) -> None:
    symbol = issue(bed)
    rested = bed.buy(bed.account(), symbol, 50, 49_000, clock=NOON)
    bed.sell(seller(bed, symbol), symbol, 100, 50_000, clock=LATE)
    bed.buy(bed.account(), symbol, 60, 50_500, clock=LATE)
    late = bed.buy(bed.account(), symbol, 1, 50_000, clock=CLOSED)
    assert (late.status, late.reason) == ("rejected", "closed_session")
    assert bed.trades(symbol) == [(50_000, 60)]
    assert left(bed, rested) == ("cancelled", "expired", 0)
    held(bed)


def test_the_next_day_uncrosses_what_nobody_did(bed: Bed) -> None:
    symbol = issue(bed)
    bed.sell(seller(bed, symbol), symbol, 10, 50_500, clock=LATE)
    bed.buy(bed.account(), symbol, 10, 50_500, clock=LATE)
    tomorrow = clock_of(date(2025, 1, 6), time(9, 30))
    bed.buy(bed.account(), symbol, 1, 40_000, clock=tomorrow)
    assert bed.trades(symbol) == [(50_500, 10)]
    assert bed.one("SELECT base_won FROM stock_inventory WHERE symbol = %(s)s", s=symbol) == 50_500
    held(bed)


def test_an_auction_takes_no_market_order_and_no_order_against_oneself(bed: Bed) -> None:
    symbol = issue(bed)
    owner = seller(bed, symbol)
    user = bed.one("SELECT user_id FROM accounts WHERE account_id = %(a)s", a=owner)
    bed.sell(owner, symbol, 10, 50_000, clock=EARLY)
    assert bed.buy(bed.account(), symbol, 1, clock=EARLY).reason == "limit_only"
    other = bed.account(user=int(user))
    assert bed.buy(other, symbol, 1, 50_000, clock=EARLY).reason == "self_match"
    assert bed.buy(other, symbol, 1, 49_900, clock=EARLY).status == "open"
    assert uncrossed(bed, symbol, OPEN) == ("opening", None, 0)
    held(bed)


def test_a_batch_is_collected_like_single_orders(bed: Bed) -> None:
    symbols = [issue(bed) for _ in range(10)]
    asked = [bed.order(seller(bed, symbol), "sell", symbol, 10, 50_000) for symbol in symbols]
    asked += [bed.order(bed.account(), "buy", symbol, 10, 50_000) for symbol in symbols]
    answers = orders.place_many(bed.server, asked, clock=LATE)
    assert {(a.status, a.filled_quantity) for a in answers} == {("open", 0)}
    one, *others = symbols
    assert uncrossed(bed, one, CLOSED) == ("closing", 50_000, 10)
    # A batch after the end uncrosses the others.
    late = [bed.order(bed.account(), "buy", symbol, 1, 50_000) for symbol in others]
    answers = orders.place_many(bed.server, late, clock=CLOSED)
    assert {a.reason for a in answers} == {"closed_session"}
    assert [bed.trades(symbol) for symbol in symbols] == [[(50_000, 10)]] * 10
    held(bed)


def move(bed: Bed, symbol: str, won: int, *, clock: Clock) -> None:
    """Have two customers trade one share at `won`; the house would meet who comes first else."""
    last = bed.one("SELECT last_won FROM stock_inventory WHERE symbol = %(s)s", s=symbol)
    sides = (bed.sell, bed.buy) if won > last else (bed.buy, bed.sell)
    for place in sides:
        account = seller(bed, symbol, 1) if place == bed.sell else bed.account()
        place(account, symbol, 1, won, clock=clock)


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        pytest.param([52_000, 54_000, 55_000], "static", id="10 percent from the base"),
        pytest.param([52_900], None, id="less than either limit"),
        pytest.param([48_000, 51_000], "dynamic", id="6 percent from the trade before"),
    ],
)
def test_a_price_that_moves_too_far_sends_its_issue_to_an_auction(
    bed: Bed, steps: list[int], kind: str | None
) -> None:
    symbol = issue(bed)
    for won in steps:
        move(bed, symbol, won, clock=NOON)
    started = [a.kind for a in auctions.interrupt(bed.server, clock=NOON) if a.symbol == symbol]
    assert started == ([kind] if kind else [])
    assert auctions.interrupt(bed.server, clock=NOON) == []
    if kind is None:
        return
    bed.sell(seller(bed, symbol), symbol, 30, 51_000, clock=at(12, 1))
    held_back = bed.buy(bed.account(), symbol, 20, 51_000, clock=at(12, 1))
    assert (held_back.status, held_back.filled_quantity) == ("open", 0)
    goes_on = bed.buy(bed.account(), symbol, 10, 51_000, clock=at(12, 2))
    assert (goes_on.status, goes_on.filled_quantity) == ("filled", 10)
    assert auctions.interrupt(bed.server, clock=at(12, 2)) == []
    held(bed)


@pytest.mark.parametrize(
    "broken",
    [
        "UPDATE auctions SET volume = volume - 1 WHERE price_won IS NOT NULL",
        "UPDATE auctions SET price_won = price_won + 100 WHERE price_won IS NOT NULL",
        "UPDATE auctions SET status = 'void', price_won = NULL, volume = 0 WHERE volume > 0",
        "UPDATE stock_inventory SET auction_id = (SELECT max(auction_id) FROM auctions)",
        "UPDATE orders SET limit_won = 51000 WHERE side = 'buy' AND status = 'open'",
        "UPDATE auctions SET ends_at = ends_at + INTERVAL '1' SECOND WHERE volume > 0",
    ],
)
def test_an_auction_that_was_not_right_is_seen(bed: Bed, broken: str) -> None:
    symbol = issue(bed)
    for won in (50_500, 50_500, 50_000):
        bed.buy(bed.account(), symbol, 10, won, clock=EARLY)
    bed.sell(seller(bed, symbol), symbol, 20, 50_000, clock=EARLY)
    uncrossed(bed, symbol, OPEN)
    held(bed)
    assert entities(bed, "auction_price", broken)


def entities(bed: Bed, name: str, broken: str) -> list[str]:
    """What an invariant names after a statement that is taken back."""
    found: list[str] = []
    with suppress(ZeroDivisionError), bed.server.transaction():
        bed.server.execute(broken)
        [invariant] = books.load(bed.server, [name])
        found += [example.entity for example in checking.ask(bed.server, invariant).examples]
        raise ZeroDivisionError
    return found


@pytest.mark.parametrize("seconds", [-300, -1, 1])
@pytest.mark.parametrize(
    ("kind", "clock", "end"),
    [
        pytest.param("opening", EARLY, OPEN, id="opening"),
        pytest.param("closing", LATE, CLOSED, id="closing"),
    ],
)
def test_an_auction_that_ended_at_another_time_than_the_hours_say_is_seen(
    bed: Bed, kind: str, clock: Clock, end: Clock, seconds: int
) -> None:
    symbol = issue(bed)
    bed.buy(bed.account(), symbol, 10, 50_000, clock=clock)
    bed.sell(seller(bed, symbol), symbol, 10, 50_000, clock=clock)
    assert uncrossed(bed, symbol, end) == (kind, 50_000, 10)
    held(bed)
    moved = f"SET ends_at = ends_at + INTERVAL '{seconds}' SECOND WHERE symbol = '{symbol}'"
    shifted = entities(bed, "business_date", f"UPDATE auctions {moved}")
    assert [each.split()[0] for each in shifted] == ["auction"]
