"""What a plan has to answer for: where its time went, and which estimate was wrong."""

import hashlib
from dataclasses import dataclass

from .tree import Node, Plan, walk

_SHAPE_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Misjudged:
    """
    A node whose rows were misjudged by `factor`, which is 1 where they were right.

    Fewer than one row counts as one on either side: of 0.3 rows expected and none found nobody
    can say that it was wrong (the q-error of Moerkotte, Neumann, Steidl: VLDB 2009).
    """

    node: Node
    factor: float
    too_few: bool  # whether fewer were expected than came

    @property
    def words(self) -> str:
        """As a person says it: ``1 row expected, 4,000 came (4,000x): Seq Scan on t``."""
        expected, came = self.node.rows_estimated or 0, self.node.rows_actual or 0
        noun = "row" if rows(expected) == "1" else "rows"
        said = f"{rows(expected)} {noun} expected, {rows(came)} came"
        return f"{said} ({times(self.factor)}): {self.node.label}"


def error(node: Node) -> Misjudged | None:
    """Return by how much the rows of `node` were misjudged; None where nobody can say."""
    if node.rows_estimated is None or node.rows_actual is None or node.loops == 0:
        return None
    expected, came = max(1.0, node.rows_estimated), max(1.0, node.rows_actual)
    if node.cut_short and expected > came:
        return None
    return Misjudged(
        node=node, factor=max(expected / came, came / expected), too_few=came > expected
    )


def worst_error(plan: Plan) -> Misjudged | None:
    """
    Return the worst estimate of `plan`: of equals the deepest, where the mistake began.

    None where the plan does not tell how it went.
    """
    found = [(each, depth) for depth, node in walk(plan.root) if (each := error(node))]
    return max(found, key=lambda item: (round(item[0].factor, 1), item[1]))[0] if found else None


def slowest(plan: Plan) -> Node | None:
    """Return the node that took the most time by itself; None where no times are told."""
    timed = [node for _, node in walk(plan.root) if node.own_ms]
    return max(timed, key=lambda node: node.own_ms or 0.0) if timed else None


def share(plan: Plan, node: Node) -> float | None:
    """Return the share of the time that `node` took by itself, from 0 to 1."""
    whole = sum(each.own_ms or 0.0 for _, each in walk(plan.root))
    return node.own_ms / whole if node.own_ms is not None and whole else None


def shape(plan: Plan) -> str:
    """
    Return the id of `plan` without its numbers and conditions, 12 hex digits.

    The same plan has the same one in a log and in JSON, run or not run; but for MariaDB's window
    functions, of which its log says nothing.
    """
    said = "\n".join(f"{depth} {node.role} {node.label}" for depth, node in walk(plan.root))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:_SHAPE_DIGITS]


def rows(number: float) -> str:
    """Write a number of rows: ``1,234``, ``0.4``."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.1f}".removesuffix(".0")


def times(factor: float) -> str:
    """Write a factor: ``1x``, ``2.5x``, ``4,000x``."""
    return f"{factor:,.0f}x" if factor >= 10 else f"{factor:.1f}".removesuffix(".0") + "x"
