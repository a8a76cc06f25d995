"""
Durations as counts in buckets that grow by a fixed factor: quantiles with a stated error.

Histograms add up exactly, in any order: one made of parts is the one of the whole. Every quantile
is within `RELATIVE_ERROR` of a duration that was there (Masson, Rim, Lee: DDSketch, VLDB 2019).
"""

import math
from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cache

RELATIVE_ERROR = 0.01
_GROWTH = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG_GROWTH = math.log(_GROWTH)
_TABLE_US = 1 << 15


def bucket(microseconds: int) -> int:
    """Return the number of the bucket of a duration; that of 0 is -1."""
    return math.ceil(math.log(microseconds) / _LOG_GROWTH) if microseconds > 0 else -1


def buckets(microseconds: Sequence[int]) -> list[int]:
    """Return `bucket` of each: of short ones, which most are, from a table."""
    table = _table()
    return [table[each] if each < _TABLE_US else bucket(each) for each in microseconds]


@cache
def _table() -> "array[int]":
    """Return the buckets of all durations below `_TABLE_US`; they never fall as those grow."""
    found, at = array("h", [-1]), 1
    while at < _TABLE_US:
        number = bucket(at)
        past = bisect_right(range(_TABLE_US), number, lo=at, key=bucket)
        found.extend([number] * (past - at))
        at = past
    return found


def middle_us(number: int) -> float:
    """Return the duration that stands for the bucket `number`, in microseconds."""
    return 0.0 if number < 0 else 2 * _GROWTH**number / (_GROWTH + 1)


def quantile_us(counts: Mapping[int, int], share: float) -> float:
    """Return the duration that `share` (0 to 1) of all counted do not exceed (nearest rank)."""
    rank = max(1, math.ceil(share * sum(counts.values())))
    seen = 0
    for number in sorted(counts):
        seen += counts[number]
        if seen >= rank:
            return middle_us(number)
    return 0.0
