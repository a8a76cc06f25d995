import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockops import money, prices
from stockops.engine import connect
from stockops.prices import Path
from stockops.targets import Target


@pytest.mark.parametrize(
    ("base", "lowest", "highest"),
    [(24_250, 17_000, 31_500), (239_000, 167_500, 310_500), (2_000, 1_400, 2_600), (83, 59, 107)],
)
def test_the_limits_of_a_day(base: int, lowest: int, highest: int) -> None:
    assert money.limits_won(base) == (lowest, highest)


def valid_prices() -> list[int]:
    found = []
    price = 1
    while price < 1_000_000:
        found.append(price)
        price += money.tick_won(price)
    return found


def test_the_shortcut_would_be_wrong_for_one_price_in_ten() -> None:
    valid = valid_prices()
    assert len(valid) == 7_299
    shortcut = [money.tick_up(-(-base * 7 // 10)) for base in valid]
    wrong = sum(
        lowest != money.limits_won(base)[0] for base, lowest in zip(valid, shortcut, strict=True)
    )
    assert wrong == 732


def test_the_lowest_price_of_all_cannot_fall() -> None:
    assert money.limits_won(1) == (1, 1)
    assert money.tick_down(0) == 1


def test_won_is_written_with_separators() -> None:
    assert money.won(1_234_567) == "1,234,567 won"


closes = st.sampled_from(valid_prices()) | st.integers(1, 3_000_000)


@given(closes, st.integers(1, 10**11), st.booleans(), st.integers(0, 1000), st.integers(1, 300))
def test_a_walk_keeps_the_rules_of_the_exchange(
    close: int, shares: int, halted: bool, seed: int, count: int
) -> None:
    path = Path(
        symbol="005930", market="KOSPI", close_won=close, listed_shares=shares, halted=halted
    )
    days = prices.walk(seed, path, count)
    assert len(days) == count
    assert days[-1][3] == close
    for place, (open_, high, low, last, volume, value) in enumerate(days):
        if volume == 0:
            assert halted
            assert (open_, high, low, value, last) == (0, 0, 0, 0, close)
            continue
        assert 1 <= low <= min(open_, last) <= max(open_, last) <= high
        assert low * volume <= value <= high * volume
        for price in {open_, last} - {close}:
            assert price % money.tick_won(price) == 0
        if place:
            lowest, highest = money.limits_won(days[place - 1][3])
            assert lowest <= low <= high <= highest
    if halted:
        assert days[-1][4] == 0


def test_a_walk_is_a_pure_function() -> None:
    path = Path(
        symbol="005930", market="KOSPI", close_won=53_400, listed_shares=10**9, halted=False
    )
    whole = prices.walk(1, path, 244)
    assert whole[-20:] == prices.walk(1, path, 20)
    assert whole != prices.walk(2, path, 244)
    assert len({day[3] for day in whole}) > 50


def test_every_valid_price_has_the_limits_the_database_says(migrated: Target) -> None:
    valid = valid_prices()
    with connect(migrated) as server:
        server.execute("CREATE TEMPORARY TABLE p (price_won bigint PRIMARY KEY)")
        server.execute(f"INSERT INTO p VALUES {', '.join(f'({price})' for price in valid)}")
        rows = server.rows(
            "SELECT p.price_won, tick_won('KOSPI', '2025-01-02', p.price_won) AS tick,"
            " lower_limit_won('KOSPI', '2025-01-02', p.price_won) AS lowest,"
            " upper_limit_won('KOSPI', '2025-01-02', p.price_won) AS highest FROM p ORDER BY 1"
        )
    said = [(r["price_won"], r["tick"], r["lowest"], r["highest"]) for r in rows]
    assert said == [(p, money.tick_won(p), *money.limits_won(p)) for p in valid]
