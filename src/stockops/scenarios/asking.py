"""Read what a person typed, and ask: in one snapshot, without writing, and not for ever."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..engine.base import Server
from ..engine.moments import in_utc
from ..errors import ConfigError
from ..market import KST
from .catalogue import SCENARIOS, Param, Scenario
from .rows import UNKNOWN

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

TIME_LIMIT_S = 30.0
_NUMBER_MAX = 2**63 - 1
_DAYS_MAX = 36_500


@dataclass(frozen=True, slots=True)
class Answered:
    """What was asked, with which parameters, and the answer; `is_cut`: there may be more."""

    scenario: Scenario
    params: Mapping[str, str]
    rows: Sequence["DataclassInstance"]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Parameter:
    """One line of the list of scenarios; `default` is empty where nothing is left out for it."""

    scenario: str
    answers: str
    parameter: str
    kind: str
    default: str
    says: str


def listed() -> list[Parameter]:
    """Return every scenario with every parameter."""
    return [
        Parameter(
            scenario.name,
            scenario.says,
            param.name,
            param.kind,
            "required" if scenario.one_of == (param.name,) else _shown(param.default),
            param.says,
        )
        for scenario in SCENARIOS
        for param in scenario.params
    ]


def parse(scenario: Scenario, given: Sequence[str]) -> dict[str, int | str | None]:
    """
    Return the parameters by name from ``key=value`` texts, the defaults where none is given.

    `ConfigError` for an unknown name, a name twice, a value that is not of its kind, and where
    nothing is given of which something has to be.
    """
    found = {param.name: param.default for param in scenario.params}
    seen: set[str] = set()
    for text in given:
        name, equals, value = text.partition("=")
        param = scenario.param(name)
        if not equals or name in seen:
            why = "has no value" if not equals else "is given twice"
            raise ConfigError(f"the parameter {name!r} {why}", hint=f"Write --param {name}=VALUE")
        seen.add(name)
        found[name] = _typed(param, value)
    if scenario.one_of and not seen & set(scenario.one_of):
        names = " or ".join(scenario.one_of)
        raise ConfigError(
            f"the scenario {scenario.name!r} needs the parameter {names}",
            hint=f"Write --param {scenario.one_of[0]}=VALUE",
        )
    return found


def ask(
    server: Server, scenario: Scenario, params: Mapping[str, int | str | None], *, now: datetime
) -> Answered:
    """
    Ask with the parameters of `parse`, at the moment `now`; instants of the answer are UTC.

    `ConfigError` for a market, a user, an account or an order that is not there: that nothing
    happened to it would be no answer.
    """
    values = {param.key: _sent(param, params[param.name], now) for param in scenario.params}
    with server.transaction(isolation="repeatable read", read_only=True):
        _require_known(server, scenario, values)
        rows = [in_utc(row) for row in scenario.fetch(server, values)]
    shown = {
        param.name: str(values[param.key])
        for param in scenario.params
        if values[param.key] is not None
    }
    is_cut = len(rows) >= values.get("row_limit", len(rows) + 1)
    return Answered(scenario, shown, rows, is_cut)


def _require_known(server: Server, scenario: Scenario, values: Mapping[str, Any]) -> None:
    for found in server.fetch(UNKNOWN, **{key: values.get(key) for key in _NAMES}):
        param = scenario.param(found.parameter)
        raise ConfigError(f"there is no {param.name} {values[param.key]!r}", hint=_NAMES[param.key])


def _shown(default: int | str | None) -> str:
    return "" if default is None else str(default)


def _typed(param: Param, value: str) -> int | str:
    """Return `value` as its kind has it; `ConfigError` where it is not one."""
    try:
        match param.kind:
            case "number":
                return _number(value, _most(param))
            case "date":
                return date.fromisoformat(value).isoformat()
            case "instant":
                moment = datetime.fromisoformat(value)
                moment = moment if moment.tzinfo else moment.replace(tzinfo=KST)
                moment.astimezone(UTC)  # which the first hours of the calendar have none of
                return moment.isoformat()
            case "text":
                return value
    except (ValueError, OverflowError) as exc:
        raise ConfigError(
            f"the parameter {param.name!r} cannot be {value!r}",
            hint=f"Write it as {_EXAMPLES[param.kind].format(most=_most(param))}.",
        ) from exc


def _most(param: Param) -> int:
    return _DAYS_MAX if param.name in {"days", "hours"} else _NUMBER_MAX


def _number(value: str, most: int) -> int:
    number = int(value)
    if not 0 <= number <= most:
        raise ValueError(value)
    return number


_NAMES = {
    "market": "Take KOSPI, KOSDAQ or KONEX.",
    "user_id": "Take a user_id, as all of them have it: stockops report scenario profit",
    "account_id": "Take an account_id, as all of them have it: stockops report scenario profit",
    "order_id": "Take the order_id with which the order was answered.",
}
_EXAMPLES = {
    "number": "a whole number from 0 to {most}",
    "date": "2026-01-05",
    "instant": "2026-01-05T15:30, which is KST unless it names an offset",
}


def _sent(param: Param, value: int | str | None, now: datetime) -> Any:
    """Return a parameter as the SQL takes it: dates in KST and instants in UTC, as text."""
    if param.kind == "instant":
        moment = now if value == "now" else datetime.fromisoformat(str(value))
        return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    if param.kind == "date" and value == "now":
        # The end of a business date belongs to it.
        return (now - timedelta(microseconds=1)).astimezone(KST).date().isoformat()
    return value
