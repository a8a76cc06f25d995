"""What an equity curve was worth: return, Sharpe ratio, drawdown; Sharpe (1994) for the ratio."""

import itertools
import math
import statistics
from collections.abc import Sequence
from decimal import Decimal

DAYS_A_YEAR = 252  # trading days, by which daily returns are annualised
_PLACES = Decimal("0.00000001")


def total_return(equity: Sequence[int]) -> Decimal:
    """Return the last value over the first, less 1."""
    return (Decimal(equity[-1]) / Decimal(equity[0]) - 1).quantize(_PLACES)


def sharpe_ratio(equity: Sequence[int]) -> Decimal | None:
    """
    Return the annualised Sharpe ratio of the daily returns, over a risk-free rate of 0.

    Their mean over their sample standard deviation, times the root of 252; None where there are
    fewer than two returns, or all are the same.
    """
    returns = [after / before - 1 for before, after in itertools.pairwise(equity) if before]
    if len(returns) < 2:
        return None
    deviation = statistics.stdev(returns)
    if not deviation:
        return None
    ratio = statistics.fmean(returns) / deviation * math.sqrt(DAYS_A_YEAR)
    return Decimal(repr(ratio)).quantize(_PLACES)


def max_drawdown(equity: Sequence[int]) -> Decimal:
    """Return the deepest fall from a height before it, as a share of that height."""
    deepest, highest = Decimal(0), 1
    for value in equity:
        highest = max(highest, value)
        fall = Decimal(highest - value) / highest
        deepest = max(deepest, fall)
    return deepest.quantize(_PLACES)
