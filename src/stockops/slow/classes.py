"""What is known of one class of statements; what is known of two parts of it adds up."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from . import histogram
from .events import Event

SLOT_US = 60_000_000  # a minute: what sparklines are made of


@dataclass(slots=True)
class Sample:
    """One execution, kept to be looked at."""

    duration_us: int
    at_us: int
    sql: str
    parameters: str
    user: str
    database: str

    def rank(self) -> tuple[int, int, str, str, str, str]:
        """The slowest first; of equals the earliest: the same one, whatever was read first."""
        return (-self.duration_us, self.at_us, self.sql, self.parameters, self.user, self.database)


@dataclass(slots=True)
class PlanSeen:
    """
    One shape of plan of a class: how often it was logged, when first and last, how slow.

    `text` is the plan as it was logged for the slowest execution, which took `worst_us`.
    """

    text: str
    worst_us: int = -1
    calls: int = 0
    total_us: int = 0
    first_us: int = 0
    last_us: int = 0

    def add(self, other: "PlanSeen") -> None:
        """Add what was seen of the same plan elsewhere."""
        self.first_us = min(self.first_us, other.first_us) if self.calls else other.first_us
        self.last_us = max(self.last_us, other.last_us)
        if (-other.worst_us, other.text) < (-self.worst_us, self.text):
            self.worst_us, self.text = other.worst_us, other.text
        self.calls += other.calls
        self.total_us += other.total_us


@dataclass(slots=True)
class Class:
    """
    The executions of one class of statements.

    All durations are whole microseconds, so that sums do not depend on the order; `calls` counts
    what a sampled log stands for, `entries` what is in it.
    """

    class_id: str
    text: str
    verb: str
    calls: int = 0
    entries: int = 0
    total_us: int = 0
    squares_us2: int = 0
    min_us: int = 0
    max_us: int = 0
    lock_us: int = 0
    prepared_us: int = 0  # parse and bind, which are no calls
    rows_sent: int = 0
    rows_examined: int = 0
    rows_affected: int = 0
    told_rows: bool = False  # whether the log says anything of rows
    first_us: int | None = None
    last_us: int | None = None
    durations: Counter[int] = field(default_factory=Counter)
    slots: Counter[int] = field(default_factory=Counter)  # calls by minute
    users: Counter[str] = field(default_factory=Counter)
    hosts: Counter[str] = field(default_factory=Counter)
    databases: Counter[str] = field(default_factory=Counter)
    applications: Counter[str] = field(default_factory=Counter)
    tags: Counter[tuple[str, str]] = field(default_factory=Counter)
    query_ids: Counter[int] = field(default_factory=Counter)
    plans: dict[str, PlanSeen] = field(default_factory=dict)
    worst: Sample | None = None

    def execution(self, event: Event, tags: Iterable[tuple[str, str]]) -> None:
        """Count one execution."""
        weight, duration = event.weight, event.duration_us
        if not self.entries or duration < self.min_us:
            self.min_us = duration
        self.max_us = max(self.max_us, duration)
        self.entries += 1
        self.calls += weight
        self.total_us += duration * weight
        self.squares_us2 += duration * duration * weight
        self.lock_us += event.lock_us * weight
        self.durations[histogram.bucket(duration)] += weight
        self._rows(event)
        self._dimensions(event, tags)
        at_us = event.at_us
        if at_us is not None:
            if self.first_us is None or at_us < self.first_us:
                self.first_us = at_us
            if self.last_us is None or at_us > self.last_us:
                self.last_us = at_us
            self.slots[at_us // SLOT_US] += weight
        if self.worst is None or duration >= self.worst.duration_us:
            self._keep(_sample(event))

    def preparation(self, event: Event) -> None:
        """Add what parsing and binding took."""
        self.prepared_us += event.duration_us * event.weight

    def plan(self, shape: str, text: str, event: Event) -> None:
        """Note the plan of an execution that is counted elsewhere."""
        at_us = event.at_us or 0
        seen = PlanSeen(text, event.duration_us, 1, event.duration_us, at_us, at_us)
        self.plans.setdefault(shape, PlanSeen("")).add(seen)

    def add(self, other: "Class") -> None:
        """Add another part of this class."""
        if other.entries:
            self.min_us = min(self.min_us, other.min_us) if self.entries else other.min_us
        self.max_us = max(self.max_us, other.max_us)
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))
        self.text = min(self.text, other.text)
        self.told_rows |= other.told_rows
        self.first_us, self.last_us = spread(
            self.first_us, self.last_us, other.first_us, other.last_us
        )
        for shape, seen in other.plans.items():
            self.plans.setdefault(shape, PlanSeen("")).add(seen)
        if other.worst is not None:
            self._keep(other.worst)

    def _rows(self, event: Event) -> None:
        if event.rows_sent is None and event.rows_affected is None:
            return
        self.told_rows = True
        self.rows_sent += (event.rows_sent or 0) * event.weight
        self.rows_examined += (event.rows_examined or 0) * event.weight
        self.rows_affected += (event.rows_affected or 0) * event.weight

    def _dimensions(self, event: Event, tags: Iterable[tuple[str, str]]) -> None:
        weight = event.weight
        self.users[event.user] += weight
        self.hosts[event.host] += weight
        self.databases[event.database] += weight
        self.applications[event.application] += weight
        for tag in tags:
            self.tags[tag] += weight
        if event.query_id is not None:
            self.query_ids[event.query_id] += weight

    def _keep(self, sample: Sample) -> None:
        if self.worst is None or sample.rank() < self.worst.rank():
            self.worst = sample


_SUMS = (
    "calls", "entries", "total_us", "squares_us2", "lock_us", "prepared_us",
    "rows_sent", "rows_examined", "rows_affected",
)  # fmt: skip
_COUNTERS = (
    "durations", "slots", "users", "hosts", "databases", "applications", "tags", "query_ids",
)  # fmt: skip


def _sample(event: Event) -> Sample:
    return Sample(
        event.duration_us,
        event.at_us or 0,
        event.sql,
        event.parameters,
        event.user,
        event.database,
    )


def spread(*instants: int | None) -> tuple[int | None, int | None]:
    """Return the first and the last of the instants that are known."""
    known = [each for each in instants if each is not None]
    return (min(known), max(known)) if known else (None, None)
