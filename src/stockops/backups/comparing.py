"""A restored copy held to what its backup says of every table."""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ..engine.base import Server
from ..engine.sharing import share
from . import content, hashing
from .hashing import Digest, Range, Table
from .manifest import TableContent

PART_ROWS = 500_000  # that one session reads while another one reads the next ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A table of a restored copy that is not what the backup says of it."""

    table: str
    what: str
    expected: str
    found: str


def compare(
    server: Server, expected: Sequence[TableContent], *, moved_on: bool = False
) -> list[Difference]:
    """
    Return where the restored copy that `server` is connected to is not what `expected` says.

    `moved_on`: the log was replayed past the end of the backup, so that only what is held up to a
    watermark must still be so.
    """
    with content.reading(server):
        there = hashing.tables(server)
        found = []
        for said in expected:
            if _applies(said, moved_on) and _is_readable(there.get(said.table), said):
                table = there[said.table].only(said.columns)
                found.append(_rows_differ(server, said, hashing.digest(server, table, _rows(said))))
            elif _applies(said, moved_on):
                found.append(_shape_differs(there.get(said.table), said))
    return [each for each in found if each is not None]


def compare_still(
    connected: Callable[[], AbstractContextManager[Server]],
    expected: Sequence[TableContent],
    *,
    moved_on: bool = False,
    part_rows: int = PART_ROWS,
) -> list[Difference]:
    """
    Return what `compare` does, of a copy to which nobody writes, by sessions that share the work.

    What is held up to a watermark is read in parts of about `part_rows`, for one table may be most
    of the database.
    """
    sums: dict[str, Digest] = {}
    adding = threading.Lock()

    def read(server: Server, part: tuple[Table, Range | None]) -> None:
        with content.reading(server):
            digest = hashing.digest(server, *part)
        with adding:
            sums[part[0].name] = sums.get(part[0].name, Digest(0, 0)) + digest

    applying = [each for each in expected if _applies(each, moved_on)]
    with connected() as server:
        with content.reading(server):
            there = hashing.tables(server)
            readable = [each for each in applying if _is_readable(there.get(each.table), each)]
            readable.sort(key=lambda each: -(each.rows or 0))
            parts = [
                (there[each.table].only(each.columns), rows)
                for each in readable
                for rows in _parts(server, there[each.table], each, part_rows)
            ]
        share(connected, parts, read)
        found = [
            _rows_differ(server, each, sums[each.table])
            if each.table in sums
            else _shape_differs(there.get(each.table), each)
            for each in applying
        ]
    return [each for each in found if each is not None]


def held(expected: Sequence[TableContent], *, moved_on: bool = False) -> int:
    """Return how many tables `compare` would hold to their rows: 0 proves nothing."""
    return sum(each.hash is not None and _applies(each, moved_on) for each in expected)


def owed(expected: Sequence[TableContent], *, moved_on: bool = False) -> list[str]:
    """Return the tables that `compare` would hold to their rows, were these hashed by now."""
    return [each.table for each in expected if each.owed and _applies(each, moved_on)]


def _applies(said: TableContent, moved_on: bool) -> bool:
    return said.watermark is not None or not moved_on


def _is_readable(table: Table | None, said: TableContent) -> bool:
    """Tell whether the rows of `table` can be held to what is said of them."""
    return said.hash is not None and _shape_differs(table, said) is None


def _shape_differs(table: Table | None, said: TableContent) -> Difference | None:
    if table is None:
        return Difference(table=said.table, what="table", expected="there", found="missing")
    if said.hash is None:
        return None
    missing = sorted(set(said.columns) - set(table.described))
    more = sorted(set(table.described) - set(said.columns)) if said.column is None else []
    if missing or more:
        expected, found = ", ".join(missing) or "no more", ", ".join(more) or "not there"
        return Difference(table=said.table, what="columns", expected=expected, found=found)
    return None


def _rows_differ(server: Server, said: TableContent, got: Digest) -> Difference | None:
    if got.rows != said.rows:
        expected, found = f"{said.rows:,}", f"{got.rows:,}"
        return Difference(table=said.table, what="rows", expected=expected, found=found)
    if (text := content.text(server, got)) != said.hash:
        return Difference(table=said.table, what="content", expected=str(said.hash), found=text)
    return None


def _rows(said: TableContent) -> Range | None:
    """Return which rows of its table `said` is about; None is all of them."""
    return None if said.column is None else Range(said.column, up_to=said.watermark)


def _parts(server: Server, table: Table, said: TableContent, part_rows: int) -> list[Range | None]:
    """Return the rows that `said` is about in parts of as many ids each."""
    rows = _rows(said)
    ends = None if rows is None else hashing.ends(server, table, rows.column)
    if rows is None or rows.up_to is None or ends is None or said.rows is None:
        return [rows]
    return [*hashing.parts(rows, least=ends[0], count=-(-said.rows // part_rows))]
