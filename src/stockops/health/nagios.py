"""A report as a plug-in of Nagios prints it: one short line, one for each check, the figures."""

import math
from collections.abc import Sequence

from .check import Check, Unit
from .outcome import Outcome, Reading, Report, State, severity, worst
from .ranges import Range, plain

LINE_MAX = 80
NAME = "STOCKOPS"
_UOM: dict[Unit, str] = {"": "", "%": "%", "s": "s", "B": "B"}


def text(report: Report) -> str:
    """Return what to print of `report`; the figures follow the last line of the text."""
    told = sorted(report.outcomes, key=lambda each: -severity(each.state))
    lines = [_first(report.state, told)]
    lines += [_clean(f"[{each.state.name}] {each.check.name}: {each.message}") for each in told]
    figures = [
        figure(each.check, reading)
        for each in report.outcomes
        for reading in each.readings
        if reading.value is not None
    ]
    if figures:
        lines[-1] += " | " + figures[0]
        lines += figures[1:]
    return "\n".join(lines)


def line(state: State, words: str) -> str:
    """Return the one line of a run that did not come to its checks."""
    return _short(f"{NAME} {state.name}: {_clean(words)}")


def exit_code(report: Report) -> int:
    """Return the code that Nagios expects."""
    return int(worst(outcome.state for outcome in report.outcomes))


def figure(check: Check, reading: Reading) -> str:
    """Return ``'label'=value[UOM];warning;critical;min;max``."""
    label = f"{check.name}_{reading.subject}" if reading.subject else check.name
    label = _clean(label).replace("'", "''").replace("=", "_")
    value = plain(round(reading.value or 0, 6))
    limits = [_limit(limit, reading) for limit in (check.warning, check.critical)]
    most = "" if reading.allowed is None else plain(reading.allowed)
    uom = _UOM[check.unit]
    return f"'{label}'={value}{uom};{limits[0]};{limits[1]};;{most}".rstrip(";")


def _limit(limit: Range | None, reading: Reading) -> str:
    if limit is None or (limit.of_allowed and not reading.allowed):
        return ""
    scaled = limit.scaled(reading.allowed or 0)
    if scaled.low == -math.inf and scaled.high == math.inf:
        return ""
    return str(scaled)


def _first(state: State, told: Sequence[Outcome]) -> str:
    if not told:
        return f"{NAME} {state.name}: nothing was checked"
    bad = [each for each in told if each.state is not State.OK]
    if not bad:
        return (
            f"{NAME} OK: {len(told)} checks are fine"
            if len(told) > 1
            else _short(f"{NAME} OK: {_clean(told[0].message)}")
        )
    more = f" (+{len(bad) - 1})" if len(bad) > 1 else ""
    line = f"{NAME} {state.name}: {bad[0].check.name}: {_clean(bad[0].message)}"
    return _short(line, LINE_MAX - len(more)) + more


def _short(line: str, most: int = LINE_MAX) -> str:
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _clean(words: str) -> str:
    """Return `words` on one line, and without the sign that begins the figures."""
    return " ".join(words.split()).replace("|", "/")
