import re
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from stockops import people
from stockops.draws import draw, draws, shuffled

DAYS = people.days_until(date(2024, 1, 2))
NAMES = people.pool()


def lines(seed: int, first: int, count: int) -> list[str]:
    return people.lines(seed, first, count, names=NAMES, days=DAYS)


@given(st.integers(0, 2**63 - 1), st.integers(0, 10_000_000), st.integers(1, 1500))
def test_a_row_depends_on_the_seed_and_its_number_alone(seed: int, first: int, count: int) -> None:
    many = lines(seed, first, count)
    assert len(many) == count
    assert many[-1:] == lines(seed, first + count - 1, 1)
    assert many[0] == lines(seed, first, 1)[0]


@given(st.integers(0, 100), st.integers(0, 5000), st.integers(1, 3000))
def test_draws_do_not_depend_on_how_they_are_asked_for(seed: int, first: int, count: int) -> None:
    assert draws(seed, "s", first, count)[-1] == draw(seed, "s", first + count - 1)


def test_another_seed_and_another_stream_draw_other_numbers() -> None:
    assert len({draw(1, "a", 0), draw(2, "a", 0), draw(1, "b", 0), draw(1, "a", 1)}) == 4
    assert sorted(shuffled(1, "s", 100)) == list(range(100))
    assert shuffled(1, "s", 100) != shuffled(2, "s", 100)
    assert shuffled(1, "s", 0) == []


def test_nobody_can_be_reached_and_nobody_has_a_resident_number() -> None:
    form = re.compile(
        r"\d+\t[가-힣]{2,5}\tuser\d{7}@example\.com\t010-0\d{3}-\d{4}\t(active|suspended)"
        r"\t20\d\d-\d\d-\d\d 00:00:00\n"
    )
    for line in lines(1, 0, 5_000):
        assert form.fullmatch(line), line


def test_e_mails_are_unique_and_names_are_weighted() -> None:
    rows = [line.split("\t") for line in lines(1, 0, 20_000)]
    assert len({row[2] for row in rows}) == 20_000
    kims = sum(row[1].startswith("김") for row in rows) / len(rows)
    assert 0.2 < kims < 0.32
    suspended = sum(row[4] == "suspended" for row in rows) / len(rows)
    assert 0.005 < suspended < 0.015
    assert len({row[1] for row in rows}) > 3_000
