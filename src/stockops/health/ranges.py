"""Thresholds, written as Nagios writes them: when a value is outside, or with ``@`` inside."""

import math
import re
from dataclasses import dataclass
from decimal import Decimal

from ..errors import ConfigError

_NUMBER = r"-?(?:\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})"
_FORM = re.compile(
    rf"(?P<at>@)?(?:(?P<low>~|{_NUMBER}%?):(?P<high>{_NUMBER}%?)?|(?P<most>{_NUMBER}%?))"
)
_HINT = (
    "Write 80 (alert above 80 or below 0), 10: (below 10), ~:5 (above 5), 10:20 (outside), "
    "@10:20 (inside); 80% is of what the server allows."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """
    When to alert: outside ``low`` to ``high``, both of which are fine; inside, where `inside`.

    Where `of_allowed`, the two are percent of what the server allows.
    """

    low: float = 0.0
    high: float = math.inf
    inside: bool = False
    of_allowed: bool = False

    def alerts(self, value: float) -> bool:
        """Tell whether `value` is one to alert about; the range must not be `of_allowed`."""
        return (self.low <= value <= self.high) == self.inside

    def scaled(self, allowed: float) -> "Range":
        """Return the range in the unit of the value, where it is percent of `allowed`."""
        if not self.of_allowed:
            return self
        low, high = (
            edge * allowed / 100 if math.isfinite(edge) else edge for edge in (self.low, self.high)
        )
        return Range(low=low, high=high, inside=self.inside)

    def __str__(self) -> str:
        mark = "%" if self.of_allowed else ""
        low = "~" if self.low == -math.inf else f"{plain(self.low)}{mark}"
        high = "" if self.high == math.inf else f"{plain(self.high)}{mark}"
        body = high if self.low == 0 and high else f"{low}:{high}"
        return f"@{body}" if self.inside else body


def parse(text: str) -> Range:
    """Return the range that `text` writes, or raise `ConfigError`."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ConfigError(f"{text!r} is no range", hint=_HINT)
    edges = [match["low"] or "0", match["most"] or match["high"] or ""]
    low, high = (
        usual if edge in {"~", ""} else float(edge.removesuffix("%"))
        for edge, usual in zip(edges, (-math.inf, math.inf), strict=True)
    )
    if low > high:
        raise ConfigError(f"{text!r} is no range: it begins after its end", hint=_HINT)
    marks = {edge.endswith("%") for edge in edges if edge not in {"~", "", "0"}}
    if len(marks) > 1:
        raise ConfigError(f"{text!r} is no range: both ends are percent, or none is", hint=_HINT)
    return Range(low=low, high=high, inside=bool(match["at"]), of_allowed=marks == {True})


def plain(number: float) -> str:
    """Return `number` as it reads back, without an exponent."""
    return str(int(number)) if number == int(number) else format(Decimal(repr(number)), "f")
