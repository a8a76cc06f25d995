"""What the server's counters say of a span of time, and what they cannot say of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ...engine.base import Server
from . import questions
from .questions import Counter, Kind, Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All counters at one moment; what happens meanwhile lies between `before` and `after`."""

    before: Mark
    after: Mark
    gap: str
    counters: dict[str, Counter]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one entry has cost in a span; its text is known by `text_key`, or stands here."""

    kind: Kind
    text_key: str | None
    sql_text: str | None
    database_name: str
    calls: int
    total_us: int
    row_count: int
    pages_read: int | None


@dataclass(slots=True, kw_only=True)
class Span:
    """
    What all entries have cost between two readings.

    `busy_us` is what all sessions have worked at least, by another counter, and `busy_us_max` at
    most, for the two are not read at one moment; `is_exact` where that one counts just what the
    entries do. `problems` say what is not known, each with its remedy.
    """

    at: str
    costs: list[Cost]
    busy_us: int | None
    busy_us_max: int | None
    is_exact: bool = False
    problems: list[str] = field(default_factory=list)


def read(server: Server) -> Reading:
    """Return the counters of now."""
    before = server.fetch(questions.MARK)[0]
    counters = server.fetch(questions.STATEMENTS)
    return Reading(
        before=before,
        after=server.fetch(questions.MARK)[0],
        gap=server.fetch(questions.READINESS)[0].gap,
        counters={counter.entry: counter for counter in counters},
    )


def between(first: Reading, last: Reading, *, engine: str) -> Span:
    """
    Return what happened from `first` to `last`.

    An entry that went away and came back counts from nothing again: what it had counted in this
    span before it went is lost, and so is what others had that are away. A counter that fell, or
    that counts since a later moment (PostgreSQL 17, MariaDB), has been away.
    """
    costs, lost = [], 0
    for entry, now in last.counters.items():
        was = first.counters.get(entry)
        if was is not None and (now.since != was.since or now.calls < was.calls):
            lost += 1
            was = None
        if cost := _cost(was, now):
            costs.append(cost)
    lost += sum(
        entry not in last.counters
        for entry, counter in first.counters.items()
        if counter.kind == "statement"
    )
    return Span(
        at=last.after.at,
        costs=costs,
        busy_us=_worked(first.after, last.before),
        busy_us_max=_worked(first.before, last.after),
        is_exact=engine == "mariadb",
        problems=list(_problems(first, last, lost, engine=engine)),
    )


def _worked(since: Mark, until: Mark) -> int | None:
    if since.busy_us is None or until.busy_us is None:
        return None
    return max(0, until.busy_us - since.busy_us)


def _cost(was: Counter | None, now: Counter) -> Cost | None:
    calls = now.calls - (was.calls if was else 0)
    total_us = now.total_us - (was.total_us if was else 0)
    if not calls:
        return None
    pages = None if now.pages_read is None else now.pages_read - ((was and was.pages_read) or 0)
    return Cost(
        kind=now.kind,
        text_key=now.text_key,
        sql_text=None,
        database_name=now.database_name,
        calls=calls,
        total_us=max(0, total_us),
        row_count=now.row_count - (was.row_count if was else 0),
        pages_read=pages,
    )


def _problems(first: Reading, last: Reading, lost: int, *, engine: str) -> Iterable[str]:
    evicted = last.after.evictions - first.before.evictions
    was_reset = first.before.reset_at != last.after.reset_at
    if was_reset:
        yield "the counters were reset: what statements took before is lost"
    elif evicted > 0:
        yield (
            f"entries were evicted {_times(evicted)}, and what they took is lost: raise "
            "pg_stat_statements.max, which needs a restart"
        )
    elif lost:
        statements = "1 statement" if lost == 1 else f"{lost:,} statements"
        how = "somebody emptied the digests" if engine == "mariadb" else "they were reset singly"
        yield f"counters went away, and what {statements} took is lost: {how}"
    if last.gap:
        yield last.gap


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
