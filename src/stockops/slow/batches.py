"""Executions by the thousand, column by column: what is done to a whole column takes less time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import compress
from operator import itemgetter
from typing import Any, TypeVar, overload

from .events import Source

Who = tuple[str, str, str, str]  # the user, the host, the database, the application
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """
    Executions that stand for one each, or preparations.

    A column is what `Event` has under that name. All are as long as `sql`, or empty where the log
    says nothing of the kind. `sql` and `plan` are UTF-8, as good as the log had it.
    """

    source: Source = "execution"
    sql: Sequence[bytes]
    at_us: Sequence[int]
    duration_us: Sequence[int]
    who: Sequence[Who]
    lock_us: Sequence[int] = ()
    rows_sent: Sequence[int] = ()
    rows_examined: Sequence[int] = ()
    rows_affected: Sequence[int] = ()
    parameters: Sequence[str] = ()
    query_id: Sequence[int | None] = ()
    plan: Sequence[bytes] = ()

    def where(self, kept: Sequence[bool]) -> "Batch":
        """Return those of which `kept` is true."""
        if all(kept):
            return self
        columns = [each.name for each in fields(self) if each.name != "source"]
        left = {name: _left(getattr(self, name), kept) for name in columns}
        return replace(self, **left)  # type: ignore[arg-type]


class Later(Sequence[Value]):
    """A column of which few are asked for: each is read when it is."""

    def __init__(self, raw: Sequence[Any], read: Callable[[Any], Value]) -> None:
        """Take what `read` is to be told of each."""
        self._raw, self._read = raw, read

    def where(self, kept: Sequence[bool]) -> "Later[Value]":
        """Return those of which `kept` is true."""
        return Later(list(compress(self._raw, kept)), self._read)

    def __len__(self) -> int:
        return len(self._raw)

    @overload
    def __getitem__(self, place: int) -> Value: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Value]: ...

    def __getitem__(self, place: int | slice) -> Value | Sequence[Value]:
        if isinstance(place, slice):
            return Later(self._raw[place], self._read)
        return self._read(self._raw[place])


def _left(column: Sequence[Value], kept: Sequence[bool]) -> Sequence[Value]:
    return column.where(kept) if isinstance(column, Later) else list(compress(column, kept))


def picker(places: Sequence[int]) -> Callable[[Sequence[Value]], Sequence[Value]]:
    """Return what takes of a column what it has at `places`; nothing of a column that is empty."""
    if len(places) == 1:
        return lambda column: column[places[0] : places[0] + 1]
    take = itemgetter(*places)
    return lambda column: take(column) if column else ()


def text(raw: bytes) -> str:
    """Return what a log says as text; a byte that is no UTF-8 as the sign for that."""
    return raw.decode("utf-8", "replace")
