"""The queries that a change is tried with: statements as they were sent, with their parameters."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import sqlscripts
from ..errors import ConfigError
from ..slow import reading
from ..slow.accounting import Account
from ..slow.events import Event
from ..slow.reading import Reading
from ..statements import Dialect, Statement, classify

SAMPLES = 8
CLASS_ID = re.compile(r"[0-9a-f]{6,16}")
_DAY_US = 86_400_000_000
_SPAN_US_MIN = 60_000_000  # a shorter log says nothing of a day
_PARAMETER = re.compile(r"\$(\d+) = ('(?:[^']|'')*'|NULL)(?:, |\Z)")
_NUMBERED = re.compile(r"\$\d+")
_ASIDE = r"`[^`]*`|--[^\n]*|/\*.*?\*/"
# What no placeholder is in: strings, quoted names, comments. A backslash escapes in MariaDB alone.
_LITERALS: Mapping[Dialect, str] = {
    "postgresql": rf"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|{_ASIDE}",
    "mariadb": rf"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\"\"|\\.)*\"|{_ASIDE}",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One execution: the statement, and SQL literals for its ``$1`` or ``?``, in order."""

    sql: str
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    A query, as some executions of it; all of one class.

    `calls_per_day` is None where nobody said how often it runs. `source` tells where the
    parameters are from.
    """

    name: str
    text: str
    samples: tuple[Sample, ...]
    calls_per_day: float | None = None
    source: str = "as written"


def asked(sql: str, *, engine: str, name: str = "the query", calls: float | None = None) -> Asked:
    """
    Return what `sql` asks; several statements of one class are executions of the same query.

    Raises `ConfigError` where there is none, or they are of different classes.
    """
    dialect = dialect_of(engine)
    found = [each.text for each in sqlscripts.split(engine, sql, name=name)]
    if not found:
        raise ConfigError(f"{name} holds no statement", hint="Write the query into it.")
    classes = {classify(each, dialect=dialect).class_id for each in found}
    if len(classes) > 1:
        raise ConfigError(
            f"{name} holds {len(classes)} different queries",
            hint="Name one at a time; it may be there several times, with other literals.",
        )
    samples = tuple(Sample(each) for each in found[:SAMPLES])
    return Asked(name=name, text=found[0], samples=samples, calls_per_day=calls)


def from_file(path: Path, *, engine: str) -> Asked:
    """Return the query that the file at `path` holds."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(
            f"{str(path)!r} cannot be read as text: {exc}", hint="Name a file that holds a query."
        ) from exc
    return asked(text, engine=engine, name=path.name)


def from_log(class_id: str, logs: Reading, *, engine: str, number: int = SAMPLES) -> Asked:
    """
    Return the query of the class `class_id` with the parameters of `number` of its executions.

    Which ones is left to chance, but to the same one for the same log. It runs as often a day as it
    did in the time that the logs span. Raises `ConfigError` where they hold no such class.
    """
    kept = Kept(class_id, dialect_of(engine), number)
    for event, dialect in reading.events(logs, Account()):
        if dialect != kept.dialect:
            raise ConfigError(
                f"the log is of {dialect}, and the server is {engine}",
                hint="Name the logs of that server.",
            )
        kept.see(event)
    if not kept.samples:
        raise ConfigError(
            f"the logs hold no query of the class {class_id!r}",
            hint="See the classes: stockops slow digest FILE...",
        )
    return Asked(
        name=kept.class_id,
        text=kept.text,
        samples=tuple(kept.samples),
        calls_per_day=kept.calls_per_day,
        source="from the log",
    )


class Kept:
    """What is kept of a log: each execution of the class with the same chance."""

    def __init__(self, class_id: str, dialect: Dialect, number: int) -> None:
        self.class_id, self.dialect, self.number = class_id, dialect, number
        self.samples: list[Sample] = []
        self.text = ""
        self.calls = self._entries = 0
        self._first_us: int | None = None
        self._last_us: int | None = None
        self._chance = random.Random(class_id)  # noqa: S311  which ones is no secret

    @property
    def calls_per_day(self) -> float | None:
        """How often a day it ran; None where the log is too short, or says no times."""
        if self._first_us is None or self._last_us is None:
            return None
        span_us = self._last_us - self._first_us
        return None if span_us < _SPAN_US_MIN else self.calls * _DAY_US / span_us

    def see(self, event: Event) -> None:
        """Take `event` in."""
        if event.at_us is not None:
            first, last = self._first_us, self._last_us
            self._first_us = event.at_us if first is None else min(first, event.at_us)
            self._last_us = event.at_us if last is None else max(last, event.at_us)
        if event.source != "execution" or event.admin:
            return
        statement = classify(event.sql, dialect=self.dialect)
        if statement.class_id.startswith(self.class_id):
            self.take(event, statement)

    def take(self, event: Event, statement: Statement) -> None:
        """Take in an execution of the class."""
        self.calls += event.weight
        sample = Sample(event.sql.rstrip("; \n"), parameters(event.parameters))
        if len(sample.parameters) != placeholders(sample.sql, self.dialect):
            return  # cut, or not logged: it cannot be run again
        self._entries += 1
        self.text = self.text or statement.text
        self.class_id = statement.class_id  # of two that begin alike, the first
        if len(self.samples) < self.number:
            self.samples.append(sample)
        elif (place := self._chance.randrange(self._entries)) < self.number:
            self.samples[place] = sample


def parameters(said: str) -> tuple[str, ...]:
    """Return the literals that PostgreSQL's log gives for ``$1`` and so on."""
    return tuple(value for _, value in _PARAMETER.findall(said))


def placeholders(sql: str, dialect: Dialect) -> int:
    """Return how many parameters `sql` waits for: the highest ``$n``, or the number of ``?``."""
    marks = [piece for piece in _pieces(sql, dialect) if _is_mark(piece, dialect)]
    if dialect == "mariadb":
        return len(marks)
    return max((int(mark[1:]) for mark in marks), default=0)


def filled(sql: str, values: Sequence[str], dialect: Dialect) -> str:
    """Return `sql` with `values` in the place of its parameters."""
    left = iter(values)
    return "".join(
        piece
        if not _is_mark(piece, dialect)
        else next(left)
        if dialect == "mariadb"
        else values[int(piece[1:]) - 1]
        for piece in _pieces(sql, dialect)
    )


def _pieces(sql: str, dialect: Dialect) -> list[str]:
    mark = r"\?" if dialect == "mariadb" else r"\$\d+"
    return re.split(rf"({_LITERALS[dialect]}|{mark})", sql, flags=re.DOTALL)


def _is_mark(piece: str, dialect: Dialect) -> bool:
    return piece == "?" if dialect == "mariadb" else _NUMBERED.fullmatch(piece) is not None


def dialect_of(engine: str) -> Dialect:
    """Return the dialect that `engine` speaks."""
    return "mariadb" if engine == "mariadb" else "postgresql"
