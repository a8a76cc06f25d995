"""Plans as one HTML page: each drawn as a tree, two of them side by side."""

from collections.abc import Sequence
from pathlib import Path

from .. import plans
from ..slow.explaining import Asked, Explained
from ..statements import formatting
from . import planchart
from .page import templates, write_text


def write_plans(asked: Asked | None, found: Sequence[Explained], path: Path) -> None:
    """Write the page of the plans `found` to `path`, whole or not at all."""
    write_text(render_plans(asked, found), path)


def render_plans(asked: Asked | None, found: Sequence[Explained]) -> str:
    """Return the page; it has no script, and every word in it is text."""
    shapes = [plans.shape(each.plan) for each in found]
    return (
        templates()
        .get_template("plan.html")
        .render(
            asked=asked,
            sql=formatting.pretty(asked.sql) if asked else "",
            same=len(set(shapes)) < len(shapes) and len(set(shapes)) == 1,
            plans=[
                {
                    "kind": each.kind,
                    "shape": shape,
                    "plan": each.plan,
                    "tree": planchart.tree(each.plan),
                    "worst": plans.worst_error(each.plan),
                    "slowest": plans.slowest(each.plan),
                    "text": "\n".join(plans.lines(each.plan)),
                }
                for each, shape in zip(found, shapes, strict=True)
            ],
            PLAN_WIDTH=planchart.WIDTH,
        )
    )
