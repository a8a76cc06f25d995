"""
Plans of both engines as one tree: read, judged, and laid out for a terminal.

`parse` takes what EXPLAIN says as JSON (PostgreSQL, MariaDB), what auto_explain logs (text and
JSON) and the ``# explain:`` lines of MariaDB's slow log. The others answer for the tree:

- `shape`: the id of a plan without its numbers; a plan that changed has another one,
- `worst_error`: the node whose rows were misjudged most, and by how much,
- `slowest`: the node that took the most time by itself,
- `lines`: the tree for a terminal; `beside`: two of them, equal nodes in one line.
"""

from .drawing import ERROR_SHOWN_MIN, beside, lines
from .judging import Misjudged, error, rows, shape, share, slowest, times, worst_error
from .parsing import loads, parse
from .tree import Node, Plan, walk

__all__ = [
    "ERROR_SHOWN_MIN",
    "Misjudged",
    "Node",
    "Plan",
    "beside",
    "error",
    "lines",
    "loads",
    "parse",
    "rows",
    "shape",
    "share",
    "slowest",
    "times",
    "walk",
    "worst_error",
]
