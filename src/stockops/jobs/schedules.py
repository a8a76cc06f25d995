"""When a job runs: the five fields of cron, and the same for a timer of systemd."""

import re

from ..errors import ConfigError

_BOUNDS = (
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day", 1, 31),
    ("month", 1, 12),
    ("day of the week", 0, 7),
)
_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PART = re.compile(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?")


def check(at: str, *, where: str) -> str:
    """Return `at` with one space between its fields, or raise `ConfigError` for what cron lacks."""
    fields = at.split()
    if len(fields) != len(_BOUNDS):
        raise ConfigError(
            f"{where}: {at!r} has {len(fields)} fields, and cron wants {len(_BOUNDS)}",
            hint="Write minute, hour, day, month and day of the week: 30 1 * * *",
        )
    for text, (name, low, high) in zip(fields, _BOUNDS, strict=True):
        for part in text.split(","):
            found = _PART.fullmatch(part)
            numbers = [int(each) for each in found.groups() if each] if found else []
            first, last, step = found.groups() if found else (None, None, None)
            bounds = [int(each) for each in (first, last) if each]
            if (
                (not numbers and part != "*")
                or any(not low <= each <= high for each in bounds)
                or bounds != sorted(bounds)
                or (step and (int(step) == 0 or name == "day of the week"))
                or (step and first and not last)
            ):
                raise ConfigError(
                    f"{where}: {part!r} is no {name} in {at!r}",
                    hint=f"Take *, {low} to {high}, A-B, A,B, or */STEP but of weekdays.",
                )
    if fields[2] != "*" and fields[4] != "*":
        raise ConfigError(
            f"{where}: {at!r} names a day and a day of the week, and cron would take either",
            hint="Write two jobs, or leave one of them a *.",
        )
    return " ".join(fields)


def calendar(at: str) -> str:
    """Return what ``OnCalendar=`` says for the five fields `at`, which `check` has let pass."""
    minute, hour, day, month, weekday = at.split()
    days = ""
    if weekday != "*":
        days = ",".join(map(_days, weekday.split(","))) + " "
    date = f"*-{_field(month, 1)}-{_field(day, 1)}"
    return f"{days}{date} {_field(hour, 0)}:{_field(minute, 0)}:00"


def _days(part: str) -> str:
    return "..".join(_DAYS[int(each)] for each in part.split("-"))


def _field(text: str, lowest: int) -> str:
    """Return one field: ``*/15`` is ``00/15``, ``1-5`` is ``01..05``."""
    if text == "*":
        return "*"
    parts = []
    for part in text.split(","):
        span, _, step = part.partition("/")
        span = f"{lowest:02}" if span == "*" else "..".join(f"{int(e):02}" for e in span.split("-"))
        parts.append(f"{span}/{step}" if step else span)
    return ",".join(parts)
