"""Regular expressions that mean the same on every Python 3.11."""

import re
from pathlib import Path

import pytest

import stockops
from stockops.patterns import atomic, compiled


@pytest.mark.parametrize(
    ("pattern", "same"),
    [
        (r"(?:a|b)*+c", r"(?>(?:a|b)*)c"),
        (r"((?:[^'\\]++|\\.)*+)'", r"((?>(?:[^'\\]++|\\.)*))'"),
        (r"(?:a(?:b|c)++)?+", r"(?>(?:a(?>(?:b|c)+))?)"),
        (r"[)*+]*+(?P<x>[^])*+]|\)*+)", r"[)*+]*+(?P<x>[^])*+]|\)*+)"),
        (r"(?(quote)(?:x|y)*+|z)", r"(?(quote)(?>(?:x|y)*)|z)"),
    ],
)
def test_a_possessive_repeat_of_a_group_is_an_atomic_group(pattern: str, same: str) -> None:
    assert atomic(pattern) == same


def test_both_ways_of_saying_it_find_the_same() -> None:
    pattern, text = r"((?:[^'0-9]++|x(?=1))*+)(?:'[^']*+'|[0-9]++)", "ax1 'b' c 22 'd"
    assert re.findall(atomic(pattern), text) == compiled(pattern).findall(text)


def test_nobody_compiles_a_possessive_repeat_of_a_group_otherwise() -> None:
    top = Path(stockops.__file__).parent
    for path in sorted(top.rglob("*.py")):
        text = path.read_text("utf-8")
        if path.name != "patterns.py" and re.search(r"\)[*+?]\+", text):
            assert not re.search(r"\bre\.compile\(", text), path
