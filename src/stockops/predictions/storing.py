"""Load predictions: judge each line, and store what can be stored, a thousand to a transaction."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from .. import counts, queries
from ..engine.base import Server
from ..errors import Fault, ServerError
from ..orders import Clock
from ..plan import Step
from ..queries import Query
from .ground import ground_of
from .judging import STALE_AFTER_S, Ground, Judged, Verdict, judge, refused
from .reading import Line

BATCH_PREDICTIONS_MAX = 1000
_TRIES = 3


@dataclass(frozen=True, slots=True)
class User:
    """A user who is there."""

    user_id: int


@dataclass(frozen=True, slots=True)
class Key:
    """A key that a prediction has."""

    prediction_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """
    What became of a load, in lines; `there` were stored before.

    `problems` names the quarantined and the refused ones, in the order of the file.
    """

    lines: int
    valid: int
    quarantined: int
    refused: int
    there: int
    problems: tuple[Verdict, ...]


USERS = Query("predictions/users", User)
KNOWN = Query("predictions/known", Key)

Store = Callable[[Sequence[Judged]], set[str]]


def load(
    server: Server, lines: Iterable[Line], *, clock: Clock, stale_after_s: int = STALE_AFTER_S
) -> Loaded:
    """
    Judge `lines` and store them; the same line again stores nothing.

    Each thousand is a transaction, with the audit rows and the warnings of the quarantined ones.
    """
    ground = ground_of(server, clock, stale_after_s=stale_after_s)
    return _tally(server, lines, ground, lambda batch: _stored(server, batch, clock))


def foreseen(
    server: Server, lines: Iterable[Line], *, clock: Clock, stale_after_s: int = STALE_AFTER_S
) -> Loaded:
    """Return what would become of `lines` in a `load`, and write nothing."""
    ground = ground_of(server, clock, stale_after_s=stale_after_s)
    seen: set[str] = set()

    def new(batch: Sequence[Judged]) -> set[str]:
        keys = [each.row["prediction_key"] for each in batch]
        found = server.fetch(KNOWN, prediction_keys=json.dumps(keys))
        fresh = {*keys} - {row.prediction_key for row in found} - seen
        seen.update(fresh)
        return fresh

    return _tally(server, lines, ground, new)


def steps(told: Loaded) -> list[Step]:
    """Return what a load would do of which `told` was foreseen."""
    said = [
        (told.valid, "prediction", "store {} as valid", "conditions may be met by them"),
        (
            told.quarantined,
            "prediction",
            "store {} as quarantined, each with an audit row and a warning",
            "they are suspicious: the database refuses every order that names them",
        ),
        (told.refused, "line", "leave out {}", "they cannot be stored"),
        (told.there, "prediction", "leave {} as it was", "stored before"),
    ]
    return [
        Step(action=words.format(counts.of(n, what)), why=why) for n, what, words, why in said if n
    ]


def _tally(server: Server, lines: Iterable[Line], ground: Ground, store: Store) -> Loaded:
    count: Counter[str] = Counter()
    problems: list[Verdict] = []
    remaining = iter(lines)
    while batch := list(islice(remaining, BATCH_PREDICTIONS_MAX)):
        for each in _judged(server, batch, ground, store):
            count[each.state] += 1
            if each.state in {"quarantined", "refused"}:
                problems.append(each.verdict)
    return Loaded(
        lines=count.total(),
        valid=count["valid"],
        quarantined=count["quarantined"],
        refused=count["refused"],
        there=count["there"],
        problems=tuple(problems),
    )


def _judged(
    server: Server, batch: Sequence[Line], ground: Ground, store: Store
) -> Iterator[Judged]:
    """Yield what became of each line of `batch`, once those that can be are stored."""
    judged = [judge(line, ground) for line in batch]
    wanted = {each.row["user_id"] for each in judged if each.row}
    known = {row.user_id for row in server.fetch(USERS, user_ids=json.dumps(sorted(wanted)))}
    judged = [
        refused(line, f"there is no user {each.row['user_id']}")
        if each.row and each.row["user_id"] not in known
        else each
        for line, each in zip(batch, judged, strict=True)
    ]
    fresh = store([each for each in judged if each.row])
    for each in judged:
        key = each.row.get("prediction_key", "")
        if each.row and key not in fresh:
            each = replace(each, state="there")  # noqa: PLW2901  the same line, told otherwise
        fresh.discard(key)  # a second line like it is there by now
        yield each


def _stored(server: Server, batch: Sequence[Judged], clock: Clock) -> set[str]:
    """Store `batch` in one transaction; return the keys of those that were not there yet."""
    business_date, at = clock.cells
    sql = queries.text(server.engine, "signals/store_predictions", server.version[0])
    asked = {
        "predictions": json.dumps([each.row for each in batch], default=_plain),
        "date": business_date,
        "at": at,
    }
    for left in reversed(range(_TRIES)):
        try:
            return {row["prediction_key"] for row in server.rows(sql, asked)}
        except ServerError as exc:
            if exc.fault is not Fault.RETRY or not left:
                raise
    return set()


def _plain(value: Any) -> str:
    """Return an instant or an exact number as both engines read it in JSON."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return str(value)
