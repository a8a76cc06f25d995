"""
The few statements that cost most just now, and the exact rest.

A set of the most expensive ever changes seldom and hides what is new; one chosen anew at each
scrape makes new series at each scrape. Here the order is by what was added of late, of which each
call forgets half. The upper half of the places goes to whoever is first; the lower half to who is
in already and not far down, `KEPT_FACTOR` times as far as there are places.

The rest is counted by what was added to it, not by what it holds: a counter that lost a part of
itself whenever somebody moved up would look like a restart. So what is added in all equals what is
added to the series that are shown and to the rest, at every call.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Key = TypeVar("Key")
Figures = tuple[float, ...]

KEPT_FACTOR = 3
FORGOTTEN = 0.5
_SLOT = "ranking"


@dataclass(frozen=True, slots=True)
class _Past(Generic[Key]):
    totals: Mapping[Key, Figures]
    scores: Mapping[Key, float]
    rest: Figures
    shown: frozenset[Key]


@dataclass(frozen=True, slots=True)
class Ranked(Generic[Key]):
    """`shown` as the server has them, and what `rest` has come to."""

    shown: dict[Key, Figures]
    rest: Figures


def ranked(
    totals: Mapping[Key, Figures], *, by: int, most: int, memory: MutableMapping[str, Any]
) -> Ranked[Key]:
    """
    Return the `most` of `totals` that grew most of late in figure number `by`, and the others' sum.

    `memory` is kept from one call to the next. Each figure of `totals` only grows; one that is
    smaller than it was has begun anew.
    """
    width = len(next(iter(totals.values()), ()))
    past: _Past[Key] = memory.get(_SLOT) or _Past({}, {}, (0.0,) * width, frozenset())
    added = {key: _added(figures, past.totals.get(key)) for key, figures in totals.items()}
    scores = {key: past.scores.get(key, 0.0) * FORGOTTEN + added[key][by] for key in totals}
    order = sorted(totals, key=lambda key: (-scores[key], str(key)))
    shown = _chosen(order, past.shown, most)
    rest = past.rest or (0.0,) * width
    for key, figures in added.items():
        if key not in shown:
            rest = tuple(mine + more for mine, more in zip(rest, figures, strict=True))
    memory[_SLOT] = _Past(dict(totals), scores, rest, shown)
    return Ranked({key: totals[key] for key in order if key in shown}, rest)


def _chosen(order: Sequence[Key], before: frozenset[Key], most: int) -> frozenset[Key]:
    """Return who is shown: the first, then who was shown and is not far down, then the next."""
    first = order[: most // 2]
    stay = [key for key in order[most // 2 : most * KEPT_FACTOR] if key in before]
    found = dict.fromkeys([*first, *stay, *order[: 2 * most]])
    return frozenset([*found][:most])


def _added(now: Figures, before: Figures | None) -> Figures:
    """Return what was added since `before`."""
    if before is None or any(new < old for new, old in zip(now, before, strict=True)):
        return now
    return tuple(new - old for new, old in zip(now, before, strict=True))
