"""How numbers are written for a person: separators, units, no more digits than mean something."""

from .. import money

_MS_US = 1_000
_S_US = 1_000_000


def count(number: int) -> str:
    """Write a whole number: ``1,234``."""
    return f"{number:,}"


def won(amount: int) -> str:
    """Write an amount: ``1,234 won``."""
    return money.won(amount)


def percent(part: float, whole: float) -> str:
    """Write a share: ``34.5 %``; a little is never ``0.0 %``."""
    if not whole:
        return "-"
    share = 100 * part / whole
    return "< 0.1 %" if 0 < share < 0.05 else f"{share:.1f} %"


def seconds(took_s: float) -> str:
    """Write a time in seconds: ``0.04 s``, ``1.2 s``, ``12 s``."""
    if took_s < 0.1:
        return f"{took_s:.2f} s"
    return f"{took_s:.1f} s" if took_s < 100 else f"{took_s:,.0f} s"


def latency(took_us: float) -> str:
    """Write a latency to three digits at most: ``0.085 ms``, ``1.25 ms``, ``2.1 s``."""
    if took_us < _S_US:
        return f"{_short(took_us / _MS_US)} ms"
    return f"{_short(took_us / _S_US)} s"


def _short(number: float) -> str:
    digits = 3 if number < 0.1 else 2 if number < 10 else 1 if number < 100 else 0
    text = f"{number:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if digits else text
