"""Which set of indexes to make: the best one there is, by what each set was measured to save."""

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..indexes.candidates import Shape

TOGETHER_MAX = 12  # 4,096 sets are tried; of more that touch the same queries, the best ones
_NOTHING: frozenset[Shape] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What a query saves, in seconds a day, where all of `shapes` are there; above zero."""

    query: str
    shapes: frozenset[Shape]
    saved_s: float


@dataclass(frozen=True, slots=True)
class _Set:
    """A set, what it saves less what writes lose, and its size."""

    shapes: frozenset[Shape]
    worth_s: float
    size_bytes: int


def choose(
    options: Sequence[Option],
    *,
    lost_s: Mapping[Shape, float],
    sizes: Mapping[Shape, int],
    max_bytes: int | None = None,
) -> frozenset[Shape]:
    """
    Return the set that saves the most, less what its indexes cost the writes (`lost_s` a day).

    Each query takes the best of its options that the set allows. Of sets that are worth the same
    the smallest is taken, and of those the one with the fewest columns. It is the best set of all,
    found by trying all sets of those indexes that share a query, and all that such groups give
    within `max_bytes`.
    """
    best = [_Set(_NOTHING, 0.0, 0)]
    for group in _groups(options):
        sets = list(_sets(group, options, lost_s, sizes))
        best = _worthwhile(_joined(best, sets, max_bytes))
    return max(best, key=_rank).shapes


def worth(shapes: Collection[Shape], options: Iterable[Option]) -> float:
    """Return what all queries together save with `shapes`, in seconds a day."""
    saved: dict[str, float] = defaultdict(float)
    for option in options:
        if option.shapes <= frozenset(shapes):
            saved[option.query] = max(saved[option.query], option.saved_s)
    return sum(saved.values())


def _groups(options: Sequence[Option]) -> list[list[Shape]]:
    """Return the indexes in groups of which no query takes from two."""
    of_query: dict[str, set[Shape]] = defaultdict(set)
    for option in options:
        of_query[option.query] |= option.shapes
    groups: list[set[Shape]] = []
    for shapes in of_query.values():
        touching = [group for group in groups if group & shapes]
        groups = [group for group in groups if not group & shapes]
        groups.append(set().union(shapes, *touching))
    return [sorted(group, key=str) for group in groups]


def _sets(
    group: Sequence[Shape],
    options: Sequence[Option],
    lost_s: Mapping[Shape, float],
    sizes: Mapping[Shape, int],
) -> Iterator[_Set]:
    of_group = [option for option in options if option.shapes <= set(group)]
    alone = {shape: worth([shape], of_group) - lost_s.get(shape, 0.0) for shape in group}
    tried = sorted(group, key=lambda shape: (-alone[shape], str(shape)))[:TOGETHER_MAX]
    for number in range(len(tried) + 1):
        for shapes in itertools.combinations(tried, number):
            lost = sum(lost_s.get(shape, 0.0) for shape in shapes)
            size = sum(sizes.get(shape, 0) for shape in shapes)
            yield _Set(frozenset(shapes), worth(shapes, of_group) - lost, size)


def _joined(some: Iterable[_Set], others: Sequence[_Set], max_bytes: int | None) -> Iterator[_Set]:
    for one in some:
        for other in others:
            size = one.size_bytes + other.size_bytes
            if max_bytes is None or size <= max_bytes:
                yield _Set(one.shapes | other.shapes, one.worth_s + other.worth_s, size)


def _worthwhile(sets: Iterable[_Set]) -> list[_Set]:
    """Return those that no smaller one is worth as much as."""
    kept: list[_Set] = []
    for each in sorted(sets, key=_order):
        if not kept or each.worth_s > kept[-1].worth_s:
            kept.append(each)
    return kept


def _rank(each: _Set) -> tuple[float, int, int]:
    return (each.worth_s, -each.size_bytes, -columns(each.shapes))


def columns(shapes: Iterable[Shape]) -> int:
    """Return how many columns all of `shapes` hold together."""
    return sum(len(shape.keys) + len(shape.carried) for shape in shapes)


def _order(each: _Set) -> tuple[int, float, int, list[str]]:
    return (each.size_bytes, -each.worth_s, columns(each.shapes), sorted(map(str, each.shapes)))
