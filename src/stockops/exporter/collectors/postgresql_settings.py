"""Settings that are numbers, in bytes and seconds."""

import re
from collections.abc import Iterable, Sequence

from ...engine.base import Server
from ...queries import Query
from ..context import Context, Lane
from ..documents import Document, ask_unless_same
from ..families import Family, one
from ..naming import named
from ..values import number

NAME = "settings"
LANE: Lane = "fast"
SETTINGS = Query("exporter/settings", Document)

_SECONDS = {"ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400, "us": 1e-6}
_BYTES = {"": 1, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"(\d*)([kMGT]?)B")
_ODD = re.compile(r"[^a-zA-Z0-9_]")


def collect(server: Server, context: Context) -> Iterable[Family]:
    """Give every setting that is a number or a switch."""
    return ask_unless_same(
        server,
        SETTINGS,
        context=context,
        families=lambda said: named(_families(said), context.names),
    )


def _families(settings: Sequence[Sequence[str | None]]) -> Iterable[Family]:
    for name, setting, unit in settings:
        value = number(setting)
        if value is None:
            continue
        suffix, factor = unit_of(unit or "")
        # -1 is a word for "as another setting says", or "without end"; it has no unit.
        yield one(
            f"pg_settings_{_ODD.sub('_', name or '')}{suffix}",
            "gauge",
            f"Setting {name}{f', which the server counts in {unit}' if unit else ''}.",
            value if value == -1 else value * factor,
        )


def unit_of(unit: str) -> tuple[str, float]:
    """Return the end of the name of a setting in `unit`, and how many of its base unit one is."""
    if not unit:
        return "", 1
    if unit in _SECONDS:
        return "_seconds", _SECONDS[unit]
    if found := _SIZE.fullmatch(unit):
        return "_bytes", int(found[1] or 1) * _BYTES[found[2]]
    return f"_{_ODD.sub('_', unit)}", 1
