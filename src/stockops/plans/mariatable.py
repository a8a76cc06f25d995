"""
The rows of EXPLAIN as MariaDB's slow log has them (``# explain:``), made into a tree.

The rows tell less than JSON: neither window functions nor times nor how often a step ran.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from .mariadb import examined, joined, kept
from .numbers import number
from .tree import Node, Plan

HEAD = "id\tselect_type\t"
_REFERS = ("<derived", "<subquery")
_NUMBERS = re.compile(r"\d+")
Row = Mapping[str, str]


def plan(text: str, *, limited: bool = False) -> Plan:
    """Return the plan whose rows stand in `text`, under a line of names."""
    head, *lines = [line.split("\t") for line in text.rstrip().split("\n")]
    rows = [dict(zip(head, line, strict=False)) for line in lines]
    blocks: dict[str, list[Row]] = {}
    for row in rows:
        blocks.setdefault(row["id"], []).append(row)
    if not blocks:
        raise ValueError("there is no row in it")
    used: set[str] = set()
    first = next(iter(blocks))
    united = [row["table"] for row in blocks.pop("NULL", ())]
    members = [_NUMBERS.findall(each) for each in united if first in _NUMBERS.findall(each)]
    if members:
        parts = [_block(each, blocks, used, cut_short=limited) for each in members[0]]
        union = Node(label="union", children=tuple(parts))
        root = Node(label="query block", children=(union,))
    else:
        root = _block(first, blocks, used, cut_short=limited)
    left = [
        _block(each, blocks, used, cut_short=True, role="subquery")
        for each in blocks
        if each not in used
    ]
    return Plan(engine="mariadb", root=replace(root, children=(*root.children, *left)))


def _block(
    name: str, blocks: Mapping[str, list[Row]], used: set[str], *, cut_short: bool, role: str = ""
) -> Node:
    used.add(name)
    rows = blocks[name]
    extras = [row.get("Extra", "") for row in rows]
    sorted_all = any("Using temporary" in each for each in extras)
    nodes = []
    for row, extra in zip(rows, extras, strict=True):
        node = _table(row, blocks, used, cut_short=cut_short and not sorted_all)
        if "Using join buffer" in extra:
            kind = extra.partition("Using join buffer (")[2].partition(" join")[0]
            node = _around(f"{kind.split(', ')[-1]} join", node)
        if "Using filesort" in extra and not sorted_all:
            node = _around("filesort", node)
        nodes.append(node)
    buffered = any("Using join buffer" in each for each in extras)
    outputs = [
        (None, None) if buffered else (_bare(node).rows_estimated, _bare(node).rows_actual)
        for node in nodes
    ]
    inside = joined(nodes, outputs)
    if sorted_all:
        inside = _around("temporary table", inside)
        if any("Using filesort" in each for each in extras):
            inside = _around("filesort", inside)
    return Node(label=f"query block {name}", role=role, children=(inside,))


def _bare(node: Node) -> Node:
    return node.children[0] if node.label == "filesort" else node


def _around(label: str, node: Node) -> Node:
    return Node(label=label, children=(node,))


def _table(row: Row, blocks: Mapping[str, list[Row]], used: set[str], *, cut_short: bool) -> Node:
    said = {key: value for key, value in row.items() if value != "NULL"}
    extra, table = said.get("Extra", ""), said.get("table", "")
    if not table:
        return Node(label=extra or "no table")
    expected, came = number(said.get("rows")), number(said.get("r_rows"))
    index = said.get("key", "")
    words = f"{said.get('type', 'table')} {table}" + (f" using {index}" if index else "")
    children = []
    if table.startswith(_REFERS):
        below = "".join(_NUMBERS.findall(table))
        if below in blocks and below not in used:
            children = [_block(below, blocks, used, cut_short=False, role="materialized")]
    return Node(
        label=f"{words} (index only)" if "Using index" in extra.split("; ") else words,
        relation=table,
        index=index,
        details=(*([("Extra", extra)] if extra else []), *examined(expected, came, said)),
        rows_estimated=kept(expected, said.get("filtered")),
        rows_actual=kept(came, said.get("r_filtered")),
        cut_short=cut_short or "FirstMatch" in extra,
        children=tuple(children),
    )
