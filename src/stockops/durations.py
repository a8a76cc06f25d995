"""How long something lasts, as people write it: ``30s``, ``15m``, ``2h``, ``1d``, ``1h30m``."""

import re

from .errors import ConfigError

_SECONDS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}
_ONE = re.compile(r"(\d{1,9})([wdhms])")
_ALL = re.compile(r"(?:\d{1,9}[wdhms])+")


def seconds(text: str) -> int:
    """Return `text` in seconds; a number alone is seconds. Raises `ConfigError` for other words."""
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,12}", text):
        return int(text)
    if not _ALL.fullmatch(text):
        raise ConfigError(
            f"{text!r} is no length of time", hint="Write it as 30s, 15m, 2h, 1d or 1h30m."
        )
    return sum(int(count) * _SECONDS[unit] for count, unit in _ONE.findall(text))


def said(duration_s: float) -> str:
    """Return `duration_s` in the one or two largest units that it fills: ``1h30m``."""
    left = int(duration_s)
    words = []
    for unit, size in _SECONDS.items():
        if left >= size:
            words.append(f"{left // size}{unit}")
            left %= size
    return "".join(words[:2]) or "0s"
