"""The prices of a run come from the database's own rules, whatever they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockops import market as rules
from stockops import money, workload
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import ConfigError
from stockops.money import Ticks
from stockops.targets import Target
from stockops.workload import RunPlan
from stockops.workload.ground import LADDER_STEPS, Issue, ladder, survey

DAY = date(2025, 1, 3)
EVERYTHING = 10**9

# Bands that no exchange has: their starts are between two of their own steps.
odd_bands = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 25)),
    min_size=1,
    max_size=4,
    unique_by=lambda b: b[0],
).map(lambda bands: Ticks(tuple(sorted(bands))))


def valid_prices(ticks: Ticks, below: int) -> list[int]:
    """Every price that an order may name, by looking at each."""
    found = []
    for price in range(1, below):
        steps = [tick for start, tick in ticks.bands if start <= price]
        if steps and price % steps[-1] == 0:
            found.append(price)
    return found


@given(odd_bands, st.integers(-5, 120))
def test_the_next_valid_price_is_found_in_any_bands(ticks: Ticks, price: int) -> None:
    valid = valid_prices(ticks, 200)
    assert ticks.above(price) == min(each for each in valid if each > price)
    assert ticks.below(price) == max((each for each in valid if each < price), default=None)


@given(st.integers(1, 2_000_000))
def test_a_ladder_holds_valid_prices_within_the_limits(last: int) -> None:
    lower, upper = money.limits_won(last)
    prices = ladder(Issue("005930", "KOSPI", last, lower, upper), Ticks(money.TICKS))
    assert prices
    assert prices == sorted(set(prices))
    assert all(lower <= price <= upper for price in prices)
    assert all(price % money.tick_won(price) == 0 for price in prices)


@given(odd_bands, st.integers(1, 120))
def test_a_ladder_leaves_no_price_out(ticks: Ticks, last: int) -> None:
    valid = valid_prices(ticks, 400)
    lower = [price for price in valid if price <= last][-LADDER_STEPS - 1 :]
    higher = [price for price in valid if price > last][:LADDER_STEPS]
    assert ladder(Issue("005930", "KOSPI", last, 1, EVERYTHING), ticks) == lower + higher


def test_limits_that_hold_no_step_leave_no_price() -> None:
    assert ladder(Issue("005930", "KOSPI", 1_050, 1_020, 1_080), Ticks(((0, 100),))) == []


@contextmanager
def new_rules(server: Server, *, limit_bp: int) -> Iterator[None]:
    """Let other rules hold from the day of the run on; the database is used again afterwards."""
    day = {"day": DAY}
    try:
        for start, tick in ((0, 7), (3_001, 30), (50_000, 700)):
            server.execute(
                "INSERT INTO tick_sizes (market, valid_from, price_from_won, tick_won) "
                "SELECT l.market, %(day)s, %(start)s, %(tick)s FROM price_limits AS l",
                {**day, "start": start, "tick": tick},
            )
        server.execute(
            "INSERT INTO price_limits (market, valid_from, limit_bp) "
            "SELECT l.market, %(day)s, %(bp)s FROM price_limits AS l",
            {**day, "bp": limit_bp},
        )
        yield
    finally:
        for table in ("tick_sizes", "price_limits"):
            server.execute(f"DELETE FROM {table} WHERE valid_from = %(day)s", day)


def test_a_run_follows_the_rules_of_its_date(market: Target) -> None:
    plan = RunPlan(clients=2, orders=300, mix={"limit": 1}, business_date=DAY)
    with connect(market) as server, new_rules(server, limit_bp=150):
        assert rules.ticks(server, DAY)["KOSPI"] == Ticks(((0, 7), (3_001, 30), (50_000, 700)))
        assert rules.ticks(server, date(2025, 1, 2))["KOSPI"] == Ticks(money.TICKS)
        result = workload.run(market, plan)
        assert result.failure is None
        assert result.accepted >= 0.9 * result.orders
        assert not {"rejected/off_tick", "rejected/outside_price_limit"} & result.outcomes.keys()
        placed = server.rows("SELECT limit_won AS won FROM orders WHERE limit_won IS NOT NULL")
        assert {int(row["won"]) % 30 for row in placed if 3_001 <= row["won"] < 50_000} == {0}


def test_rules_that_leave_no_price_are_named(market: Target) -> None:
    said = "the price rules of KOSPI leave .* no price on 2025-01-03"
    plan = RunPlan(business_date=DAY)
    with connect(market) as server:
        with new_rules(server, limit_bp=1), pytest.raises(ConfigError, match=said) as caught:
            survey(server, plan)
        with pytest.raises(ConfigError, match=said), server.transaction():
            server.execute("DELETE FROM tick_sizes WHERE market = 'KOSPI'")
            survey(server, plan)
        assert survey(server, plan).ladders
    assert (
        caught.value.hint == "Mend the rows of tick_sizes and price_limits that hold on that date."
    )
