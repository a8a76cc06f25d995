"""The indicators of an issue, and of what has no value why."""

from dataclasses import dataclass, fields
from datetime import date

from ..engine.base import Server
from ..errors import ConfigError
from .questions import LISTED, NEEDS, Day

_NOT_TRADED = "not traded on this day"
_NOT_COMPUTED = "not computed yet: stockops indicators apply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown(Day):
    """A day with a price; `reason` says why indicators have no value, None where all have one."""

    reason: str | None


def show(server: Server, symbol: str, *, until: date | None, days: int) -> list[Shown]:
    """Return the last `days` of `symbol` up to `until`, the latest first."""
    found = server.fetch(LISTED, symbol=symbol, until=until, row_limit=days)
    if not found:
        raise ConfigError(
            f"{symbol!r} has no prices{f' up to {until}' if until else ''}",
            hint="Ask the table stocks for the codes of the issues.",
        )
    return [
        Shown(
            **{field.name: getattr(each, field.name) for field in fields(each)},
            reason=reason(each),
        )
        for each in found
    ]


def reason(day: Day) -> str | None:
    """Say why indicators of `day` have no value; None where each has one."""
    if not day.volume:
        return _NOT_TRADED
    if day.day_no is None:
        return _NOT_COMPUTED
    young = [f"{name} from day {n}" for name, n in NEEDS.items() if day.day_no < n]
    said = [f"day {day.day_no} of its history: {', '.join(young)}"] if young else []
    if _is_none(day, "rsi_14"):
        said.append("rsi_14: no close has differed from the one before it")
    flat = [
        name
        for name in ("stochastic_k", "stochastic_d", "stochastic_slow_d")
        if _is_none(day, name)
    ]
    if flat:
        said.append(f"{', '.join(flat)}: one price was the highest and the lowest of 14 days")
    return "; ".join(said) or None


def _is_none(day: Day, name: str) -> bool:
    """Tell whether an indicator has no value although the history is long enough."""
    return (day.day_no or 0) >= NEEDS[name] and getattr(day, name) is None
