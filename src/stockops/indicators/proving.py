"""
Compute the indicators of some issues again, by the textbook and from the prices alone.

Nothing here is shared with the routine of the database: it goes by whole histories, in binary
fractions, where that one goes from day to day in whole numbers. What both say agrees to a
millionth, or one of them is wrong.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from math import inf, sqrt
from operator import add, sub

from ..draws import shuffled
from ..engine.base import Server
from ..errors import Finding
from .questions import COMPUTED, HISTORY, NEEDS, STALE, Traded

SAMPLE = 20
_WHOLE_BP = 10_000

# How far a stored value may be off: digits cut off, those of the means it is made from with it.
_PERCENT = 5e-6
_WON = 2e-5
_TOLERANCES = {
    name: _PERCENT if name.startswith("stochastic") else _WON for name in NEEDS if name != "rsi_14"
}
_STILL_WON = 1e-6  # below it the whole numbers have no digits left to say where the RSI is

Values = list[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """
    What was found of an issue; `starts_on` is the first day that is not as it should be.

    `days` were looked at, `stale` of them were not computed from their price, and `wrong` differ
    from what the textbook says; `worst` names the first of these and both values.
    """

    symbol: str
    days: int
    stale: int
    wrong: int
    starts_on: date | None
    worst: str | None

    @property
    def is_right(self) -> bool:
        """Tell whether nothing was found."""
        return not self.stale and not self.wrong


def check(
    server: Server,
    *,
    issues: int = SAMPLE,
    seed: int = 1,
    symbols: Sequence[str] = (),
    watch: Callable[[str], None] = lambda _: None,
) -> list[Verdict]:
    """
    Look at all issues for days whose price is another one now, and compute `issues` of them again.

    Which ones is drawn by `seed`, or said by `symbols`. Returned are those that were computed again
    and those whose price is another one. Raises `Finding` where there is nothing to look at.
    """
    there = [row.symbol for row in server.fetch(COMPUTED)]
    order = shuffled(seed, "indicators checked", len(there))
    wanted = sorted(symbols or (there[place] for place in order[:issues]))
    if not there or not {*wanted} <= {*there}:
        lost = ", ".join(sorted({*wanted} - {*there}))
        raise Finding(
            f"nothing was checked: {lost or 'no issue'} has {'no ' * bool(lost)}indicators",
            hint="Compute them: stockops indicators apply",
        )
    stale = {row.symbol: row for row in server.fetch(STALE)}
    found = []
    for symbol in sorted({*wanted, *stale}):
        watch(symbol)
        days = server.fetch(HISTORY, symbol=symbol) if symbol in wanted else []
        wrong = list(_wrong(days))
        first = [day for day, _ in wrong[:1]]
        first += [stale[symbol].starts_on] if symbol in stale else []
        found.append(
            Verdict(
                symbol=symbol,
                days=len(days),
                stale=stale[symbol].days if symbol in stale else 0,
                wrong=len(wrong),
                starts_on=min(first, default=None),
                worst=wrong[0][1] if wrong else None,
            )
        )
    return found


def _wrong(days: Sequence[Traded]) -> Iterator[tuple[date, str]]:
    """Yield each day that has indicators other than the textbook's, and the first of them."""
    for history in histories(days):
        said = textbook(history)
        for at, day in enumerate(history):
            if day.day_no is None:  # not computed yet, or stale, which is another question
                continue
            if day.day_no != at + 1:
                yield day.price_date, f"day_no is {day.day_no} instead of {at + 1}"
                continue
            tolerances = {**_TOLERANCES, "rsi_14": _rsi_tolerance(said["movement"][at])}
            for name, tolerance in tolerances.items():
                value, stored = said[name][at], getattr(day, name)
                if not _is_near(value, stored, tolerance):
                    yield day.price_date, f"{name} is {stored} instead of {value}"
                    break


def histories(days: Sequence[Traded]) -> Iterator[list[Traded]]:
    """Cut the days of an issue where a step is wider than any price limit of its market."""
    history = [*days[:1]]
    for before, day in pairwise(days):
        step = abs(day.close_won - before.close_won) * _WHOLE_BP
        if day.limit_bp is not None and step > day.limit_bp * before.close_won:
            yield history
            history = []
        history.append(day)
    yield history


def textbook(days: Sequence[Traded]) -> Mapping[str, Values]:
    """
    Return every indicator of one history, a value or None for each of its days.

    Exponential means begin with the plain mean of their first N values, as Wilder's do. `movement`
    is the sum of mean gain and mean loss, in won.
    """
    closes: Values = [float(day.close_won) for day in days]
    middle = _means(closes, 20)
    width = [None if each is None else 2 * each for each in _deviations(closes, 20)]
    macd = _each(sub, _exponential(closes, 12), _exponential(closes, 26))
    signal = _exponential(macd, 9)
    changes = [None, *(float(b.close_won - a.close_won) for a, b in pairwise(days))]
    gain = _smoothed([None if each is None else max(each, 0.0) for each in changes], 14, 1 / 14)
    loss = _smoothed([None if each is None else max(-each, 0.0) for each in changes], 14, 1 / 14)
    percent_k = [
        _percent_k(days[at - 13 : at + 1]) if at >= 13 else None for at in range(len(days))
    ]
    percent_d = _means(percent_k, 3)
    return {
        "sma_20": middle,
        "sma_50": _means(closes, 50),
        "sma_200": _means(closes, 200),
        "bollinger_upper": _each(add, middle, width),
        "bollinger_lower": _each(sub, middle, width),
        "rsi_14": _each(lambda up, down: 100 * up / (up + down) if up + down else None, gain, loss),
        "macd": macd,
        "macd_signal": signal,
        "macd_histogram": _each(sub, macd, signal),
        "stochastic_k": percent_k,
        "stochastic_d": percent_d,
        "stochastic_slow_d": _means(percent_d, 3),
        "movement": _each(add, gain, loss),
    }


def _each(join: Callable[[float, float], float | None], first: Values, second: Values) -> Values:
    return [
        None if a is None or b is None else join(a, b) for a, b in zip(first, second, strict=True)
    ]


def _means(values: Values, count: int) -> Values:
    """Return the mean of the last `count` values at each place, None where one is lacking."""
    return [
        None if len(last) < count or None in last else sum(_known(last)) / count
        for last in _lasts(values, count)
    ]


def _deviations(values: Values, count: int) -> Values:
    """Return the standard deviation of the last `count` values, as of a whole population."""
    found: Values = []
    for last, mean in zip(_lasts(values, count), _means(values, count), strict=True):
        if mean is None:
            found.append(None)
        else:
            found.append(sqrt(sum((each - mean) ** 2 for each in _known(last)) / count))
    return found


def _exponential(values: Values, count: int) -> Values:
    return _smoothed(values, count, 2 / (count + 1))


def _smoothed(values: Values, count: int, weight: float) -> Values:
    """Return a mean that begins with the first `count` values and takes `weight` of each new."""
    found: Values = []
    begun: list[float] = []
    for value in values:
        if value is None:
            found.append(None)
            continue
        if len(begun) < count:
            begun.append(value)
            found.append(sum(begun) / count if len(begun) == count else None)
        else:
            before = found[-1] or 0.0
            found.append(before + weight * (value - before))
    return found


def _percent_k(days: Sequence[Traded]) -> float | None:
    highest, lowest = max(day.high_won for day in days), min(day.low_won for day in days)
    if highest == lowest:
        return None
    return 100 * (days[-1].close_won - lowest) / (highest - lowest)


def _lasts(values: Values, count: int) -> Iterator[Values]:
    for at in range(len(values)):
        yield values[max(0, at - count + 1) : at + 1]


def _known(values: Values) -> list[float]:
    return [value for value in values if value is not None]


def _rsi_tolerance(movement_won: float | None) -> float:
    """Return how far the RSI may be off: 14 cut-offs of the two means, against what they add to."""
    if movement_won is None:
        return _PERCENT
    return _PERCENT + 100 * 2 * 14e-10 / movement_won if movement_won > _STILL_WON else inf


def _is_near(value: float | None, stored: Decimal | None, tolerance: float) -> bool:
    if tolerance == inf:
        return True
    if value is None or stored is None:
        return value is None and stored is None
    return abs(value - float(stored)) <= tolerance
