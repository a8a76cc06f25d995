"""The instants of PostgreSQL logs, as microseconds since 1970 UTC."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from operator import add

from ..batches import text

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d):(\d\d)(?:\.(\d{1,6}))?(?: ([A-Za-z]+|[+-]\d\d(?::?\d\d)?))?"
)
_NUMBER = re.compile(r"\d+")
_EPOCH = re.compile(r"(\d{9,11})(?:\.(\d{1,6}))?$")
_MINUTES_END, _SECONDS_END = len("2026-01-05 10:00:"), len("2026-01-05 10:00:00")
_SECOND = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_SECONDS_MAX = 1 << 14
THOUSANDTHS = {b"": 0} | {b".%03d" % each: each * 1_000 for each in range(1_000)}
# Abbreviations that mean one thing: KST is nine hours everywhere, IST and CST are not.
_HOURS = {"UTC": 0, "GMT": 0, "KST": 9, "JST": 9, "CET": 1, "CEST": 2, "WET": 0, "MSK": 3,
          "EDT": -4, "EST": -5, "CDT": -5, "MDT": -6, "MST": -7, "PDT": -7, "PST": -8}  # fmt: skip


@lru_cache(maxsize=1 << 14)  # many entries share a millisecond
def microseconds(said: str) -> int | None:
    """Return the instant that `said` names; None where it names none, or an unknown zone."""
    found = _TIME.match(said)
    if found is not None:
        minute = _minute(found[1], found[4] or "UTC")
        return None if minute is None else minute + int(found[2]) * 1_000_000 + _fraction(found[3])
    found = _EPOCH.match(said)
    return int(found[1]) * 1_000_000 + _fraction(found[2]) if found else None


def instants(said: Sequence[bytes]) -> list[int] | None:
    """
    Return the instants that `said` name, all in one form; None where one of them names none.

    None, too, where they are of two zones, as on the night when the clock changes.
    """
    try:
        if said[0][_SECONDS_END : _SECONDS_END + 1] != b".":
            return list(map(_instant_us, said))
        end = _SECONDS_END + len(".000")
        [zone] = {each[end:] for each in said}
        seconds = Seconds(zone)
        return [seconds[each[:_SECONDS_END]] + THOUSANDTHS[each[_SECONDS_END:end]] for each in said]
    except (ValueError, KeyError):
        return None


def joined_instants(
    seconds: Sequence[bytes], beyond: Sequence[bytes], zone: bytes
) -> list[int] | None:
    """Return what `instants` does of seconds, and of what they have beyond, such as .123."""
    try:
        of_seconds = map(Seconds(zone).__getitem__, seconds)
        return list(map(add, of_seconds, map(THOUSANDTHS.__getitem__, beyond)))
    except (ValueError, KeyError):
        return None


class Seconds(dict[bytes, int]):
    """The instants of seconds in one zone: each is found out once. `ValueError` for none."""

    def __init__(self, zone: bytes, century: bytes = b"") -> None:
        """Take the zone, and how the seconds begin where that is left out of them."""
        super().__init__()
        self._zone, self._century = zone, century

    def __missing__(self, said: bytes) -> int:
        second = self._century + said
        if not _SECOND.fullmatch(second):
            raise ValueError(said)
        minute_us = _minute_us(second[:_MINUTES_END] + self._zone)
        if len(self) >= _SECONDS_MAX:
            self.clear()
        self[said] = at_us = minute_us + int(second[_MINUTES_END:]) * 1_000_000
        return at_us


def _instant_us(said: bytes) -> int:
    at_us = microseconds(text(said))
    if at_us is None:
        raise ValueError(said)
    return at_us


@lru_cache(maxsize=4096)
def _minute_us(said: bytes) -> int:
    """Return the instant of a minute and its zone, from which the seconds are left out."""
    return _instant_us(said[:_MINUTES_END] + b"00" + said[_MINUTES_END:])


def _fraction(digits: str | None) -> int:
    return int(digits.ljust(6, "0")) if digits else 0


@lru_cache(maxsize=4096)
def _minute(said: str, zone: str) -> int | None:
    if zone in _HOURS:
        east = timedelta(hours=_HOURS[zone])
    elif zone[0] in "+-":
        digits = zone[1:].replace(":", "").ljust(4, "0")
        east = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        east = -east if zone[0] == "-" else east
    else:
        return None
    try:
        # What strptime does, which takes 2 ms to be imported.
        year, month, day, hour, minute = map(int, _NUMBER.findall(said))
        local = datetime(year, month, day, hour, minute, tzinfo=timezone(east))
    except ValueError:
        return None
    return round((local - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000
