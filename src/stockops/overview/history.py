"""
What the checks of a target came to at the looks before, kept for the exporter that is started next.

It is one small file, ``<state>/page/<target>.json``, written every `KEPT_EVERY_S` and at the end.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from .. import state
from ..errors import StockopsError
from ..health import State
from .looking import CheckSeen

LOOKS_KEPT = 60
KEPT_EVERY_S = 300.0
_FORM = 1
_NO_VALUE = "-"

Looks = deque[tuple[str, float | None]]


class History:
    """
    The last `LOOKS_KEPT` looks at each check of `target`.

    `say` gets a line about a file that cannot be read or written: the page goes on without it.
    """

    def __init__(self, target: str, say: Callable[[str], None]) -> None:
        self._target = target
        self._say = say
        self._lock = threading.Lock()
        self._looks: dict[str, Looks] | None = None
        self._kept_at = time.monotonic()
        self._is_kept = True

    def extended(self, checks: Sequence[CheckSeen], *, whole: bool) -> tuple[CheckSeen, ...]:
        """Add a look, and return `checks` with those before; what a `whole` one lacks is gone."""
        with self._lock:
            before = self._recalled() if self._looks is None else self._looks
            self._looks = {} if whole else {**before}
            self._looks |= {
                each.name: Looks([*before.get(each.name, ()), _look(each)], maxlen=LOOKS_KEPT)
                for each in checks
            }
            self._is_kept = False
            if time.monotonic() - self._kept_at >= KEPT_EVERY_S:
                self._keep()
            return tuple(_with(each, self._looks[each.name]) for each in checks)

    def close(self) -> None:
        """Keep what there is."""
        with self._lock:
            if not self._is_kept:
                self._keep()

    def _keep(self) -> None:
        self._kept_at = time.monotonic()
        said = {name: _written(looks) for name, looks in (self._looks or {}).items()}
        try:
            path = state.folder("page") / state.file_name(self._target)
            state.write(path, {"form": _FORM, "checks": said})
        except StockopsError as exc:
            self._say(f"the page: what was seen of {self._target!r} is not kept: {exc}")
        else:
            self._is_kept = True

    def _recalled(self) -> dict[str, Looks]:
        path = state.place() / "page" / state.file_name(self._target)
        try:
            return _read(path)
        except (StockopsError, ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
            self._say(f"the page: {str(path)!r} cannot be read; the history begins anew")
            return {}


def _look(check: CheckSeen) -> tuple[str, float | None]:
    return check.states[-1], check.values[-1]


def _with(check: CheckSeen, looks: Looks) -> CheckSeen:
    return replace(
        check,
        states=tuple(state for state, _ in looks),
        values=tuple(value for _, value in looks),
    )


def _written(looks: Looks) -> list[str]:
    """Return the states as one text, a digit for each, and the values as another."""
    states = "".join(str(State[name].value) for name, _ in looks)
    values = (_NO_VALUE if value is None else repr(float(value)) for _, value in looks)
    return [states, " ".join(values)]


def _read(path: Path) -> dict[str, Looks]:
    """Return what is kept at `path`; raises whatever it is where that is not what was written."""
    said = state.read(path)
    if said is None:
        return {}
    if said["form"] != _FORM:
        raise ValueError(said["form"])
    found = {}
    for name, (states, values) in said["checks"].items():
        numbers = [None if each == _NO_VALUE else float(each) for each in values.split()]
        pairs = zip((State(int(each)).name for each in states), numbers, strict=True)
        found[name] = Looks(pairs, maxlen=LOOKS_KEPT)
    return found
