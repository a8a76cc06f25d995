"""From what was read to a state and a sentence."""

from collections.abc import Sequence
from dataclasses import replace

from .. import disk
from .check import Check, Unit
from .outcome import Outcome, Reading, State, severity, worst
from .ranges import plain

_MESSAGE_MAX = 400
_EXACT = 2**53


def judge(check: Check, readings: Sequence[Reading], *, took_s: float) -> Outcome:
    """Return the outcome of `check`: each reading judged, the worst first and spoken of."""
    judged = sorted(
        (replace(reading, state=state_of(check, reading)) for reading in readings),
        key=lambda reading: -severity(reading.state),
    )
    if not judged:
        return Outcome(check=check, state=State.OK, message=check.none, took_s=took_s)
    state = worst(reading.state for reading in judged)
    message = sentence(check, judged[0])
    if others := sum(reading.state is not State.OK for reading in judged[1:]):
        message += f" (and {others} more)"
    return Outcome(check=check, state=state, readings=tuple(judged), message=message, took_s=took_s)


def state_of(check: Check, reading: Reading) -> State:
    """Return how `reading` is: no value is UNKNOWN, a limit that the server lacks is never met."""
    if reading.value is None:
        return State.UNKNOWN
    for state, limit in ((State.CRITICAL, check.critical), (State.WARNING, check.warning)):
        if limit is None or (limit.of_allowed and not reading.allowed):
            continue
        if limit.scaled(reading.allowed or 0).alerts(reading.value):
            return state
    return State.OK


def sentence(check: Check, reading: Reading) -> str:
    """Return what the message of `check` says of `reading`."""
    if reading.value is None:
        about = f"{reading.subject}: " if reading.subject else ""
        return f"{about}{reading.detail or 'not known'}"
    share = 100 * reading.value / reading.allowed if reading.allowed else None
    text = check.message.format(
        subject=reading.subject,
        value=human(reading.value, check.unit),
        allowed="no limit" if reading.allowed is None else human(reading.allowed, check.unit),
        share="-" if share is None else f"{share:.0f} %",
        detail=reading.detail,
    )
    text = " ".join(text.split()).rstrip(" :,;")
    return text if len(text) <= _MESSAGE_MAX else text[: _MESSAGE_MAX - 1] + "…"


def human(value: float, unit: Unit) -> str:
    """Return `value` as a person reads it."""
    match unit:
        case "B":
            return disk.size(value)
        case "s":
            return _duration(value)
        case "%":
            return f"{value:.1f} %"
    # Past what a float counts one by one, its last figures would be made up.
    return plain(value) if value == int(value) and abs(value) < _EXACT else f"{value:.3g}"


def _duration(value: float) -> str:
    for unit_s, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if abs(value) >= 2 * unit_s:
            return f"{value / unit_s:.1f} {name}"
    return f"{value:.0f} s" if abs(value) >= 10 else f"{value:.3g} s"
