"""What a log does not say of itself: that the server logged a sample, and of how many."""

import math
from dataclasses import dataclass

from ..errors import ConfigError
from .events import Event

_WHOLE_WITHIN = 1e-6
_WEIGHT_MAX = 1_000_000_000
_SAMPLED = {"execution", "preparation"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Each entry stands for `weight` executions; those of `below_us` and longer for themselves."""

    weight: int
    below_us: int | None = None

    def weigh(self, event: Event) -> None:
        """Let `event` stand for so many; one of which the log itself says so stays as it is."""
        told = event.source in _SAMPLED and event.weight == 1
        if told and (self.below_us is None or event.duration_us < self.below_us):
            event.weight = self.weight

    def says(self) -> str:
        """Return what is done, for the report."""
        said = f"calls and times are scaled by {self.weight:,}, as --sample-rate says"
        if self.below_us is None:
            return said
        return f"{said}, of executions below {self.below_us / 1000:,.15g} ms"


def stated(rate: float, *, below_ms: float | None = None) -> Sampling:
    """
    Return how to scale a log of which the server wrote the share `rate`.

    Raises `ConfigError` where an entry would not stand for a whole number of executions.
    """
    if not 1 / _WEIGHT_MAX <= rate <= 1 or (below_ms is not None and not below_ms > 0):
        raise ConfigError(
            f"a sample of {rate:g} of the executions, below {below_ms or 0:g} ms, is none",
            hint="log_statement_sample_rate is above 0 and at most 1: --sample-rate 0.01",
        )
    weight = round(1 / rate)
    if not math.isclose(weight * rate, 1, rel_tol=_WHOLE_WITHIN):
        raise ConfigError(
            f"at a rate of {rate:g} an entry stands for {1 / rate:.3f} executions, no whole number",
            hint=f"Sample one of a whole number: SET log_statement_sample_rate = {1 / weight:.6g}",
        )
    below_us = None if below_ms is None else round(below_ms * 1000)
    return Sampling(weight=weight, below_us=below_us)
