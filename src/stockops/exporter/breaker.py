"""A collector that keeps failing is left alone for a while."""

import random
import time

FAILURES_MAX = 3
FIRST_PAUSE_S = 15.0
LONGEST_PAUSE_S = 300.0


class Breaker:
    """
    Open after `FAILURES_MAX` failures in a row; then one try after a pause that doubles.

    The pause is shortened by chance, so that the collectors of many exporters do not try at once.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether it is, or was until the next try shows better."""
        return self._failures >= FAILURES_MAX

    def lets_through(self) -> bool:
        """Tell whether to try now."""
        return not self.is_open or time.monotonic() >= self._until

    def succeeded(self) -> None:
        """Close it."""
        self._failures = 0

    def failed(self) -> None:
        """Count a failure."""
        self._failures += 1
        if self.is_open:
            self._until = time.monotonic() + pause_s(
                self._failures - FAILURES_MAX, first_s=FIRST_PAUSE_S, longest_s=LONGEST_PAUSE_S
            )


def pause_s(tries: int, *, first_s: float, longest_s: float) -> float:
    """Return a pause that doubles with each of `tries`, and by chance is up to a half shorter."""
    longest_here_s = min(longest_s, first_s * 2.0 ** min(tries, 30))
    return longest_here_s * random.uniform(0.5, 1)  # noqa: S311  it spreads load, it guards nothing
