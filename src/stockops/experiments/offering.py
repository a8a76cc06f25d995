"""The indexes that a workload could want, the most promising first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..indexes import candidates as thinking
from ..indexes.candidates import Shape
from ..indexes.catalogue import Index
from ..indexes.tables import Table, TableName
from .workloads import Work

RANKS_MAX = 10  # of what is thought of for one statement and one of its tables


@dataclass(slots=True, kw_only=True)
class Offer:
    """
    An index that could be made, for the classes `works`, because of `reason`.

    `weight` is their time in seconds, less for what is the second or third thought of a class.
    """

    shape: Shape
    reason: str
    works: list[str] = field(default_factory=list)
    weight: float = 0.0


def offers(
    works: Sequence[Work],
    *,
    tables: Mapping[TableName, Table],
    indexes: Iterable[Index],
    engine: str,
) -> list[Offer]:
    """Return what could serve `works` and is not there, the heaviest first."""
    there = list(indexes)
    found: dict[Shape, Offer] = {}
    for work in works:
        for ask in work.asks if work.asked is not None else ():
            thought = thinking.candidates(ask, tables[ask.table], engine=engine)
            new = [each for each in thought if not thinking.is_there(each.shape, there)]
            for rank, each in enumerate(new[:RANKS_MAX], 1):
                offer = found.setdefault(each.shape, Offer(shape=each.shape, reason=each.reason))
                offer.weight += work.of.total_s / rank
                if work.of.class_id not in offer.works:
                    offer.works.append(work.of.class_id)
    return sorted(found.values(), key=lambda each: (-each.weight, str(each.shape)))


def wanted_columns(works: Iterable[Work]) -> set[tuple[TableName, str]]:
    """Return the columns that an index could begin with."""
    return {
        (ask.table, column)
        for work in works
        for ask in work.asks
        for column in [*ask.equal, *ask.joined, *ask.ranged]
    }
