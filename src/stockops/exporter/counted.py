"""
What the business had come to, kept for the exporter that is started next.

It is one small file, ``<state>/exporter/<target>.json``. Whether it still is of the database that
is there now shows in its last stretch of events, which is counted again.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass
from decimal import Decimal
from pathlib import Path

from .. import state
from ..business import Events
from ..errors import StockopsError

STRETCH_EVENTS = 2_000
_FORM = 1


@dataclass(frozen=True, slots=True)
class Counted:
    """All that happened through the event `through`."""

    through: int
    events: Events


NOTHING = Counted(0, Events(0, 0, 0, 0, 0, Decimal(0)))

Between = Callable[[int, int], Events]


def recall(target: str, between: Between) -> Counted:
    """
    Return what was kept of `target`; `NOTHING` where it is not of what `between` counts now.

    What cannot be read is as if it were not there: it is counted again.
    """
    with suppress(StockopsError, ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        said = state.read(state.place() / "exporter" / state.file_name(target))
        if said is not None and said["form"] == _FORM:
            found = Counted(said["through"], _events(said["events"]))
            if _same(_stretch(found.through, between), _events(said["stretch"])):
                return found
    return NOTHING


def keep(target: str, counted: Counted, between: Between) -> None:
    """Keep `counted` of `target`; where that cannot be, the next exporter counts again."""
    stretch = _stretch(counted.through, between)
    with suppress(StockopsError):
        state.write(
            _place(target),
            {
                "form": _FORM,
                "through": counted.through,
                "events": _plain(counted.events),
                "stretch": _plain(stretch),
            },
        )


def _stretch(through: int, between: Between) -> Events:
    return between(max(0, through - STRETCH_EVENTS), through)


def _same(one: Events, other: Events) -> bool:
    """Tell whether both saw the same happen, whatever happened since."""
    return astuple(one)[1:] == astuple(other)[1:]


def _plain(events: Events) -> dict[str, object]:
    return {**asdict(events), "traded_won": str(events.traded_won)}


def _events(said: dict[str, object]) -> Events:
    return Events(**{**said, "traded_won": Decimal(str(said["traded_won"]))})  # type: ignore[arg-type]


def _place(target: str) -> Path:
    return state.folder("exporter") / state.file_name(target)
