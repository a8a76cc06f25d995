"""EXPLAIN (FORMAT JSON) of PostgreSQL, with or without ANALYZE. Seen on 15 and 18."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from .numbers import number, whole
from .tree import Node, Plan, walk

# What stands below a node in the order of interest; anything else is left out.
_DETAILS = (
    "Index Cond", "Recheck Cond", "TID Cond", "Order By", "Hash Cond", "Merge Cond", "Join Filter",
    "One-Time Filter", "Run Condition", "Filter", "Sort Key", "Presorted Key", "Group Key",
    "Cache Key", "Function Call", "Sort Method", "Heap Fetches", "Rows Removed by Filter",
    "Rows Removed by Join Filter", "Rows Removed by Index Recheck", "Conflict Resolution",
    "Tuples Inserted", "Conflicting Tuples", "Subplans Removed", "Workers Planned",
    "Workers Launched", "Hash Batches", "HashAgg Batches", "Disk Usage", "Index Searches",
    "Cache Hits", "Cache Misses", "Cache Evictions", "Relations", "Remote SQL",
)  # fmt: skip
# As usual as it gets: not worth a line.
_UNTOLD = {("Hash Batches", "1"), ("HashAgg Batches", "1"), ("Index Searches", "1")}
_COMPLETE = {"Hash", "Bitmap Index Scan", "BitmapAnd", "BitmapOr"}  # these even give all of it
_UNCOUNTED = {"BitmapAnd", "BitmapOr"}
_JOINS = {"Nested Loop", "Hash Join", "Merge Join"}
_STRATEGIES = {"Sorted": "Group", "Hashed": "Hash", "Mixed": "Mixed", "Plain": ""}
# What reads all that is below before it gives the first row: a LIMIT above stops nothing there.
_WHOLE = {
    "Sort", "Hash", "HashAggregate", "Aggregate", "MixedAggregate", "Partial HashAggregate",
    "Partial Aggregate", "Finalize HashAggregate", "Finalize Aggregate", "Bitmap Heap Scan",
    "Insert", "Update", "Delete", "Merge",
}  # fmt: skip


def plan(said: Mapping[str, Any]) -> Plan:
    """Return the plan of one element of what EXPLAIN answers, or of what auto_explain logs."""
    timed = said.get("JIT", {}).get("Timing", {})
    jit = timed.get("Total") if isinstance(timed, Mapping) else None
    jit_ms = number(jit.get("Total") if isinstance(jit, Mapping) else jit)
    notes = [f"JIT took {jit_ms:.1f} ms"] if jit_ms else []
    notes += [
        f"trigger {each.get('Trigger Name')} took {number(each.get('Time')) or 0:.1f} ms "
        f"in {each.get('Calls')} calls"
        for each in said.get("Triggers", ())
    ]
    return whole_plan(
        said["Plan"],
        planning_ms=number(said.get("Planning Time")),
        execution_ms=number(said.get("Execution Time")),
        settings={str(k): str(v) for k, v in said.get("Settings", {}).items()},
        notes=tuple(notes),
    )


def whole_plan(tree: Mapping[str, Any], **told: Any) -> Plan:
    """Return the plan whose nodes are `tree`, as in JSON; in text each has its own "Label"."""
    root = _node(tree, processes=1.0, cut_short=False)
    return Plan(engine="postgresql", root=_without_subplans_twice(root), **told)


def _node(said: Mapping[str, Any], *, processes: float, cut_short: bool) -> Node:
    label = said.get("Label") or _label(said)
    loops = number(said.get("Actual Loops"))
    each_ms = number(said.get("Actual Total Time"))
    # What several processes did at once took the time of one of them.
    at_once = processes if loops is not None and loops >= processes else 1.0
    total_ms = None if each_ms is None or loops is None else each_ms * loops / at_once
    launched = number(said.get("Workers Launched"))
    below = processes if launched is None else launched + 1
    passes_on = cut_short and _kind_of(label) not in _WHOLE
    children = [
        _node(child, processes=below, cut_short=passes_on or _stops_early(label, child, position))
        for position, child in enumerate(said.get("Plans", ()))
    ]
    inside = sum(child.total_ms or 0.0 for child in children if not child.role.startswith("CTE"))
    return Node(
        label=label,
        role=_role(said),
        relation=str(said.get("Relation Name", "")),
        index=str(said.get("Index Name", "")),
        details=tuple(_details(said)),
        rows_estimated=number(said.get("Plan Rows")),
        # A bitmap made of bitmaps does not count: it always says 0.
        rows_actual=None if label in _UNCOUNTED else number(said.get("Actual Rows")),
        loops=loops,
        cost=number(said.get("Total Cost")),
        total_ms=total_ms,
        own_ms=None if total_ms is None else max(0.0, total_ms - inside),
        hit_blocks=whole(said.get("Shared Hit Blocks")),
        read_blocks=whole(said.get("Shared Read Blocks")),
        temp_blocks=_sum(said.get("Temp Read Blocks"), said.get("Temp Written Blocks")),
        cut_short=cut_short and _kind_of(label) not in _COMPLETE,
        children=tuple(children),
    )


def _kind_of(label: str) -> str:
    kind = label.removeprefix("Parallel ").partition(" on ")[0]
    return "Hash" if kind.startswith("HashSetOp") else kind


def _stops_early(label: str, child: Mapping[str, Any], position: int) -> bool:
    """Tell whether a node may leave its child before the end: LIMIT, EXISTS, a merge, a memo."""
    if label == "Limit" or (label.startswith("Merge") and label.endswith("Join")):
        return True
    inner = position == 1 and label.endswith(("Semi Join", "Anti Join"))
    return inner or _role(child).startswith(("SubPlan", "InitPlan"))


def _without_subplans_twice(root: Node) -> Node:
    """Take the time of each CTE from the nodes that scan it: they waited for it to be made."""
    made = {
        node.role.removeprefix("CTE "): node.total_ms
        for _, node in walk(root)
        if node.role.startswith("CTE ") and node.total_ms
    }
    if not made:
        return root
    scans: dict[str, float] = {}
    for _, node in walk(root):
        if (name := _scanned(node)) in made:
            scans[name] = scans.get(name, 0.0) + (node.total_ms or 0.0)

    def mend(node: Node) -> Node:
        own_ms, name = node.own_ms, _scanned(node)
        if own_ms and node.total_ms and scans.get(name):
            own_ms = max(0.0, own_ms - made[name] * node.total_ms / scans[name])
        return replace(node, own_ms=own_ms, children=tuple(map(mend, node.children)))

    return mend(root)


def _scanned(node: Node) -> str:
    found = node.label.partition("CTE Scan on ")[2]
    return found.split(" ")[0]


def _role(said: Mapping[str, Any]) -> str:
    return str(said.get("Subplan Name", ""))


def _label(said: Mapping[str, Any]) -> str:
    """Return the words that EXPLAIN's text has for the node, but for the schema."""
    words = _kind(said)
    if said.get("Parallel Aware"):
        words = f"Parallel {words}"
    if said.get("Async Capable"):
        words = f"Async {words}"
    if said.get("Scan Direction") == "Backward":
        words += " Backward"
    index = said.get("Index Name")
    if index and said["Node Type"] == "Bitmap Index Scan":
        return f"{words} on {index}"
    if index:
        words += f" using {index}"
    named = [
        said[key]
        for key in ("Relation Name", "Function Name", "Table Function Name", "CTE Name",
                    "Tuplestore Name")
        if key in said
    ]  # fmt: skip
    alias = said.get("Alias")
    if alias and alias not in named:
        named.append(alias)
    return f"{words} on {' '.join(map(str, named))}" if named else words


def _kind(said: Mapping[str, Any]) -> str:
    kind, join = str(said["Node Type"]), str(said.get("Join Type", "Inner"))
    if kind in _JOINS and join != "Inner":
        kind = f"{kind.removesuffix(' Join')} {join} Join"
    elif kind == "Aggregate":
        kind = _STRATEGIES.get(str(said.get("Strategy")), "") + kind
        partial = str(said.get("Partial Mode", "Simple"))
        kind = f"{partial} {kind}".removeprefix("Simple ")
    elif kind == "SetOp":
        hashed = "Hash" if said.get("Strategy") == "Hashed" else ""
        kind = f"{hashed}SetOp {said.get('Command', '')}".rstrip()
    elif kind == "ModifyTable":
        kind = str(said.get("Operation", kind))
    elif kind == "Custom Scan":
        kind = f"Custom Scan ({said.get('Custom Plan Provider', '')})"
    elif kind == "Foreign Scan" and said.get("Operation", "Select") != "Select":
        kind = f"Foreign {said['Operation']}"
    return kind


def _details(said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in _DETAILS:
        value = said.get(key)
        if value in (None, "", 0, [], "0") or (key, str(value)) in _UNTOLD:
            continue
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        if key == "Sort Method" and "Sort Space Used" in said:
            text += f" {said.get('Sort Space Type', '')}: {said['Sort Space Used']}kB"
        yield key, text


def _sum(*values: Any) -> int | None:
    known = [each for each in map(whole, values) if each is not None]
    return sum(known) if known else None
