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


def test_a_difference_is_in_the_unit_of_what_was_measured() -> None:
    saved = trials.difference([5.0, 6.0, 7.0], [3.0, 4.0, 5.0])
    assert (saved.mean, saved.low, saved.high) == (2.0, 2.0, 2.0)
    wide = trials.difference([5.0, 6.0, 7.0], [3.0, 5.0, 4.0])
    assert wide.low is not None
    assert wide.high is not None
    assert wide.low < wide.mean < wide.high


def test_fewer_pairs_than_three_say_nothing_of_certainty() -> None:
    assert trials.difference([2.0, 2.0], [1.0, 1.0]).low is None


def test_differences_add_up_with_their_uncertainty() -> None:
    one = trials.Difference(pairs=4, mean=10.0, low=7.0, high=13.0)
    other = trials.Difference(pairs=4, mean=-2.0, low=-6.0, high=2.0)
    both = one.plus(other)
    assert (both.mean, both.low, both.high) == (8.0, 3.0, 13.0)
    turned = one.times(-2)
    assert (turned.mean, turned.low, turned.high) == (-20.0, -26.0, -14.0)
    assert one.plus(trials.Difference(pairs=2, mean=1.0, low=None, high=None)).low is None
