"""The classes of statements in logs: how often each runs, some of its executions, what it asks."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..errors import ConfigError
from ..indexes.asks import Ask, NotUnderstood, Understood
from ..indexes.parsing import understand
from ..indexes.tables import Table, TableName
from ..slow import reading
from ..slow.accounting import Account
from ..slow.events import Event
from ..slow.reading import Reading
from ..statements import Dialect, Statement, classify
from . import samples
from .samples import Asked, Kept, Sample

SAMPLES = 3  # of each class
CLASSES_MAX = 500  # those that took the most time
_DAY_US = 86_400_000_000
SPAN_S_MIN = 60.0  # what is shorter says nothing of a day
# What has no rows to look for: sessions and transactions.
_IDLE = {"BEGIN", "START", "COMMIT", "ROLLBACK", "SET", "SHOW", "SAVEPOINT", "RELEASE", "USE"}
_IDLE |= {"DISCARD", "RESET", "DEALLOCATE", "EXPLAIN", "ANALYZE", "VACUUM", "FETCH", "CLOSE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """
    A class as the logs have it; `days` is how much time they span.

    `source` says where the parameters are from, `why` there are none.
    """

    class_id: str
    text: str
    verb: str
    calls: int
    total_s: float
    rows_changed: int | None
    samples: tuple[Sample, ...]
    days: float
    source: str = "from the log"
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """All classes, the slowest first; `note` says what of the time is guessed."""

    classes: tuple[Class, ...]
    days: float
    note: str = ""

    @property
    def total_s(self) -> float:
        """The time of all of them."""
        return sum(each.total_s for each in self.classes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """
    A class that is understood; `asked` reads what it reads, None where it reads nothing.

    `rows_written_per_day` are rows of the table that it writes to.
    """

    of: Class
    understood: Understood
    asked: Asked | None
    calls_per_day: float
    rows_written_per_day: float = 0.0

    @property
    def asks(self) -> tuple[Ask, ...]:
        """What it asks of each table."""
        return self.understood.asks


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A class that is not considered, and why; `share` is of the time of all classes, 0 to 1."""

    class_id: str
    text: str
    calls: int
    share: float
    why: str


@dataclass(slots=True)
class _Counted:
    kept: Kept
    verb: str
    text: str
    total_us: int = 0
    rows: int = 0
    told: bool = False


@dataclass(slots=True)
class _Log:
    dialect: Dialect
    classes: dict[str, _Counted] = field(default_factory=dict)
    first_us: int | None = None
    last_us: int | None = None


def read(logs: Reading, *, engine: str, seen: Callable[[int], None] = lambda _: None) -> Logged:
    """
    Return the classes of `logs`, each with some executions that chance picks, the same every time.

    Raises `ConfigError` where the logs are of another engine, and where they hold no execution.
    `seen` is told the number of entries, now and then.
    """
    log = _Log(samples.dialect_of(engine))
    for number, (event, dialect) in enumerate(reading.events(logs, Account()), 1):
        if dialect != log.dialect:
            raise ConfigError(
                f"the log is of {dialect}, and the server is {engine}",
                hint="Name the logs of that server.",
            )
        if number % 10_000 == 0:
            seen(number)
        if event.at_us is not None:
            log.first_us = event.at_us if log.first_us is None else min(log.first_us, event.at_us)
            log.last_us = event.at_us if log.last_us is None else max(log.last_us, event.at_us)
        if event.source == "execution" and not event.admin:
            statement = classify(event.sql, dialect=log.dialect)
            _count(log, event, statement)
    return _logged(log)


def _count(log: _Log, event: Event, statement: Statement) -> None:
    known = log.classes.get(statement.class_id)
    if known is None:
        kept = Kept(statement.class_id, log.dialect, SAMPLES)
        known = _Counted(kept, statement.verb, statement.text)
        log.classes[statement.class_id] = known
    known.kept.take(event, statement)
    known.total_us += event.duration_us * event.weight
    if event.rows_affected is not None:
        known.told = True
        known.rows += event.rows_affected * event.weight


def _logged(log: _Log) -> Logged:
    worth = {key: each for key, each in log.classes.items() if each.verb.upper() not in _IDLE}
    if not worth:
        raise ConfigError(
            "the logs hold no execution of a statement",
            hint="See what they hold: stockops slow digest FILE...",
        )
    span_us = 0
    if log.first_us is not None and log.last_us is not None:
        span_us = log.last_us - log.first_us
    days, note = span_us / _DAY_US, ""
    if span_us < SPAN_S_MIN * 1e6:
        days, note = 1.0, "the log spans less than a minute: it is taken for the work of a day"
    found = [
        Class(
            class_id=class_id,
            text=each.text,
            verb=each.verb.upper(),
            calls=each.kept.calls,
            total_s=each.total_us / 1e6,
            rows_changed=each.rows if each.told else None,
            samples=tuple(each.kept.samples),
            days=days,
        )
        for class_id, each in worth.items()
    ]
    found.sort(key=lambda each: (-each.total_s, each.class_id))
    return Logged(classes=tuple(found), days=days, note=note)


def understood(
    logged: Logged, *, engine: str, tables: Mapping[TableName, Table]
) -> tuple[list[Work], list[LeftOut]]:
    """Return what is understood of `logged`, and what is not: together they are all of it."""
    works: list[Work] = []
    left: list[LeftOut] = []
    for number, each in enumerate(logged.classes):
        try:
            if number >= CLASSES_MAX:
                raise NotUnderstood(f"{CLASSES_MAX} classes took more time")  # noqa: TRY301
            works.append(_work(each, engine=engine, tables=tables))
        except NotUnderstood as exc:
            left.append(left_out(each, logged, str(exc)))
    return works, left


def left_out(of: Class, logged: Logged, why: str) -> LeftOut:
    """Return `of` as one that is not considered."""
    share = of.total_s / logged.total_s if logged.total_s else 0.0
    return LeftOut(class_id=of.class_id, text=of.text, calls=of.calls, share=share, why=why)


def _work(of: Class, *, engine: str, tables: Mapping[TableName, Table]) -> Work:
    if not of.samples:
        raise NotUnderstood(of.why or "its parameters were not logged, or its text was cut")
    first = of.samples[0]
    alike = [each for each in of.samples if bool(each.parameters) == bool(first.parameters)]
    if first.parameters:
        alike = [each for each in alike if each.sql == first.sql]
    found = [understand(each.sql, engine=engine, tables=tables) for each in alike]
    per_day = of.calls / of.days
    rows = found[0].rows * of.calls if of.rows_changed is None else of.rows_changed
    taken = tuple(_readings(found, alike))
    asked = Asked(
        name=of.class_id,
        text=of.text,
        samples=taken,
        calls_per_day=per_day,
        source=of.source,
    )
    return Work(
        of=of,
        understood=_with_common_literals(found),
        asked=asked if taken and found[0].asks else None,
        calls_per_day=per_day,
        rows_written_per_day=rows / of.days if found[0].writes else 0.0,
    )


def _readings(found: Sequence[Understood], alike: Sequence[Sample]) -> Iterator[Sample]:
    for each, sample in zip(found, alike, strict=True):
        if each.reading == sample.sql:
            yield sample
        elif each.reading is not None:
            yield _renumbered(each.reading, sample)


def _renumbered(sql: str, sample: Sample) -> Sample:
    """Return `sql` with its own parameters numbered from 1: a server asks for a type of each."""
    if not sample.parameters:
        return Sample(sql)
    places = sorted({int(number) for number in re.findall(r"\$(\d+)", sql)})
    renamed = {old: new for new, old in enumerate(places, 1)}
    return Sample(
        re.sub(r"\$(\d+)", lambda match: f"${renamed[int(match[1])]}", sql),
        tuple(sample.parameters[old - 1] for old in places),
    )


def _with_common_literals(found: Sequence[Understood]) -> Understood:
    """Return the first with the literals that all have: others change from call to call."""
    first = found[0]
    asks = []
    for place, ask in enumerate(first.asks):
        every = [each.asks[place].fixed for each in found if len(each.asks) == len(first.asks)]
        asks.append(
            replace(ask, fixed=[each for each in ask.fixed if all(each in f for f in every)])
        )
    return replace(first, asks=tuple(asks))
