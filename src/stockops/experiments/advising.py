"""
Which indexes a workload should have: thought of, built on a copy, measured, chosen as a set.

What is advised was measured twice: alone, to find the set, and as a part of it, by what is lost
where it alone is left out.
"""

import time
from collections.abc import Callable, Mapping, Sequence

from ..engine import connect
from ..engine.base import Server
from ..errors import ServerError, StockopsError
from ..indexes import candidates as thinking
from ..indexes import catalogue, judging, statements, tables
from ..indexes.candidates import Shape
from ..trials import Difference
from . import choosing, counted, hypothetical, indexing, offering, workloads, writetax
from .advice import MARGIN, Advice, Advised, Budget, Planned, Refused, is_faster
from .answering import Asking
from .choosing import Option
from .copying import Copy
from .offering import Offer
from .staging import Stage
from .timing import ROUNDS_MORE, Bench, Change
from .workloads import Logged, Work

_NONE: frozenset[Shape] = frozenset()
_FREE = Shape(("", ""), ())  # an index that no write pays for
_NO_TIME = Difference(pairs=0, mean=0.0, low=0.0, high=0.0)
# Of the time there is, from the start on. The set is checked even where that takes longer.
_BUILDING_SHARE, _TRYING_SHARE, _CHECKING_SHARE = 0.4, 0.7, 2.0
_MUCH = 0.2  # a bigger index must leave so much less of a query's time than a smaller one
_LIMIT_SHARE = 0.1
_LIMIT_S_MIN = 5.0
Seen = Callable[[str], None]


def plan(server: Server, logged: Logged) -> Planned:
    """Return what could be measured for `logged`, by the catalogue of `server`, and its rows."""
    known = tables.read(server)
    logged = counted.drawn(server, logged)
    works, left = workloads.understood(logged, engine=server.engine, tables=known)
    known = tables.looked_at(server, known, offering.wanted_columns(works))
    there = catalogue.read(server).indexes
    found = offering.offers(works, tables=known, indexes=there, engine=server.engine)
    return Planned(offers=found, left_out=left, tables=known)


def advise(
    copy: Copy, logged: Logged, *, budget: Budget | None = None, seen: Seen = lambda _: None
) -> Advised:
    """Return the indexes that `logged` should have, by what they do on `copy`."""
    budget = budget or Budget()
    with connect(copy.target, application="stockops advise") as server:
        return _Advisor(copy, server, logged, budget, seen).advise()


class _Advisor:
    """One run. What it finds goes into `told`."""

    def __init__(
        self, copy: Copy, server: Server, logged: Logged, budget: Budget, seen: Seen
    ) -> None:
        self.server, self.logged, self.budget, self.seen = server, logged, budget, seen
        self.began = time.monotonic()
        self.told = Advised(
            engine=copy.engine,
            source=copy.source,
            classes=len(logged.classes),
            note=logged.note,
            days=logged.days,
        )
        known = tables.read(server)
        logged = counted.drawn(server, logged)
        works, left = workloads.understood(logged, engine=server.engine, tables=known)
        self.told.left_out += left
        for name in sorted({ask.table for work in works for ask in work.asks}):
            seen(f"statistics of {name[1]}")
            indexing.gather(server, known[name].quoted)
        known = tables.read(server)
        self.tables = tables.looked_at(server, known, offering.wanted_columns(works))
        self.works = {work.of.class_id: work for work in works}
        self.stage = Stage(server, self.tables, catalogue.read(server).indexes)
        limit_s = max(_LIMIT_S_MIN, budget.seconds * _LIMIT_SHARE)
        self.bench = Bench(self.stage, limit_s)
        self.base_s: dict[str, float] = {}
        self.by_shape: dict[Shape, Offer] = {}
        self.sets: dict[str, list[frozenset[Shape]]] = {}  # what the plans of a class read
        self.lost: dict[Shape, Difference] = {}

    def advise(self) -> Advised:
        """Do all of it, in order."""
        self._baseline()
        self._build(self._offers())
        options = self._options()
        self._tax({shape for option in options for shape in option.shapes})
        chosen = self._chosen(options)
        self._say(self._pruned(chosen))
        self.stage.clear()
        self.told.took_s = time.monotonic() - self.began
        return self.told

    def _is_over(self, share: float) -> bool:
        return time.monotonic() - self.began > share * self.budget.seconds

    def _baseline(self) -> None:
        """Time every query as things are; what cannot be run is left out, and said to be."""
        for class_id, work in list(self.works.items()):
            if work.asked is None:
                continue
            try:
                self.base_s[class_id] = self.bench.once(work, _NONE)
            except StockopsError as exc:
                del self.works[class_id]
                self.told.left_out.append(
                    workloads.left_out(work.of, self.logged, f"it cannot be run: {exc}")
                )

    def _offers(self) -> list[Offer]:
        found = offering.offers(
            list(self.works.values()),
            tables=self.tables,
            indexes=self.stage.before,
            engine=self.server.engine,
        )
        if not hypothetical.is_there(self.server):
            return found
        self.told.filtered_by = "hypopg"
        wanted: set[Shape] = set()
        for class_id, work in self.works.items():
            mine = [each.shape for each in found if class_id in each.works]
            plain = [each for each in mine if not self.tables[each.table].is_partitioned]
            wanted |= set(mine) - set(plain)
            if plain and work.asked is not None:
                self.seen(f"thinking of {len(plain)} indexes for {class_id}")
                wanted |= hypothetical.wanted(
                    self.server, Asking(work.asked, self.server.engine), plain, self.tables
                )
        for each in found:
            if each.shape not in wanted:
                self._refuse(each, "no plan would read it, at any cost of a page (HypoPG)")
        return [each for each in found if each.shape in wanted]

    def _build(self, found: Sequence[Offer]) -> None:
        """Build what is offered, and keep what some plan reads."""
        for number, offer in enumerate(found):
            if number >= self.budget.max_candidates or self._is_over(_BUILDING_SHARE):
                self._refuse(offer, "not tried: more promising ones took the time", is_open=True)
                continue
            self.seen(
                f"building {number + 1} of {len(found)}: {offer.shape.table[1]} "
                f"{thinking.described(offer.shape)}"
            )
            try:
                self.stage.build(offer.shape)
                self.by_shape[offer.shape] = offer
            except ServerError as exc:
                self._refuse(offer, f"the server does not make it: {exc}")
        for shape, name in self.stage.covered().items():
            self._give_up(shape, f"{name} does its work already")
        used = self._used()
        for shape in [each for each in self.stage.built if each not in used]:
            self._give_up(shape, "no plan reads it")

    def _used(self) -> set[Shape]:
        """Return what some plan reads, of all that could serve a query, or where it is alone."""
        used: set[Shape] = set()
        for class_id, work in self.works.items():
            mine = self._built_for(class_id)
            if mine:
                self.seen(f"plans of {class_id}")
                alone = {one for one in mine if self.bench.used(work, [one])}
                together = self.bench.used(work, mine)
                self.sets[class_id] = [frozenset([one]) for one in mine if one in alone]
                if len(together) > 1 or not together <= alone:
                    self.sets[class_id].append(together)
                used |= alone | together
        return used

    def _options(self) -> list[Option]:
        """Measure each query with each index that it could use, and with all that it would."""
        options: list[Option] = []
        tried: set[Shape] = set()
        sizes = self.stage.sizes()
        for class_id in sorted(self.base_s, key=lambda each: -self.works[each].of.total_s):
            sets = self.sets.get(class_id)
            if not sets or self._is_over(_TRYING_SHARE):
                continue
            self.seen(f"measuring {class_id} with each of {len(sets)} sets of indexes")
            tried.update(*sets)
            options += self._measured(self.works[class_id], sets, sizes)
        helpful = {shape for option in options for shape in option.shapes}
        for shape in [each for each in self.stage.built if each not in helpful]:
            is_open = shape not in tried
            why = "not measured: the time was over" if is_open else "measured: it saves nothing"
            self._give_up(shape, why, is_open=is_open)
        return options

    def _measured(
        self, work: Work, sets: Sequence[frozenset[Shape]], sizes: Mapping[Shape, int]
    ) -> list[Option]:
        """
        Return what `work` saves with each of `sets`, where that is more than the margin.

        What saves hardly more than a smaller one counts as no more: the smaller is to be chosen.
        """
        base_s = self.base_s[work.of.class_id]
        options: list[Option] = []
        least_s = base_s
        for shapes in sorted(
            sets, key=lambda each: (sum(sizes[s] for s in each), choosing.columns(each))
        ):
            try:
                took_s = self.bench.once(work, shapes)
            except StockopsError:
                continue  # it takes longer than a query may: that saves nothing
            if took_s > base_s * (1 - MARGIN):
                continue
            if took_s < least_s * (1 - _MUCH):
                least_s = took_s
            saved_s = (base_s - max(took_s, least_s)) * work.calls_per_day
            options.append(Option(query=work.of.class_id, shapes=shapes, saved_s=saved_s))
        return options

    def _tax(self, shapes: set[Shape]) -> None:
        """Measure what the writes of the workload lose by each of `shapes`."""
        for name in sorted({shape.table for shape in shapes}):
            works = [each for each in self.works.values() if each.understood.writes == name]
            if not works:
                continue
            self.seen(f"what each index of {name[1]} costs a row that is written")
            updates = {each.understood.sets for each in works if each.understood.sets}
            mine = sorted((each for each in shapes if each.table == name), key=str)
            found = writetax.measure(self.server, self.tables[name], mine, updates)
            for shape, tax in found.items():
                self.lost[shape] = tax.per_day(works)

    def _chosen(self, options: Sequence[Option]) -> frozenset[Shape]:
        sizes = self.stage.sizes()
        chosen = choosing.choose(
            options,
            lost_s={shape: self._price_s(shape) for shape in self.stage.built},
            sizes=sizes,
            max_bytes=self.budget.max_bytes,
        )
        for shape in [each for each in self.stage.built if each not in chosen]:
            saved_s = choosing.worth([shape], options)
            why = "the set does as well without it"
            if saved_s <= self._price_s(shape):
                why = self._too_dear(shape, saved_s)
            elif self.budget.max_bytes is not None and sizes[shape] > self.budget.max_bytes:
                why = "it is larger than the whole set may be"
            self._give_up(shape, why)
        return chosen

    def _too_dear(self, shape: Shape, saved_s: float) -> str:
        lost = self.lost.get(shape, _NO_TIME)
        if lost.pairs and self._price_s(shape) > 2 * self._price_s(_FREE):
            high_s = lost.mean if lost.high is None else lost.high
            return f"writes lose up to {high_s:,.3f} s a day by it, and queries save {saved_s:,.3f}"
        return f"it saves {saved_s:,.3f} s a day, which is too little for an index"

    def _pruned(self, chosen: frozenset[Shape]) -> dict[Shape, list[Change]]:
        """
        Return those of `chosen` that are missed where they alone are left out, with what they do.

        The one that is missed least goes first, and the others are measured again without it.
        """
        kept, known = set(chosen), dict[Shape, list[Change]]()
        while kept:
            for shape in sorted(kept, key=str):
                if shape not in known and self._is_over(_CHECKING_SHARE):
                    self._give_up(shape, "not measured: the time was over", is_open=True)
                    kept.discard(shape)
                elif shape not in known:
                    known[shape] = self._left_out(shape, kept)
            if not kept:
                break
            worst = min(kept, key=lambda shape: (self._net_s(shape, known[shape]), str(shape)))
            weak = [each for each in kept if not _is_missed(known[each])]
            if not weak and self._net_s(worst, known[worst]) > 0:
                break
            gone = min(
                weak, key=lambda each: (self._net_s(each, known[each]), str(each)), default=worst
            )
            kept.discard(gone)
            users_gone = {change.work.of.class_id for change in known.pop(gone)}
            for shape in [*known]:
                if users_gone & {change.work.of.class_id for change in known[shape]}:
                    del known[shape]
        return {shape: known[shape] for shape in kept}

    def _left_out(self, shape: Shape, kept: set[Shape]) -> list[Change]:
        """Return what the queries that use `kept` lose without `shape`, measured until it shows."""
        self.seen(f"leaving out {shape.table[1]} {thinking.described(shape)}, of {len(kept)}")
        users = [work for work in self._readers({shape}) if self.bench.used(work, kept)]
        changes = self.bench.compare(users, kept - {shape}, kept)
        if self._net_s(shape, changes) > 0 and not _is_missed(changes):
            changes = self.bench.compare(users, kept - {shape}, kept, rounds=ROUNDS_MORE)
        return changes

    def _net_s(self, shape: Shape, changes: Sequence[Change]) -> float:
        return sum(each.saved_per_day.mean for each in changes) - self._price_s(shape)

    def _price_s(self, shape: Shape) -> float:
        """Return what an index must save in a day: what writes lose at most, and a share of all."""
        whole_s = sum(
            took_s * self.works[class_id].calls_per_day for class_id, took_s in self.base_s.items()
        )
        lost = self.lost.get(shape, _NO_TIME)
        most_s = lost.mean if lost.high is None else lost.high
        return max(0.0, most_s) + self.budget.min_share * whole_s

    def _say(self, kept: Mapping[Shape, Sequence[Change]]) -> None:
        for shape in [each for each in self.stage.built if each not in kept]:
            self._give_up(shape, "where it is left out of the set, nothing is lost for sure")
        sizes = self.stage.sizes()
        for shape in sorted(kept, key=lambda each: -self._net_s(each, kept[each])):
            self.told.advice.append(self._advice(shape, kept[shape], sizes[shape]))
        if kept:
            self.seen("the whole set, with and without")
            readers = self._readers(set(kept))
            self.told.changes = self.bench.compare(readers, _NONE, frozenset(kept))

    def _advice(self, shape: Shape, changes: Sequence[Change], size_bytes: int) -> Advice:
        built = self.stage.built[shape]
        saved = _NO_TIME
        for each in changes:
            saved = each.saved_per_day if saved is _NO_TIME else saved.plus(each.saved_per_day)
        redundant = self.stage.made_redundant(shape)
        mine = next(
            index
            for index in catalogue.read(self.server).indexes
            if index.name == (*shape.table, built.row.index_name)
        )
        return Advice(
            table_name=shape.table[1],
            index_name=built.row.index_name,
            columns=thinking.described(shape),
            statement=built.live.statement,
            undo=statements.gone(mine, engine=self.server.engine),
            reason=self.by_shape[shape].reason,
            size_bytes=size_bytes,
            build_s=built.live.took_s,
            saved=saved,
            lost=self.lost.get(shape, _NO_TIME),
            serves=tuple(each.work.of.class_id for each in changes if is_faster(each)),
            replaces=tuple(each.row.index_name for each in redundant if not judging.is_fixed(each)),
        )

    def _built_for(self, class_id: str) -> list[Shape]:
        if class_id not in self.base_s:
            return []
        return [each for each in self.stage.built if class_id in self.by_shape[each].works]

    def _readers(self, shapes: set[Shape]) -> list[Work]:
        names = {shape.table for shape in shapes}
        return [
            self.works[class_id]
            for class_id in self.base_s
            if any(ask.table in names for ask in self.works[class_id].asks)
        ]

    def _give_up(self, shape: Shape, why: str, *, is_open: bool = False) -> None:
        self._refuse(self.by_shape[shape], why, is_open=is_open)
        self.stage.drop(shape)

    def _refuse(self, offer: Offer, why: str, *, is_open: bool = False) -> None:
        self.told.refused.append(
            Refused(
                table_name=offer.shape.table[1],
                columns=thinking.described(offer.shape),
                why=why,
                classes=tuple(offer.works),
                is_open=is_open,
            )
        )


def _is_missed(changes: Sequence[Change]) -> bool:
    return any(map(is_faster, changes))
