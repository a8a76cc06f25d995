"""What one statement asks of one table: which of its rows, in which order, and which columns."""

from dataclasses import dataclass, field

from .tables import TableName


class NotUnderstood(Exception):
    """Why a statement is not considered."""


@dataclass(frozen=True, slots=True)
class Sort:
    """A column that rows are sorted by; `nulls_first` is None where the server's default is."""

    column: str
    descending: bool = False
    nulls_first: bool | None = None


@dataclass(frozen=True, slots=True)
class Fixed:
    """A comparison of a column with a literal, as SQL: what a partial index could be of."""

    column: str
    sql: str
    is_equal: bool  # to one value: as a key the column would say nothing


@dataclass(slots=True, kw_only=True)
class Ask:
    """
    What one statement asks of one table, by the columns' names.

    `joined` are equal to a column of another table; `beginnings` are those of `ranged` that LIKE
    'x%' asks for; `extremes` are in MIN or MAX. `needed` are all that it reads of the table.
    """

    table: TableName
    equal: list[str] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    ranged: list[str] = field(default_factory=list)
    beginnings: list[str] = field(default_factory=list)
    order: list[Sort] = field(default_factory=list)
    grouped: list[str] = field(default_factory=list)
    extremes: list[str] = field(default_factory=list)
    fixed: list[Fixed] = field(default_factory=list)
    needed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """
    A statement, understood: what it asks, and the SELECT that reads what it reads.

    `reading` is None where it reads nothing by itself (INSERT .. VALUES). `writes` is the table
    that it changes, `sets` the columns that an UPDATE gives a value, `rows` how many an INSERT
    spells out.
    """

    asks: tuple[Ask, ...]
    reading: str | None
    verb: str
    writes: TableName | None = None
    sets: tuple[str, ...] = ()
    rows: int = 1
