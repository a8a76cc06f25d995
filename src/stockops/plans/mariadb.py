"""ANALYZE FORMAT=JSON and EXPLAIN FORMAT=JSON of MariaDB. Seen on 10.11."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .numbers import number, whole
from .tree import Node, Plan

# What holds others, and whether it reads all that is below before it gives the first row.
_WRAPPERS = {
    "filesort": ("filesort", True),
    "temporary_table": ("temporary table", True),
    "window_functions_computation": ("window functions", True),
    "duplicates_removal": ("duplicate removal", False),
    "union_result": ("union", False),
    "recursive_union": ("recursive union", False),
}
_DETAILS = {
    "index_condition": "Index condition",
    "attached_condition": "Condition",
    "having_condition": "Having",
    "outer_ref_condition": "Outer condition",
    "const_condition": "Constant condition",
    "ref": "Ref",
    "sort_key": "Sort key",
    "r_limit": "Limit",
    "r_hit_ratio": "Answered from the cache, %",
    "index_merge": "Index merge",
    "rowid_filter": "Rowid filter",
    "first_match": "First match",
}
_READ_AT_ONCE = {"const", "system"}


@dataclass(frozen=True, slots=True)
class _Around:
    """What stands around a step: whether it may be stopped early, and its part in what is above."""

    cut_short: bool = False
    role: str = ""


def plan(said: Mapping[str, Any], *, limited: bool = False) -> Plan:
    """Return the plan; `limited` where the statement has a LIMIT, which the plan does not tell."""
    block = said["query_block"]
    root = _block(block, _Around(limited))
    optimizer = said.get("query_optimization", {})
    return Plan(
        engine="mariadb",
        root=root,
        planning_ms=number(optimizer.get("r_total_time_ms")),
        execution_ms=number(block.get("r_total_time_ms")) or root.total_ms,
    )


def joined(tables: Sequence[Node], outputs: Sequence[tuple[float | None, float | None]]) -> Node:
    """
    Return the nested loop over `tables`; of one table it is the table.

    `outputs` are the rows that each adds for a row of those before it: expected, and really.
    """
    if len(tables) == 1:
        return tables[0]
    expected = [each for each, _ in outputs if each is not None]
    came = [each for _, each in outputs if each is not None]
    loops = tables[0].loops
    total = [each.total_ms for each in tables if each.total_ms is not None]
    return Node(
        label="nested loop",
        rows_estimated=math.prod(expected) if len(expected) == len(tables) else None,
        rows_actual=math.prod(came) if len(came) == len(tables) else None,
        loops=loops,
        total_ms=sum(total) if total else None,
        cut_short=tables[0].cut_short,
        children=tuple(tables),
    )


def _block(said: Mapping[str, Any], around: _Around) -> Node:
    children = tuple(_steps(said, replace(around, role="")))
    inside = sum(child.total_ms or 0.0 for child in children)
    total_ms = number(said.get("r_total_time_ms"))
    known = any(child.total_ms is not None for child in children)
    name = f"query block {said['select_id']}" if "select_id" in said else "query block"
    return Node(
        label=name,
        role=around.role,
        details=tuple(_details(said)),
        loops=number(said.get("r_loops")),
        total_ms=inside if total_ms is None and known else total_ms,
        own_ms=None if total_ms is None else max(0.0, total_ms - inside),
        children=children,
    )


def _steps(said: Mapping[str, Any], around: _Around) -> Iterator[Node]:
    """Give the steps that `said` holds, in its order."""
    for key, value in said.items():
        if key in _WRAPPERS:
            label, whole_before = _WRAPPERS[key]
            yield _wrapper(label, value, _Around() if whole_before else around)
        elif key in _STEPS:
            yield from _STEPS[key](value, around)


def _held(said: Any, around: _Around) -> Iterator[Node]:
    for each in said if isinstance(said, list) else [said]:
        yield from _steps(each, around)


def _cached(said: Mapping[str, Any], around: _Around) -> Iterator[Node]:
    """Give the subquery whose answers are kept, with the share that came from what was kept."""
    for node in _steps(said, around):
        yield replace(node, details=(*node.details, *_details(said)))


def _wrapper(label: str, said: Mapping[str, Any], around: _Around) -> Node:
    children = tuple(_steps(said, replace(around, role="")))
    own_ms = number(said.get("r_total_time_ms"))
    inside = [child.total_ms for child in children if child.total_ms is not None]
    return Node(
        label=label,
        role=around.role,
        details=tuple(_details(said)),
        rows_actual=number(said.get("r_output_rows", said.get("r_rows"))),
        loops=number(said.get("r_loops")),
        total_ms=sum(inside) + (own_ms or 0.0) if inside or own_ms is not None else None,
        own_ms=own_ms,
        children=children,
    )


def _nested(said: Sequence[Mapping[str, Any]], around: _Around) -> Node:
    found = [(node, each) for each in said for node in _steps(each, around)]
    nodes = [node for node, _ in found]
    return joined(nodes, [_added(node, each) for node, each in found])


def _added(node: Node, said: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return how many rows a step of a nested loop adds for each row before it."""
    if "first_match" in str(said) or "duplicates_removal" in said:
        return None, None
    if "block-nl-join" not in said:
        below = node.children[0] if node.label == "filesort" and node.children else node
        return below.rows_estimated, below.rows_actual
    joins = said["block-nl-join"]
    shares = number(joins.get("r_filtered"))
    effective = number(joins.get("r_effective_rows"))
    came = None if shares is None or effective is None else effective * shares / 100
    return node.children[0].rows_estimated, came


def _buffered(said: Mapping[str, Any], around: _Around) -> Node:
    """Return a join by a buffer of rows: the table is read once for each filling of the buffer."""
    times = [number(said.get(name)) for name in ("r_unpack_time_ms", "r_other_time_ms")]
    known = [each for each in times if each is not None]
    label = f"{said.get('join_type', 'range checked')} join"
    bare = _wrapper(label, {"table": said["table"]}, _Around(around.cut_short))
    own_ms = sum(known) if known else None
    return replace(
        bare,
        role=around.role,
        details=tuple(_details(said)),
        loops=number(said.get("r_loops")),
        own_ms=own_ms,
        total_ms=bare.total_ms if own_ms is None else (bare.total_ms or 0.0) + own_ms,
        cut_short=around.cut_short,
    )


def _table(said: Mapping[str, Any], around: _Around) -> Node:
    if "message" in said:
        return Node(label=str(said["message"]), role=around.role)
    children = tuple(_steps(said, around))
    times = [number(said.get(name)) for name in ("r_table_time_ms", "r_other_time_ms")]
    known = [each for each in times if each is not None]
    own_ms = sum(known) if known else number(said.get("r_total_time_ms"))
    pages = said.get("r_engine_stats", {})
    expected, came = number(said.get("rows")), number(said.get("r_rows"))
    inside = sum(child.total_ms or 0.0 for child in children)
    # A table of one row is read while the plan is made: it is no step of the execution.
    at_once = said.get("access_type") in _READ_AT_ONCE
    loops = None if at_once else number(said.get("r_loops"))
    return Node(
        label=_label(said),
        role=around.role,
        relation=str(said.get("table_name", "")),
        index=_index(said),
        details=tuple(_details(said)) + examined(expected, came, said),
        rows_estimated=kept(expected, said.get("filtered")),
        rows_actual=kept(came, said.get("r_filtered")),
        loops=1.0 if loops is None and came is not None else loops,
        total_ms=None if own_ms is None else own_ms + inside,
        own_ms=own_ms,
        hit_blocks=whole(pages.get("pages_accessed")),
        read_blocks=whole(pages.get("pages_read_count")),
        cut_short=around.cut_short or "first_match" in said,
        children=children,
    )


def kept(rows: float | None, percent: Any) -> float | None:
    """Return what of `rows` stays when `percent` of them do; all where it is not told."""
    share = number(percent)
    return rows if rows is None or share is None else rows * share / 100


def examined(
    expected: float | None, came: float | None, said: Mapping[str, Any]
) -> tuple[tuple[str, str], ...]:
    """Return the rows that were looked at, where a condition leaves some of them out."""
    shares = {number(said.get(name)) for name in ("filtered", "r_filtered")} - {None, 100.0}
    if not shares or expected is None:
        return ()
    really = "" if came is None else f", really {came:,.10g}"
    return (("Rows examined", f"{expected:,.10g} expected{really}"),)


def _label(said: Mapping[str, Any]) -> str:
    words = f"{said.get('access_type', 'table')} {said['table_name']}"
    if index := _index(said):
        words += f" using {index}"
    return f"{words} (index only)" if said.get("using_index") else words


def _index(said: Mapping[str, Any]) -> str:
    """Return the index that is read; of a merge those that are merged."""
    return str(said.get("key", "")) or ",".join(_keys(said.get("index_merge")))


def _keys(said: Any) -> Iterator[str]:
    for key, value in said.items() if isinstance(said, Mapping) else ():
        if key == "key":
            yield str(value)
        for each in value if isinstance(value, list) else [value]:
            yield from _keys(each)


def _details(said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for verb in ("update", "delete"):
        if verb in said:
            yield "For", verb
    for key, name in _DETAILS.items():
        if said.get(key) not in (None, "", []):
            yield name, _plain(said[key])


def _plain(value: Any) -> str:
    """Return a value in words, without the signs of JSON."""
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(each)}" for name, each in value.items())
    return str(value)


_STEPS: Mapping[str, Callable[[Any, _Around], Iterable[Node]]] = {
    "nested_loop": lambda said, around: [_nested(said, around)],
    "table": lambda said, around: [_table(said, around)],
    "block-nl-join": lambda said, around: [_buffered(said, around)],
    "range-checked-for-each-record": lambda said, around: [_buffered(said, around)],
    "query_block": lambda said, around: [_block(said, around)],
    "expression_cache": _cached,
    "materialized": lambda said, _: _steps(said, _Around(role="materialized")),
    "subqueries": lambda said, _: _held(said, _Around(cut_short=True, role="subquery")),
    "read_sorted_file": _held,
    "sorts": _held,
    "query_specifications": _held,
}
