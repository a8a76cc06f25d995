"""Lengths of time as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockops import durations
from stockops.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("30s", 30), ("15m", 900), ("2h", 7200), ("1d", 86_400), ("1h30m", 5400)],
)
def test_a_length_of_time_is_read_in_seconds(text: str, seconds: int) -> None:
    assert durations.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "1.5h", "-1m", "1 h", "2 hours", "1x", "¹"])
def test_what_is_no_length_of_time_is_said(text: str) -> None:
    with pytest.raises(ConfigError, match="is no length of time"):
        durations.seconds(text)


@given(st.integers(min_value=0, max_value=10**8))
def test_what_is_said_reads_as_no_more_than_it_was(seconds: int) -> None:
    again = durations.seconds(durations.said(seconds))
    assert again <= seconds <= again * 1.5 + 1
