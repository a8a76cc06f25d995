"""Numbers as servers write them; None for what is none."""

import math
from typing import Any


def number(value: Any) -> float | None:
    """Return `value` as a number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) and found >= 0 else None


def whole(value: Any) -> int | None:
    """Return `value` as a whole number that is not negative."""
    found = number(value)
    return None if found is None else int(found)
