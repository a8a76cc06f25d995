"""Executions by the thousand, column by column: what is done to a whole column takes less time."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import compress
from typing import TypeVar

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
        left = {name: list(compress(getattr(self, name), kept)) for name in columns}
        return replace(self, **left)  # type: ignore[arg-type]


def pick(column: Sequence[Value], places: Sequence[int]) -> Sequence[Value]:
    """Return what `column` has at `places`; nothing of a column that is empty."""
    return [column[place] for place in places] if column else ()


def text(raw: bytes) -> str:
    """Return what a log says as text; a byte that is no UTF-8 as the sign for that."""
    return raw.decode("utf-8", "replace")
