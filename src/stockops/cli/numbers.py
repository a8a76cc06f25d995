"""Numbers that an option takes: finite ones. Any range of click's has ``nan`` in it."""

import math
from typing import Any

import click

SECONDS_MAX = 1e9  # thirty years: no clock of this program waits for longer
SERVER_SECONDS_MAX = 2_147_483.0  # 24 days: PostgreSQL counts its own in 31 bits of milliseconds


class Range(click.FloatRange):
    """A range of floats up to `most`; ``nan`` and what is too large for a float are in none."""

    def __init__(
        self,
        min: float | None = None,  # noqa: A002  as click calls it
        max: float | None = None,  # noqa: A002
        *,
        min_open: bool = False,
        most: float = math.inf,
    ) -> None:
        super().__init__(min, max, min_open=min_open)
        self._most = most

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return `value` as a number that can be held against another one."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number) or number > self._most:
            self.fail(f"{value!r} is no number to count with: {self._wanted()}.", param, ctx)
        return number

    def _wanted(self) -> str:
        most = self._most if self.max is None else self.max
        bounds = [] if self.min is None else [f"{self.min:,.10g} or more"]
        bounds += [f"at most {most:,.10g}"] if math.isfinite(most) else []
        return f"give {', '.join(bounds) or 'a finite one'}"
