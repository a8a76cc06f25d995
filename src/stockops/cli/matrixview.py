"""How the price list of durability looks on a terminal."""

import json
from dataclasses import astuple, dataclass

from .. import counts, render
from ..experiments.crashing import Kind
from ..experiments.durability import Losses, Matrix, MatrixPlan, Priced
from ..money import won
from ..report import Rate, SettingsPage

_KINDS: dict[Kind, str] = {
    "kill": "kill: SIGKILL of the server (kill -9, the kernel's OOM killer). What had reached the "
    "operating system stays, synced or not.",
    "power": "power: SIGKILL, and every write undone that no sync had covered: the worst that a "
    "loss of power may do, imitated by noting the server's writes and syncs.",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list."""

    settings: str
    orders_per_s: str
    against_first: str
    p50_ms: str
    p99_ms: str
    log_bytes: str
    lost_by_kill: str
    lost_by_power: str


def planned(plan: MatrixPlan, form: render.Format) -> str:
    """Return what the matrix would do, as `form`."""
    if form == "json":
        return json.dumps(
            {
                "engine": plan.engine,
                "cells": [
                    {"settings": cell.title, "promise": cell.warned or cell.promise}
                    for cell in plan.cells
                ],
                "turns": plan.turns,
                "seconds": plan.seconds,
                "clients": plan.clients,
                "crashes": plan.crashed,
                "kinds": plan.kinds,
                "planned_s": plan.planned_s,
            },
            indent=2,
        )
    lines = [f"make a private {plan.engine} lab with a small market; remove it at the end"]
    lines += [f"{cell.title}: {cell.warned or cell.promise}" for cell in plan.cells]
    lines.append(
        f"{plan.turns} turns of {plan.seconds:g} s with {plan.clients} clients, forth and back "
        "through the list, after one that is left out"
    )
    if plan.kinds:
        lines.append(
            f"{plan.crashed} crashes in the middle of the load ({plan.crashes} of each line by "
            f"{' and by '.join(plan.kinds)}), each held to its journal"
        )
    return "\n".join([*lines, f"about {plan.planned_s:.0f} s in all"])


def table(matrix: Matrix) -> str:
    """Return the list for a person, with what its columns are."""
    return "\n".join([render.rows(_rows(matrix), "table"), "", *_under(matrix)])


def page(matrix: Matrix) -> SettingsPage:
    """Return the list for a file."""
    return SettingsPage(
        title=f"The price list of durability: {matrix.engine} {matrix.version}",
        lead=[],
        rates=[
            Rate(
                line.cell.title.replace("innodb_", ""),  # the table has the whole name
                line.orders_per_s,
                _tone(line),
            )
            for line in matrix.lines
        ],
        legend="Green lines lost nothing in any crash; amber ones lost what the table says."
        if matrix.plan.kinds
        else "No line was crashed.",
        headers=[
            "settings",
            "orders/s",
            "against the first",
            "p50 ms",
            "p99 ms",
            "log bytes/order",
            "lost by kill",
            "lost by power",
        ],
        rows=[astuple(row) for row in _rows(matrix)],
        notes=_under(matrix),
    )


def _tone(line: Priced) -> str:
    if not line.losses:
        return "plain"
    return "warn" if any(each.lost_max for each in line.losses) else "good"


def _rows(matrix: Matrix) -> list[Row]:
    return [
        Row(
            line.cell.title,
            f"{line.orders_per_s:,.0f}",
            _against(line, first=number == 0),
            f"{line.p50_ms:.2f}",
            f"{line.p99_ms:.2f}",
            f"{line.log_bytes_per_order:,.0f}",
            _lost(line, "kill"),
            _lost(line, "power"),
        )
        for number, line in enumerate(matrix.lines)
    ]


def _under(matrix: Matrix) -> list[str]:
    """Return how it was measured, and what the columns are."""
    plan = matrix.plan
    under = [
        f"{matrix.engine} {matrix.version}, {plan.turns} turns of {plan.seconds:g} s, "
        f"{plan.clients} clients, {plan.crashed} crashes, {matrix.took_s:.0f} s in all; "
        "against the first line with 95 % intervals",
        "lost: orders and cancels that were acknowledged and are not there, the least and the most "
        "of one crash; the time before the crash that is gone, and the won that had been traded",
    ]
    under += [_KINDS[kind] for kind in plan.kinds]
    if "power" not in plan.kinds:
        under.append("A loss of power was not tried: it takes a C compiler, and --crash power.")
    under += [f"{x.cell.title}: {x.cell.warned}" for x in matrix.lines if x.cell.warned]
    return under


def _against(line: Priced, *, first: bool) -> str:
    ratio = line.ratio
    if first or ratio.ratio is None:
        return "-"
    text = f"x{ratio.ratio:.2f}"
    if ratio.low is None or ratio.high is None:
        return text
    return f"{text} ({ratio.low:.2f} to {ratio.high:.2f}, {line.verdict})"


def _lost(line: Priced, kind: Kind) -> str:
    found = [each for each in line.losses if each.kind == kind]
    return loss(found[0]) if found else "not tried"


def loss(found: Losses) -> str:
    """Return what crashes of one kind lost, in words."""
    if found.not_back:
        return f"everything: {found.not_back} of {found.crashes} times it did not start"
    if not found.lost_max:
        return f"0 of {found.acknowledged:,} in {counts.of(found.crashes, 'crash', 'crashes')}"
    least = f"{found.lost_min:,} to " if found.lost_min != found.lost_max else ""
    return f"{least}{found.lost_max:,}; up to {found.lost_s_max:.2f} s, {won(found.won_max)}"
