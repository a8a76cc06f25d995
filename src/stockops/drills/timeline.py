"""What the clients felt: from the moments of their answers to the times of a drill."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from ..workload import Answered, Failed
from .head import Steady
from .history import Moment

WINDOW_NS = 250_000_000
_S = 1e9
_TIMES = 3  # as much as before is more than what other work on the machine does
_ENOUGH = 10  # orders to speak of how long one takes
_LONG_S = 0.5  # without an acknowledgement; less comes by itself


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without an acknowledgement, in nanoseconds of the shared clock."""

    begin_ns: int
    end_ns: int

    @property
    def length_s(self) -> float:
        """How long it was."""
        return (self.end_ns - self.begin_ns) / _S


class Timeline:
    """The answers and errors of a load, in the order of their instants."""

    def __init__(self, answered: Sequence[Answered], failed: Sequence[Failed]) -> None:
        self._answered = sorted(answered, key=lambda each: each.ended_ns)
        self._ends = [each.ended_ns for each in self._answered]
        self._errors = sorted(each.at_ns for each in failed)

    def steady(self, steady: Steady, *, begin_ns: int, end_ns: int) -> str | None:
        """Return what is not steady between two instants, in words; None where all is."""
        errors = self.errors(begin_ns, end_ns)
        if errors:
            return f"{errors} errors"
        gap = self.longest_gap(begin_ns, end_ns)
        if gap.length_s * 1e3 > steady.gap_ms:
            return f"{gap.length_s * 1e3:.0f} ms without an acknowledgement ({steady.gap_ms})"
        p99 = self.p99_ms(begin_ns, end_ns)
        if p99 is None or p99 > steady.p99_ms:
            return f"a 99th percentile of {p99 or 0:.0f} ms ({steady.p99_ms})"
        return None

    def errors(self, begin_ns: int, end_ns: int) -> int:
        """Count the errors between two instants."""
        return bisect_right(self._errors, end_ns) - bisect_left(self._errors, begin_ns)

    def longest_gap(self, begin_ns: int, end_ns: int) -> Gap:
        """Return the longest time without an acknowledgement that lies between two instants."""
        return max(self._gaps(begin_ns, end_ns), key=lambda gap: gap.length_s)

    def p99_ms(self, begin_ns: int, end_ns: int) -> float | None:
        """Return the 99th percentile of what was answered between two instants."""
        times = sorted(each.ended_ns - each.began_ns for each in self._within(begin_ns, end_ns))
        return times[min(int(len(times) * 0.99), len(times) - 1)] / 1e6 if times else None

    def suffering(self, *, before_ns: int, zero_ns: int, until_ns: int) -> str | None:
        """
        Return how orders suffered from `zero_ns` on, in words; None where they did not.

        One failed, none was acknowledged for long, or they took long: held against what was usual
        from `before_ns` to `zero_ns`.
        """
        if errors := self.errors(zero_ns, until_ns):
            return f"{errors} errors"
        usual, gap = self.longest_gap(before_ns, zero_ns), self.longest_gap(zero_ns, until_ns)
        if gap.length_s > max(_TIMES * usual.length_s, _LONG_S):
            was = f"{usual.length_s * 1e3:.0f} before"
            return f"{gap.length_s * 1e3:.0f} ms without an acknowledgement ({was})"
        usual_ms, now_ms = self._median_ms(before_ns, zero_ns), self._median_ms(zero_ns, until_ns)
        if usual_ms and now_ms and now_ms > _TIMES * usual_ms:
            return f"an order took {now_ms:.0f} ms ({usual_ms:.0f} before)"
        return None

    def first_bad_ns(self, steady: Steady, *, begin_ns: int, end_ns: int) -> int | None:
        """Return when the first order failed or was late after `begin_ns`; None where none was."""
        found = [at for at in self._errors if begin_ns <= at <= end_ns][:1]
        late_ns = int(steady.p99_ms * 1e6)
        found += [
            each.began_ns + late_ns
            for each in self._within(begin_ns, end_ns)
            if each.ended_ns - max(each.began_ns, begin_ns) > late_ns
        ][:1]
        least_ns = int(steady.gap_ms * 1e6)
        gaps = self._gaps(begin_ns, end_ns)
        found += [gap.begin_ns + least_ns for gap in gaps if gap.end_ns - gap.begin_ns > least_ns][
            :1
        ]
        return min(found) if found else None

    def back_ns(self, steady: Steady, *, begin_ns: int, end_ns: int) -> int | None:
        """
        Return when the last outage after `begin_ns` ended, with an acknowledgement.

        An outage is a gap longer than the steady state allows. None where there was none.
        """
        outages = [
            gap
            for gap in self._gaps(begin_ns, end_ns)
            if (gap.end_ns - gap.begin_ns) / 1e6 > steady.gap_ms
        ]
        return outages[-1].end_ns if outages else None

    def calm_ns(self, steady: Steady, *, begin_ns: int, end_ns: int) -> int | None:
        """Return since when every window of 250 ms is steady; None where the last one is not."""
        calm = None
        for at in range(begin_ns, end_ns - WINDOW_NS + 1, WINDOW_NS):
            good = not self.errors(at, at + WINDOW_NS)
            p99 = self.p99_ms(at, at + WINDOW_NS)
            if good and p99 is not None and p99 <= steady.p99_ms:
                calm = at if calm is None else calm
            else:
                calm = None
        return calm

    def moments(self, *, begin_ns: int, end_ns: int, zero_ns: int) -> tuple[Moment, ...]:
        """Return rate, 99th percentile and errors of every window; seconds count from `zero_ns`."""
        return tuple(
            Moment(
                at_s=round((at - zero_ns) / _S, 3),
                per_s=len(self._within(at, at + WINDOW_NS)) * _S / WINDOW_NS,
                p99_ms=None if (p99 := self.p99_ms(at, at + WINDOW_NS)) is None else round(p99, 2),
                errors=self.errors(at, at + WINDOW_NS),
            )
            for at in range(begin_ns, end_ns, WINDOW_NS)
        )

    def _median_ms(self, begin_ns: int, end_ns: int) -> float | None:
        times = [each.ended_ns - each.began_ns for each in self._within(begin_ns, end_ns)]
        return median(times) / 1e6 if len(times) >= _ENOUGH else None

    def _within(self, begin_ns: int, end_ns: int) -> Sequence[Answered]:
        return self._answered[bisect_left(self._ends, begin_ns) : bisect_right(self._ends, end_ns)]

    def _gaps(self, begin_ns: int, end_ns: int) -> list[Gap]:
        instants = [begin_ns, *(each.ended_ns for each in self._within(begin_ns, end_ns)), end_ns]
        return [Gap(one, other) for one, other in pairwise(instants)]
