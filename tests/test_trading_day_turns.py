"""Whose turn it is when rules trade in a day: the same in one run as in one that was cut short."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime

import pytest
from conftest import Labs
from portfolios import portfolio
from trading import CLOCK, Bed, bed_of

from stockops import conditions, predictions
from stockops.engine import ENGINES
from stockops.market import KST
from stockops.predictions import Line
from stockops.tradingday import automatic
from stockops.tradingday.automatic import Handled

ENDS = datetime(2025, 2, 1, tzinfo=KST)


@pytest.fixture(scope="module", params=sorted(ENGINES))
def bed(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    """A database for all tests of an engine: each makes issues and accounts of its own."""
    with bed_of(all_labs.get(str(request.param))) as bed:
        yield bed


def nobody(_done: int, _total: int) -> None:
    """Hear nothing of the progress."""


def cut(done: int, _total: int) -> None:
    """Break off behind the first one."""
    if done == 1:
        raise KeyboardInterrupt


def handled(bed: Bed) -> Handled:
    return automatic.handled(bed.server, conditions_at=CLOCK, rebalancing_at=CLOCK)


def waiting_conditions(bed: Bed) -> dict[str, int]:
    """
    Conditions of an issue that the house has none of, and that somebody offers at 51,000 won.

    The last price is 50,000 won until the one that is called ``first`` moves it.
    """
    symbol = bed.stock(50_000, house=0)
    bed.sell(bed.account(holds={symbol: 10}), symbol, 10, 51_000)
    user = bed.account()
    line = {
        "user_id": user,
        "symbol": symbol,
        "model_version": "sample-1",
        "side": "buy",
        "confidence": "0.9",
        "predicted_at": "2025-01-03T09:30:00+09:00",
    }
    assert predictions.load(bed.server, [Line(number=1, fields=line)], clock=CLOCK).valid == 1
    waits: dict[str, dict[str, object]] = {
        "turn over": {"price_band": {"from_won": 50_900}},
        "first": {"min_confidence": 0.8, "price_band_bp": 300},
        "met by then": {"price_band": {"from_won": 50_900}},
        "met no more": {"price_band": {"to_won": 50_500}},
    }
    rules = [{"symbol": symbol, "side": "buy", "quantity": 1, **each} for each in waits.values()]
    read = conditions.read(io.BytesIO(json.dumps(rules).encode()), "rules.json")
    made = conditions.add(bed.server, read, account_id=user, expires_at=ENDS, clock=CLOCK)
    return {name: each.condition_id for name, each in zip(waits, made, strict=True)}


@pytest.mark.parametrize("is_cut", [False, True], ids=["in one run", "cut short"])
def test_a_condition_has_its_turn_at_the_price_that_those_before_it_left(
    bed: Bed, is_cut: bool
) -> None:
    made = waiting_conditions(bed)
    after = made["turn over"] - 1
    if is_cut:
        with suppress(KeyboardInterrupt):
            run_conditions(bed, after, cut)
        after = handled(bed).condition_id or 0
        assert after == made["first"]
    said = run_conditions(bed, after, nobody)
    assert said == f"{2 - is_cut} executed, 0 rejected"
    rows = bed.server.rows("SELECT condition_id, status FROM conditions")
    status = {row["condition_id"]: row["status"] for row in rows}
    assert {name: status[number] for name, number in made.items()} == {
        "turn over": "active",
        "first": "done",
        "met by then": "done",
        "met no more": "active",
    }


def run_conditions(bed: Bed, after: int, tell: Callable[[int, int], None]) -> str:
    since = bed.next_event()
    return automatic.execute(bed.server, clock=CLOCK, after=after, since=since, tell=tell)


def waiting_portfolios(bed: Bed) -> dict[str, int]:
    """Two portfolios inside their band, before and behind one that sells to their open orders."""
    symbol, other = bed.stock(50_000, house=0), bed.stock(10_000)
    accounts = [bed.account(10_000_000) for _ in range(3)]
    for account in (accounts[0], accounts[2]):
        bed.buy(account, symbol, 100, 50_000)
    seller = bed.account(1_000_000, holds={symbol: 200})
    names = {"turn over": accounts[0], "first": seller, "met by then": accounts[2]}
    return {name: portfolio(bed, account, {other: 200}) for name, account in names.items()}


@pytest.mark.parametrize("is_cut", [False, True], ids=["in one run", "cut short"])
def test_a_portfolio_has_its_turn_with_what_those_before_it_left(bed: Bed, is_cut: bool) -> None:
    made = waiting_portfolios(bed)
    after = made["turn over"] - 1
    if is_cut:
        with suppress(KeyboardInterrupt):
            run_portfolios(bed, after, cut)
        was = handled(bed)
        assert (was.portfolio_id, was.open_portfolio_id) == (made["first"], None)
        after = made["first"]
    said = run_portfolios(bed, after, nobody)
    assert said == ("1 portfolio rebalanced" if is_cut else "2 portfolios rebalanced")
    rows = bed.server.rows("SELECT portfolio_id FROM rebalances")
    rebalanced = {row["portfolio_id"] for row in rows}
    assert {name for name, number in made.items() if number in rebalanced} == {
        "first",
        "met by then",
    }


def run_portfolios(bed: Bed, after: int, tell: Callable[[int, int], None]) -> str:
    since = bed.next_event()
    return automatic.rebalance(bed.server, clock=CLOCK, after=after, since=since, tell=tell)


def test_a_portfolio_that_may_not_be_rebalanced_is_said_and_stops_no_other(bed: Bed) -> None:
    symbol = bed.stock(10_000)
    wrong = portfolio(bed, bed.account(), {symbol: 5_000}, cash_bp=0)
    portfolio(bed, bed.account(1_000_000), {symbol: 5_000})
    said = run_portfolios(bed, wrong - 1, nobody)
    assert said == "1 portfolio rebalanced, 1 refused"
