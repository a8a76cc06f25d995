"""``stockops settings compare --matrix``: the price list of durability."""

import json
from typing import Any

import click

from .. import render
from ..errors import Finding


def run(engine: str, plan_only: bool, form: render.Format, asked: dict[str, Any]) -> None:
    """Make the price list, or say how it would be made."""
    from .. import report  # noqa: PLC0415  heavy
    from ..experiments import durability  # noqa: PLC0415  heavy
    from . import matrixview, trialview  # noqa: PLC0415  they import it

    kinds = asked["kinds"] or durability.kinds_here()
    plan = durability.MatrixPlan(
        engine=engine,
        cells=durability.CELLS[engine],
        seconds=asked["seconds"],
        rounds=asked["rounds"],
        clients=asked["clients"],
        margin=asked["margin"] / 100,
        crashes=asked["crashes"],
        kinds=tuple(kind for kind in dict.fromkeys(kinds) if kind != "none"),
    )
    if plan_only:
        click.echo(matrixview.planned(plan, form))
        return
    if asked["report_path"]:
        report.check(asked["report_path"])
    step, moment = trialview.progress()
    try:
        matrix = durability.run(plan, said=step, told=moment)
    finally:
        trialview.wipe()
    if asked["report_path"]:
        report.write_settings(matrixview.page(matrix), asked["report_path"])
    click.echo(
        json.dumps(matrix.as_json(), indent=2) if form == "json" else matrixview.table(matrix)
    )
    lost = sum(each.lost_max for each in matrix.lines[0].losses)
    if lost:
        raise Finding(
            f"{matrix.lines[0].cell.title} lost {lost} acknowledged orders, and promises to keep "
            "all",
            hint="Look at what the disk does with a sync; keep the JSON: --format json",
        )
