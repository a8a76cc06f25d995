"""Which index serves a foreign key: to look rows up, and because the server must."""

from collections.abc import Iterable, Sequence

from .catalogue import ForeignKey, Index

_NOT_NULL = " IS NOT NULL"


def serves(index: Index, columns: Sequence[str]) -> bool:
    """Tell whether `index` finds the rows by `columns`, all of them, without reading others."""
    return (
        _innodb(index, columns) if index.row.method.startswith("innodb") else _any(index, columns)
    )


def needed_by(index: Index, keys: Iterable[ForeignKey]) -> list[tuple[ForeignKey, tuple[str, ...]]]:
    """Return the foreign keys that `index` serves, on either side, with its columns there."""
    found = []
    for key in keys:
        for table, columns in ((key.table, key.columns), (key.to_table, key.to_columns)):
            if table == index.table and serves(index, columns):
                found.append((key, columns))
    return found


def may_go(index: Index, others: Sequence[Index], keys: Sequence[ForeignKey]) -> bool:
    """Tell whether each foreign key that `index` serves is served by one of `others`, too."""
    return all(
        any(serves(other, columns) for other in others if other.table == index.table)
        for _, columns in needed_by(index, keys)
    )


def _innodb(index: Index, columns: Sequence[str]) -> bool:
    """InnoDB wants the columns first, whole, in the order of the key; its hidden tail counts."""
    held = (*index.keys, *index.tail)[: len(columns)]
    return (
        index.row.method == "innodb btree"
        and [key.column_name for key in held] == list(columns)
        and all(key.prefix_chars is None for key in held)
    )


def _any(index: Index, columns: Sequence[str]) -> bool:
    """PostgreSQL compares with ``=``: the order does not matter, the collation does."""
    first = index.keys[: len(columns)]
    return (
        index.is_usable
        and (index.row.method == "btree" or (index.row.method == "hash" and len(columns) == 1))
        and len(first) == len(columns)
        and {key.column_name for key in first} == set(columns)
        and all(key.is_own_collation for key in first)
        and _holds_all(index.row.predicate, columns)
    )


def _holds_all(predicate: str | None, columns: Sequence[str]) -> bool:
    """Tell whether an index with `predicate` holds every row that the key looks at."""
    if predicate is None:
        return True
    named = {column.replace('"', '""') for column in columns}
    return all(
        part.endswith(_NOT_NULL) and part.removesuffix(_NOT_NULL).strip().strip('"') in named
        for part in (each.strip().strip("()") for each in predicate.split(" AND "))
    )
