"""What becomes of an order: the same on both engines."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time

import pytest
from conftest import Labs
from trading import CLOCK, Bed, bed_of, rows_read

from stockops import orders
from stockops.engine import ENGINES
from stockops.errors import Fault, ServerError
from stockops.orders import Clock, clock_of


@pytest.fixture(scope="module", params=sorted(ENGINES))
def bed(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    """One database for the tests of this file: each makes issues and accounts of its own."""
    with bed_of(all_labs.get(str(request.param))) as bed:
        yield bed


def on(day: date, hour: int = 10, minute: int = 0, second: int = 0) -> Clock:
    return clock_of(day, time(hour, minute, second))


def test_a_buy_at_the_last_price_is_filled_by_the_house(bed: Bed) -> None:
    symbol, buyer = bed.stock(50_000), bed.account(1_000_000)
    answer = bed.buy(buyer, symbol, 10, 50_000)
    assert (answer.status, answer.reason, answer.replayed) == ("filled", None, False)
    assert (answer.filled_quantity, answer.filled_value_won) == (10, 500_000)
    assert (answer.fee_won, answer.tax_won) == (75, 0)  # 500,000 x 0.00015
    assert bed.cash(buyer) == (1_000_000 - 500_075, 0)
    assert bed.shares(buyer, symbol) == (10, 0, 500_000)
    house = bed.one("SELECT available_shares FROM stock_inventory WHERE symbol = %(s)s", s=symbol)
    assert house == 1_000_000 - 10


def test_a_buy_below_the_last_price_rests_with_its_cash_reserved(bed: Bed) -> None:
    symbol, buyer = bed.stock(50_000), bed.account(1_000_000)
    answer = bed.buy(buyer, symbol, 10, 49_900)
    assert (answer.status, answer.filled_quantity) == ("open", 0)
    assert bed.cash(buyer) == (1_000_000, 499_000 + 74)  # 499,000 x 0.00015 = 74.85
    assert bed.trades(symbol) == []


def test_the_house_sells_no_more_than_it_holds(bed: Bed) -> None:
    symbol, buyer = bed.stock(50_000, house=4), bed.account()
    assert bed.buy(buyer, symbol, 10, 50_000).filled_quantity == 4
    assert bed.cash(buyer)[1] == 6 * 50_000 + 45
    assert bed.trades(symbol) == [(50_000, 4)]


def test_the_better_price_is_met_first(bed: Bed) -> None:
    symbol = bed.stock(50_000)
    dear, cheap = (bed.account(holds={symbol: 10}) for _ in range(2))
    bed.sell(dear, symbol, 10, 50_300)
    bed.sell(cheap, symbol, 10, 50_100)
    answer = bed.buy(bed.account(), symbol, 15, 50_300)
    assert (answer.status, answer.filled_value_won) == ("filled", 10 * 50_100 + 5 * 50_300)
    assert bed.trades(symbol) == [(50_100, 10), (50_300, 5)]
    assert bed.shares(cheap, symbol)[:2] == (0, 0)
    assert bed.shares(dear, symbol)[:2] == (5, 5)


def test_at_one_price_the_earlier_order_is_met_first(bed: Bed) -> None:
    symbol = bed.stock(50_000)
    first, second = (bed.account() for _ in range(2))
    bed.buy(first, symbol, 5, 49_900)
    bed.buy(second, symbol, 5, 49_900)
    answer = bed.sell(bed.account(holds={symbol: 7}), symbol, 7, 49_900)
    assert (answer.status, answer.filled_value_won) == ("filled", 7 * 49_900)
    assert bed.shares(first, symbol)[0] == 5
    assert bed.shares(second, symbol)[0] == 2


def test_an_order_is_filled_by_three_makers_and_then_the_house(bed: Bed) -> None:
    symbol = bed.stock(50_000)
    makers = [bed.account(holds={symbol: 3}) for _ in range(3)]
    for maker, price in zip(makers, (50_200, 50_100, 50_200), strict=True):
        assert bed.sell(maker, symbol, 3, price).status == "open"
    buyer = bed.account(10_000_000)
    answer = bed.buy(buyer, symbol, 20, 50_200)
    assert bed.trades(symbol) == [(50_100, 3), (50_200, 3), (50_200, 3), (50_200, 11)]
    value = 3 * 50_100 + 17 * 50_200
    fee = 22 + 22 + 22 + 82  # cut off for each trade: 22.545, 22.59, 22.59, 82.83
    assert (answer.status, answer.filled_value_won, answer.fee_won) == ("filled", value, fee)
    assert bed.cash(buyer) == (10_000_000 - value - fee, 0)
    assert bed.shares(buyer, symbol) == (20, 0, value)
    # Each maker pays its fee, and the tax of 0.15 percent: 225.45 and 225.9.
    assert [bed.cash(maker)[0] - 100_000_000 for maker in makers] == [
        150_600 - 22 - 225, 150_300 - 22 - 225, 150_600 - 22 - 225,
    ]  # fmt: skip


def test_a_resting_buy_that_is_met_in_part_keeps_what_it_still_needs(bed: Bed) -> None:
    symbol, buyer = bed.stock(50_000), bed.account(1_000_000)
    bed.buy(buyer, symbol, 10, 49_900)
    bed.sell(bed.account(holds={symbol: 4}), symbol, 4)
    assert bed.cash(buyer) == (1_000_000 - 199_600 - 29, 6 * 49_900 + 44)
    assert bed.shares(buyer, symbol) == (4, 0, 199_600)


def test_what_is_left_of_a_market_order_is_cancelled(bed: Bed) -> None:
    symbol = bed.stock(50_000, house=3)
    answer = bed.buy(bed.account(), symbol, 10)
    assert (answer.status, answer.reason) == ("cancelled", "no_liquidity")
    assert answer.filled_quantity == 3
    empty = bed.stock(50_000, house=0)
    answer = bed.buy(bed.account(), empty, 10)
    assert (answer.status, answer.reason, answer.filled_quantity) == (
        "cancelled",
        "no_liquidity",
        0,
    )


def test_a_sale_is_taken_by_the_house_and_cuts_the_cost_evenly(bed: Bed) -> None:
    symbol = bed.stock(50_000)
    seller = bed.account(0, holds={symbol: 3})  # they cost 1,000 won each
    answer = bed.sell(seller, symbol, 2, 49_900)
    assert (answer.fee_won, answer.tax_won) == (15, 150)
    assert bed.trades(symbol) == [(50_000, 2)]
    assert bed.cash(seller) == (100_000 - 15 - 150, 0)
    assert bed.shares(seller, symbol) == (1, 0, 1000)


@pytest.mark.parametrize(
    ("day", "opening", "tax_won"),
    [
        (date(2023, 12, 26), date(2023, 12, 22), 1000),  # settles 2023-12-28: 0.20 percent
        (date(2023, 12, 27), date(2023, 12, 22), 900),  # settles 2024-01-02: 0.18 percent
        (date(2024, 12, 26), date(2024, 12, 24), 900),  # settles 2024-12-30: 0.18 percent
        (date(2024, 12, 27), date(2024, 12, 24), 750),  # settles 2025-01-02: 0.15 percent
        (date(2025, 12, 29), date(2025, 12, 24), 1000),  # settles 2026-01-02: 0.20 percent
    ],
)
def test_the_tax_follows_the_settlement_date(
    bed: Bed, day: date, opening: date, tax_won: int
) -> None:
    symbol = bed.stock(50_000, opening=opening)
    answer = bed.sell(bed.account(holds={symbol: 10}), symbol, 10, clock=on(day))
    assert (answer.status, answer.tax_won) == ("filled", tax_won)


def test_each_broker_has_its_fee_and_a_market_maker_pays_no_tax(bed: Bed) -> None:
    symbol = bed.stock(50_000)
    fees = [bed.buy(bed.account(broker=n), symbol, 10, 50_000).fee_won for n in (1, 2, 3)]
    assert fees == [75, 70, 18]  # 500,000 x 0.00015, 0.00014 and 0.000036396
    answer = bed.sell(bed.account(holds={symbol: 10}, exempt=True), symbol, 10)
    assert (answer.fee_won, answer.tax_won) == (75, 0)


@pytest.mark.parametrize(
    ("base", "upper", "lower"),
    [
        (24_250, 31_500, 17_000),
        (239_000, 310_500, 167_500),
        (2_000, 2_600, 1_400),
        (83, 107, 59),
    ],
)
def test_the_price_limits_of_a_base_price_are_the_exchange_s(
    bed: Bed, base: int, upper: int, lower: int
) -> None:
    symbol, buyer = bed.stock(base), bed.account(10_000_000_000)
    tick = "SELECT tick_won('KOSPI', '2025-01-03', %(p)s) AS tick"
    above = upper + int(bed.one(tick, p=upper))
    below = lower - int(bed.one(tick, p=lower - 1))
    assert bed.buy(buyer, symbol, 1, above).reason == "outside_price_limit"
    assert bed.buy(buyer, symbol, 1, below).reason == "outside_price_limit"
    assert bed.buy(buyer, symbol, 1, lower).status == "open"
    assert bed.buy(buyer, symbol, 1, upper).status == "filled"


def test_every_refusal_names_its_reason(bed: Bed) -> None:
    symbol, account = bed.stock(50_000), bed.account(1_000_000, holds={})
    refusals = {
        "unknown_account": bed.order(999_999, "buy", symbol, 1, 50_000),
        "unknown_symbol": bed.order(account, "buy", "99999Z", 1, 50_000),
        "bad_quantity": bed.order(account, "buy", symbol, 0, 50_000),
        "bad_request": replace(bed.order(account, "buy", symbol, 1, 50_000), key=""),
        "account_inactive": bed.order(bed.account(status="suspended"), "buy", symbol, 1, 50_000),
        "delisted": bed.order(account, "buy", bed.stock(status="delisted"), 1, 50_000),
        "halted": bed.order(account, "buy", bed.stock(status="halted"), 1, 50_000),
        "off_tick": bed.order(account, "buy", symbol, 1, 50_050),
        "outside_price_limit": bed.order(account, "buy", symbol, 1, 65_100),
        "insufficient_cash": bed.order(account, "buy", symbol, 20, 50_000),
        "insufficient_shares": bed.order(account, "sell", symbol, 1, 50_000),
    }
    for reason, order in refusals.items():
        answer = bed.place(order)
        assert (answer.status, answer.reason) == ("rejected", reason)
        assert (answer.order_id is None) == (reason in orders.REASONS_WITHOUT_ROW), reason
    assert bed.cash(account) == (1_000_000, 0)
    assert bed.trades(symbol) == []


@pytest.mark.parametrize("account", [1, 2, 3, 4, 5])
def test_an_account_of_the_house_places_no_order(bed: Bed, account: int) -> None:
    assert bed.buy(account, bed.stock(), 1, 50_000).reason == "unknown_account"


def test_a_request_that_makes_no_sense_is_refused_without_a_row(bed: Bed) -> None:
    symbol, account = bed.stock(), bed.account()
    call = bed.server.prepare_call("place_order", orders.PLACE_ARITY)
    when = CLOCK.cells
    for side, kind, limit, key in (
        ("hold", "limit", 50_000, "k"), ("buy", "stop", 50_000, "k"), ("buy", "limit", None, "k"),
        ("buy", "market", 50_000, "k"), ("buy", "limit", 0, "k"), ("buy", "limit", 100, "k" * 65),
        (None, "limit", 50_000, "k"), ("buy", None, 50_000, "k"), ("buy", "limit", 50_000, None),
    ):  # fmt: skip
        cells = call((key, account, symbol, side, kind, limit, 1, *when, None, None, None))
        assert cells[:2] == ("rejected", "bad_request"), (side, kind, limit, key)
    assert bed.buy(account, symbol, 1_000_001, 50_000).reason == "bad_quantity"
    assert bed.one("SELECT count(*) AS n FROM orders WHERE account_id = %(a)s", a=account) == 0


def test_the_last_won_is_enough_and_one_less_is_not(bed: Bed) -> None:
    symbol = bed.stock(50_000)
    for limit in (50_000, None):
        assert bed.buy(bed.account(500_074), symbol, 10, limit).reason == "insufficient_cash"
        exact = bed.account(500_075)
        assert bed.buy(exact, symbol, 10, limit).status == "filled"
        assert bed.cash(exact) == (0, 0)


def test_what_is_reserved_cannot_be_spent_again(bed: Bed) -> None:
    symbol = bed.stock(50_000)
    buyer, seller = bed.account(1_000_000), bed.account(holds={symbol: 10})
    bed.buy(buyer, symbol, 10, 49_900)
    assert bed.buy(buyer, symbol, 11, 50_000).reason == "insufficient_cash"
    bed.sell(seller, symbol, 6, 50_100)
    assert bed.sell(seller, symbol, 5, 50_000).reason == "insufficient_shares"


def test_nobody_trades_with_himself_not_even_through_another_account(bed: Bed) -> None:
    symbol = bed.stock(50_000)
    first = bed.account(holds={symbol: 10})
    other = bed.account(user=first)
    bed.sell(first, symbol, 5, 50_100)
    for account in (first, other):
        answer = bed.buy(account, symbol, 1, 50_100)
        assert (answer.status, answer.reason) == ("rejected", "self_match")
    bed.sell(bed.account(holds={symbol: 5}), symbol, 5, 50_000, clock=CLOCK)
    assert bed.buy(other, symbol, 1, 50_000).status == "filled"  # own order is further back


def test_the_same_key_again_answers_for_the_same_order(bed: Bed) -> None:
    symbol, account = bed.stock(50_000), bed.account()
    order = bed.order(account, "buy", symbol, 10, 50_000)
    first = bed.place(order)
    assert bed.place(order) == replace(first, replayed=True)
    refused = bed.order(account, "sell", bed.stock(), 10, 50_000)
    assert bed.place(refused) == replace(bed.place(refused), replayed=False)
    assert bed.trades(symbol) == [(50_000, 10)]


@pytest.mark.parametrize(
    "change", [{"quantity": 11}, {"limit_won": 50_100}, {"limit_won": None}, {"side": "sell"}]
)
def test_the_same_key_for_a_different_order_is_refused(bed: Bed, change: dict[str, object]) -> None:
    symbol, account = bed.stock(50_000), bed.account()
    order = bed.order(account, "buy", symbol, 10, 50_000)
    bed.place(order)
    for other in (replace(order, **change), replace(order, symbol=bed.stock())):  # type: ignore[arg-type]
        answer = bed.place(other)
        assert (answer.status, answer.reason, answer.order_id) == ("rejected", "key_reused", None)
    assert bed.place(replace(order, account_id=bed.account())).status == "filled"


def test_a_cancelled_order_gives_back_what_it_held(bed: Bed) -> None:
    symbol = bed.stock(50_000)
    buyer, seller = bed.account(1_000_000), bed.account(holds={symbol: 10})
    buy, sell = bed.buy(buyer, symbol, 10, 49_000), bed.sell(seller, symbol, 10, 51_000)
    assert bed.shares(seller, symbol)[:2] == (10, 10)
    for order in (buy, sell):
        answer = bed.cancel(order.order_id)
        assert (answer.status, answer.reason, answer.replayed) == ("cancelled", "cancelled", False)
    assert bed.cash(buyer) == (1_000_000, 0)
    assert bed.shares(seller, symbol)[:2] == (10, 0)


def test_cancelling_twice_answers_the_same_and_a_filled_order_is_not_open(bed: Bed) -> None:
    symbol, account = bed.stock(50_000), bed.account()
    resting = bed.buy(account, symbol, 10, 49_000).order_id
    first = bed.cancel(resting)
    assert bed.cancel(resting) == replace(first, replayed=True)
    answer = bed.cancel(bed.buy(account, symbol, 1, 50_000).order_id)
    assert (answer.status, answer.reason, answer.filled_quantity) == ("filled", "not_open", 1)
    assert bed.cancel(999_999_999).reason == "unknown_order"


def test_the_next_business_day_expires_what_rests_and_starts_from_the_last_price(bed: Bed) -> None:
    symbol = bed.stock(50_000)
    buyer, seller = bed.account(1_000_000), bed.account(holds={symbol: 30})
    bed.buy(buyer, symbol, 10, 49_900)
    bed.sell(seller, symbol, 10, 52_000)
    bed.buy(bed.account(), symbol, 5, 52_000)  # the house sells at 52,000 once the order is met
    monday = on(date(2025, 1, 6))
    assert bed.buy(bed.account(), symbol, 1, 52_000, clock=monday).status == "filled"
    assert bed.cash(buyer) == (1_000_000, 0)
    assert bed.shares(seller, symbol)[1] == 0
    expired = bed.server.rows(
        "SELECT status, reason FROM orders WHERE account_id = %(a)s", {"a": buyer}
    )
    assert [tuple(row.values()) for row in expired] == [("cancelled", "expired")]
    day = bed.server.rows(
        "SELECT quote_date, base_won, upper_won, settles_on FROM stock_inventory "
        "WHERE symbol = %(s)s",
        {"s": symbol},
    )[0]
    assert tuple(day.values()) == (date(2025, 1, 6), 52_000, 67_600, date(2025, 1, 8))
    assert bed.buy(buyer, symbol, 1, 52_000).reason == "closed_session"  # Friday is over


def test_a_close_of_the_price_table_is_the_base_of_the_next_day(bed: Bed) -> None:
    symbol = bed.stock(50_000)
    bed.server.execute(
        "INSERT INTO stock_prices "
        "VALUES (%(s)s, '2025-01-02', 40000, 40000, 40000, 40000, 1, 40000)",
        {"s": symbol},
    )
    bed.buy(bed.account(), symbol, 1, 40_000)
    assert bed.trades(symbol) == [(40_000, 1)]


@pytest.mark.parametrize(
    ("clock", "status"),
    [
        (on(date(2025, 1, 2), 9, 30), "open"),  # the first trading day opens at ten
        (on(date(2025, 1, 2), 10), "filled"),
        (on(date(2025, 1, 3), 8, 29, 59), "rejected"),
        (on(date(2025, 1, 3), 8, 30), "open"),
        (on(date(2025, 1, 3), 8, 59, 59), "open"),
        (on(date(2025, 1, 3), 9), "filled"),
        (on(date(2025, 1, 3), 15, 19, 59), "filled"),
        (on(date(2025, 1, 3), 15, 20), "open"),
        (on(date(2025, 1, 3), 15, 29, 59), "open"),
        (on(date(2025, 1, 3), 15, 30), "rejected"),
        (on(date(2025, 1, 4)), "rejected"),  # a Saturday
        (on(date(2025, 1, 27)), "rejected"),  # a special holiday
        (on(date(2025, 11, 13), 9, 30), "open"),  # the day of the university entrance exam
        (on(date(2025, 11, 13), 16, 19), "filled"),
        (
            replace(CLOCK, business_date=date(2025, 1, 6)),
            "rejected",
        ),  # not its date
    ],
)
def test_orders_are_filled_in_continuous_sessions_and_rest_in_auctions(
    bed: Bed, clock: Clock, status: str
) -> None:
    symbol = bed.stock(50_000, opening=date(2024, 12, 30))
    answer = bed.buy(bed.account(), symbol, 1, 50_000, clock=clock)
    assert answer.status == status
    assert answer.reason == ("closed_session" if status == "rejected" else None)


def test_a_day_that_is_open_keeps_its_hours(bed: Bed) -> None:
    symbol, account, day = bed.stock(50_000), bed.account(), date(2025, 1, 3)

    def status(*clock: int) -> str:
        return bed.buy(account, symbol, 1, 50_000, clock=on(day, *clock)).status

    assert status(9) == "filled"
    assert status(15, 19, 59) == "filled"
    assert status(15, 20) == "open"
    assert status(15, 30) == "rejected"


def test_an_edit_of_the_calendar_reaches_a_day_that_is_open(bed: Bed) -> None:
    symbol, account, day = bed.stock(50_000), bed.account(), date(2026, 3, 4)
    early = (
        "VALUES ('KOSPI', 'regular', '2026-03-04', '2026-03-04', '09:00', '12:00', 'continuous')"
    )

    def reason(hour: int) -> str | None:
        return bed.buy(account, symbol, 1, 50_000, clock=on(day, hour)).reason

    assert reason(13) is None
    bed.server.execute(f"INSERT INTO market_sessions {early}")
    try:
        assert reason(13) == "closed_session"
        assert reason(11) is None
        bed.server.execute("INSERT INTO market_holidays VALUES ('KOSPI', '2026-03-04', 'Sudden')")
        assert reason(11) == "closed_session"
    finally:
        bed.server.execute("DELETE FROM market_holidays WHERE holiday = '2026-03-04'")
        bed.server.execute("DELETE FROM market_sessions WHERE valid_from = '2026-03-04'")
    assert reason(14) is None


def test_an_edit_of_the_price_steps_reaches_a_day_that_is_open(bed: Bed) -> None:
    symbol, account, day = bed.stock(50_000), bed.account(), date(2026, 3, 5)

    def reason(price: int) -> str | None:
        return bed.buy(account, symbol, 1, price, clock=on(day, 11)).reason

    assert [reason(price) for price in (49_950, 49_980, 50_000, 50_050)] == [
        None, "off_tick", None, "off_tick"
    ]  # fmt: skip
    bed.server.execute("INSERT INTO tick_sizes VALUES ('KOSPI', '2026-03-05', 0, 7)")
    try:
        assert [reason(price) for price in (49_980, 50_000)] == [None, "off_tick"]
    finally:
        bed.server.execute("DELETE FROM tick_sizes WHERE valid_from = '2026-03-05'")
    assert [reason(price) for price in (49_980, 50_000)] == ["off_tick", None]


def test_a_day_of_many_price_steps_holds_each_of_them(bed: Bed) -> None:
    symbol, account, day = bed.stock(50_000), bed.account(), date(2026, 3, 6)
    steps = {0: 1, 40_000: 10, 50_000: 50, 60_000: 100}
    for start, step in steps.items():
        bed.server.execute(f"INSERT INTO tick_sizes VALUES ('KOSPI', '{day}', {start}, {step})")
    prices = (39_999, 40_005, 40_010, 49_990, 50_010, 50_050, 60_050, 60_100)
    try:
        reasons = [bed.buy(account, symbol, 1, p, clock=on(day, 11)).reason for p in prices]
    finally:
        bed.server.execute(f"DELETE FROM tick_sizes WHERE valid_from = '{day}'")
    off = "off_tick"
    assert reasons == [None, off, None, None, off, None, off, None]


def test_a_batch_answers_each_order_by_its_place(bed: Bed) -> None:
    symbol, account = bed.stock(50_000), bed.account()
    first = bed.order(account, "buy", symbol, 1, 50_000)
    batch = [
        first,
        bed.order(account, "buy", "99999Z", 1, 50_000),
        bed.order(account, "buy", symbol, 1, 49_900),
        first,
        replace(first, quantity=2),
        bed.order(account, "sell", symbol, 2),
        bed.order(999_999, "buy", symbol, 1),
    ]
    answers = orders.place_many(bed.server, batch, clock=CLOCK)
    assert [(a.status, a.reason, a.replayed) for a in answers] == [
        ("filled", None, False), ("rejected", "unknown_symbol", False), ("open", None, False),
        ("filled", None, True), ("rejected", "key_reused", False),
        ("rejected", "insufficient_shares", False), ("rejected", "unknown_account", False),
    ]  # fmt: skip
    assert answers[3] == replace(answers[0], replayed=True)


def test_a_batch_of_more_than_a_thousand_is_refused_by_the_server(bed: Bed) -> None:
    with pytest.raises(ServerError, match="1000 orders at most") as caught:
        orders.place_json(bed.server, "[" + ",".join(["{}"] * 1001) + "]", CLOCK.cells)
    assert caught.value.fault is Fault.REJECTED


@pytest.mark.parametrize("table", ["trades", "journal_entries", "audit_log"])
@pytest.mark.parametrize("change", ["UPDATE {} SET business_date = '2025-01-01'", "DELETE FROM {}"])
def test_what_was_written_down_is_never_changed(bed: Bed, table: str, change: str) -> None:
    bed.buy(bed.account(), bed.stock(), 1, 50_000)
    with pytest.raises(ServerError, match=f"{table}.* is append-only") as caught:
        bed.server.execute(change.format(table))
    assert caught.value.fault is Fault.REJECTED


def test_an_order_reads_a_few_rows_however_many_accounts_there_are(bed: Bed) -> None:
    """The first order of a day does more than others, and so does a batch: never all accounts."""
    symbols, buyer = [bed.stock() for _ in range(3)], bed.account()
    bed.buy(buyer, symbols[2], 1, 49_900)
    bed.server.execute(
        "INSERT INTO accounts (account_id, user_id, broker_id, account_no, cash_won, opened_at) "
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 900) "
        "SELECT 500000 + i, %(user)s, 1, concat('B', i), 0, '2024-01-01' FROM n",
        {"user": buyer},
    )
    batch = [bed.order(buyer, "buy", each, 1, 49_900) for each in symbols]
    before = rows_read(bed.server)
    bed.buy(buyer, symbols[0], 1, 49_900)
    opened = rows_read(bed.server)
    orders.place_many(bed.server, batch, clock=CLOCK)
    assert opened - before < 300
    assert rows_read(bed.server) - opened < 900
