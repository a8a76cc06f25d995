"""Two variants tried in turn: the order, the interval, and what may be said of it."""

import math
import random

import pytest

from stockops import trials


def test_the_turns_alternate_who_begins() -> None:
    assert "".join(turn[0] for turn in trials.turns(2)) == "baab" + "abba"


def test_a_linear_drift_weighs_on_both_alike() -> None:
    spent = {"before": 0.0, "after": 0.0}
    for moment, turn in enumerate(trials.turns(4)):
        spent[turn] += 100 + moment
    assert spent["before"] == spent["after"]


def test_a_known_ratio_lies_within_the_interval_about_95_times_in_100() -> None:
    chance = random.Random(7)
    held = 0
    for _ in range(1_000):
        before = [math.exp(chance.gauss(0, 0.1)) for _ in range(8)]
        after = [1.2 * math.exp(chance.gauss(0, 0.1)) for _ in range(8)]
        found = trials.compare(before, after)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 1.2 <= found.high
    assert 930 <= held <= 970


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.70, 0.80, "better"),
        (1.10, 1.30, "worse"),
        (0.99, 1.01, "no difference"),
        (0.90, 1.10, "unknown"),
        (1.00, 1.30, "unknown"),
        (None, None, "unknown"),
    ],
)
def test_a_verdict_says_no_more_than_the_interval(
    low: float | None, high: float | None, verdict: str
) -> None:
    found = trials.Ratio(pairs=5, ratio=1.0, low=low, high=high)
    assert found.verdict(smaller_is_better=True, margin=0.02) == verdict


def test_more_of_what_is_wanted_is_better() -> None:
    found = trials.Ratio(pairs=5, ratio=1.2, low=1.1, high=1.3)
    assert found.verdict(smaller_is_better=False, margin=0.02) == "better"


def test_two_pairs_give_a_ratio_and_no_interval() -> None:
    found = trials.compare([1.0, 1.0], [2.0, 2.0])
    assert found.ratio == pytest.approx(2.0)
    assert found.low is None


def test_a_value_of_nothing_gives_no_ratio() -> None:
    assert trials.compare([0.0, 1.0, 1.0], [1.0, 1.0, 1.0]).ratio is None


def test_values_that_make_no_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="make no pairs"):
        trials.compare([1.0], [])
