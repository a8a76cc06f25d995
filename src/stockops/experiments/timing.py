"""How long the queries of a workload take with one set of indexes, or with two in turn."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import fmean

from .. import trials
from ..indexes.candidates import Shape
from ..trials import Difference, Ratio, Variant
from .answering import Asking
from .staging import Stage
from .workloads import Work

ROUNDS = 2  # four pairs
ROUNDS_MORE = 5  # where four leave it open
REPEATS = 3
_LONG_S = 0.5  # a query that takes longer is run once a turn
Shapes = Collection[Shape]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One query with one set of indexes and with another, in seconds, paired by turns."""

    work: Work
    before_s: float
    after_s: float
    ratio: Ratio
    saved: Difference

    @property
    def saved_per_day(self) -> Difference:
        """What all its calls of a day save."""
        return self.saved.times(self.work.calls_per_day)


@dataclass(frozen=True, slots=True)
class Bench:
    """A stage, and how long one execution may take."""

    stage: Stage
    limit_s: float

    def once(self, work: Work, shapes: Shapes) -> float:
        """
        Return the mean over the samples of `work` of the shortest of some runs, in seconds.

        The first run of each does not count.
        """
        with self.stage.showing(shapes):
            return self._turn(self._asking(work))

    def used(self, work: Work, shapes: Shapes) -> frozenset[Shape]:
        """Return which of `shapes` the plans of `work` read."""
        asking = self._asking(work)
        with self.stage.showing(shapes):
            asking.begin(self.stage.server, budget_s=self.limit_s)
            plans = [self.stage.used(asking, each) for each in asking.query.samples]
        return frozenset().union(*plans) & frozenset(shapes)

    def compare(
        self, works: Sequence[Work], before: Shapes, after: Shapes, *, rounds: int = ROUNDS
    ) -> list[Change]:
        """Run `works` with `before` and with `after`, in turn."""
        sides: dict[Variant, Shapes] = {"before": before, "after": after}
        took: dict[str, dict[Variant, list[float]]] = {
            work.of.class_id: {"before": [], "after": []} for work in works
        }
        for variant in trials.turns(rounds):
            for work in works:
                took[work.of.class_id][variant].append(self.once(work, sides[variant]))
        return [_change(work, took[work.of.class_id]) for work in works]

    def _asking(self, work: Work) -> Asking:
        if work.asked is None:
            raise ValueError(f"{work.of.class_id} reads nothing")
        return Asking(work.asked, self.stage.server.engine)

    def _turn(self, asking: Asking) -> float:
        server = self.stage.server
        asking.begin(server, budget_s=self.limit_s)
        shortest = []
        for sample in asking.query.samples:
            first_s = asking.time(server, sample)
            repeats = 1 if first_s > _LONG_S else REPEATS
            # What else the machine does can only add to it.
            shortest.append(min(asking.time(server, sample) for _ in range(repeats)))
        return fmean(shortest)


def _change(work: Work, took: dict[Variant, list[float]]) -> Change:
    before, after = took["before"], took["after"]
    return Change(
        work=work,
        before_s=fmean(before),
        after_s=fmean(after),
        ratio=trials.compare(before, after),
        saved=trials.difference(before, after),
    )
