"""What an index is worth, measured on a copy: queries with and without it, in turn."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from statistics import fmean, median

from .. import counts, trials
from ..engine import connect
from ..engine.base import Server
from ..targets import Target
from ..trials import Difference, Ratio, Variant
from . import answering, copying, drawing, index_writes, indexing, naming
from .answering import Answer, Asking, Planned
from .copying import Copy, PlannerSetting
from .index_writes import Writes
from .indexing import Built
from .samples import Asked, Sample

VARIANTS: tuple[Variant, Variant] = ("before", "after")
ROUNDS_MAX = 6
ROUNDS_MIN = 2  # four pairs
REPEATS_MAX = 3
COLD_ROUNDS = 2
_WARM_SHARE, _COLD_SHARE, _WRITES_SHARE = 0.35, 0.2, 0.45
Seen = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """
    How long to measure, not counting the copy and the builds, and what.

    `rolled_back` lets queries write: each run is undone. `clients` place the orders of the writes.
    """

    seconds: float = 60.0
    cold: bool = True
    writes: bool = True
    rolled_back: bool = False
    clients: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """
    Times of a query without and with the indexes, in seconds.

    `before_s` and `after_s` hold every run. A turn's value is the mean over the parameters of the
    median of its runs; the means are over the turns, and `ratio` and `saved` are of their pairs.
    """

    before_s: tuple[float, ...]
    after_s: tuple[float, ...]
    before_mean_s: float
    after_mean_s: float
    ratio: Ratio
    saved: Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """
    What the indexes do for one query.

    `warm` is with all pages in memory, by plans made for the parameters; `generic` by PostgreSQL's
    plan for any parameters, where there are some; `cold` right after a start of the server. `first`
    is the first run after the build, which pays for what later ones find. `is_used`: some plan
    reads one of the indexes, or a function does that the query calls. `differences` say where the
    rows were not the same.
    """

    query: Asked
    warm: Compared
    generic: Compared | None
    cold: Compared | None
    first_s: float
    plans: dict[Variant, Planned]
    is_used: bool
    rows: int
    differences: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All that was measured of one set of indexes; `writes` is None where that was not asked."""

    engine: str
    source: str
    built: tuple[Built, ...]
    reads: tuple[Read, ...]
    writes: Writes | None
    settings: tuple[PlannerSetting, ...]
    took_s: float

    @property
    def size_bytes(self) -> int:
        """The size of all the indexes together."""
        return sum(each.size_bytes for each in self.built)

    @property
    def differences(self) -> list[str]:
        """Where the rows were not the same with and without."""
        return [said for read in self.reads for said in read.differences]


@dataclass(slots=True)
class _Times:
    """The runs of one way to ask one query, and the values of its turns."""

    asking: Asking
    runs: dict[Variant, list[float]] = field(default_factory=lambda: {"before": [], "after": []})
    values: dict[Variant, list[float]] = field(default_factory=lambda: {"before": [], "after": []})

    def compared(self) -> Compared:
        """Return the comparison."""
        before, after = self.values["before"], self.values["after"]
        return Compared(
            before_s=tuple(self.runs["before"]),
            after_s=tuple(self.runs["after"]),
            before_mean_s=fmean(before),
            after_mean_s=fmean(after),
            ratio=trials.compare(before, after),
            saved=trials.difference(before, after),
        )

    def turn(self, server: Server, variant: Variant, *, repeats: int, budget_s: float) -> None:
        """Run every sample `repeats` times, after once that does not count."""
        self.asking.begin(server, budget_s=budget_s)
        medians = []
        for sample in self.asking.query.samples:
            self.asking.time(server, sample)
            runs = [self.asking.time(server, sample) for _ in range(repeats)]
            self.runs[variant] += runs
            medians.append(median(runs))
        self.values[variant].append(fmean(medians))


def look(
    target: Target, queries: Sequence[Asked], indexes: Sequence[str], *, budget: Budget
) -> None:
    """
    Raise what is wrong with `queries` and `indexes` by what is in `target`, before it is copied.

    Parameters are drawn from its rows, and the queries are planned; nothing is run or written.
    """
    with connect(target) as server:
        naming.check(server, indexes)
        queries = [drawing.draw(server, query) for query in queries]
        engine = server.engine
    _explained(target, [Asking(each, engine, budget.rolled_back) for each in queries], budget)


def measure(
    copy: Copy,
    queries: Sequence[Asked],
    indexes: Sequence[str],
    *,
    budget: Budget | None = None,
    seen: Seen = lambda _: None,
) -> Measured:
    """
    Build `indexes`, CREATE INDEX statements, on `copy`, and measure `queries` with and without.

    All of them are one change: there or not, together. They are dropped at the end, and the copy is
    as it was but for what the orders of the writes left. Parameters are drawn from the data where a
    query came without. Raises `ConfigError` or `Refused` for what cannot be measured, before
    anything is built, and the server's own error for an index that it does not make.
    """
    budget = budget or Budget()
    began = time.monotonic()
    wanted = [indexing.statement_of(each, engine=copy.engine) for each in indexes]
    for query in queries:
        answering.check(query, engine=copy.engine, rolled_back=budget.rolled_back)
    with connect(copy.target) as server:
        queries = [drawing.draw(server, query) for query in queries]
        settings = server.fetch(copying.PLANNER)
    asked = [Asking(each, copy.engine, budget.rolled_back) for each in queries]
    _explained(copy.target, asked, budget)
    built: list[Built] = []
    try:
        for statement in wanted:
            seen(f"building: {statement}")
            built.append(indexing.build(copy, statement))
        reads = [] if not asked else _Reading(copy, built, asked, budget, seen).all()
        writes = _writes(copy, built, budget, seen) if budget.writes else None
    finally:
        _leave(copy, built)
    return Measured(
        engine=copy.engine,
        source=copy.source,
        built=tuple(built),
        reads=tuple(reads),
        writes=writes,
        settings=tuple(settings),
        took_s=time.monotonic() - began,
    )


def _writes(copy: Copy, built: Sequence[Built], budget: Budget, seen: Seen) -> Writes:
    room_s = budget.seconds * _WRITES_SHARE
    return index_writes.measure(copy, built, seconds=room_s, clients=budget.clients, seen=seen)


def _explained(target: Target, asked: Sequence[Asking], budget: Budget) -> None:
    """Have each query planned: what is wrong with it comes out before anything is built."""
    with connect(target) as server:
        for each in asked:
            with indexing.seeing(server, (), visible=True):
                each.begin(server, budget_s=budget.seconds)
                for sample in each.query.samples:
                    each.plan(server, sample)


def _leave(copy: Copy, built: Sequence[Built]) -> None:
    """Drop what was built; a copy whose server is gone has nothing to be dropped from."""
    if not built or copy.lab.pid is None:
        return
    with connect(copy.target) as server:
        for each in built:
            if index_writes.is_there(server, each):
                indexing.drop(server, each)


@dataclass(slots=True)
class _Reading:
    """The reads of one measurement."""

    copy: Copy
    built: Sequence[Built]
    asked: Sequence[Asking]
    budget: Budget
    seen: Seen

    def all(self) -> list[Read]:
        """Measure every query."""
        with connect(self.copy.target) as server:
            self.seen("first runs, and what is answered")
            answers, firsts, pass_s = self._answers(server)
            used, plans = self._plans(server)
            warm = [_Times(each) for each in self.asked]
            generic = [
                _Times(Asking(each.query, each.engine, each.rolled_back, generic=True))
                for each in self.asked
                if each.is_prepared
            ]
            self._turns(server, [*warm, *generic], pass_s)
        cold = self._cold(pass_s) if self.budget.cold else {}
        by_query = {id(each.asking.query): each.compared() for each in generic}
        return [
            Read(
                query=each.query,
                warm=times.compared(),
                generic=by_query.get(id(each.query)),
                cold=cold.get(number),
                first_s=firsts[number],
                plans=plans[number],
                is_used=used[number],
                rows=sum(answer.rows for answer in answers[number]["after"]),
                differences=tuple(_differences(each.query, answers[number])),
                notes=tuple(_notes(answers[number])),
            )
            for number, (each, times) in enumerate(zip(self.asked, warm, strict=True))
        ]

    def _answers(
        self, server: Server
    ) -> tuple[list[dict[Variant, list[Answer]]], list[float], float]:
        """Return all answers of both, the first runs after the build, and how long a pass takes."""
        answers: list[dict[Variant, list[Answer]]] = [{} for _ in self.asked]
        firsts = [0.0] * len(self.asked)
        spent_s = 0.0
        for variant in reversed(VARIANTS):
            with self._variant(server, variant):
                for number, each in enumerate(self.asked):
                    each.begin(server, budget_s=self.budget.seconds)
                    if variant == "after":
                        firsts[number] = each.time(server, each.query.samples[0])
                    began = time.monotonic()
                    answers[number][variant] = [
                        each.answer(server, sample) for sample in each.query.samples
                    ]
                    spent_s += time.monotonic() - began
        return answers, firsts, spent_s / 2

    def _plans(self, server: Server) -> tuple[list[bool], list[dict[Variant, Planned]]]:
        plans: list[dict[Variant, Planned]] = [{} for _ in self.asked]
        used = [False] * len(self.asked)
        names = frozenset(name for each in self.built for name in each.names)
        for variant in VARIANTS:
            with self._variant(server, variant):
                for number, each in enumerate(self.asked):
                    each.begin(server, budget_s=self.budget.seconds)
                    plans[number][variant] = each.run_plan(server, each.query.samples[0])
                    if variant == "after":
                        used[number] = any(
                            answering.uses(each.plan(server, sample), names)
                            for sample in each.query.samples
                        ) or each.reads_inside(server, each.query.samples[0], names)
        return used, plans

    def _turns(self, server: Server, every: Sequence[_Times], pass_s: float) -> None:
        """Give each its turns, as many as there is time for."""
        share = _WARM_SHARE if self.budget.cold or self.budget.writes else 1.0
        room_s = self.budget.seconds * share
        passes = room_s / max(pass_s * len(every) / len(self.asked), 1e-4)
        repeats = max(1, min(REPEATS_MAX, int(passes / (4 * 3)) - 1))
        rounds = max(ROUNDS_MIN, min(ROUNDS_MAX, int(passes / (4 * (repeats + 1)))))
        deadline = time.monotonic() + room_s
        for number, variant in enumerate(trials.turns(rounds)):
            if number and number % 2 == 0 and time.monotonic() > deadline + room_s:
                break  # fewer pairs, and who judges them says that they are too few
            self.seen(f"warm, turn {number + 1} of {rounds * 4}: {_WORDS[variant]}")
            with self._variant(server, variant):
                for each in every:
                    each.turn(server, variant, repeats=repeats, budget_s=self.budget.seconds)

    def _cold(self, pass_s: float) -> dict[int, Compared]:
        """Start the server anew for every run; a pair has the same parameters."""
        every = [_Times(each) for each in self.asked]
        deadline = time.monotonic() + max(self.budget.seconds * _COLD_SHARE, 4 * pass_s)
        counts: dict[Variant, int] = {"before": 0, "after": 0}
        for number, variant in enumerate(trials.turns(COLD_ROUNDS)):
            if number % 2 == 0 and time.monotonic() > deadline:
                break
            self.seen(f"cold, turn {number + 1} of {COLD_ROUNDS * 4}: {_WORDS[variant]}")
            self.copy.restart()
            with connect(self.copy.target) as server, self._variant(server, variant):
                for each in every:
                    samples = each.asking.query.samples
                    took_s = _once(each.asking, server, samples[counts[variant] % len(samples)])
                    each.runs[variant].append(took_s)
                    each.values[variant].append(took_s)
            counts[variant] += 1
        return {
            number: each.compared() for number, each in enumerate(every) if each.values["after"]
        }

    def _variant(self, server: Server, variant: Variant) -> AbstractContextManager[None]:
        return indexing.seeing(server, self.built, visible=variant == "after")


_WORDS: dict[Variant, str] = {"before": "without", "after": "with"}


def _once(asking: Asking, server: Server, sample: Sample) -> float:
    asking.begin(server, budget_s=3600.0)
    if asking.engine == "postgresql":
        asking.plan(server, sample)  # the catalogue is warm in any session that lives
    return asking.time(server, sample)


def _differences(query: Asked, answers: dict[Variant, list[Answer]]) -> list[str]:
    """Say where the rows differ."""
    found = []
    pairs = zip(answers["before"], answers["after"], strict=True)
    for number, (before, after) in enumerate(pairs, 1):
        which = f"{query.name}, parameters {number}" if len(query.samples) > 1 else query.name
        if before.rows != after.rows:
            found.append(f"{which}: {before.rows:,} rows without, {after.rows:,} with")
        elif before.rows_sum != after.rows_sum:
            found.append(f"{which}: {counts.of(before.rows, 'row')} each, and they differ")
    return found


def _notes(answers: dict[Variant, list[Answer]]) -> list[str]:
    pairs = zip(answers["before"], answers["after"], strict=True)
    if any(a.rows_sum == b.rows_sum and a.order_sum != b.order_sum for a, b in pairs):
        return ["the same rows come in another order: the query leaves it open"]
    return []
