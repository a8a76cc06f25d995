"""Two variants tried in turn, and what can be said of the difference."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """
    A mean that lies between `low` and `high` with 95 % certainty, in the unit of what was measured.

    Both are None where the values are fewer than `ROUNDS_MIN`.
    """

    pairs: int
    mean: float
    low: float | None
    high: float | None

    def times(self, number: float) -> "Difference":
        """Return `number` of them together: a change by one, made so often."""
        low, high = self.low, self.high
        if low is not None and high is not None:
            low, high = sorted((low * number, high * number))
        return replace(self, mean=self.mean * number, low=low, high=high)

    def plus(self, other: "Difference") -> "Difference":
        """Return the sum with `other`, measured apart: the reaches add up as errors do."""
        mean, low, high = self.mean + other.mean, None, None
        if None not in {self.low, self.high, other.low, other.high}:
            reach = math.hypot(self._reach(), other._reach())
            low, high = mean - reach, mean + reach
        return Difference(pairs=min(self.pairs, other.pairs), mean=mean, low=low, high=high)

    def _reach(self) -> float:
        return 0.0 if self.low is None or self.high is None else (self.high - self.low) / 2


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
    found = mean(logs)
    return Ratio(
        pairs=found.pairs,
        ratio=math.exp(found.mean),
        low=None if found.low is None else math.exp(found.low),
        high=None if found.high is None else math.exp(found.high),
    )


def difference(before: Sequence[float], after: Sequence[float]) -> Difference:
    """Return what each pair lost on the way from `before` to `after`: above zero is less of it."""
    return mean([old - new for old, new in zip(before, after, strict=True)])


def mean(values: Sequence[float]) -> Difference:
    """Return the mean of `values`, one at least, and how far Student's t lets it reach."""
    middle = fmean(values)
    if len(values) < ROUNDS_MIN:
        return Difference(pairs=len(values), mean=middle, low=None, high=None)
    free = len(values) - 1
    t = _T_95[free - 1] if free <= len(_T_95) else _T_NORMAL
    reach = t * stdev(values) / math.sqrt(len(values))
    return Difference(pairs=len(values), mean=middle, low=middle - reach, high=middle + reach)
