"""What comes of looking for indexes: those to make, those refused, and what nothing is said of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..indexes.tables import Table, TableName
from ..trials import Difference
from .offering import Offer
from .timing import Change
from .workloads import LeftOut

MIN_SHARE = 0.005  # of the time of all queries
MARGIN = 0.1  # a query that gets less than this faster does not pay for an index


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """
    How long to build and measure, the copy not counted, and how big the set may be.

    An index must save `min_share` of the time of all queries, 0 to 1: each is one more to look
    after.
    """

    seconds: float = 300.0
    min_share: float = MIN_SHARE
    max_bytes: int | None = None
    max_candidates: int = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """
    An index to make. `saved` and `lost` are seconds a day: of queries, were it alone left out of
    the set; and of writes. `replaces` are indexes whose work it does as well, `undo` drops it.
    """

    table_name: str
    index_name: str
    columns: str
    statement: str
    undo: str
    reason: str
    size_bytes: int
    build_s: float
    saved: Difference
    lost: Difference
    serves: tuple[str, ...]
    replaces: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An index that was thought of and is not advised; `is_open`: nobody measured it."""

    table_name: str
    columns: str
    why: str
    classes: tuple[str, ...]
    is_open: bool = False


@dataclass(slots=True, kw_only=True)
class Advised:
    """
    The set, what was refused, and the classes that nothing is said of.

    `changes` are the queries on the tables of the set, without it and with it whole.
    """

    engine: str
    source: str
    classes: int
    note: str
    days: float
    advice: list[Advice] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    filtered_by: str = "built"
    took_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What would be measured: what the classes ask for, and what cannot be considered."""

    offers: list[Offer]
    left_out: list[LeftOut]
    tables: Mapping[TableName, Table]


def is_faster(change: Change) -> bool:
    """Tell whether a query got faster, by more than the margin and beyond doubt."""
    return change.ratio.verdict(smaller_is_better=True, margin=MARGIN) == "better"


def is_slower(change: Change) -> bool:
    """Tell whether a query got slower, by more than the margin and beyond doubt."""
    return change.ratio.verdict(smaller_is_better=True, margin=MARGIN) == "worse"
