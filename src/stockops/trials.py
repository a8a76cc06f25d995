"""Two variants tried in turn, and what can be said of the difference."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal

ROUNDS_MIN = 3  # fewer pairs leave an interval so wide that it says nothing
Variant = Literal["before", "after"]
Verdict = Literal["better", "worse", "no difference", "unknown"]

# Student's t for 95 %, two-sided, by degrees of freedom; past the last one the normal's 1.96 is
# within 2 %. NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2.
_T_95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
_T_NORMAL = 1.960


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """
    How `after` compares with `before`: `ratio` is the geometric mean of the pairs' ratios.

    With 95 % certainty it lies between `low` and `high`; both are None where the pairs are fewer
    than `ROUNDS_MIN`, and `ratio` is where a value is not above zero.
    """

    pairs: int
    ratio: float | None
    low: float | None
    high: float | None

    def verdict(self, *, smaller_is_better: bool, margin: float) -> Verdict:
        """
        Return what the interval allows to say; what is within `margin` (0.02 is 2 %) is too little.

        "no difference" is said only where the whole interval lies within the margin; an interval
        that reaches out of it on either side leaves the question open, which is "unknown".
        """
        if self.low is None or self.high is None:
            return "unknown"
        if self.low > 1 + margin:
            return "worse" if smaller_is_better else "better"
        if self.high < 1 / (1 + margin):
            return "better" if smaller_is_better else "worse"
        within = self.low >= 1 / (1 + margin) and self.high <= 1 + margin
        return "no difference" if within else "unknown"


def turns(rounds: int) -> Iterator[Variant]:
    """
    Give who is tried next: ABBA, BAAB, and so on, two of each in a round.

    A drift of the machine that is linear within a round weighs on both alike, and who begins
    changes with the round.
    """
    for number in range(rounds):
        first: Variant = "after" if number % 2 else "before"
        second: Variant = "before" if number % 2 else "after"
        yield from (first, second, second, first)


def compare(before: Sequence[float], after: Sequence[float]) -> Ratio:
    """
    Compare what was measured of two variants, in the order of `turns`: the n-th with the n-th.

    The logarithms of the pairs' ratios are taken for normal, hence Student's t. Pairs take out
    what weighed on both at that time, which a comparison of two means would count as noise.
    """
    if len(before) != len(after):
        raise ValueError(f"{len(before)} and {len(after)} values make no pairs")
    if not before or min(*before, *after) <= 0:
        return Ratio(pairs=len(before), ratio=None, low=None, high=None)
    logs = [math.log(new / old) for old, new in zip(before, after, strict=True)]
    middle = fmean(logs)
    if len(logs) < ROUNDS_MIN:
        return Ratio(pairs=len(logs), ratio=math.exp(middle), low=None, high=None)
    free = len(logs) - 1
    t = _T_95[free - 1] if free <= len(_T_95) else _T_NORMAL
    reach = t * stdev(logs) / math.sqrt(len(logs))
    return Ratio(
        pairs=len(logs),
        ratio=math.exp(middle),
        low=math.exp(middle - reach),
        high=math.exp(middle + reach),
    )
