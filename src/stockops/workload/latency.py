"""Latencies: counted as they come at little cost, and summed up by an HDR histogram."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log10

HIGHEST_US = 3_600_000_000
_DIGITS = 3
_BINS_PER_DECADE = 16
_EXACT_BITS = 12  # 2**11 steps in each power of two: finer than three digits
POINTS = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99, 100.0)

# A percentile means something where at least ten answers lie beyond it.
_BEYOND = 10
_NEEDED = ((99.9, 1000), (99.0, 100), (95.0, 20), (90.0, 10), (50.0, 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """
    Percentiles in microseconds, to three digits.

    `points` are (percentile, microseconds); `histogram` holds (from, up to but not, answers) over
    bins of equal ratio.
    """

    answers: int
    mean_us: int
    p50_us: int
    p90_us: int
    p95_us: int
    p99_us: int
    p999_us: int
    max_us: int
    points: Sequence[tuple[float, int]]
    histogram: Sequence[tuple[float, float, int]]


def coarse(values_us: Iterable[int]) -> Counter[int]:
    """Count values, cut to the precision that is kept, so that the counts stay few."""
    return Counter(
        [
            value if value < 4096 else value >> (cut := value.bit_length() - _EXACT_BITS) << cut
            for value in values_us
        ]
    )


def summed(counts: Mapping[int, int]) -> Latency:
    """Return the percentiles of what `coarse` counted."""
    from hdrh.histogram import HdrHistogram  # noqa: PLC0415  slow to import, needed at the end

    histogram = HdrHistogram(1, HIGHEST_US, _DIGITS)
    for value, count in counts.items():
        histogram.record_value(min(max(value, 1), HIGHEST_US), count)
    points = [(point, int(histogram.get_value_at_percentile(point))) for point in POINTS]
    at = dict(points)
    answers = sum(counts.values())
    total = sum(value * count for value, count in counts.items())
    return Latency(
        answers=answers,
        mean_us=total // answers if answers else 0,
        p50_us=at[50.0],
        p90_us=at[90.0],
        p95_us=at[95.0],
        p99_us=at[99.0],
        p999_us=at[99.9],
        max_us=max(counts, default=0),
        points=points,
        histogram=binned(counts),
    )


def binned(counts: Mapping[int, int]) -> list[tuple[float, float, int]]:
    """Return (from_us, to_us, answers) for bins of equal ratio, from the first used to the last."""
    bins = Counter[int]()
    for value, count in counts.items():
        bins[int(_BINS_PER_DECADE * log10(max(value, 1)))] += count
    return [
        (10 ** (n / _BINS_PER_DECADE), 10 ** ((n + 1) / _BINS_PER_DECADE), bins[n])
        for n in range(min(bins, default=0), max(bins, default=-1) + 1)
    ]


def sample_verdict(answers: int) -> str:
    """Say up to which percentile so many answers carry."""
    for point, one_in in _NEEDED:
        if answers >= _BEYOND * one_in:
            if point == _NEEDED[0][0]:
                return f"{answers:,} answers carry every percentile up to p99.9"
            return f"{answers:,} answers carry p{point:g}; p99.9 needs {_BEYOND * 1000:,}"
    return f"{answers:,} answers carry no percentile; p99.9 needs {_BEYOND * 1000:,}"
