"""Rebalancing on both engines: what is placed, what is said, and that nothing happens twice."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, time

import pytest
from click.testing import CliRunner, Result
from conftest import Labs, eventually
from hypothesis import given, settings
from hypothesis import strategies as st
from portfolios import portfolio
from trading import CLOCK, Bed, bed_of

from stockops import advisory, rebalancing
from stockops.cli.main import main
from stockops.engine import ENGINES, connect
from stockops.errors import Refused
from stockops.orders import clock_of
from stockops.rebalancing import CASH, Done

DAY = ("--date", "2025-01-03")


@pytest.fixture(scope="module", params=sorted(ENGINES))
def bed(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    """One database for the tests of this file: each makes issues and accounts of its own."""
    with bed_of(all_labs.get(str(request.param))) as bed:
        yield bed


def run(bed: Bed, number: int) -> Done:
    return rebalancing.rebalance(bed.server, number, clock=CLOCK, minimum_won=10_000)


def stockops(bed: Bed, *args: object) -> Result:
    asked = ["trade", "rebalance", "-t", bed.target.url, *map(str, args), *DAY]
    return CliRunner().invoke(main, asked)


def orders_of(bed: Bed, number: int) -> list[tuple[str, int, str]]:
    rows = bed.server.rows(
        "SELECT side, filled_quantity, status FROM orders WHERE portfolio_id = %(n)s "
        "ORDER BY order_id",
        {"n": number},
    )
    return [(row["side"], int(row["filled_quantity"]), row["status"]) for row in rows]


def trail(bed: Bed, number: int) -> list[str]:
    """What was done in the rebalancings of a portfolio, in order."""
    rows = bed.server.rows(
        "SELECT l.action FROM audit_log l JOIN rebalances r ON l.entity = 'rebalance' "
        f"AND l.entity_id = CAST(r.rebalance_id AS {text(bed)}) WHERE r.portfolio_id = %(n)s "
        "UNION ALL SELECT l.action FROM audit_log l JOIN orders o ON l.entity = 'order' "
        f"AND l.entity_id = CAST(o.order_id AS {text(bed)}) WHERE o.portfolio_id = %(n)s "
        "ORDER BY action",
        {"n": number},
    )
    return [row["action"] for row in rows]


def text(bed: Bed) -> str:
    return "varchar" if bed.engine == "postgresql" else "CHAR"


def messages(bed: Bed, number: int) -> list[str]:
    rows = bed.server.rows(
        "SELECT n.body FROM notifications n JOIN portfolios f ON f.user_id = n.user_id "
        "WHERE n.kind = 'rebalance_executed' AND f.portfolio_id = %(n)s",
        {"n": number},
    )
    return [row["body"] for row in rows]


def mixed(bed: Bed) -> tuple[int, list[str]]:
    """A portfolio that holds one issue and is to hold two others, and the three."""
    held, first, second = (bed.stock(price) for price in (10_000, 50_000, 2_500))
    account = bed.account(1_000_000, holds={held: 900})
    return portfolio(bed, account, {first: 4_000, second: 4_000}), [held, first, second]


def test_it_sells_then_buys_and_tells_it_once(bed: Bed) -> None:
    number, [held, first, second] = mixed(bed)
    done = run(bed, number)
    assert {line.symbol: (line.before_bp, line.after_bp) for line in done.lines} == {
        held: (9_000, 0),
        first: (0, 4_006),
        second: (0, 4_006),
        CASH: (1_000, 1_987),
    }
    assert [line.reason for line in done.lines] == [None] * 4
    assert orders_of(bed, number) == [
        ("sell", 900, "filled"),
        ("buy", 80, "filled"),
        ("buy", 1_600, "filled"),
    ]
    assert trail(bed, number) == ["finish", "place", "place", "place", "start"]
    assert messages(bed, number) == [
        "포트폴리오 mine 리밸런싱: 주문 3건, 매도 9000000원, 매수 8000000원, 수수료와 세금 16050원"
    ]
    again = run(bed, number)
    assert again.rebalance_id is None
    assert len(orders_of(bed, number)) == 3
    assert len(messages(bed, number)) == 1


def test_the_plan_shows_the_orders_and_places_none(bed: Bed) -> None:
    number, _ = mixed(bed)
    shown = json.loads(stockops(bed, number, "--plan", "--format", "json").stdout)
    assert orders_of(bed, number) == []
    assert [(line["side"], line["quantity"]) for line in shown] == [
        ("sell", 900),
        ("buy", 80),
        ("buy", 1_600),
        (None, 0),
    ]
    after = {line.symbol: line.after_bp for line in run(bed, number).lines}
    assert {line["symbol"]: line["expected_bp"] for line in shown} == after


def test_weights_that_do_not_come_to_the_whole_are_refused(bed: Bed) -> None:
    number = portfolio(bed, bed.account(), {bed.stock(): 9_000}, cash_bp=500)
    for more in ((), ("--plan",)):
        said = stockops(bed, number, *more)
        assert said.exit_code == 5
        assert f"the weights of portfolio {number} come to 95 %" in said.stderr
    assert orders_of(bed, number) == []


def test_two_portfolios_of_one_account_are_refused(bed: Bed) -> None:
    account, symbol = bed.account(), bed.stock()
    number, _ = (portfolio(bed, account, {symbol: 10_000}) for _ in range(2))
    said = stockops(bed, number)
    assert (said.exit_code, "holds 2 active portfolios" in said.stderr) == (5, True)


def test_a_second_run_at_once_says_so(bed: Bed) -> None:
    number, _ = mixed(bed)
    what = f"rebalance of portfolio {number}"
    with connect(bed.target) as other, advisory.alone(other, what, wait_s=0):
        said = stockops(bed, number)
        assert (said.exit_code, orders_of(bed, number)) == (6, [])
        assert f"another session runs a {what}" in said.stderr
    assert stockops(bed, number).exit_code == 0


def test_what_cannot_be_traded_is_left_and_said(bed: Bed) -> None:
    halted, delisted = bed.stock(10_000, status="halted"), bed.stock(10_000, status="delisted")
    unpriced, fine = bed.stock(10_000), bed.stock(10_000)
    bed.server.execute("DELETE FROM stock_inventory WHERE symbol = %(s)s", {"s": unpriced})
    account = bed.account(8_000_000, holds={halted: 200})
    number = portfolio(bed, account, {delisted: 2_000, unpriced: 2_000, fine: 4_000})
    reasons = {line.symbol: line.reason for line in run(bed, number).lines}
    assert reasons == {
        halted: "trading in the issue is halted",
        delisted: "the issue is no longer listed",
        unpriced: "the issue has no price",
        fine: None,
        CASH: "it is what the issues above leave or lack",
    }
    assert orders_of(bed, number) == [("buy", 400, "filled")]


def test_what_the_market_does_not_have_is_taken_back(bed: Bed) -> None:
    symbol = bed.stock(10_000, house=30)
    account = bed.account(1_000_000)
    number = portfolio(bed, account, {symbol: 10_000})
    [line, cash] = run(bed, number).lines
    assert line.reason == "the market had 30 of 99 shares at 10000 won"
    assert cash.reason is not None
    assert orders_of(bed, number) == [("buy", 30, "cancelled")]
    assert bed.cash(account)[1] == 0


def test_an_order_in_a_call_auction_says_that_nothing_trades_before_its_end(bed: Bed) -> None:
    symbol = bed.stock(10_000, house=1_000)
    account = bed.account(1_000_000)
    number = portfolio(bed, account, {symbol: 10_000})
    early = clock_of(date(2025, 1, 3), time(8, 40))
    [line, cash] = rebalancing.rebalance(bed.server, number, clock=early, minimum_won=10_000).lines
    assert line.reason == (
        "the issue is in a call auction, which trades nothing before its end: "
        "the order was taken back"
    )
    assert cash.reason is not None
    assert orders_of(bed, number) == [("buy", 0, "cancelled")]
    [line, _] = run(bed, number).lines
    assert line.filled_quantity == 99


@pytest.mark.parametrize(
    ("at", "said", "hint"),
    [
        ("2025-01-03 18:00", "takes no orders at 18:00 KST on 2025-01-03", "09:00 to 15:20"),
        ("2025-01-04 10:00", "is closed on 2025-01-04: a weekend", "2025-01-06"),
    ],
)
def test_while_the_market_takes_no_orders_it_sends_none(
    bed: Bed, at: str, said: str, hint: str
) -> None:
    symbol = bed.stock(10_000, house=1_000)
    number = portfolio(bed, bed.account(1_000_000), {symbol: 10_000})
    when = datetime.fromisoformat(at)
    with pytest.raises(Refused, match=said) as refused:
        rebalancing.rebalance(
            bed.server, number, clock=clock_of(when.date(), when.time()), minimum_won=10_000
        )
    assert hint in (refused.value.hint or "")
    assert orders_of(bed, number) == []
    assert messages(bed, number) == []


def test_a_run_that_was_killed_is_ended_by_the_next(bed: Bed) -> None:
    number, [_, first, _] = mixed(bed)
    with connect(bed.target) as blocker:
        with blocker.transaction():
            blocker.rows(
                "SELECT symbol FROM stock_inventory WHERE symbol = %(s)s FOR UPDATE", {"s": first}
            )
            killed = subprocess.Popen(
                [sys.executable, "-m", "stockops", "trade", "rebalance", str(number),
                 "-t", bed.target.url, *DAY],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                eventually(lambda: orders_of(bed, number) == [("sell", 900, "filled")])
            finally:
                killed.send_signal(signal.SIGKILL)
                killed.wait(60)
        # The server may still place what it was sent, and holds the lock until it is done with it.
        said = eventually(lambda: unlocked(stockops(bed, number)))
    assert said is not None
    assert "had been cut short" in said.stderr
    assert sorted(orders_of(bed, number)) == [
        ("buy", 80, "filled"),
        ("buy", 1_600, "filled"),
        ("sell", 900, "filled"),
    ]
    assert trail(bed, number) == ["finish", "place", "place", "place", "start"]
    assert len(messages(bed, number)) == 1
    assert run(bed, number).rebalance_id is None


def unlocked(said: Result) -> Result | None:
    return None if said.exit_code == 6 else said


def test_orders_of_a_day_that_is_over_are_not_placed(bed: Bed) -> None:
    symbol = bed.stock(10_000)
    number = portfolio(bed, bed.account(1_000_000), {symbol: 5_000})
    line = {"line_no": 1, "symbol": symbol, "target_bp": 9_000, "side": "buy", "quantity": 90,
            "limit_won": 10_000}  # fmt: skip
    start = bed.server.prepare_call("start_rebalance", 6)
    start((number, 0, 1_000_000, json.dumps([line]), *CLOCK.cells))
    later = clock_of(date(2025, 1, 6), time(10, 0))
    done = rebalancing.rebalance(bed.server, number, clock=later, minimum_won=0)
    assert orders_of(bed, number) == [("buy", 50, "filled")]
    assert [line.after_bp for line in done.lines] == [5_000, 5_000]
    assert trail(bed, number) == ["finish", "finish", "place", "start", "start"]


def test_due_are_those_outside_their_band_and_one_refusal_stops_no_other(bed: Bed) -> None:
    bed.server.execute("UPDATE portfolios SET status = 'closed'")
    bed.server.execute("UPDATE accounts SET status = 'active'")
    symbol = bed.stock(10_000)
    wrong = portfolio(bed, bed.account(), {symbol: 5_000}, cash_bp=0)
    inside = portfolio(bed, bed.account(1_000_000, holds={symbol: 102}), {symbol: 5_000})
    outside = portfolio(bed, bed.account(1_000_000, holds={symbol: 20}), {symbol: 5_000})
    shown = json.loads(stockops(bed, "--due", "--plan", "--format", "json").stdout)
    assert {line["portfolio_id"] for line in shown} == {outside}
    said = stockops(bed, "--due")
    assert said.exit_code == 1
    assert f"the weights of portfolio {wrong} come to 50 %" in said.stderr
    assert orders_of(bed, outside) == [("buy", 40, "filled")]
    assert orders_of(bed, inside) == []


@given(
    weights=st.lists(st.integers(1, 40), min_size=3, max_size=3),
    holds=st.lists(st.integers(0, 400), min_size=2, max_size=2),
    cash_won=st.integers(20_000_000, 100_000_000),
)
@settings(max_examples=5, deadline=None)
def test_after_the_fills_every_weight_is_inside_its_band(
    bed: Bed, weights: list[int], holds: list[int], cash_won: int
) -> None:
    cheap, dear = bed.stock(1_430), bed.stock(71_300)
    targets = [weight * 9_900 // sum(weights) for weight in weights[:2]]
    account = bed.account(cash_won, holds=dict(zip((cheap, dear), holds, strict=True)))
    number = portfolio(
        bed, account, dict(zip((cheap, dear), map(max, targets, (1, 1)), strict=True))
    )
    for line in run(bed, number).lines:
        assert line.reason is None
        assert line.after_bp is not None
        assert abs(line.after_bp - line.target_bp) <= 300
