"""What is known of one class of statements; what is known of two parts of it adds up."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from operator import mul
from typing import Any

from . import histogram
from .batches import Batch, Who, picker, text
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
    untimed: int = 0  # calls of which the log does not say how long they took
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
        if event.timed:
            self.min_us = min(self.min_us, duration) if self.calls > self.untimed else duration
            self.max_us = max(self.max_us, duration)
            self.durations[histogram.bucket(duration)] += weight
        else:
            self.untimed += weight
        self.entries += 1
        self.calls += weight
        self.total_us += duration * weight
        self.squares_us2 += duration * duration * weight
        self.lock_us += event.lock_us * weight
        self._rows(event)
        self._people({(event.user, event.host, event.database, event.application): weight})
        self.tagged(tags, weight)
        if event.query_id is not None:
            self.query_ids[event.query_id] += weight
        at_us = event.at_us
        if at_us is not None:
            if self.first_us is None or at_us < self.first_us:
                self.first_us = at_us
            if self.last_us is None or at_us > self.last_us:
                self.last_us = at_us
            self.slots[at_us // SLOT_US] += weight
        if self.worst is None or duration >= self.worst.duration_us:
            self._keep(_sample(event))

    def executions(self, batch: Batch, places: Sequence[int]) -> None:
        """Count those executions of `batch` that stand at `places`."""
        pick: Callable[[Sequence[Any]], Sequence[Any]] = picker(places)
        durations, instants = pick(batch.duration_us), pick(batch.at_us)
        least, most = min(durations), max(durations)
        self.min_us = min(self.min_us, least) if self.calls > self.untimed else least
        self.max_us = max(self.max_us, most)
        self.entries += len(places)
        self.calls += len(places)
        self.total_us += sum(durations)
        self.squares_us2 += sum(map(mul, durations, durations))
        self.durations.update(histogram.buckets(durations))
        self.lock_us += sum(pick(batch.lock_us))
        self.told_rows |= bool(batch.rows_sent)
        self.rows_sent += sum(pick(batch.rows_sent))
        self.rows_examined += sum(pick(batch.rows_examined))
        self.rows_affected += sum(pick(batch.rows_affected))
        self._people(Counter(pick(batch.who)))
        self.query_ids.update(pick(batch.query_id))
        del self.query_ids[None]  # of those that the server gave no id
        first, last = min(instants), max(instants)
        self.first_us, self.last_us = spread(self.first_us, self.last_us, first, last)
        if first // SLOT_US == last // SLOT_US:
            self.slots[first // SLOT_US] += len(places)
        else:
            self.slots.update(each // SLOT_US for each in instants)
        if self.worst is None or most >= self.worst.duration_us:
            for place in compress(places, map(most.__eq__, durations)):
                self._keep(_sample_of(batch, place))

    def tagged(self, tags: Iterable[tuple[str, str]], weight: int) -> None:
        """Note the tags of executions."""
        for tag in tags:
            self.tags[tag] += weight

    def preparation(self, duration_us: int) -> None:
        """Add what parsing or binding took."""
        self.prepared_us += duration_us

    def plan(self, shape: str, text: str, *, duration_us: int, at_us: int | None) -> None:
        """Note the plan of an execution that is counted elsewhere."""
        seen = PlanSeen(text, duration_us, 1, duration_us, at_us or 0, at_us or 0)
        self.plans.setdefault(shape, PlanSeen("")).add(seen)

    def add(self, other: "Class") -> None:
        """Add another part of this class."""
        if other.calls > other.untimed:
            timed = self.calls > self.untimed
            self.min_us = min(self.min_us, other.min_us) if timed else other.min_us
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

    def _people(self, counted: Mapping[Who, int]) -> None:
        for (user, host, database, application), calls in counted.items():
            self.users[user] += calls
            self.hosts[host] += calls
            self.databases[database] += calls
            self.applications[application] += calls

    def _keep(self, sample: Sample) -> None:
        if self.worst is None or sample.rank() < self.worst.rank():
            self.worst = sample


_SUMS = (
    "calls", "entries", "untimed", "total_us", "squares_us2", "lock_us", "prepared_us",
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


def _sample_of(batch: Batch, place: int) -> Sample:
    user, _, database, _ = batch.who[place]
    parameters = batch.parameters[place] if batch.parameters else ""
    sql = text(batch.sql[place])
    return Sample(batch.duration_us[place], batch.at_us[place], sql, parameters, user, database)


def spread(*instants: int | None) -> tuple[int | None, int | None]:
    """Return the first and the last of the instants that are known."""
    known = [each for each in instants if each is not None]
    return (min(known), max(known)) if known else (None, None)
