"""
Indexes that a statement could want: thought of, not yet judged.

For each table that a statement reads: what is compared for equality comes first, then what is
sorted, grouped or compared by range; then the same with all that is read of the table, so that the
table need not be read; then the same for those rows alone that a literal picks.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from .asks import Ask, Fixed, Sort
from .catalogue import Index
from .tables import Column, Table, TableName

KEYS_MAX = 4
CARRIED_MAX = 5
CARRIED_BYTES_MAX = 120  # a wider index is a second table
ROWS_MIN = 1_000  # a smaller table is read whole in less time than anybody notices
_NAME_CHARACTERS_MAX = 60
_PLAIN = re.compile(r"[^a-z0-9_]+")
_KEY_BYTES_MAX = 3_072  # InnoDB's, for all keys together


@dataclass(frozen=True, slots=True)
class Key:
    """A column that an index is sorted by; `nulls_first` is None for the server's default."""

    column: str
    descending: bool = False
    nulls_first: bool | None = None
    prefix_chars: int | None = None
    operators: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """What an index holds, and of which rows: two of the same shape are one index."""

    table: TableName
    keys: tuple[Key, ...]
    carried: tuple[str, ...] = ()
    where: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An index that could be made; `rank` is its place among those for one ask, 0 the first."""

    shape: Shape
    reason: str
    rank: int = 0


def candidates(ask: Ask, table: Table, *, engine: str) -> list[Candidate]:
    """Return what `ask` could want of `table`, the likeliest first; none for a small table."""
    if table.rows is not None and table.rows < ROWS_MIN:
        return []
    found: dict[Shape, str] = {}
    for keys, reason in _bases(ask, table):
        for shape, why in _variants(ask, table, keys, engine):
            found.setdefault(shape, f"{reason}{why}")
    kept = [(shape, why) for shape, why in found.items() if _fits(shape, table, engine)]
    return [
        Candidate(shape=shape, reason=reason, rank=rank)
        for rank, (shape, reason) in enumerate(kept)
    ]


def is_there(shape: Shape, indexes: Iterable[Index]) -> bool:
    """
    Tell whether one of `indexes` surely does the work of `shape` already.

    By names alone, before anything is built; of what was built, `covering.covers` decides.
    """
    return any(_does(index, shape) for index in indexes if index.table == shape.table)


def create(shape: Shape, table: Table, name: str, *, engine: str, live: bool = False) -> str:
    """Return the statement that makes the index; `live`: while others read and write the table."""
    new = quoted(name, engine)
    keys = ", ".join(_key(key, table, engine) for key in shape.keys)
    if engine == "mariadb":
        if live:
            return (
                f"ALTER TABLE {table.quoted} ADD INDEX {new} ({keys}), "
                "ALGORITHM = INPLACE, LOCK = NONE"
            )
        return f"CREATE INDEX {new} ON {table.quoted} ({keys})"
    carried = ", ".join(table.columns[each].row.quoted_column for each in shape.carried)
    # A partitioned table's index cannot be built concurrently: its parts' can, one by one.
    how = "CONCURRENTLY " if live and not table.is_partitioned else ""
    return (
        f"CREATE INDEX {how}{new} ON {table.quoted} ({keys})"
        + (f" INCLUDE ({carried})" if carried else "")
        + (f" WHERE {shape.where}" if shape.where else "")
    )


def named(shape: Shape, taken: Iterable[str]) -> str:
    """Return a name for the index that is none of `taken`."""
    words = [shape.table[1], *(key.column for key in shape.keys)]
    words += ["part"] if shape.where else []
    base = _PLAIN.sub("_", "_".join(words).lower()).strip("_")[:_NAME_CHARACTERS_MAX]
    used = {name.lower() for name in taken}
    tries = itertools.chain([f"{base}_ix"], (f"{base}_ix{n}" for n in itertools.count(2)))
    return next(each for each in tries if each not in used)


def quoted(name: str, engine: str) -> str:
    """Return `name` as a statement has it."""
    mark = "`" if engine == "mariadb" else '"'
    return name if _PLAIN.search(name) is None else f"{mark}{name.replace(mark, mark * 2)}{mark}"


def described(shape: Shape) -> str:
    """Return what the index holds, as a person writes it."""
    keys = ", ".join(_spoken(key) for key in shape.keys)
    return (
        f"({keys})"
        + (f" INCLUDE ({', '.join(shape.carried)})" if shape.carried else "")
        + (f" WHERE {shape.where}" if shape.where else "")
    )


def _bases(ask: Ask, table: Table) -> Iterator[tuple[tuple[Key, ...], str]]:
    """Give lists of keys, each with what it is for."""
    equal = _by_distinct(ask.equal, table)
    heads = _heads(equal, _by_distinct(ask.joined, table))
    for head in heads:
        used = {key.column for key in head}
        said = f"{', '.join(key.column for key in head)} equal" if head else ""
        order = tuple(_sorted(each) for each in ask.order if each.column not in used)
        if order and not used & {key.column for key in order}:
            yield (*head, *_usual(order)), _and(said, "rows in the order asked for")
        for column in ask.ranged:
            if column not in used:
                key = _ranged(column, ask, table)
                yield (*head, key), _and(said, f"{column} in a range")
        for column in ask.extremes:
            if column not in used:
                yield (*head, Key(column)), _and(said, f"the least or greatest {column}")
        grouped = tuple(Key(column) for column in ask.grouped if column not in used)
        if grouped:
            yield (*head, *grouped), _and(said, "rows of a group together")
        if head:
            yield head, said


def _heads(equal: Sequence[str], joined: Sequence[str]) -> list[tuple[Key, ...]]:
    """Return what may stand first: all that is equal, in several orders, each alone, nothing."""
    alone = [column for column in joined if column not in equal]
    orders: list[tuple[str, ...]] = [tuple(equal)]
    orders += [tuple(reversed(equal))] if len(equal) == 2 else []
    if alone:
        orders += [(*alone, *equal), (*equal, *alone), tuple(alone)]
    orders += [(column,) for column in [*equal, *alone]]
    orders.append(())
    return [tuple(map(Key, each)) for each in dict.fromkeys(orders)]


def _variants(
    ask: Ask, table: Table, keys: tuple[Key, ...], engine: str
) -> Iterator[tuple[Shape, str]]:
    """Give the index of `keys` as it is, with all that is read, and of some rows alone."""
    name = ask.table
    begun = tuple(_prefixed(key, table) for key in keys) if engine == "mariadb" else keys
    yield Shape(name, begun), ""
    if begun != keys:
        yield Shape(name, keys), ", the whole of it"
    carried = _carried(ask, table, keys)
    if carried and engine == "postgresql":
        yield Shape(name, keys, carried), ", and all that is read is in it"
    elif carried:
        yield Shape(name, (*keys, *map(Key, carried))), ", and all that is read is in it"
    if engine == "postgresql":
        for fixed in ask.fixed:
            yield from _partial(ask, table, keys, fixed)


def _partial(
    ask: Ask, table: Table, keys: tuple[Key, ...], fixed: Fixed
) -> Iterator[tuple[Shape, str]]:
    """Give the index of the rows that `fixed` picks: few of many, if the column has few values."""
    column = table.columns[fixed.column].row
    many = column.values_distinct
    if column.kind != "truth" and many is not None and many > 100 and "NULL" not in fixed.sql:
        return  # one of many values: an index for each would be asked for
    rest = tuple(key for key in keys if not (fixed.is_equal and key.column == fixed.column))
    if rest:
        yield Shape(ask.table, rest, (), fixed.sql), f", of the rows WHERE {fixed.sql} alone"
    else:
        yield Shape(ask.table, keys, (), fixed.sql), f", of the rows WHERE {fixed.sql} alone"


def _carried(ask: Ask, table: Table, keys: Sequence[Key]) -> tuple[str, ...]:
    """Return what is read of the table beside `keys`; nothing where that is much."""
    if any(key.prefix_chars for key in keys):
        return ()
    held = {key.column for key in keys}
    rest = [column for column in ask.needed if column not in held]
    width = sum(_bytes(table.columns[column]) for column in rest)
    fits = 0 < len(rest) <= CARRIED_MAX and width <= CARRIED_BYTES_MAX
    return tuple(sorted(rest)) if fits else ()


def _bytes(column: Column) -> int:
    row = column.row
    if row.bytes_mean is not None:
        return row.bytes_mean
    if row.kind == "text":
        return row.chars_max or CARRIED_BYTES_MAX + 1
    return 8


def _fits(shape: Shape, table: Table, engine: str) -> bool:
    """Tell whether the server would make an index of `shape`, and anybody want it."""
    if len(shape.keys) > KEYS_MAX + (CARRIED_MAX if engine == "mariadb" else 0):
        return False
    if not all(table.columns[key.column].row.is_sortable for key in shape.keys):
        return False
    if engine != "mariadb":
        return True
    chars = 0
    for key in shape.keys:
        row = table.columns[key.column].row
        if row.kind == "text" and row.chars_max is None and key.prefix_chars is None:
            return False  # BLOB and TEXT must have a length
        if row.kind == "text":
            chars += key.prefix_chars or row.chars_max or 0
    return 4 * chars <= _KEY_BYTES_MAX


def _does(index: Index, shape: Shape) -> bool:
    if not index.is_usable or index.row.predicate is not None:
        return False
    keys = [*index.keys, *index.tail]
    if len(keys) < len(shape.keys):
        return False
    pairs = list(zip(keys, shape.keys, strict=False))
    same = all(
        have.column_name == want.column
        and (have.prefix_chars or 0) == (want.prefix_chars or 0)
        and not want.operators
        and want.nulls_first is None
        for have, want in pairs
    )
    flipped = {have.is_descending != want.descending for have, want in pairs}
    held = {column.column_name for column in [*keys, *index.carried] if not column.prefix_chars}
    if index.row.is_primary and index.row.method.startswith("innodb"):
        held |= set(shape.carried)
    return same and len(flipped) == 1 and set(shape.carried) <= held


def _by_distinct(columns: Sequence[str], table: Table) -> list[str]:
    """Return `columns`, those with the most values first: they leave the fewest rows."""
    return sorted(columns, key=lambda each: (-(table.columns[each].row.values_distinct or 0), each))


def _sorted(sort: Sort) -> Key:
    return Key(sort.column, sort.descending, sort.nulls_first)


def _usual(order: tuple[Key, ...]) -> tuple[Key, ...]:
    """Return `order` ascending where it is all descending: an index is read from both ends."""
    if all(key.descending and key.nulls_first is None for key in order):
        return tuple(replace(key, descending=False) for key in order)
    return order


def _ranged(column: str, ask: Ask, table: Table) -> Key:
    if column in ask.beginnings and not table.columns[column].row.finds_beginnings:
        return Key(column, operators="text_pattern_ops")
    return Key(column)


def _prefixed(key: Key, table: Table) -> Key:
    chars = table.columns[key.column].prefix_chars
    return replace(key, prefix_chars=chars) if chars else key


def _and(said: str, more: str) -> str:
    return f"{said}, {more}" if said else more


def _key(key: Key, table: Table, engine: str) -> str:
    text = table.columns[key.column].row.quoted_column
    if engine == "mariadb" and key.prefix_chars:
        text += f"({key.prefix_chars})"
    if key.operators:
        text += f" {key.operators}"
    return text + _direction(key)


def _direction(key: Key) -> str:
    nulls = "" if key.nulls_first is None else f" NULLS {'FIRST' if key.nulls_first else 'LAST'}"
    return f"{' DESC' if key.descending else ''}{nulls}"


def _spoken(key: Key) -> str:
    prefix = f"({key.prefix_chars})" if key.prefix_chars else ""
    operators = f" {key.operators}" if key.operators else ""
    return f"{key.column}{prefix}{operators}{_direction(key)}"
