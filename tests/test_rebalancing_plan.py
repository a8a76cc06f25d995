"""From weights to orders, without a server: what may never be, whatever a portfolio looks like."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portfolios import STEPS, Issue, made_of

from stockops.errors import Refused
from stockops.rebalancing import CASH, Plan, Portfolio, plan

RATE, TAX = 15, 200  # of 100,000: what `made_of` charges
ONE_SHARE, COSTS = "one share is", "commission and tax came"


@st.composite
def portfolios(draw: st.DrawFn, *, plain: bool = False) -> Portfolio:
    """Any portfolio; `plain`: nothing is in the way, and a share is little of the whole."""
    count = draw(st.integers(1, 5))
    parts = draw(st.lists(st.integers(1, 50), min_size=count + 1, max_size=count + 1))
    targets = [part * 9_900 // sum(parts) for part in parts[:-1]]
    prices = st.integers(1_000, 60_000) if plain else st.none() | st.integers(1, 2_000_000)
    issues = []
    for target in targets:
        quantity = draw(st.integers(0, 20_000 if plain else 2_000))
        issues.append(
            Issue(
                target_bp=max(1, target),
                price_won=draw(prices),
                quantity=quantity,
                reserved=0 if plain else draw(st.integers(0, quantity)),
                status="listed" if plain else draw(st.sampled_from(["listed"] * 4 + ["halted"])),
            )
        )
    cash = draw(st.integers(200_000_000 if plain else 1, 2_000_000_000))
    return made_of(
        issues,
        cash_won=cash,
        reserved_won=0 if plain else draw(st.integers(0, cash)),
        band_bp=draw(st.integers(60 if plain else 0, 1_000)),
    )


def filled(portfolio: Portfolio, found: Plan) -> tuple[int, dict[str, int]]:
    """The cash and the value of each issue once every order was filled at its limit."""
    cash = portfolio.head.cash_won
    values = {row.symbol or "": row.quantity * (row.price_won or 0) for row in portfolio.issues}
    prices = {row.symbol or "": row.price_won or 0 for row in portfolio.issues}
    for line in found.orders:
        assert line.limit_won
        value = line.quantity * line.limit_won
        fee = value * RATE // 100_000
        sign = 1 if line.side == "buy" else -1
        tax = 0 if line.side == "buy" else value * TAX // 100_000
        cash -= sign * value + fee + tax
        assert cash >= portfolio.head.reserved_won or line.side == "sell", "it is paid for"
        values[line.symbol] += sign * line.quantity * prices[line.symbol]
    return cash, values


@given(portfolios())
@settings(max_examples=150, deadline=None)
def test_every_weight_is_inside_its_band_or_the_reason_is_stated(portfolio: Portfolio) -> None:
    found = plan(portfolio, STEPS, minimum_won=10_000)
    cash, values = filled(portfolio, found)
    total, band = cash + sum(values.values()), portfolio.head.band_bp
    rows = {row.symbol: row for row in portfolio.issues}
    paid = portfolio.value_won - total
    for line in found.lines:
        value = cash if line.symbol == CASH else values[line.symbol]
        off = abs(value * 10_000 - line.target_bp * total)
        if off <= band * total:
            continue
        assert line.reason, line
        if line.reason.startswith(ONE_SHARE):
            assert off <= (rows[line.symbol].price_won or 0) * 10_000
        elif line.reason.startswith(COSTS):
            assert (
                off - line.target_bp * paid - band * paid
                <= 5_000 * (rows[line.symbol].price_won or 0) + band * total
            )


@given(portfolios(plain=True))
@settings(max_examples=100, deadline=None)
def test_where_nothing_is_in_the_way_every_weight_comes_inside(portfolio: Portfolio) -> None:
    found = plan(portfolio, STEPS, minimum_won=0)
    cash, values = filled(portfolio, found)
    total = cash + sum(values.values())
    for line in found.lines:
        value = cash if line.symbol == CASH else values[line.symbol]
        off = abs(value * 10_000 - line.target_bp * total)
        assert off <= portfolio.head.band_bp * total, (line, off / total)


@given(portfolios())
@settings(max_examples=100, deadline=None)
def test_orders_are_whole_on_tick_and_sell_before_they_buy(portfolio: Portfolio) -> None:
    found = plan(portfolio, STEPS, minimum_won=10_000)
    rows = {row.symbol: row for row in portfolio.issues}
    sides = [line.side for line in found.orders]
    assert sides == sorted(sides, key=lambda side: side == "buy")
    for line in found.orders:
        row = rows[line.symbol]
        assert row.stock_status == "listed"
        assert line.limit_won
        assert STEPS["KOSPI"].above(line.limit_won - 1) == line.limit_won, "on the price step"
        assert line.quantity * line.limit_won >= 10_000
        if line.side == "sell":
            assert line.quantity <= row.quantity - row.reserved_quantity


def test_a_weight_inside_its_band_is_left_alone() -> None:
    inside = made_of([Issue(target_bp=5_000, quantity=5_290)], cash_won=47_100_000)
    found = plan(inside, STEPS, minimum_won=0)
    assert (found.is_due, found.orders) == (False, ())
    outside = made_of([Issue(target_bp=5_000, quantity=5_310)], cash_won=46_900_000)
    (order,) = plan(outside, STEPS, minimum_won=0).orders
    assert (order.side, order.quantity, order.limit_won) == ("sell", 310, 10_000)


def test_what_has_no_target_is_sold() -> None:
    found = plan(
        made_of([Issue(target_bp=0, quantity=100), Issue(target_bp=9_000)], cash_won=1),
        STEPS,
        minimum_won=0,
    )
    assert [(line.side, line.quantity) for line in found.orders] == [("sell", 100), ("buy", 90)]


@pytest.mark.parametrize(
    ("issue", "said"),
    [
        (Issue(target_bp=1_000, status="halted"), "trading in the issue is halted"),
        (Issue(target_bp=1_000, status="delisted"), "the issue is no longer listed"),
        (Issue(target_bp=1_000, price_won=None, quantity=5), "the issue has no price"),
        (Issue(target_bp=0, quantity=500, reserved=499), "open sell orders hold 499 of its shares"),
        (Issue(target_bp=1, quantity=0), "a trade of 10,000 won is below the minimum of"),
    ],
    ids=["halted", "delisted", "without a price", "reserved", "too small"],
)
def test_what_is_left_says_why(issue: Issue, said: str) -> None:
    found = plan(
        made_of([issue, Issue(target_bp=5_000)], cash_won=100_000_000), STEPS, minimum_won=20_000
    )
    [line] = [line for line in found.lines if line.symbol == "000010"]
    assert line.reason is not None
    assert line.reason.startswith(said)
    assert [line.symbol for line in found.orders] == ["000020"]


def test_where_the_cash_is_short_it_buys_what_it_can() -> None:
    found = plan(
        made_of(
            [Issue(target_bp=0, quantity=5_000, status="halted"), Issue(target_bp=10_000)],
            cash_won=50_000_000,
        ),
        STEPS,
        minimum_won=0,
    )
    (order,) = found.orders
    assert order.quantity == 4_999
    assert order.reason == "the cash to spend pays for 4999 of 10000 shares"


def test_weights_that_are_not_whole_are_refused() -> None:
    portfolio = made_of([Issue(target_bp=9_000)], cash_won=1)
    assert portfolio.refusal() is None
    wrong = Portfolio(tuple(replace(row, cash_bp=999) for row in portfolio.rows))
    with pytest.raises(Refused, match=r"come to 99\.99 % \(90 % in issues, 9\.99 % in cash\)"):
        plan(wrong, STEPS, minimum_won=0)


def test_what_open_orders_hold_is_not_spent() -> None:
    held = made_of([Issue(target_bp=5_000)], cash_won=100_000_000, reserved_won=70_000_000)
    (order,) = plan(held, STEPS, minimum_won=0).orders
    assert order.quantity == 2_999
