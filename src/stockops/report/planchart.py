"""A plan as a picture: the steps below each other as a tree, with their time and their mistakes."""

import math
from dataclasses import dataclass

from .. import plans
from ..plans import Node, Plan
from . import figures
from .charts import shortened

WIDTH = 640.0
ROW = 46.0
_INDENT = 16.0
_DEPTH_MAX = 14  # deeper steps stand no further to the right
_LABEL_CELLS = 64
_BAR = 130.0
_BAR_X = WIDTH - _BAR
WRONG, WORSE = 10.0, 100.0  # times by which rows were misjudged: worth a look, most likely it


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: where it stands, the line to the step above it, its words, and its bar of time."""

    x: float
    y: float
    link: str
    label: str
    rows: str
    tone: str  # of the words on its rows: "", "warn", "bad"
    time: str
    bar_x: float
    bar: float
    slowest: bool
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A plan laid out in units of the picture's own ``viewBox``, `WIDTH` wide."""

    height: float
    steps: tuple[Step, ...]
    words: str


def tree(plan: Plan) -> Tree:
    """Lay out `plan`."""
    above: list[float] = []  # the place of the last step of each depth
    steps = []
    slow = plans.slowest(plan)
    for number, (depth, node) in enumerate(plans.walk(plan.root)):
        y = number * ROW
        del above[depth:]
        link = ""
        if above:
            from_x = _left(depth - 1) + 4
            link = f"M{from_x:.0f} {above[-1] + 22:.0f}V{y + 12:.0f}H{_left(depth) - 3:.0f}"
        above.append(y)
        steps.append(_step(plan, node, _left(depth), y, link, slowest=node is slow))
    worst = plans.worst_error(plan)
    words = f"{len(steps)} steps"
    words += f"; most time in {slow.label}" if slow else ""
    words += f"; worst estimate: {worst.words}" if worst else ""
    return Tree(height=len(steps) * ROW, steps=tuple(steps), words=f"{words}.")


def _left(depth: int) -> float:
    return 4 + _INDENT * min(depth, _DEPTH_MAX)


def _step(plan: Plan, node: Node, x: float, y: float, link: str, *, slowest: bool) -> Step:
    part = plans.share(plan, node)
    wrong = plans.error(node)
    tone = "" if wrong is None or wrong.factor < WRONG else "warn"
    tone = "bad" if wrong is not None and wrong.factor >= WORSE else tone
    time = "" if node.own_ms is None else figures.latency(node.own_ms * 1000)
    label = f"{node.role}: {node.label}" if node.role else node.label
    details = "; ".join(f"{name}: {value}" for name, value in node.details)
    return Step(
        x=x,
        y=y,
        link=link,
        label=shortened(label, math.floor(_LABEL_CELLS - x / 7)),
        rows=_rows(node, wrong),
        tone=tone,
        time=f"{time} ({part:.0%})" if part is not None else time,
        bar_x=_BAR_X,
        bar=_BAR * part if part else 0.0,
        slowest=slowest,
        words=f"{label}. {details}" if details else label,
    )


def _rows(node: Node, wrong: plans.Misjudged | None) -> str:
    if node.loops == 0:
        return "never ran"
    expected = "" if node.rows_estimated is None else f"{plans.rows(node.rows_estimated)} expected"
    came = "" if node.rows_actual is None else f"{plans.rows(node.rows_actual)} came"
    said = ", ".join(each for each in (expected, came) if each)
    if wrong is not None and wrong.factor >= plans.ERROR_SHOWN_MIN:
        said += f", {plans.times(wrong.factor)}"
    if node.loops is not None and node.loops > 1:
        said += f"; ran {figures.count(round(node.loops))} times"
    return said
