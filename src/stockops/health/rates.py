"""What counters grew by since the look before, which is kept in a file for each target."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import filelock, state
from ..errors import Busy, StockopsError, StorageError
from ..targets import Target
from .check import Check
from .outcome import Reading

WINDOW_S_MIN = 1.0  # over less, one event more or less is everything
WINDOW_S_MAX = 86_400.0  # a day ago says nothing about now
LOCK_WAIT_S = 2.0
_LOCK_LOOK_EVERY_S = 0.05
SPANS_S = {"second": 1, "minute": 60, "hour": 3600}
_KEPT_OF_A_SPAN = 12  # samples: more would tell no more
_FORM = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """Counters of one check at one moment: value and allowed by subject."""

    at_s: float
    counters: Mapping[str, tuple[float, float | None]]


@dataclass(slots=True)
class Memory:
    """The samples before, by the name of the check, and those that this run takes."""

    before: dict[str, list[Sample]] = field(default_factory=dict)
    taken: dict[str, list[Sample]] = field(default_factory=dict)

    def take(self, check: Check, now: Sample) -> Sample | None:
        """
        Remember `now`, and return the sample to compare it with: None where there is none.

        Growth by the hour is looked at over the hour, however often somebody looks.
        """
        span_s = SPANS_S.get(check.rate or "", 1)
        earlier = [
            each for each in self.before.get(check.name, []) if of_one_life(check, each, now)
        ]
        # Who looks twice a second keeps what is too young now: it is old enough in a second.
        self.taken[check.name] = kept([*earlier, now], span_s=span_s)
        usable = [each for each in earlier if now.at_s - each.at_s >= WINDOW_S_MIN]
        long_enough = [each for each in usable if now.at_s - each.at_s >= span_s]
        return long_enough[-1] if long_enough else next(iter(usable), None)


def kept(samples: Sequence[Sample], *, span_s: float) -> list[Sample]:
    """Return those of `samples`, oldest first, by which growth in `span_s` will be told."""
    now_s = samples[-1].at_s
    old = [each for each in samples if now_s - each.at_s >= span_s]
    chosen = old[-1:]
    for each in samples[len(old) :]:
        if not chosen or each.at_s - chosen[-1].at_s >= span_s / _KEPT_OF_A_SPAN:
            chosen.append(each)
    return chosen


def sample(readings: Sequence[Reading], *, at_s: float | None = None) -> Sample:
    """Return the counters of `readings` as they are now."""
    counters = {
        reading.subject: (reading.value, reading.allowed)
        for reading in readings
        if reading.value is not None
    }
    return Sample(time.time() if at_s is None else at_s, counters)


def of_one_life(check: Check, before: Sample, now: Sample) -> bool:
    """Tell whether `before` is not too long ago, and of the same life of counters."""
    if not 0 <= now.at_s - before.at_s <= WINDOW_S_MAX:
        return False
    return check.falls or all(
        before.counters[subject][0] <= value
        and (before.counters[subject][1] or 0) <= (allowed or 0)
        for subject, (value, allowed) in now.counters.items()
        if subject in before.counters
    )


def growth(check: Check, readings: Sequence[Reading], before: Sample, now: Sample) -> list[Reading]:
    """Return `readings` with what they grew by between the samples, as `check.rate` wants it."""
    window_s = now.at_s - before.at_s
    span_s = SPANS_S.get(check.rate or "", 1)
    grown = []
    for reading in readings:
        if reading.value is None:
            grown.append(reading)
            continue
        # What was not there before began at nothing.
        value, allowed = before.counters.get(reading.subject, (0.0, 0.0))
        rise = reading.value - value
        if check.rate in {"share", "ratio"}:
            whole = (reading.allowed or 0) - (allowed or 0)
            if whole < check.least:
                continue  # too little happened to speak of a share of it
            scale = 100 if check.rate == "share" else 1
            grown.append(replace(reading, value=scale * rise / whole, allowed=None))
        else:
            # One event in a second is not 3,600 an hour: nothing is said of what was not seen.
            by = max(0.0, rise) * span_s / max(window_s, span_s)
            grown.append(replace(reading, value=by))
    return grown


def recall(target: Target, *, who: str) -> Memory:
    """
    Return what `who` sampled of `target` before.

    Whoever looks at their own pace has a window of their own: a scrape every 15 s does not cut the
    hour of a cron job. What cannot be read is as if it were not there: the run then measures
    rates by itself.
    """
    with suppress(StockopsError):
        return Memory(before=_read(path_of(target, who)))
    return Memory()


def remember(memory: Memory, target: Target, *, who: str) -> bool:
    """Keep what `memory` has taken for the next look; tell whether that was possible."""
    if not memory.taken:
        return True
    try:
        path = path_of(target, who)
        with ExitStack() as stack:
            _lock(stack, path.with_suffix(".lock"))
            known = {**_read(path), **memory.taken}
            checks = {
                name: [{"at_s": each.at_s, "counters": dict(each.counters)} for each in samples]
                for name, samples in known.items()
            }
            state.write(path, {"form": _FORM, "checks": checks})
    except StockopsError:
        return False
    return True


def _lock(stack: ExitStack, path: Path) -> None:
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            stack.enter_context(filelock.hold(path, what="the state of the rates"))
        except Busy:
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOCK_LOOK_EVERY_S)
        else:
            return


def path_of(target: Target, who: str) -> Path:
    """Return the file of what `who` remembers of `target`; a password of its URL is not in it."""
    digest = hashlib.sha256(target.url.encode()).hexdigest()[:12]
    plain = "".join(c if c.isalnum() else "-" for c in target.name)[:32].strip("-")
    return state.folder("health") / f"{plain}-{digest}.{who}.json"


def _read(path: Path) -> dict[str, list[Sample]]:
    try:
        found = state.read(path)
        return {
            name: [_sample(entry) for entry in entries]
            for name, entries in found["checks"].items()
            if found["form"] == _FORM
        }
    except (StorageError, TypeError, KeyError, ValueError, AttributeError, IndexError):
        return {}  # somebody else's, or none: what it held is lost, and one look makes it again


def _sample(entry: Mapping[str, Any]) -> Sample:
    counters = {key: (pair[0], pair[1]) for key, pair in entry["counters"].items()}
    return Sample(float(entry["at_s"]), counters)
