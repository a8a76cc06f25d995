"""
Whether one index can do all the work of another.

An index is sorted by its keys from the first on, so it does the work of every index that is sorted
by its first keys in the same way, or wholly the other way round: a B-tree is read from both ends.
"In the same way" is more than the same columns: the same operator class, collation, order and place
of NULLs, and the same rows (predicate). What another index carries along, and what it promises (no
two rows alike), must be kept as well.
"""

from .catalogue import Index
from .questions import ColumnRow

_SORTED = {"btree", "innodb btree", "aria btree", "myisam btree", "memory btree", "rocksdb lsmtree"}


def covers(one: Index, other: Index) -> bool:
    """Tell whether `one`, which stays, does all that `other` does."""
    if one.name == other.name or one.table != other.table or not one.is_usable:
        return False
    if (one.row.method, one.row.predicate) != (other.row.method, other.row.predicate):
        return False
    if one.row.options != other.row.options:
        return False
    return _promises(one, other) and _finds(one, other) and _carries(one, other)


def alike(one: Index, other: Index) -> bool:
    """Tell whether each of the two does all that the other does."""
    return covers(one, other) and covers(other, one)


def keeps_order(one: Index, other: Index) -> bool:
    """Tell whether `one` also has the rows of one key in the order that `other` has them in."""
    mine, wanted = one.keys + one.tail, other.keys + other.tail
    return len(wanted) <= len(mine) and all(
        a.column_name == b.column_name for a, b in zip(mine, wanted, strict=False)
    )


def _promises(one: Index, other: Index) -> bool:
    """Tell whether `one` allows no rows that `other` forbids."""
    if other.row.is_exclusion:
        return False
    if not other.row.is_unique:
        return True
    return (
        one.row.is_unique
        and len(one.keys) == len(other.keys)
        and all(a.prefix_chars == b.prefix_chars for a, b in zip(one.keys, other.keys, strict=True))
        and (one.row.nulls_not_distinct or not other.row.nulls_not_distinct)
        and (one.row.is_immediate or not other.row.is_immediate)
    )


def _finds(one: Index, other: Index) -> bool:
    """Tell whether all that `other` finds, and in its order, is found by `one`."""
    keys = one.keys + one.tail
    if len(other.keys) > len(keys):
        return False
    if one.row.method not in _SORTED:
        # What other methods do with several columns depends on each of them.
        return [_shape(key) for key in one.keys] == [_shape(key) for key in other.keys] and [
            key.prefix_chars for key in one.keys
        ] == [key.prefix_chars for key in other.keys]
    pairs = list(zip(keys, other.keys, strict=False))
    if not all(_same_values(a, b) for a, b in pairs):
        return False
    same = all(_order(a) == _order(b) for a, b in pairs)
    reverse = all(_order(a) == tuple(not flag for flag in _order(b)) for a, b in pairs)
    return same or reverse


def _same_values(one: ColumnRow, other: ColumnRow) -> bool:
    """Tell whether the two keys sort by the same values, `one` by no less of each."""
    if _shape(one) != _shape(other):
        return False
    return one.prefix_chars is None or (
        other.prefix_chars is not None and one.prefix_chars >= other.prefix_chars
    )


def _shape(key: ColumnRow) -> tuple[str | None, str, str, str]:
    return (key.column_name, key.expression, key.operators, key.collation_name)


def _order(key: ColumnRow) -> tuple[bool, bool]:
    return (key.is_descending, key.is_nulls_first)


def _carries(one: Index, other: Index) -> bool:
    """Tell whether what `other` carries along is in `one`, wherever there."""
    held = {
        column.column_name
        for column in (*one.keys, *one.tail, *one.carried)
        if column.prefix_chars is None
    }
    return all(column.column_name in held for column in other.carried)
