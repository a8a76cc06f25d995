"""Patterns in prices on both engines: those that a plain program finds, each once."""

import itertools
import json
import random
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import Labs, migrated_database
from pricing import priced, split_and_not, walked, weekdays
from trading import Bed

from stockops import research
from stockops.cli.main import main
from stockops.engine import ENGINES, connect
from stockops.research import Asked
from stockops.research.spotting import HISTORY

DAYS = weekdays(date(2023, 6, 1), 400)


@pytest.fixture(scope="module", params=sorted(ENGINES))
def bed(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    """One database for the tests of this file: each makes issues of its own."""
    with (
        migrated_database(all_labs.get(str(request.param))) as target,
        connect(target, bulk=True) as server,
    ):
        yield Bed(server, target)


def stockops(bed: Bed, *args: object) -> Result:
    return CliRunner().invoke(main, ["research", "patterns", "-t", bed.target.url, *map(str, args)])


def stored(bed: Bed, symbol: str) -> dict[tuple[date, str], Decimal]:
    rows = research.patterns(bed.server, symbol=symbol, kind=None, row_limit=10_000)
    return {(row.price_date, row.kind): row.strength for row in rows}


def plainly(bed: Bed, symbol: str) -> dict[tuple[date, str], float]:
    """What is found one day after the other, by the definitions as they are written down."""
    days = bed.server.rows(
        "SELECT price_date, open_won, high_won, low_won, close_won, volume FROM stock_prices "
        "WHERE symbol = %(s)s AND volume > 0 ORDER BY price_date", {"s": symbol},
    )  # fmt: skip
    found: dict[tuple[date, str], float] = {}
    for n, day in enumerate(days):
        shown = crosses([int(each["close_won"]) for each in days[: n + 1]]) | gaps(days[: n + 1])
        if n >= 20:
            last = days[n - 20 : n]
            high = max(each["high_won"] for each in last)
            usual = sum(each["volume"] for each in last) / 20
            if day["close_won"] > high:
                shown["breakout_20"] = (day["close_won"] / high - 1) * 100
            if day["volume"] >= 3 * usual:
                shown["volume_spike"] = day["volume"] / usual
        found |= {(day["price_date"], kind): strength for kind, strength in shown.items()}
    return found


def crosses(closes: list[int]) -> dict[str, float]:
    """The crosses of averages that the last of these closes makes."""

    def mean(count: int, before: int = 0) -> float:
        end = len(closes) - before
        return sum(closes[end - count : end]) / count

    found = {}
    for short, long in ((20, 50), (50, 200)):
        if len(closes) > long:
            over, before = mean(short) - mean(long), mean(short, 1) - mean(long, 1)
            if over > 0 >= before:
                found[f"golden_cross_{short}_{long}"] = over / mean(long) * 100
            if over < 0 <= before:
                found[f"dead_cross_{short}_{long}"] = -over / mean(long) * 100
    return found


def gaps(days: list[dict[str, Any]]) -> dict[str, float]:
    """The gap that the last of these days opened with."""
    if len(days) < 2:
        return {}
    opened, high, low = days[-1]["open_won"], days[-2]["high_won"], days[-2]["low_won"]
    found = {"gap_up": (opened / high - 1) * 100, "gap_down": (1 - opened / low) * 100}
    return {kind: strength for kind, strength in found.items() if strength >= 3}


def busy(bed: Bed) -> str:
    """An issue with every pattern, and with days without a trade."""
    symbol = bed.stock()
    walked(bed, symbol, DAYS, seed=3)
    change = "UPDATE stock_prices SET {} WHERE symbol = %(s)s AND price_date = %(on)s"
    for on, what in (
        (DAYS[60], "volume = volume * 20"),
        (DAYS[100], "open_won = high_won * 2, high_won = high_won * 2"),
        (DAYS[140], "low_won = 1, open_won = 1"),
        (DAYS[180], "volume = 0, open_won = 0, high_won = 0, low_won = 0, value_won = 0"),
    ):
        bed.server.execute(change.format(what), {"s": symbol, "on": on})
    return symbol


def test_the_server_finds_what_a_plain_program_finds(bed: Bed) -> None:
    symbol = busy(bed)
    spotted = research.spot(bed.server, Asked(symbols=[symbol]))
    expected, found = plainly(bed, symbol), stored(bed, symbol)
    assert found.keys() == expected.keys()
    for key, strength in found.items():
        assert float(strength) == pytest.approx(expected[key], abs=1e-4), key
    assert {kind for _, kind in found} == {each.kind for each in spotted if each.found}
    kinds = {kind for _, kind in found}
    assert kinds >= {"golden_cross_20_50", "dead_cross_20_50", "breakout_20", "volume_spike"}
    assert kinds >= {"gap_up", "gap_down"}
    assert any("50_200" in kind for kind in kinds)


def test_found_again_they_stay_and_corrected_prices_take_them_back(bed: Bed) -> None:
    symbol = busy(bed)
    asked = Asked(symbols=[symbol])
    planned = json.loads(stockops(bed, "--symbol", symbol, "--plan", "--format", "json").stdout)
    assert stored(bed, symbol) == {}
    first = research.spot(bed.server, asked)
    assert sum(each.new for each in first) == len(stored(bed, symbol)) > 0
    assert len(planned) == len([each for each in first if each.new])
    again = research.spot(bed.server, asked)
    assert [(each.new, each.changed, each.gone) for each in again] == [(0, 0, 0)] * 8
    bed.server.execute(
        "UPDATE stock_prices SET volume = 1 WHERE symbol = %(s)s AND price_date = %(on)s",
        {"s": symbol, "on": DAYS[60]},
    )
    spotted = {each.kind: each for each in research.spot(bed.server, asked)}
    assert spotted["volume_spike"].gone == 1
    assert (DAYS[60], "volume_spike") not in stored(bed, symbol)


def test_dates_bound_what_is_stored_and_not_what_is_averaged(bed: Bed) -> None:
    symbol = busy(bed)
    since, until = DAYS[250], DAYS[300]
    asked = ("--symbol", symbol, "--from", since, "--until", until)
    assert stockops(bed, *asked).exit_code == 0
    expected = {key for key in plainly(bed, symbol) if since <= key[0] <= until}
    assert stored(bed, symbol).keys() == expected
    shown = json.loads(
        stockops(
            bed, "--list", "--symbol", symbol, "--kind", "breakout_20", "--format", "json"
        ).stdout
    )
    assert [line["price_date"] for line in shown] == sorted(
        (on.isoformat() for on, kind in expected if kind == "breakout_20"), reverse=True
    )


def test_the_longest_average_is_whole_on_the_first_date(bed: Bed) -> None:
    symbol = busy(bed)
    longest = {key for key in plainly(bed, symbol) if "50_200" in key[1]}
    assert longest
    for on, kind in longest:
        one = Asked(symbols=[symbol], since=on, until=on)
        spotted = {each.kind: each.found for each in research.spot(bed.server, one, write=False)}
        assert spotted[kind] == 1
    first, last = bed.server.fetch(
        HISTORY, from_symbol=symbol, to_symbol=symbol, since=DAYS[150]
    ) + bed.server.fetch(HISTORY, from_symbol=symbol, to_symbol=symbol, since=DAYS[380])
    # A young issue is read from its first day on; one day of the others had no trade.
    assert (first.history_from, last.history_from) == (DAYS[0], DAYS[179])


def test_a_cross_by_a_hair_has_its_direction(bed: Bed) -> None:
    symbol = bed.stock()
    closes = [1_000_000] * 51 + [1_000_001, 999_990]
    days = zip(DAYS, closes, closes, strict=False)
    priced(bed, symbol, list(days))
    research.spot(bed.server, Asked(symbols=[symbol]))
    assert [kind for on, kind in sorted(stored(bed, symbol)) if "cross" in kind] == [
        "golden_cross_20_50",
        "dead_cross_20_50",
    ]


def test_a_split_is_no_pattern(bed: Bed) -> None:
    draw = random.Random(1)
    prices = [*itertools.accumulate((draw.randint(-300, 300) for _ in range(260)), initial=50_000)]
    issues = split_and_not(bed, prices, date(2025, 1, 6), 230)
    research.spot(bed.server, Asked(symbols=issues))
    after, never = (stored(bed, symbol) for symbol in issues)
    assert after == never
    assert {kind for on, kind in never if on >= date(2025, 1, 6)} >= {"breakout_20"}
    assert any("50_200" in kind for _, kind in never)
