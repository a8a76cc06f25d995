"""Numbers that an option takes: finite ones. Any range of click's has ``nan`` in it."""

import math
from typing import Any

import click


class Range(click.FloatRange):
    """A range of floats; ``nan`` and what is too large for a float are in none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return `value` as a number that can be held against another one."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is no number to count with.", param, ctx)
        return number
