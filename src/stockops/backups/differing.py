"""One table held against another, row by row, by the primary key."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..engine.base import Server
from .questions import TABLE, TableColumn

EXAMPLES_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """
    The rescued table held against the live one.

    `live_rows` is None where the live one is gone. The rest is None where that is so, or where
    there is no primary key to tell rows by. `examples` are a few keys of each kind.
    """

    rescued_rows: int
    live_rows: int | None = None
    key: Sequence[str] = ()
    only_rescued: int | None = None
    only_live: int | None = None
    changed: int | None = None
    examples: dict[str, list[str]] = field(default_factory=dict)
    notes: Sequence[str] = ()


def difference(
    server: Server,
    fresh: str,
    columns: Sequence[TableColumn],
    *,
    table: str,
    space: str | None,
    notes: Sequence[str],
) -> Difference:
    """Return how `fresh`, a table in SQL that has `columns`, differs from `table` in `space`."""
    with server.transaction(isolation="repeatable read", read_only=True):
        rescued = count(server, f"{fresh} AS r")
        live = {each.name: each for each in server.fetch(TABLE, name=table, space=space)}
        if not live:
            return Difference(rescued_rows=rescued, notes=notes)
        source = next(iter(live.values())).source
        keys = sorted(
            (each for each in columns if each.key_position is not None and each.name in live),
            key=lambda each: each.key_position or 0,
        )
        there = count(server, f"{source} AS l")
        others = {each.name for each in columns} ^ live.keys()
        more = [f"only one of them has {', '.join(sorted(others))}"] if others else []
        if not keys or any(each.key_position is not None for each in columns if each not in keys):
            more.append("there is no primary key to tell rows by")
            return Difference(rescued_rows=rescued, live_rows=there, notes=[*notes, *more])
        return _by_key(
            _Pair(server, fresh, source, keys, [each for each in columns if each.name in live]),
            rows=(rescued, there),
            notes=[*notes, *more],
        )


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two tables, r and l, whose rows are told by `keys`."""

    server: Server
    rescued: str
    live: str
    keys: Sequence[TableColumn]
    both: Sequence[TableColumn]

    def kinds(self) -> dict[str, str]:
        """Return what stands after FROM for each kind of difference."""
        same = " AND ".join(f"l.{key.quoted} = r.{key.quoted}" for key in self.keys)
        differs = " OR ".join(map(self._differs, self.both))
        without = "WHERE NOT EXISTS (SELECT 1 FROM"
        return {
            "only_rescued": f"{self.rescued} AS r {without} {self.live} AS l WHERE {same})",
            "only_live": f"{self.live} AS l {without} {self.rescued} AS r WHERE {same})",
            "changed": f"{self.rescued} AS r JOIN {self.live} AS l ON {same} WHERE {differs}",
        }

    def _differs(self, column: TableColumn) -> str:
        ours, theirs = f"r.{column.quoted}", f"l.{column.quoted}"
        if self.server.engine == "postgresql":
            as_text = "" if column.exact else "::text"
            return f"{ours}{as_text} IS DISTINCT FROM {theirs}{as_text}"
        as_bytes = "" if column.exact else "BINARY "
        return f"NOT ({as_bytes}{ours} <=> {as_bytes}{theirs})"


def _by_key(pair: _Pair, *, rows: tuple[int, int], notes: Sequence[str]) -> Difference:
    counts: dict[str, int] = {}
    examples: dict[str, list[str]] = {}
    for kind, where in pair.kinds().items():
        counts[kind] = count(pair.server, where)
        if counts[kind]:
            side = "l" if kind == "only_live" else "r"
            named = ", ".join(f"{side}.{key.quoted}" for key in pair.keys)
            found: Sequence[dict[str, Any]] = pair.server.rows(
                f"SELECT {named} FROM {where} ORDER BY {named} LIMIT {EXAMPLES_MAX:d}"  # noqa: S608
            )
            examples[kind] = ["-".join(map(str, row.values())) for row in found]
    return Difference(
        rescued_rows=rows[0],
        live_rows=rows[1],
        key=[key.name for key in pair.keys],
        examples=examples,
        notes=notes,
        **counts,
    )


def count(server: Server, source: str) -> int:
    """Return how many rows there are in what stands after FROM."""
    return int(server.rows(f"SELECT count(*) AS n FROM {source}")[0]["n"])  # noqa: S608
