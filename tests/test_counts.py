"""One is one, and more are many."""

import pytest

from stockops import counts


@pytest.mark.parametrize(
    ("count", "words", "said"),
    [
        (0, ("gap",), "0 gaps"),
        (1, ("gap",), "1 gap"),
        (2_000, ("gap",), "2,000 gaps"),
        (1, ("replica has", "replicas have"), "1 replica has"),
        (2, ("replica has", "replicas have"), "2 replicas have"),
    ],
)
def test_only_one_is_told_as_one(count: int, words: tuple[str, ...], said: str) -> None:
    assert counts.of(count, *words) == said
