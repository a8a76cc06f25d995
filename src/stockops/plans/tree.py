"""A plan as a tree of nodes, whatever engine made it and in whatever form it was told."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """
    One step of a plan. None where the engine does not say.

    `rows_estimated` and `rows_actual` are what the step gives on each time it runs, after its
    filter; `loops` is how often it ran, 0 where it never did. `total_ms` is all its runs and what
    stands below it, `own_ms` without what stands below. Blocks count those below, too, on
    PostgreSQL; MariaDB counts the pages of the step alone, and does not tell hits from reads.
    `cut_short` says that whoever asked may have stopped early (LIMIT, EXISTS): then fewer rows
    than estimated are no error.
    """

    label: str  # "Index Scan using orders_pkey on orders o"
    role: str = ""  # of a subplan: "SubPlan 1", "CTE recent", "materialized"
    relation: str = ""
    index: str = ""
    details: tuple[tuple[str, str], ...] = ()  # conditions, keys, what was removed
    rows_estimated: float | None = None
    rows_actual: float | None = None
    loops: float | None = None
    cost: float | None = None
    total_ms: float | None = None
    own_ms: float | None = None
    hit_blocks: int | None = None
    read_blocks: int | None = None
    temp_blocks: int | None = None
    cut_short: bool = False
    children: tuple["Node", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole plan. `analysed` says whether it tells how it went, not just what was expected."""

    engine: str
    root: Node
    planning_ms: float | None = None
    execution_ms: float | None = None
    settings: Mapping[str, str] = field(default_factory=dict)  # of the planner, not at default
    notes: tuple[str, ...] = ()  # triggers, JIT

    @property
    def analysed(self) -> bool:
        """Whether some node says how many rows there really were."""
        return any(node.rows_actual is not None for _, node in walk(self.root))


def walk(node: Node, depth: int = 0) -> Iterator[tuple[int, Node]]:
    """Give `node` and all below it with their depth, in the order in which they are printed."""
    yield depth, node
    for child in node.children:
        yield from walk(child, depth + 1)
