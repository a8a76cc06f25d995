"""What is slow on a running server, interval by interval."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from ... import queries
from ...engine import connect
from ...engine.base import Server
from ...sessions import to_see
from ...targets import Target
from . import rows, sources
from .counting import Span
from .grouping import Grouped, Texts, group
from .rows import RANKS, Interval
from .sampling import sample
from .sources import Source

QUESTION_S = 5.0
# Commands that are no statements (ping, quit, a change of the database) have no digest, either.
_SLACK_SHARE = 0.02
_SLACK_US = 20_000


@contextmanager
def opened(target: Target) -> Iterator[Server]:
    """Open the session that asks: none of its questions takes longer than `QUESTION_S`."""
    with connect(target, application="stockops slow top", lock_timeout_s=QUESTION_S) as server:
        sql = queries.text(server.engine, "watching/session", server.version[0])
        server.execute(sql, {"limit_ms": round(QUESTION_S * 1000)})
        yield server


def watch(server: Server, *, interval_s: float, by: str = "total") -> Iterator[Interval]:
    """
    Return what happens in each interval from now on, without an end; classes ranked `by` `RANKS`.

    Raises `Unsupported` where nothing counts statements, with the setting to change.
    """
    texts = Texts(server)
    return _intervals(server, sources.choose(server), texts, interval_s=interval_s, by=by)


def _intervals(
    server: Server, source: Source, texts: Texts, *, interval_s: float, by: str
) -> Iterator[Interval]:
    started = time.monotonic()
    while True:
        samples = sample(server, texts, length_s=interval_s)
        span = source.step()
        now = time.monotonic()
        grouped = group(texts, span.costs)
        unknown_us = _unknown_us(span, grouped)
        whole_us = grouped.known_us + (unknown_us or 0)
        length_s = now - started
        classes = [
            rows.class_row(each, whole_us=whole_us, length_s=length_s)
            for each in grouped.classes.values()
        ]
        yield Interval(
            at=_in_utc(span.at),
            length_s=round(length_s, 3),
            engine=server.engine,
            source=source.name,
            calls=sum(row.calls for row in classes),
            known_s=grouped.known_us / 1e6,
            unknown_s=None if unknown_us is None else unknown_us / 1e6,
            classes=sorted(classes, key=lambda row: (-RANKS[by](row), row.class_id)),
            waits=rows.wait_rows(samples),
            samples=samples.taken,
            running=rows.running_rows(samples, texts),
            blocking=[rows.blocking_row(each) for each in samples.blocking],
            problems=[*_problems(server, span, grouped, unknown_us), *sorted(samples.problems)],
        )
        started = now


def _in_utc(at: str) -> str:
    """Return a server's moment as ISO 8601: sessions are in UTC, and MariaDB does not say so."""
    return datetime.fromisoformat(at).replace(tzinfo=UTC).isoformat()


def _nameless_us(grouped: Grouped) -> int:
    return grouped.hidden_us + grouped.rest_us + grouped.nameless_us


def _elsewhere_us(span: Span, grouped: Grouped) -> int:
    """Return what sessions worked by the other counter, and no entry has."""
    busy_us = span.busy_us if span.is_exact else span.busy_us_max
    if busy_us is None:
        return 0
    return max(0, busy_us - grouped.known_us - grouped.own_us - _nameless_us(grouped))


def _unknown_us(span: Span, grouped: Grouped) -> int | None:
    """
    Return how much time is in no class; None where nobody knows.

    PostgreSQL's other counter has what sessions do around their statements, too, and an idle
    session adds to it up to ten seconds late (seen on 18): it is asked only where entries are known
    to be lost, and nothing follows from it where it has no more than the entries.
    """
    elsewhere_us = _elsewhere_us(span, grouped)
    if span.is_exact or (span.problems and elsewhere_us):
        return _nameless_us(grouped) + elsewhere_us
    return None if span.problems else _nameless_us(grouped)


def _problems(
    server: Server, span: Span, grouped: Grouped, unknown_us: int | None
) -> Iterator[str]:
    whole_us = grouped.known_us + (unknown_us or 0)

    def share(part_us: int) -> str:
        return f"{part_us / whole_us:.1%} of the time ({part_us / 1e6:.3f} s)" if whole_us else ""

    elsewhere_us = _elsewhere_us(span, grouped)
    for problem in span.problems:
        much = f"about {share(elsewhere_us)}" if elsewhere_us else "how much"
        if span.is_exact and whole_us:
            much = share(elsewhere_us)
        yield problem if span.busy_us is None else f"{problem}; {much} is not known"
    if grouped.hidden_us:
        yield f"{share(grouped.hidden_us)} is of statements hidden from this role: {to_see(server)}"
    if grouped.rest_us:
        yield (
            f"{share(grouped.rest_us)} is of statements for which the digests have no room: raise "
            "performance_schema_digests_size and restart, or empty them: "
            "TRUNCATE TABLE performance_schema.events_statements_summary_by_digest"
        )
    if grouped.nameless_us:
        yield f"{share(grouped.nameless_us)} is of statements whose text the server has lost"
    slack_us = max(_SLACK_US, _SLACK_SHARE * (span.busy_us or 0))
    if span.is_exact and not span.problems and elsewhere_us > slack_us:
        yield (
            f"{share(elsewhere_us)} is in no digest: the server gives none to statements that a "
            "client prepares by the binary protocol; their slow ones are in the slow log"
        )
