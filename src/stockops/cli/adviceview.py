"""What `index advise` says."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from .. import render
from ..experiments.advice import is_faster, is_slower
from ..indexes.candidates import described

if TYPE_CHECKING:
    from ..experiments.advice import Advice, Advised, Planned
    from ..experiments.timing import Change
    from ..experiments.workloads import LeftOut, Logged
    from ..trials import Difference

_MB = 1024 * 1024
_ENGINES = {"postgresql": "PostgreSQL", "mariadb": "MariaDB"}
_TEXT = 90
_LEFT_MAX = 20  # on a screen
_NOTHING_IS_LOST = 0.0005  # seconds a day: shown as 0.000


def is_clean(advised: "Advised") -> bool:
    """Tell whether nothing is advised and nothing was left out."""
    is_open = any(each.is_open for each in advised.refused)
    return not advised.advice and not advised.left_out and not is_open


def advised(found: "Advised", form: render.Format, *, show_all: bool) -> str:
    """Return the set, what it does, and what nothing is said of."""
    if form == "json":
        return json.dumps(_as_json(found), indent=2)
    left = len(found.left_out)
    lines = [
        f"on a copy of {found.source} ({_ENGINES[found.engine]}): {found.classes - left} of "
        f"{found.classes} classes considered, of {found.days:.1f} days"
    ]
    lines += [found.note] if found.note else []
    for number, each in enumerate(found.advice, 1):
        lines += ["", *_advice(number, each)]
    lines += ["", *_together(found)]
    lines += _left_out(found.left_out)
    lines += _refused(found, show_all=show_all)
    return "\n".join(lines)


def planned(found: "Planned", logged: "Logged", source: str, form: render.Format) -> str:
    """Return what would be measured."""
    if form == "json":
        return json.dumps(
            {
                "source": source,
                "classes": len(logged.classes),
                "candidates": [
                    {
                        "table": each.shape.table[1],
                        "columns": described(each.shape),
                        "reason": each.reason,
                        "classes": each.works,
                    }
                    for each in found.offers
                ],
                "left_out": list(map(asdict, found.left_out)),
            },
            indent=2,
        )
    lines = [
        f"{each.shape.table[1]} {described(each.shape)}\n"
        f"    {each.reason}; for {_classes(each.works)}"
        for each in found.offers
    ]
    lines.append(
        f"{len(found.offers)} indexes would be built on a copy of {source}, and measured with "
        f"{len(logged.classes) - len(found.left_out)} of {len(logged.classes)} classes"
    )
    lines += [logged.note] if logged.note else []
    return "\n".join([*lines, *_left_out(found.left_out)])


def _advice(number: int, each: "Advice") -> list[str]:
    lines = [f"{number}. {click.style(each.statement, bold=True)};"]
    lines.append(
        f"   {each.table_name}: {each.reason}; {each.size_bytes / _MB:,.1f} MB, "
        f"built in {each.build_s:,.1f} s"
    )
    costs = "; nothing is written there"
    if abs(each.lost.mean) >= _NOTHING_IS_LOST or each.lost.pairs:
        costs = f", writes lose {_seconds(each.lost)}"
    lines.append(f"   queries save {_seconds(each.saved)} a day{costs}")
    lines.append(f"   serves {_classes(each.serves)}")
    if each.replaces:
        lines.append(f"   does all that these do, which could go: {', '.join(each.replaces)}")
    lines.append(f"   back: {each.undo};")
    return lines


def _together(found: "Advised") -> list[str]:
    if not found.advice:
        return ["no index is advised"]
    before = sum(each.before_s * each.work.calls_per_day for each in found.changes)
    after = sum(each.after_s * each.work.calls_per_day for each in found.changes)
    size = sum(each.size_bytes for each in found.advice) / _MB
    lost = sum(max(0.0, each.lost.mean) for each in found.advice)
    lines = [
        f"together: {len(found.advice)} indexes, {size:,.1f} MB; the queries of their tables take "
        f"{after:,.3f} s a day, and {before:,.3f} s without; writes lose {lost:,.3f} s"
    ]
    for each in sorted(found.changes, key=lambda change: change.work.of.class_id):
        if is_faster(each) or is_slower(each):
            lines.append(f"  {_change(each)}")
    return lines


def _change(each: "Change") -> str:
    word = click.style("slower", fg="red") if is_slower(each) else "faster"
    text = " ".join(each.work.of.text.split())
    return (
        f"{word} {each.work.of.class_id}  {each.before_s * 1000:,.2f} > "
        f"{each.after_s * 1000:,.2f} ms  {text[:_TEXT]}"
    )


def _left_out(left: Sequence["LeftOut"]) -> list[str]:
    """Return how much of the time is not considered, and why; the largest first."""
    if not left:
        return []
    share = sum(each.share for each in left)
    number = "1 class" if len(left) == 1 else f"{len(left)} classes"
    lines = [f"not considered: {number}, {share:.1%} of the time"]
    ordered = sorted(left, key=lambda one: (-one.share, one.class_id))
    for each in ordered[:_LEFT_MAX]:
        text = " ".join(each.text.split())
        lines.append(f"  {each.share:6.1%} {each.class_id}  {text[:_TEXT]}")
        lines.append(f"         {each.why}")
    if rest := ordered[_LEFT_MAX:]:
        share = sum(each.share for each in rest)
        lines.append(f"  {share:6.1%} {len(rest)} more, all of which --format json has")
    return lines


def _refused(found: "Advised", *, show_all: bool) -> list[str]:
    if not found.refused:
        return []
    how = "HypoPG, and built" if found.filtered_by == "hypopg" else "built"
    lines = [f"{len(found.refused)} more indexes were thought of ({how}) and are not advised"]
    if not show_all:
        why = Counter(_kind(each.why) for each in found.refused)
        told = ", ".join(f"{number} × {words}" for words, number in why.most_common())
        return [f"{lines[0]}: {told}; --all lists them"]
    for each in found.refused:
        lines.append(f"  {each.table_name} {each.columns}: {each.why}")
    return lines


def _kind(why: str) -> str:
    kinds = {
        "writes lose": "writes lose more than queries save",
        "too little for an index": "it saves too little",
        "does its work already": "another index is there",
        "the server does not make it": "the server does not make it",
    }
    for part, kind in kinds.items():
        if part in why:
            return kind
    return why


def _classes(names: Iterable[str]) -> str:
    return ", ".join(names) or "none by itself"


def _seconds(value: "Difference") -> str:
    if value.low is None or value.high is None:
        return f"{value.mean:,.3f} s"
    return f"{value.mean:,.3f} s ({value.low:,.3f} to {value.high:,.3f})"


def _as_json(found: "Advised") -> dict[str, Any]:
    return {
        "engine": found.engine,
        "source": found.source,
        "classes": found.classes,
        "days": found.days,
        "note": found.note,
        "filtered_by": found.filtered_by,
        "took_s": found.took_s,
        "advice": [asdict(each) for each in found.advice],
        "changes": [
            {
                "class_id": each.work.of.class_id,
                "text": each.work.of.text,
                "calls_per_day": each.work.calls_per_day,
                "before_s": each.before_s,
                "after_s": each.after_s,
                "ratio": asdict(each.ratio),
                "is_faster": is_faster(each),
                "is_slower": is_slower(each),
            }
            for each in found.changes
        ],
        "left_out": [asdict(each) for each in found.left_out],
        "refused": [asdict(each) for each in found.refused],
    }
