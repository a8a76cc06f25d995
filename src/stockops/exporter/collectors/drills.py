"""
What the drills of this machine showed on the engine of the target, by the last run of each.

Only what was run here is told: a machine on which nobody drills has no drill that is due. Files are
read again after `FRESH_S`, or at once when there is a new run.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...drills import book, head, history
from ...drills.history import Named, Record, Verdict
from ...errors import ConfigError
from ...targets import Config
from ..context import Context
from ..families import Family, Labels, Number

NAME = "drills"
FRESH_S = 60.0
_KEPT = "drills"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The last run of a drill; `due` is None where its file is gone, or cannot be read."""

    record: Record
    due: bool | None


def read(context: Context) -> Iterable[Family]:
    """Give what the last run of each drill showed; nothing of one that was never run here."""
    newest = {
        (named.drill, named.engine): named
        for named in history.names()
        if named.engine == context.target.engine
    }
    runs = {named.run for named in newest.values()}
    kept: tuple[float, set[str], list[Shown]] | None = context.memory.get(_KEPT)
    if kept is None or time.monotonic() - kept[0] > FRESH_S or kept[1] != runs:
        kept = (time.monotonic(), runs, _shown(newest.values(), context.config))
        context.memory[_KEPT] = kept
    return families(kept[2])


def families(shown: Iterable[Shown]) -> list[Family]:
    """Return the figures of `shown`. What was not measured is absent."""
    runs = [(_labels(each.record), each) for each in shown]

    def gauge(name: str, words: str, values: Iterable[Number | None]) -> Family:
        samples = [(labels, value) for (labels, _), value in zip(runs, values, strict=True)]
        return Family(f"stockops_drill_{name}", "gauge", words, tuple(samples))

    measured = [each.record.measured for _, each in runs]
    verdicts = [
        ((*labels, ("verdict", verdict.value)), each.record.verdict is verdict)
        for labels, each in runs
        for verdict in Verdict
    ]
    return [
        gauge(
            "last_run_timestamp_seconds",
            "When the drill last ended.",
            (each.record.ended_at.timestamp() for _, each in runs),
        ),
        Family(
            "stockops_drill_verdict", "gauge", "1 for how the drill last came out.", tuple(verdicts)
        ),
        gauge(
            "due",
            "1 where the drill is to be run: it did not pass, has expired or was changed since.",
            (each.due for _, each in runs),
        ),
        gauge(
            "detection_seconds",
            "How long it took from the fault until a health check told of it.",
            (each.detected_s for each in measured),
        ),
        gauge(
            "rto_seconds",
            "How long it took from the fault to the first order after the recovery.",
            (each.rto_s for each in measured),
        ),
        gauge(
            "acked_lost",
            "Orders that were acknowledged and are gone.",
            (each.lost for each in measured),
        ),
    ]


def _labels(record: Record) -> Labels:
    return (("drill", record.drill), ("engine", record.engine))


def _shown(newest: Iterable[Named], config: Config) -> list[Shown]:
    paths = {path.stem: path for path in book.files(config)}
    found = []
    for named in newest:
        record = history.read(named.path)
        if record is not None:
            found.append(Shown(record=record, due=_is_due(record, paths)))
    return found


def _is_due(record: Record, paths: Mapping[str, Path]) -> bool | None:
    path = paths.get(record.drill)
    if path is None:
        return None
    try:
        return book.due(head.read(path), record.engine).why is not None
    except ConfigError:  # `drill lint` says what is wrong with it
        return None
