"""A server's text as the number that the community's exporters make of it."""

import re
from datetime import UTC, datetime

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_FILE = re.compile(r"[^.\s,]*[^.\s,\d][^.\s,]*\.(\d+)")  # a log's, as mysqld-bin.000123
_DATE = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")
_CERTIFICATE = "%b %d %H:%M:%S %Y %Z"  # Jan 02 15:04:05 2006 GMT
_WORDS = {
    "yes": 1,
    "on": 1,
    "true": 1,
    "no": 0,
    "off": 0,
    "false": 0,
    "disabled": 0,
    "connecting": 0,
    "primary": 1,
    "non-primary": 0,
    "disconnected": 0,
}


def number(value: object) -> int | float | None:
    """
    Return what `value` is as a number; None where it is none, or is not known.

    A switch is 1 or 0, an instant is seconds since 1970, and a log file is its number.
    """
    if value is None or isinstance(value, int | float):
        return value
    text = str(value)
    if text.isdecimal():  # nearly all of them
        return int(text)
    if _NUMBER.fullmatch(text):
        return int(text) if text.lstrip("+-").isdecimal() else float(text)
    word = _WORDS.get(text.lower())
    return _moment_or_file(text) if word is None else word


def _moment_or_file(text: str) -> int | float | None:
    if _DATE.match(text):
        return _instant(text)
    if found := _FILE.fullmatch(text):
        return int(found[1])
    return _certificate(text) if text[-3:] in {"GMT", "UTC"} else None


def _instant(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _certificate(text: str) -> float | None:
    try:
        return datetime.strptime(text, _CERTIFICATE).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
