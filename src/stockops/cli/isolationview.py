"""How measured isolation looks: its plan, the table, a page."""

import json
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields
from typing import Any

from .. import durations, render
from ..isolation import Cell, IsolationPlan, Measured, Outcome, advice, cells
from ..report import Rate, SettingsPage
from ..report.settingspage import render_settings

_SWITCH = "innodb_snapshot_isolation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One cell; `anomalies` are the violations that the books found, by invariant."""

    load: str
    isolation: str
    snapshot: bool | None
    locks: str
    seconds: float
    orders: int
    declined: int
    orders_per_s: float
    p50_ms: float
    p99_ms: float
    retries: int
    deadlocks: int
    conflicts: int
    lock_timeouts: int
    duplicates: int
    given_up: int
    refused: int
    violations: int
    anomalies: str


@dataclass(frozen=True, slots=True)
class Row:
    """One cell in the table: what most people look for."""

    load: str
    isolation: str
    locks: str
    orders_per_s: str
    p50_ms: str
    p99_ms: str
    retries: int
    deadlocks: int
    conflicts: int
    given_up: int
    anomalies: str


@dataclass(frozen=True, slots=True)
class Planned:
    """One cell that would be measured."""

    load: str
    isolation: str
    locks: str


def planned(plan: IsolationPlan, form: render.Format) -> str:
    """Return what `plan` would do; on MariaDB as if its server had the switch."""
    todo = cells(plan, has_switch=plan.engine == "mariadb")
    rows = [Planned(each.load, each.isolation, each.locks) for each in todo]
    if form == "json":
        return render.rows(rows, form)
    each = f"{plan.seconds:g} s" if plan.orders is None else f"{plan.orders:,} requests"
    whole = "" if plan.planned_s is None else f"; about {durations.said(plan.planned_s)} in all"
    return "\n".join(
        [
            f"make a private {plan.engine} lab with a small market for each of {len(rows)} cells, "
            "and remove it after the cell",
            f"{each} with {plan.clients} clients each, then every invariant of the books{whole}",
            "",
            render.rows(rows, form),
        ]
    )


def written(measured: Measured, form: str) -> str:
    """Return `measured` as `form`: table, json, csv or html."""
    if form == "html":
        return render_settings(_page(measured))
    lines = [_line(each) for each in measured.outcomes]
    if form == "csv":
        return render.csv(lines)
    if form == "json":
        return json.dumps(_record(measured, lines), indent=2)
    rows = render.rows([_row(each) for each in measured.outcomes], "table")
    return "\n".join([rows, "", *advice(measured), "", *_notes(measured)])


def _page(measured: Measured) -> SettingsPage:
    """Return `measured` for a page."""
    return SettingsPage(
        title=f"Isolation, measured on {measured.engine} {measured.version}",
        lead=advice(measured),
        rates=[
            Rate(each.cell.title, each.orders_per_s, "bad" if each.violations else "good")
            for each in measured.outcomes
        ],
        legend="Every cell; the books were violated after those in the other colour.",
        headers=[field.name.replace("_", " ") for field in fields(Row)],
        rows=[[str(value) for value in astuple(_row(each))] for each in measured.outcomes],
        notes=_notes(measured),
    )


def _record(measured: Measured, lines: Sequence[Line]) -> dict[str, Any]:
    plan = measured.plan
    return {
        "engine": measured.engine,
        "version": measured.version,
        "clients": plan.clients,
        "seconds": plan.seconds,
        "orders": plan.orders,
        "seed": plan.seed,
        "in_memory": measured.in_memory,
        "load_before": measured.load_before,
        "processors": measured.processors,
        "snapshot_isolation": None if measured.switch is None else asdict(measured.switch),
        "took_s": measured.took_s,
        "cells": [asdict(line) for line in lines],
        "advice": advice(measured),
        "notes": _notes(measured),
    }


def _line(outcome: Outcome) -> Line:
    cell = outcome.cell
    own = {name.name for name in fields(Line)} & {name.name for name in fields(Outcome)}
    return Line(
        load=cell.load,
        isolation=cell.level,
        snapshot=cell.snapshot,
        locks=cell.locks,
        violations=outcome.violations,
        **{name: getattr(outcome, name) for name in own - {"anomalies"}},
        anomalies=_told(outcome),
    )


def _row(outcome: Outcome) -> Row:
    cell: Cell = outcome.cell
    return Row(
        cell.load,
        cell.isolation,
        cell.locks,
        f"{outcome.orders_per_s:,.0f}",
        f"{outcome.p50_ms:,.1f}",
        f"{outcome.p99_ms:,.1f}",
        outcome.retries,
        outcome.deadlocks,
        outcome.conflicts,
        outcome.given_up,
        _told(outcome) or "-",
    )


def _told(outcome: Outcome) -> str:
    return ", ".join(f"{name} {count}" for name, count in outcome.anomalies)


def _notes(measured: Measured) -> list[str]:
    plan = measured.plan
    each = f"{plan.seconds:g} s" if plan.orders is None else f"{plan.orders:,} requests"
    notes = [
        f"{measured.engine} {measured.version}, {plan.clients} clients, {each} a cell, seed "
        f"{plan.seed}; {durations.said(measured.took_s)} in all, on {measured.processors} "
        f"processors, load average {measured.load_before} before.",
        "One run of each cell: a small difference is none.",
    ]
    if measured.in_memory:
        notes.append("The labs lay in memory, where a commit waits for no disk.")
    if measured.switch is not None:
        notes.append(
            f"This server has {_SWITCH}, and it is {'on' if measured.switch.is_default else 'off'} "
            "unless a session sets it."
            if measured.switch.is_there
            else f"This server has no {_SWITCH}: MariaDB has it from 10.6.18 and 10.11.8 on."
        )
    return notes
