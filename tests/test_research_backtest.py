"""The backtest on both engines: what is traded, at which prices, and what it comes to."""

import itertools
import json
import math
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import Labs, eventually, migrated_database
from hypothesis import given, settings
from hypothesis import strategies as st
from pricing import priced, split_and_not, walked, weekdays
from trading import Bed

from stockops import research
from stockops.cli.main import main
from stockops.engine import ENGINES, connect
from stockops.errors import ConfigError
from stockops.money import TICKS, Ticks
from stockops.research import Parameters, measures
from stockops.research.rules import Rules
from stockops.research.strategy import Sleeve, Trade

MONDAY = date(2025, 1, 6)
HAND = Parameters(window=3, entry=Decimal("1.1"), cash_won=1_000_000)
NO_EXITS: dict[str, Any] = {"stop_loss": None, "take_profit": None}


@pytest.fixture(scope="module", params=sorted(ENGINES))
def bed(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    """One database for the tests of this file: each makes issues of its own."""
    with (
        migrated_database(all_labs.get(str(request.param))) as target,
        connect(target, bulk=True) as server,
    ):
        yield Bed(server, target)


def stockops(bed: Bed, *args: object) -> Result:
    noun, *rest = map(str, args)
    return CliRunner().invoke(main, ["research", noun, "-t", bed.target.url, *rest])


def tried(bed: Bed, parameters: Parameters, days: Sequence[tuple[date, int, int]]) -> list[Trade]:
    symbol = bed.stock()
    priced(bed, symbol, days)
    return list(research.backtest(bed.server, parameters, [symbol]).trades)


def on_days(*prices: tuple[int, int]) -> list[tuple[date, int, int]]:
    """Days from a Monday on, of open and close."""
    return [(day, *each) for day, each in zip(weekdays(MONDAY, len(prices)), prices, strict=True)]


FALL = [(10_000, 10_000)] * 3 + [(10_000, 9_000)]


def test_a_trade_comes_to_the_won_that_a_person_works_out(bed: Bed) -> None:
    symbol = bed.stock()
    days = on_days(*FALL, (9_103, 9_100), (9_100, 9_800), (9_799, 9_700), (9_700, 9_700))
    priced(bed, symbol, days)
    run = research.backtest(bed.server, HAND, [symbol])
    [trade] = run.trades
    # The z-score of 9,000 among 10,000, 10,000, 9,000 is -1.1547; of 9,800 it is 1.1.
    assert (trade.buy_signal_on, trade.bought_on) == (days[3][0], days[4][0])
    assert (trade.sell_signal_on, trade.sold_on) == (days[5][0], days[6][0])
    assert (trade.buy_won, trade.sell_won, trade.quantity) == (9_110, 9_790, 109)  # on the tick
    # Commission 0.015 % of 992,990 and of 1,067,110; tax 0.15 % of the sale.
    assert (trade.fees_won, trade.tax_won) == (148 + 160, 1_600)
    assert trade.profit_won == 109 * 680 - 308 - 1_600
    bought = 1_000_000 - 109 * 9_110 - 148
    curve = {day.price_date: day.equity_won for day in run.days}  # of other issues' days, too
    assert [curve[on] for on, *_ in days] == [
        *[1_000_000] * 4,
        bought + 109 * 9_100,
        bought + 109 * 9_800,
        *[1_000_000 + 109 * 680 - 1_908] * 2,
    ]
    assert (trade.reason, run.simulation.win_rate) == ("mean", Decimal(1))
    assert run.simulation.total_return == Decimal("0.07221200")


def test_the_stop_comes_first_and_the_profit_is_taken(bed: Bed) -> None:
    fallen = tried(bed, HAND, on_days(*FALL, (9_000, 9_000), (9_000, 8_090), (8_000, 8_000)))
    assert [(t.reason, t.sell_won) for t in fallen] == [("stop_loss", 8_000)]
    assert fallen[0].profit_won is not None
    assert fallen[0].profit_won < 0
    late = Parameters(window=3, entry=Decimal("1.1"), exit=Decimal(9))
    risen = tried(bed, late, on_days(*FALL, (9_000, 9_000), (9_000, 10_800), (10_900, 10_800)))
    assert [(t.reason, t.sell_won) for t in risen] == [("take_profit", 10_900)]
    without = Parameters(window=3, entry=Decimal("1.1"), exit=Decimal(9), **NO_EXITS)
    kept = tried(bed, without, on_days(*FALL, (9_000, 9_000), (9_000, 20_000), (1_000, 1_000)))
    assert [(t.reason, t.sold_on) for t in kept] == [(None, None)]


HALT = (0, 9_000)


def test_a_buy_lapses_over_a_day_without_a_trade_and_a_sale_waits(bed: Bed) -> None:
    assert tried(bed, HAND, on_days(*FALL, HALT, (9_100, 9_900), (9_900, 9_900))) == []
    gap = on_days(*FALL, (1, 1), (9_100, 9_900), (9_900, 9_900))
    assert tried(bed, HAND, [*gap[:4], *gap[5:]]) == []
    days = on_days(*FALL, (9_000, 9_900), HALT, HALT, (9_500, 9_500))
    [sold] = tried(bed, HAND, days)
    assert (sold.sell_signal_on, sold.sold_on, sold.sell_won) == (days[4][0], days[7][0], 9_500)


def test_tax_is_that_of_the_settlement_date(bed: Bed) -> None:
    # Two business days after the 26th is the 30th; after the 27th, the 2nd of January.
    for sold_on, tax in ((date(2024, 12, 26), 18), (date(2024, 12, 27), 15)):
        days = weekdays(date(2024, 12, 16), 20)
        before = days[: days.index(sold_on)]
        rows = zip(before[-6:], [*FALL, (9_000, 9_000), (9_000, 9_900)], strict=True)
        [sold] = tried(bed, HAND, [*[(on, *row) for on, row in rows], (sold_on, 10_000, 10_000)])
        assert sold.tax_won == sold.quantity * 10_000 * tax // 10_000


def test_a_date_before_the_first_rate_is_refused(bed: Bed) -> None:
    days = [(date(2010 + n, 1, 4), *row) for n, row in enumerate([*FALL, (9_000, 9_000)])]
    with pytest.raises(ConfigError, match="no commission is in force on 2014-01-04") as caught:
        tried(bed, Parameters(window=3, entry=Decimal("1.1")), days)
    assert "--from 2015-06-15" in str(caught.value.hint)


def test_a_run_is_stored_once_and_shown(bed: Bed) -> None:
    symbols = [bed.stock() for _ in range(3)]
    days = weekdays(date(2024, 3, 4), 90)
    for seed, symbol in enumerate(symbols):
        walked(bed, symbol, days, seed=seed)
    asked = [part for symbol in symbols for part in ("--symbol", symbol)]
    asked += ["--from", str(days[0]), "--until", str(days[-1])]
    count = "SELECT count(*) AS n FROM simulations"
    before = bed.one(count)
    planned = stockops(bed, "backtest", *asked, "--plan")
    assert (planned.exit_code, bed.one(count)) == (0, before)
    first = stockops(bed, "backtest", *asked, "--format", "json", "--window", 10)
    second = stockops(bed, "backtest", *asked, "--format", "json", "--window", 10)
    assert first.exit_code == 0, first.stderr
    assert (json.loads(first.stdout), bed.one(count)) == (json.loads(second.stdout), before + 1)
    [found] = json.loads(first.stdout)
    number = found["simulation_id"]
    trades = json.loads(stockops(bed, "simulations", number, "--trades", "--format", "json").stdout)
    curve = json.loads(stockops(bed, "simulations", number, "--curve", "--format", "json").stdout)
    assert len([trade for trade in trades if trade["sold_on"]]) == found["trades"] > 0
    assert [trade["trade_no"] for trade in trades] == [*range(1, len(trades) + 1)]
    assert [day["price_date"] for day in curve] == [day.isoformat() for day in days]
    gained = sum(trade["profit_won"] or 0 for trade in trades)
    held = found["held_at_end"]
    assert held or found["end_won"] == found["start_won"] + gained
    assert curve[-1]["equity_won"] == found["end_won"]


# The days of a simulation are stored last: all its trades are written by then.
LOCK = {
    "postgresql": ("BEGIN; LOCK TABLE simulation_days", "ROLLBACK"),
    "mariadb": ("LOCK TABLES simulation_days WRITE", "UNLOCK TABLES"),
}
WAITING = {
    "postgresql": "SELECT count(*) FROM pg_locks WHERE NOT granted "
    "AND relation = 'simulation_days'::regclass",
    "mariadb": "SELECT count(*) FROM information_schema.processlist "
    "WHERE db = database() AND state LIKE 'Waiting for table metadata lock'",
}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_one_that_is_stopped_while_it_stores_leaves_nothing(bed: Bed, how: signal.Signals) -> None:
    symbol = bed.stock()
    priced(bed, symbol, on_days(*FALL * 8))
    counts = [f"SELECT count(*) AS n FROM {each}" for each in ("simulations", "simulation_trades")]
    before = [bed.one(each) for each in counts]
    asked = ["backtest", "-t", bed.target.url, "--symbol", symbol, "--window", "3", "--entry", "1"]
    lock, unlock = LOCK[bed.engine]
    with (
        connect(bed.target) as blocker,
        subprocess.Popen(
            [sys.executable, "-m", "stockops", "research", *asked],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as stopped,
    ):  # fmt: skip
        try:
            blocker.execute(lock)
            assert eventually(lambda: bed.one(WAITING[bed.engine]) == 1)
            stopped.send_signal(how)
            assert stopped.wait(60) == (130 if how == signal.SIGINT else -how)
        finally:
            stopped.kill()
            blocker.execute(unlock)
    assert eventually(lambda: bed.one(WAITING[bed.engine]) == 0)
    assert [bed.one(each) for each in counts] == before
    again = stockops(bed, *asked[:1], *asked[3:], "--format", "json")
    [found] = json.loads(again.stdout)
    assert (bed.one(counts[0]), found["trades"] > 0) == (before[0] + 1, True)


def test_a_split_is_no_fall(bed: Bed) -> None:
    rises = [10_000, 10_000, 10_000, 9_000]
    issues = split_and_not(bed, rises * 8, MONDAY, 15)
    split, never = (research.backtest(bed.server, HAND, [symbol]) for symbol in issues)
    assert [replace(each, symbol="") for each in split.trades] == [
        replace(each, symbol="") for each in never.trades
    ]
    assert len(split.trades) > 3
    assert split.days == never.days


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        (("--window", 1), 2, "the window of 1 is out of range"),
        (("--entry", 0), 2, "the entry of 0 is out of range"),
        (("--entry", "1.234"), 2, "not a number with two decimal places"),
        (("--exit", -2), 2, "the exit of -2 is out of range"),
        (("--stop-loss", 100), 2, "the stop-loss of 100 is out of range"),
        (("--take-profit", -1), 2, "the take-profit of -1 is out of range"),
        (("--cash", 0), 2, "the cash of 0 is out of range"),
        (("--broker", "HANGNAG"), 2, "Did you mean HANGANG?"),
        (("--from", "2025-02-01", "--until", "2025-01-01"), 2, "the first date of 2025-02-01"),
        (("--from", "2099-01-01"), 1, "there are no prices from 2099-01-01"),
        (("--window", 500), 1, "too few for a window of 500 days"),
        (("--symbol", "9Z999X"), 2, "no issue with prices has the code '9Z999X'"),
    ],
)
def test_what_cannot_be_run_says_why(
    bed: Bed, given: tuple[object, ...], code: int, says: str
) -> None:
    symbol = bed.stock()
    priced(bed, symbol, on_days(*FALL))
    said = stockops(bed, "backtest", "--symbol", symbol, *given)
    assert (said.exit_code, says in said.stderr) == (code, True), said.stderr


def test_the_nearest_issue_is_named(bed: Bed) -> None:
    symbol = bed.stock()
    priced(bed, symbol, on_days(*FALL))
    said = stockops(bed, "backtest", "--symbol", symbol[:4] + "X" + symbol[5])
    assert "Did you mean" in said.stderr


# From here on without a server: the same steps over prices by chance.

STEPS = {"KOSPI": Ticks(TICKS)}


def sleeve_of(days: Sequence[date], **more: Any) -> Sleeve:
    rules = Rules(
        days=days,
        tax={("KOSPI", day): Decimal("0.0015") for day in days},
        commission=[(days[0], Decimal("0.00015"))],
        ticks=[(days[0], STEPS)],
        numbers={day: number for number, day in enumerate(days)},
    )
    parameters = Parameters(window=5, entry=Decimal(1), **more)
    return Sleeve(symbol="000010", market="KOSPI", parameters=parameters, rules=rules,
                  changes={}, cash_won=10_000_000)  # fmt: skip


def summed(days: Sequence[date], prices: Sequence[tuple[int, int]]) -> Iterator[tuple[Any, ...]]:
    closes = [close for _, close in prices]
    for n, (on, (open_won, close)) in enumerate(zip(days, prices, strict=False)):
        last = closes[max(0, n - 4) : n + 1]
        yield on, open_won, close, len(last), sum(last), sum(each * each for each in last)


PRICES = st.lists(
    st.tuples(st.integers(500, 2_000), st.integers(500, 2_000)), min_size=40, max_size=60
)


@given(prices=PRICES, other=PRICES, cut=st.integers(10, 39))
@settings(max_examples=25, deadline=None)
def test_nothing_is_known_before_its_day(
    prices: list[tuple[int, int]], other: list[tuple[int, int]], cut: int
) -> None:
    days = weekdays(MONDAY, 60)
    known, changed = sleeve_of(days), sleeve_of(days)
    known.run(summed(days, prices))
    changed.run(summed(days, [*prices[:cut], *other[cut:]]))
    bought = [
        {t.bought_on: t for t in each.trades if t.bought_on < days[cut]}
        for each in (known, changed)
    ]
    assert bought[0].keys() == bought[1].keys()
    for on, trade in bought[0].items():
        if trade.sold_on is not None and trade.sold_on < days[cut]:
            assert trade == bought[1][on]
    until = [
        {d: won for d, won in each.changes.items() if d < days[cut]} for each in (known, changed)
    ]
    assert until[0] == until[1]


@given(prices=PRICES)
@settings(max_examples=25, deadline=None)
def test_every_signal_is_one_by_the_textbook(prices: list[tuple[int, int]]) -> None:
    days = weekdays(MONDAY, len(prices))
    sleeve = sleeve_of(days, **NO_EXITS)
    sleeve.run(summed(days, prices))
    at = {day: n for n, day in enumerate(days)}

    def z(on: date) -> float:
        last = [close for _, close in prices[at[on] - 4 : at[on] + 1]]
        return (last[-1] - statistics.mean(last)) / statistics.stdev(last)

    for trade in sleeve.trades:
        assert z(trade.buy_signal_on) <= -1 + 1e-9
        assert at[trade.bought_on] == at[trade.buy_signal_on] + 1
        assert trade.buy_won >= prices[at[trade.bought_on]][0]
        if trade.sold_on is not None and trade.sell_signal_on is not None:
            assert z(trade.sell_signal_on) >= -1e-9
            assert at[trade.sold_on] == at[trade.sell_signal_on] + 1
    held = {
        day
        for t in sleeve.trades
        for day in days
        if t.buy_signal_on <= day < (t.sold_on or days[-1])
    }
    for day in days[4:-1]:
        if day not in held and statistics.pstdev(c for _, c in prices[at[day] - 4 : at[day] + 1]):
            assert z(day) > -1 - 1e-9, day


@given(st.lists(st.integers(1, 10**9), min_size=3, max_size=40))
@settings(max_examples=100, deadline=None)
def test_measures_are_those_of_the_textbook(equity: list[int]) -> None:
    fall = max((a - b) / a for a, b in itertools.combinations(equity, 2))
    assert float(measures.max_drawdown(equity)) == pytest.approx(max(fall, 0), abs=1e-8)
    returns = [b / a - 1 for a, b in itertools.pairwise(equity)]
    mean = sum(returns) / len(returns)
    variance = sum((each - mean) ** 2 for each in returns) / (len(returns) - 1)
    ratio = measures.sharpe_ratio(equity)
    if ratio is None:
        assert variance == pytest.approx(0)
    else:
        assert float(ratio) == pytest.approx(
            mean / variance**0.5 * math.sqrt(252), rel=1e-6, abs=1e-7
        )


def test_an_equity_that_never_moved_has_no_ratio() -> None:
    assert measures.sharpe_ratio([5, 5, 5]) is None
    assert measures.sharpe_ratio([5, 6]) is None
    assert measures.max_drawdown([5, 6, 3, 9, 6]) == Decimal("0.5")
