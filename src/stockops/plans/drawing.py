"""A plan as lines of text: figures to the left, the tree to the right."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .judging import error, rows, share, slowest, times, worst_error
from .tree import Node, Plan

ERROR_SHOWN_MIN = 2.0  # below it an estimate is as good as they get
_DETAIL_CHARACTERS = 110
_HEADS = ("own ms", "share", "expected", "came", "error", "loops", "blocks")
_BRIEF = ("share", "expected", "came", "error")
SLOWEST_MARK, WORST_MARK = "◀ most time", "◀ worst estimate"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a tree: the node it is of, its figures by the names of columns, its text."""

    node: Node | None
    figures: dict[str, str]
    text: str


def lines(plan: Plan, *, details: bool = True) -> list[str]:
    """
    Return `plan` as lines: for each node its own time and share of the time, the rows expected
    and come, the factor between, how often it ran, the blocks read; then the tree.

    The node that took the most time is marked, and the one whose estimate was worst.
    """
    drawn = list(_drawn(plan, details=details))
    return _columns(drawn, _told(drawn, _HEADS))


def beside(left: Plan, right: Plan, *, width: int) -> list[str]:
    """Return two plans in one block `width` characters wide, equal nodes in one line."""
    half = (width - 3) // 2
    sides = []
    for plan in (left, right):
        drawn = list(_drawn(plan, details=False))
        text = _columns(drawn, _told(drawn, _BRIEF))
        sides.append((text[0], [line.node.label if line.node else "" for line in drawn], text[1:]))
    (head, labels, texts), (other_head, other_labels, other_texts) = sides
    answer = [_row(head, other_head, half, " ")]
    matched = difflib.SequenceMatcher(a=labels, b=other_labels, autojunk=False)
    for tag, a0, a1, b0, b1 in matched.get_opcodes():
        mark = " " if tag == "equal" else "≠"
        for n in range(max(a1 - a0, b1 - b0)):
            ours = texts[a0 + n] if a0 + n < a1 else ""
            theirs = other_texts[b0 + n] if b0 + n < b1 else ""
            answer.append(_row(ours, theirs, half, mark))
    return answer


def _row(left: str, right: str, half: int, mark: str) -> str:
    return f"{_cut(left, half):<{half}} {mark} {_cut(right, half)}".rstrip()


def _drawn(plan: Plan, *, details: bool) -> Iterator[Line]:
    worst, slow = worst_error(plan), slowest(plan)
    bad = worst.node if worst and worst.factor >= ERROR_SHOWN_MIN else None

    def draw(node: Node, before: str, branch: str, after: str) -> Iterator[Line]:
        marks = [SLOWEST_MARK] * (node is slow) + [WORST_MARK] * (node is bad)
        role = f"{node.role}: " if node.role else ""
        words = "  ".join([f"{before}{branch}{role}{node.label}", *marks])
        yield Line(node, _figures(plan, node), words)
        inside = before + after
        rail = "│  " if node.children else "   "
        for name, value in node.details if details else ():
            text = _cut(" ".join(f"{name}: {value}".split()), _DETAIL_CHARACTERS)
            yield Line(None, {}, f"{inside}{rail}  {text}")
        for child in node.children:
            last = child is node.children[-1]
            yield from draw(child, inside, "└─ " if last else "├─ ", "   " if last else "│  ")

    yield from draw(plan.root, "", "", "")


def _figures(plan: Plan, node: Node) -> dict[str, str]:
    part, wrong = share(plan, node), error(node)
    blocks = (node.hit_blocks or 0) + (node.read_blocks or 0)
    told = node.hit_blocks is not None or node.read_blocks is not None
    return {
        "own ms": "" if node.own_ms is None else f"{node.own_ms:,.3f}",
        "share": "" if part is None else f"{part:.1%}",
        "expected": _number(node.rows_estimated),
        "came": "never ran" if node.loops == 0 else _number(node.rows_actual),
        "error": times(wrong.factor) if wrong and wrong.factor >= ERROR_SHOWN_MIN else "",
        "loops": _number(node.loops),
        "blocks": f"{blocks:,}" if told else "",
    }


def _told(drawn: Sequence[Line], heads: Sequence[str]) -> list[str]:
    """Return the columns in which some node has a figure."""
    return [head for head in heads if any(line.figures.get(head) for line in drawn)]


def _columns(drawn: Sequence[Line], heads: Sequence[str]) -> list[str]:
    widths = {
        head: max(len(head), *(len(line.figures.get(head, "")) for line in drawn)) for head in heads
    }
    answer = ["  ".join([*(f"{head:>{widths[head]}}" for head in heads), "step"])]
    for line in drawn:
        cells = [f"{line.figures.get(head, ''):>{widths[head]}}" for head in heads]
        answer.append("  ".join([*cells, line.text]).rstrip())
    return answer


def _number(value: float | None) -> str:
    return "" if value is None else rows(value)


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 1] + "…"
