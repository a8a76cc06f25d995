"""Technical indicators on both engines: beside a reference library, day by day, and proven."""

import json
import os
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import Labs
from trading import Bed, bed_of

from stockops import advisory, indicators, prices
from stockops.cli.main import main
from stockops.engine import ENGINES, connect
from stockops.indicators import NEEDS
from stockops.prices import Path
from stockops.seeding.tables import BY_NAME as TABLES

STARTS_ON = date(2023, 1, 2)
DAYS = [str(STARTS_ON + timedelta(days=number)) for number in range(300)]
COLUMNS = TABLES["stock_prices"].columns

Row = dict[str, Any]


@pytest.fixture(scope="module", params=sorted(ENGINES))
def bed(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    """One database for the tests of this file: each makes issues of its own."""
    with bed_of(all_labs.get(str(request.param))) as bed:
        yield bed


def priced(bed: Bed, days: int = 300, *, halted: bool = False) -> str:
    """An issue with `days` of prices, in a walk of its own."""
    symbol = bed.stock()
    path = Path(
        symbol=symbol, market="KOSPI", close_won=50_000, listed_shares=10_000_000, halted=halted
    )
    put(bed, prices.lines(7, path, DAYS[:days]))
    return symbol


def put(bed: Bed, lines: Sequence[str]) -> None:
    with connect(bed.target, bulk=True) as server:
        server.load("stock_prices", COLUMNS, ["".join(lines).encode()])


def steady(bed: Bed, closes: Sequence[int]) -> str:
    """An issue that traded at these prices, and at no other on each day."""
    symbol = bed.stock()
    put(
        bed,
        [
            f"{symbol}\t{day}\t{won}\t{won}\t{won}\t{won}\t1\t{won}\n"
            for day, won in zip(DAYS, closes, strict=False)
        ],
    )
    return symbol


def stockops(bed: Bed, *args: object) -> Result:
    asked = ["indicators", str(args[0]), "-t", bed.target.url, *map(str, args[1:])]
    return CliRunner().invoke(main, asked)


def compute(bed: Bed, since: date | None = None) -> int:
    return indicators.compute(bed.target, since=since, jobs=2).days


def stored(bed: Bed, symbol: str) -> list[Row]:
    return bed.server.rows(
        "SELECT * FROM technical_indicators WHERE symbol = %(symbol)s ORDER BY price_date",
        {"symbol": symbol},
    )


def shown(bed: Bed, symbol: str, *args: object) -> list[Row]:
    said = stockops(bed, "show", symbol, "--format", "json", *args)
    assert said.exit_code == 0, said.stderr
    found: list[Row] = json.loads(said.stdout)
    return found


@pytest.fixture
def talib() -> Any:
    """The reference library: its own C code, in use for twenty years."""
    if "CI" in os.environ:
        import talib

        return talib
    return pytest.importorskip("talib")


def said_by(talib: Any, rows: Sequence[Row]) -> dict[str, list[float]]:
    """Return each indicator as TA-Lib has it; MACD from its EMA: see docs/indicators.md."""
    import numpy

    high, low, close = (
        numpy.array([float(row[name]) for row in rows])
        for name in ("high_won", "low_won", "close_won")
    )
    macd = talib.EMA(close, 12) - talib.EMA(close, 26)
    signal = numpy.concatenate([macd[:25], talib.EMA(macd[25:], 9)])
    upper, middle, lower = talib.BBANDS(close, 20, 2, 2)
    fast_d = talib.STOCHF(high, low, close, 14, 3)[1]
    slow_k, slow_d = talib.STOCH(high, low, close, 14, 3, 0, 3)
    assert numpy.allclose(slow_k[17:], fast_d[17:])  # the slow K is the fast D
    return {
        "rsi_14": talib.RSI(close, 14),
        "macd": macd,
        "macd_signal": signal,
        "macd_histogram": macd - signal,
        "sma_20": middle,
        "sma_50": talib.SMA(close, 50),
        "sma_200": talib.SMA(close, 200),
        "bollinger_upper": upper,
        "bollinger_lower": lower,
        "stochastic_k": talib.STOCHF(high, low, close, 14, 1)[0],
        "stochastic_d": fast_d,
        "stochastic_slow_d": slow_d,
    }


def traded(bed: Bed, symbol: str) -> list[Row]:
    return bed.server.rows(
        "SELECT price_date, high_won, low_won, close_won FROM stock_prices "
        "WHERE symbol = %(symbol)s AND volume > 0 ORDER BY price_date",
        {"symbol": symbol},
    )


@pytest.mark.parametrize("halted", [False, True], ids=["listed", "halted at the end"])
def test_the_reference_library_says_the_same(bed: Bed, talib: Any, halted: bool) -> None:
    symbol = priced(bed, halted=halted)
    compute(bed)
    found, days = stored(bed, symbol), traded(bed, symbol)
    assert [row["price_date"] for row in found] == [row["price_date"] for row in days]
    assert [row["day_no"] for row in found] == [*range(1, len(days) + 1)]
    said = said_by(talib, days)
    for name, first in NEEDS.items():
        assert [row[name] for row in found[: first - 1]] == [None] * (first - 1), name
        ours = [float(row[name]) for row in found[first - 1 :]]
        assert ours == pytest.approx([*said[name]][first - 1 :], rel=1e-9, abs=2e-5), name


def test_the_macd_of_the_library_comes_to_the_same_after_a_hundred_days(
    bed: Bed, talib: Any
) -> None:
    """It begins its fast mean on day 15, and so differs until that is forgotten."""
    import numpy

    symbol = priced(bed)
    compute(bed)
    close = numpy.array([float(row["close_won"]) for row in traded(bed, symbol)])
    macd, signal, _ = talib.MACD(close, 12, 26, 9)
    found = stored(bed, symbol)
    for name, said in (("macd", macd), ("macd_signal", signal)):
        ours = [float(row[name]) for row in found[150:]]
        assert ours == pytest.approx([*said[150:]], abs=1e-3), name


def test_day_by_day_comes_to_the_last_digit_of_all_at_once(bed: Bed) -> None:
    symbol = priced(bed, 260)
    compute(bed)
    whole = stored(bed, symbol)
    where = f"WHERE symbol = '{symbol}' AND price_date >= '{DAYS[3]}'"
    kept = bed.server.rows(f"SELECT * FROM stock_prices {where} ORDER BY price_date")
    bed.server.execute(f"DELETE FROM technical_indicators {where}")
    bed.server.execute(f"DELETE FROM stock_prices {where}")
    for row in [*kept[:14], *kept[190:198]]:
        if row is kept[190]:
            put(bed, [line(each) for each in kept[14:190]])
            assert compute(bed) == 176
        put(bed, [line(row)])
        assert compute(bed) == 1
    put(bed, [line(each) for each in kept[198:]])
    assert compute(bed) == len(kept) - 198
    assert stored(bed, symbol) == whole


def line(row: Row) -> str:
    return "\t".join(map(str, row.values())) + "\n"


def test_a_correction_of_old_prices_is_found_and_computed_from_there_on(bed: Bed) -> None:
    symbol, other = priced(bed, 80), priced(bed, 80)
    compute(bed)
    untouched = stored(bed, other)
    bed.server.execute(
        "UPDATE stock_prices SET close_won = low_won WHERE symbol = %(symbol)s "
        "AND price_date = %(day)s",
        {"symbol": symbol, "day": DAYS[40]},
    )
    bed.server.execute(
        "DELETE FROM technical_indicators WHERE symbol = %(symbol)s AND price_date = %(day)s",
        {"symbol": symbol, "day": DAYS[50]},
    )
    said = stockops(bed, "check", "--symbol", symbol, "--format", "json")
    assert said.exit_code == 1
    [verdict] = json.loads(said.stdout)
    assert (verdict["stale"], verdict["starts_on"]) == (2, DAYS[40])
    assert verdict["wrong"] > 0
    assert f"stockops indicators apply --since {DAYS[40]}" in said.stderr
    assert compute(bed) == 0
    again = stockops(bed, "apply", "--since", DAYS[40], "--format", "json")
    assert again.exit_code == 0, again.stderr
    assert stockops(bed, "check", "--symbol", symbol).exit_code == 0
    assert stored(bed, other) == untouched


def test_a_wrong_digit_is_found_by_the_textbook(bed: Bed) -> None:
    symbol = priced(bed, 60)
    compute(bed)
    assert stockops(bed, "check", "--symbol", symbol).exit_code == 0
    for name in NEEDS:
        if name == "sma_200":
            continue
        for sign in "+-":
            bed.server.execute(
                f"UPDATE technical_indicators SET {name} = {name} {sign} 0.002 "
                f"WHERE symbol = '{symbol}' AND price_date = '{DAYS[55]}'"
            )
            assert stockops(bed, "check", "--symbol", symbol).exit_code == (1 if sign == "+" else 0)


def test_a_step_that_no_limit_allows_begins_a_new_history(bed: Bed) -> None:
    """A split of one share into five: means over both sides would say nothing."""
    symbol = steady(bed, [50_000 + 100 * (n % 7) for n in range(60)] + [10_000, 10_050, 9_900])
    compute(bed)
    found = stored(bed, symbol)
    assert [row["day_no"] for row in found[58:]] == [59, 60, 1, 2, 3]
    assert found[60]["ema_12_e8"] == 10_000 * 10**8
    assert [row["sma_20"] for row in found[60:]] == [None] * 3
    assert "day 3 of its history" in shown(bed, symbol, "--days", "1")[0]["reason"]
    assert stockops(bed, "check", "--symbol", symbol).exit_code == 0


def test_the_widest_step_that_a_limit_allows_goes_on(bed: Bed) -> None:
    symbol = steady(bed, [10_000, 13_000, 9_100, 9_100, 11_831])
    compute(bed)
    assert [row["day_no"] for row in stored(bed, symbol)] == [1, 2, 3, 4, 1]


def test_what_has_no_value_says_why(bed: Bed) -> None:
    flat, young, halted = steady(bed, [5_000] * 40), priced(bed, 15), priced(bed, 60, halted=True)
    late = priced(bed, 20)
    compute(bed)
    [day] = shown(bed, flat, "--days", "1")
    assert (day["rsi_14"], day["stochastic_d"], day["macd"]) == (None, None, "0E-8")
    assert "rsi_14: no close has differed from the one before it" in day["reason"]
    assert "one price was the highest and the lowest of 14 days" in day["reason"]
    [day] = shown(bed, young, "--days", "1")
    assert day["rsi_14"] is not None
    assert day["reason"].startswith("day 15 of its history: stochastic_d from day 16, ")
    [day] = shown(bed, halted, "--days", "1")
    assert (day["day_no"], day["reason"]) == (None, "not traded on this day")
    bed.server.execute(
        f"DELETE FROM technical_indicators WHERE symbol = '{late}' AND price_date >= '{DAYS[18]}'"
    )
    assert [each["reason"] for each in shown(bed, late, "--days", "2")] == [
        "not computed yet: stockops indicators apply"
    ] * 2
    assert shown(bed, late, "--until", DAYS[3], "--days", "1")[0]["price_date"] == DAYS[3]
    said = stockops(bed, "show", "999999")
    assert (said.exit_code, "'999999' has no prices" in said.stderr) == (2, True)


def test_missing_days_are_no_days(bed: Bed) -> None:
    symbol = bed.stock()
    path = Path(symbol=symbol, market="KOSPI", close_won=9_000, listed_shares=10_000, halted=False)
    put(bed, [each for n, each in enumerate(prices.lines(3, path, DAYS[:90])) if n % 9])
    compute(bed)
    assert stored(bed, symbol)[-1]["day_no"] == 80
    assert stockops(bed, "check", "--symbol", symbol).exit_code == 0


def test_a_plan_computes_nothing_and_a_second_run_at_once_says_so(bed: Bed) -> None:
    compute(bed)
    symbol = priced(bed, 30)
    planned = json.loads(stockops(bed, "apply", "--plan", "--format", "json").stdout)
    assert [step["action"] for step in planned] == ["compute 30 days of 1 issues"]
    assert stored(bed, symbol) == []
    with (
        connect(bed.target) as other,
        advisory.alone(other, "computation of indicators", wait_s=0),
    ):
        said = stockops(bed, "apply")
    assert (said.exit_code, stored(bed, symbol)) == (6, [])
    assert "another session runs a computation of indicators" in said.stderr
    said = stockops(bed, "apply", "--format", "json")
    assert [row["days"] for row in json.loads(said.stdout)] == [30]


def test_nothing_to_check_is_a_finding(bed: Bed) -> None:
    symbol = priced(bed, 30)
    said = stockops(bed, "check", "--symbol", symbol)
    assert (said.exit_code, f"{symbol} has no indicators" in said.stderr) == (1, True)
