"""The text of EXPLAIN of PostgreSQL, as auto_explain logs it: the same nodes as in JSON."""

import re
from collections.abc import Iterator
from typing import Any

from .postgresql import whole_plan
from .tree import Plan

_COST = r"\(cost=(?P<start>[\d.]+)\.\.(?P<cost>[\d.]+) rows=(?P<rows>\d+) width=\d+\)"
_ACTUAL = (
    r" \((?:actual (?:time=[\d.]+\.\.(?P<ms>[\d.]+) )?rows=(?P<came>[\d.]+) loops=(?P<loops>\d+)"
    r"|(?P<never>never executed))\)"
)
_NODE = re.compile(rf"(?P<indent> *)(?:->  )?(?P<label>[^\s].*?)  {_COST}(?:{_ACTUAL})?")
_SUBPLAN = re.compile(r" +(?P<role>(?:SubPlan|InitPlan|CTE) [^:]*)")
_DETAIL = re.compile(r" +(?P<key>[A-Z][\w ()/-]*?): (?P<value>.*)", re.DOTALL)
_BUFFERS = re.compile(r"(?P<of>shared|local|temp)|(?P<what>hit|read|dirtied|written)=(?P<n>\d+)")
_SCHEMA = re.compile(r'(?<= on )(?:[^\W\d][\w$]*|"(?:[^"]|"")*")\.(?=[\w"])')
_SETTINGS = re.compile(r"Settings: (?P<settings>.*)")
_SETTING = re.compile(r"(\w[\w.]*) = '((?:[^']|'')*)'")
_LITERAL_LINES_MAX = 200
_BLOCKS = {
    ("shared", "hit"): "Shared Hit Blocks",
    ("shared", "read"): "Shared Read Blocks",
    ("temp", "read"): "Temp Read Blocks",
    ("temp", "written"): "Temp Written Blocks",
}


def plan(text: str) -> Plan:
    """Return the plan that `text` draws; `ValueError` where it draws none."""
    roots: list[dict[str, Any]] = []
    open_nodes: list[tuple[int, dict[str, Any]]] = []
    role, settings, notes = ("", -1), {}, []
    for line in _logical(text):
        if node := _NODE.fullmatch(line):
            indent = len(node["indent"])
            while open_nodes and open_nodes[-1][0] >= indent:
                open_nodes.pop()
            said = _said(node)
            if role[0] and role[1] < indent:
                said["Subplan Name"] = role[0]
            role = ("", -1)
            (open_nodes[-1][1].setdefault("Plans", []) if open_nodes else roots).append(said)
            open_nodes.append((indent, said))
        elif found := _SUBPLAN.fullmatch(line):
            role = (found["role"], len(line) - len(line.lstrip()))
        elif open_nodes and (detail := _DETAIL.fullmatch(line)):
            _take(open_nodes[-1][1], detail["key"], detail["value"])
        elif found := _SETTINGS.fullmatch(line):
            settings = dict(_SETTING.findall(found["settings"]))
        elif line.startswith("Trigger "):
            notes.append(line)
    if len(roots) != 1:
        raise ValueError("there is no tree of nodes with their costs in it")
    return whole_plan(roots[0], settings=settings, notes=tuple(notes))


def _logical(text: str) -> Iterator[str]:
    """Give lines; one that a literal goes on from comes with those that end the literal."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        end = at + 1
        if lines[at].count("'") % 2 and not _NODE.fullmatch(lines[at]):
            quotes = 1
            for more in range(at + 1, min(len(lines), at + _LITERAL_LINES_MAX)):
                quotes += lines[more].count("'")
                if not quotes % 2:
                    end = more + 1
                    break
        yield "\n".join(lines[at:end])
        at = end


def _said(node: re.Match[str]) -> dict[str, Any]:
    label = _SCHEMA.sub("", node["label"])
    said: dict[str, Any] = {
        "Label": label.replace('"', ""),
        "Plan Rows": node["rows"],
        "Total Cost": node["cost"],
        **_names(label),
    }
    if node["never"]:
        said |= {"Actual Rows": 0, "Actual Loops": 0, "Actual Total Time": 0}
    elif node["loops"]:
        said |= {"Actual Rows": node["came"], "Actual Loops": node["loops"]}
        if node["ms"]:
            said["Actual Total Time"] = node["ms"]
    return said


def _names(label: str) -> dict[str, str]:
    """Return the relation and the index that `label` names."""
    words, _, on = label.partition(" on ")
    kind, _, index = words.partition(" using ")
    first = on.split(" ")[0].replace('"', "")
    if kind == "Bitmap Index Scan":
        return {"Index Name": first}
    named = {"Index Name": index.replace('"', "")} if index else {}
    tables = ("Scan", "Backward", "Insert", "Update", "Delete", "Merge")
    if on and kind.endswith(tables) and not kind.startswith(("CTE", "Function", "Subquery")):
        named["Relation Name"] = first
    return named


def _take(said: dict[str, Any], key: str, value: str) -> None:
    if key == "Buffers":
        of = ""
        for found in _BUFFERS.finditer(value):
            of = found["of"] or of
            if found["what"] and (name := _BLOCKS.get((of, found["what"]))):
                said[name] = found["n"]
    elif key != "Output":
        said.setdefault(key, value)
