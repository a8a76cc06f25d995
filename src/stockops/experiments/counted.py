"""A workload as a server has counted it: how often each statement ran, and what it took."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ..engine.base import Server
from ..errors import ConfigError, Unsupported
from ..slow.live import counting, questions, sources
from ..slow.live.counting import Reading
from ..slow.live.grouping import Texts
from ..slow.live.questions import Counter
from ..statements import Dialect, Statement, classify
from . import drawing
from .drawing import Columns
from .samples import SAMPLES, Asked, Sample, dialect_of, filled, placeholders
from .workloads import CLASSES_MAX, SPAN_S_MIN, Class, Logged

_KEYS_AT_ONCE = 500
_DAY_S = 86_400.0
_NO_READING = {"INSERT", "REPLACE"}
# What reads rows or writes them. All else that counters hold, grants and the like, no index serves.
_OF_ROWS = {"SELECT", "WITH", "UPDATE", "DELETE", "MERGE", "COPY", "LOAD", "CALL", *_NO_READING}
# How a server writes down what it has counted, and what it would understand of that.
_READABLE = {
    "mariadb": (
        (re.compile(r"\(\s*\.\.\.\s*\)"), "(?)"),  # a list of any length
        (re.compile(r"\?\s*,\s*\.\.\."), "?"),
        (re.compile(r"\b(\w+) \("), r"\1("),  # a function, which has no space before it
        (re.compile(r"\bDISTINCTROW\b"), "DISTINCT"),
    ),
    "postgresql": ((re.compile(r"(\$\d+)\b"), r"\1 "),),  # the parser takes $1),($ for a quote
}


@dataclass(slots=True)
class _Counted:
    statement: Statement
    sql: str
    most_us: int = -1
    calls: int = 0
    total_us: int = 0
    rows: int = 0

    def add(self, counter: Counter, sql: str) -> None:
        if counter.total_us > self.most_us:
            self.most_us, self.sql = counter.total_us, sql
        self.calls += counter.calls
        self.total_us += counter.total_us
        self.rows += counter.row_count


def read(server: Server, *, databases: Collection[str]) -> Logged:
    """
    Return what `server` has counted of statements in `databases`; nobody has any parameters yet.

    Raises `Unsupported` where it counts none, with the setting to change, and `ConfigError` where
    it has counted none of these.
    """
    source = sources.choose(server)
    if not isinstance(source, sources.Counters):
        raise Unsupported(
            f"{source.name} holds slow statements alone, and no counter says how often all ran",
            hint="Read it as a log: stockops slow digest; or turn performance_schema on.",
        )
    found = counting.read(server)
    here = [
        each
        for each in found.counters.values()
        if each.kind == "statement" and each.database_name in databases and each.calls
    ]
    classes = _classes(server, here)
    if not classes:
        raise ConfigError(
            f"{source.name} has counted no statement of {', '.join(sorted(databases))}",
            hint="Name the database that the load runs in: --database NAME",
        )
    days, span = _days(found, here)
    notes = [
        f"calls and times are those of {source.name}, {span}; it keeps no parameters: those are "
        "drawn from the rows, common values as often as they are",
        *_gaps(found),
    ]
    made = [_class(each, days, dialect_of(server.engine)) for each in classes.values()]
    made.sort(key=lambda each: (-each.total_s, each.class_id))
    return Logged(classes=tuple(made), days=days, note="; ".join(notes))


def drawn(server: Server, logged: Logged) -> Logged:
    """Return `logged` with parameters from the rows of `server`, where it has none."""
    if not any(_is_bare(each, dialect_of(server.engine)) for each in logged.classes):
        return logged
    known = drawing.columns(server)
    return replace(
        logged,
        classes=tuple(
            _drawn(server, each, known) if number < CLASSES_MAX else each
            for number, each in enumerate(logged.classes)
        ),
    )


def _classes(server: Server, counters: Iterable[Counter]) -> dict[str, _Counted]:
    counters = list(counters)
    sql_texts = _texts(server, {each.text_key for each in counters if each.text_key})
    own, dialect = Texts(server), dialect_of(server.engine)
    found: dict[str, _Counted] = {}
    for counter in counters:
        sql = sql_texts.get(counter.text_key or "")
        if not sql:
            continue
        statement = classify(sql, dialect=dialect)
        if statement.verb.upper() not in _OF_ROWS or own.is_own(statement):
            continue
        each = found.setdefault(statement.class_id, _Counted(statement, sql))
        each.add(counter, sql)
    return found


def _texts(server: Server, keys: Collection[str]) -> Mapping[str, str]:
    ordered = sorted(keys)
    found: dict[str, str] = {}
    for start in range(0, len(ordered), _KEYS_AT_ONCE):
        batch = ",".join(ordered[start : start + _KEYS_AT_ONCE])
        found |= {
            each.text_key: each.sql_text for each in server.fetch(questions.TEXTS, keys=batch)
        }
    return found


def _class(each: _Counted, days: float, dialect: Dialect) -> Class:
    sql, why = each.sql.rstrip("; \n"), ""
    if sql.endswith("..."):
        why = "the server has cut its text: raise max_digest_length"
    for written, readable in _READABLE[dialect]:
        sql = written.sub(readable, sql)
    return Class(
        class_id=each.statement.class_id,
        text=each.statement.text,
        verb=each.statement.verb.upper(),
        calls=each.calls,
        total_s=each.total_us / 1e6,
        rows_changed=each.rows,
        samples=() if why else (Sample(sql),),
        days=days,
        source="drawn from the data",
        why=why,
    )


def _is_bare(of: Class, dialect: Dialect) -> bool:
    """Tell whether it waits for parameters that nobody has."""
    if not of.samples or of.samples[0].parameters:
        return False
    return placeholders(of.samples[0].sql, dialect) > 0


def _drawn(server: Server, of: Class, known: Columns) -> Class:
    dialect = dialect_of(server.engine)
    if not _is_bare(of, dialect):
        return of
    sql = of.samples[0].sql
    if of.verb in _NO_READING and not re.search(r"(?i)\bSELECT\b", sql):
        return of  # what it inserts, no index is looked up for
    asked = Asked(name=of.class_id, text=of.text, samples=of.samples)
    try:
        found = drawing.draw(server, asked, number=SAMPLES, known=known).samples
    except ConfigError as exc:
        return replace(of, samples=(), why=f"no parameters can be drawn for it: {exc}")
    if dialect == "mariadb":  # as a log of it has them: literals
        found = tuple(Sample(filled(sql, each.parameters, dialect)) for each in found)
    return replace(of, samples=found)


def _days(found: Reading, counters: Iterable[Counter]) -> tuple[float, str]:
    """Return how much time the counters span, and the words for it."""
    since = [_moment(each.since) for each in counters if each.since]
    since = since or [_moment(found.after.reset_at)] if found.after.reset_at else since
    if not since:
        return 1.0, "nobody says since when: they are taken for the work of a day"
    span_s = (_moment(found.after.at) - min(since)).total_seconds()
    if span_s < SPAN_S_MIN:
        return 1.0, "which span less than a minute: they are taken for the work of a day"
    return span_s / _DAY_S, f"since {min(since):%Y-%m-%d %H:%M}"


def _moment(text: str) -> datetime:
    """Return an instant; one without a zone is of the server's clock, as all of them are then."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _gaps(found: Reading) -> list[str]:
    """Return what the counters do not say, and how much it is."""
    unseen: dict[str, int] = defaultdict(int)
    for each in found.counters.values():
        unseen[each.kind] += each.total_us
    gaps = []
    if unseen["hidden"]:
        gaps.append(f"{unseen['hidden'] / 1e6:,.0f} s of others' statements are hidden")
    if unseen["rest"]:
        gaps.append(f"{unseen['rest'] / 1e6:,.0f} s are of statements that found no room")
    if found.after.evictions:
        gaps.append(f"entries were evicted {found.after.evictions:,} times, and are not counted")
    return [*gaps, *([found.gap] if found.gap else [])]
