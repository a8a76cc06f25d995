"""All that a log says, by class of statement; digests of parts add up to that of the whole."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from ..statements import Dialect, Statement, classify, classify_all
from .accounting import Account
from .batches import Batch, picker, text
from .classes import Class, spread
from .events import Event

NOTICES_MAX = 20  # examples of each kind


@dataclass(frozen=True, slots=True, order=True)
class Said:
    """One thing that the server said of itself, or an error, as an example."""

    at_us: int
    text: str
    sql: str
    user: str
    database: str


@dataclass(slots=True)
class Digest:
    """
    Classes by their id, what the server said by kind, and what became of the bytes.

    `add` is associative and commutative: the digest of a file is that of its parts, in any order.
    """

    dialect: Dialect = "postgresql"
    formats: dict[str, str] = field(default_factory=dict)  # of each file: what it was read as
    account: Account = field(default_factory=Account)
    classes: dict[str, Class] = field(default_factory=dict)
    admin: Counter[str] = field(default_factory=Counter)
    notices: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Said]] = field(default_factory=dict)
    sampled: bool = False  # whether some entry stands for more than one execution
    scaled: str = ""  # how, where the log does not say of itself that it is a sample
    filtered: int = 0  # entries that a filter left out
    first_us: int | None = None
    last_us: int | None = None

    def event(self, event: Event) -> None:
        """Count one event."""
        if event.at_us is not None:
            if self.first_us is None or event.at_us < self.first_us:
                self.first_us = event.at_us
            if self.last_us is None or event.at_us > self.last_us:
                self.last_us = event.at_us
        if event.source == "notice":
            self._notice(event)
        elif event.admin:
            self.admin[event.sql] += event.weight
        elif event.source == "execution":
            self.sampled |= event.weight > 1
            statement = classify(event.sql, dialect=self.dialect)
            of = self._class(statement)
            of.execution(event, statement.tags)
            if event.plan:
                _planned(of, event.plan, event.duration_us, event.at_us)
        elif event.source == "preparation":
            of = self._class(classify(event.sql, dialect=self.dialect))
            of.preparation(event.duration_us * event.weight)
        else:
            of = self._class(classify(event.sql, dialect=self.dialect))
            _planned(of, event.plan, event.duration_us, event.at_us)

    def batch(self, batch: Batch) -> None:
        """Count all of `batch`, as if each was an event."""
        if not batch.sql:
            return
        self.first_us, self.last_us = spread(
            self.first_us, self.last_us, min(batch.at_us), max(batch.at_us)
        )
        statements = classify_all(batch.sql, dialect=self.dialect)
        places: defaultdict[str, list[int]] = defaultdict(list)
        for place, statement in enumerate(statements):
            places[statement.class_id].append(place)
        for alike in places.values():
            of = self._class(statements[alike[0]])
            if batch.source == "preparation":
                of.preparation(sum(picker(alike)(batch.duration_us)))
                continue
            of.executions(batch, alike)
            for place in alike:
                if statements[place].tags:
                    of.tagged(statements[place].tags, 1)
                if batch.plan and batch.plan[place]:
                    at_us, duration_us = batch.at_us[place], batch.duration_us[place]
                    _planned(of, text(batch.plan[place]), duration_us, at_us)

    def add(self, other: "Digest") -> None:
        """Add the digest of another part."""
        self.formats |= other.formats
        self.account.add(other.account)
        for class_id, part in other.classes.items():
            if class_id in self.classes:
                self.classes[class_id].add(part)
            else:
                self.classes[class_id] = part
        self.admin.update(other.admin)
        self.notices.update(other.notices)
        for kind, said in other.examples.items():
            self._examples(kind, said)
        self.sampled |= other.sampled
        self.filtered += other.filtered
        self.first_us, self.last_us = spread(
            self.first_us, self.last_us, other.first_us, other.last_us
        )

    def _class(self, statement: Statement) -> Class:
        known = self.classes.get(statement.class_id)
        if known is None:
            known = Class(statement.class_id, statement.text, statement.verb)
            self.classes[statement.class_id] = known
        return known

    def _notice(self, event: Event) -> None:
        self.notices[event.kind] += 1
        said = Said(event.at_us or 0, event.text, event.sql, event.user, event.database)
        self._examples(event.kind, [said])

    def _examples(self, kind: str, said: list[Said]) -> None:
        kept = self.examples.get(kind, [])
        if len(kept) < NOTICES_MAX or min(said) < kept[-1]:
            self.examples[kind] = sorted({*kept, *said})[:NOTICES_MAX]


def _planned(of: Class, plan: str, duration_us: int, at_us: int | None) -> None:
    from .planned import shape_of  # noqa: PLC0415  most logs have no plans, which take time to know

    of.plan(*shape_of(plan), duration_us=duration_us, at_us=at_us)
