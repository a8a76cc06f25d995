"""How a digest is shown to a person."""

import dataclasses
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from .. import counts, render
from ..slow import report
from ..slow.digest import Digest
from ..slow.report import ClassRow

if TYPE_CHECKING:
    from ..slow.snapshots import Compared

_CLASSES_SHOWN = 10
_TEXT_CHARACTERS = 70
_SAID_SHOWN = 3
_ERROR_TOLD = 10.0  # a plan that misjudged its rows so much is worth a line


@dataclass(frozen=True, slots=True)
class Line:
    """One class, as wide as a terminal bears."""

    class_id: str
    calls: int
    total_s: Decimal | None
    share: str
    mean_ms: Decimal | None
    p95_ms: Decimal | None
    max_ms: Decimal | None
    rows_examined: int | None
    over_time: str
    statement: str


def print_digest(digest: Digest, form: render.Format, *, by: str, limit: int | None) -> None:
    """Write `digest` to stdout: all classes as JSON, the first ones as a table."""
    about = report.summary(digest)
    if form == "json":
        rows = report.classes(digest, by=by, limit=limit)
        about["ranked_by"] = report.ranked_by(digest, by)
        click.echo(json.dumps({**about, "classes": list(map(dataclasses.asdict, rows))}, indent=2))
        return
    rows = report.classes(digest, by=by, limit=limit or _CLASSES_SHOWN)
    for line in _about(about):
        click.echo(line)
    click.echo(render.rows(list(map(_line, rows)), "table"))
    left = sum(bool(each.entries) for each in digest.classes.values()) - len(rows)
    if left:
        click.echo(
            f"and {counts.of(left, 'more class', 'more classes')}: --limit N, or --format json"
        )
    for row in rows:
        _print_plans(row)
    _print_said(about)


def _print_plans(row: ClassRow) -> None:
    """Write the plans of a class that had several, or one that misjudged its rows."""
    told = [plan for plan in row.plans if len(row.plans) > 1 or (plan.error or 0) >= _ERROR_TOLD]
    for plan in told:
        change = f"{plan.change}, " if plan.change else ""
        click.echo(
            f"plan {plan.shape} of {row.class_id} from {plan.first or '?'}: {change}"
            f"{counts.of(plan.calls, 'call')}, {plan.mean_ms:,.3f} ms on average"
            + (f"; {plan.misjudged}" if plan.misjudged else "")
        )


@dataclass(frozen=True, slots=True)
class ComparedLine:
    """One class before and after, as wide as a terminal bears."""

    verdict: str
    class_id: str
    calls: str
    mean_ms: str
    ratio: str
    added_s: Decimal
    statement: str


def print_compared(rows: list["Compared"], form: render.Format) -> None:
    """Write the classes of two snapshots to stdout."""
    click.echo(render.rows(rows if form == "json" else list(map(_compared, rows)), form))


def _compared(row: "Compared") -> ComparedLine:
    ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
    if row.low is not None:
        ratio += f" ({row.low:.2f} to {row.high:.2f})"
    before, after = (
        "-" if each is None else f"{each:.3f}" for each in (row.mean_before_ms, row.mean_after_ms)
    )
    return ComparedLine(
        verdict=row.verdict,
        class_id=row.class_id,
        calls=f"{row.calls_before:,} > {row.calls_after:,}",
        mean_ms=f"{before} > {after}",
        ratio=ratio,
        added_s=_thousandths(row.added_s),
        statement=_short(row.text),
    )


def _short(text: str) -> str:
    return text if len(text) <= _TEXT_CHARACTERS else text[: _TEXT_CHARACTERS - 1] + "…"


def _about(about: dict[str, Any]) -> list[str]:
    lines = [f"{file}: {form}" for file, form in about["files"].items()]
    lines.append(
        f"{counts.of(about['entries'], 'entry', 'entries')}, {about['read_bytes']:,} bytes, "
        f"{about['understood']:.2%} understood; "
        f"from {about['first'] or '?'} to {about['last'] or '?'}"
    )
    lines.append(_executions(about))
    if about["scaled"]:
        lines.append(f"The server logged a sample: {about['scaled']}.")
    elif about["sampled"]:
        lines.append("The server logged a sample: calls and times are scaled by its rate.")
    if about["filtered"]:
        lines.append(f"{about['filtered']:,} entries left out by the filters")
    lines += [
        f"not understood: {each['file']} at byte {each['offset']:,}: {render.cell(each['text'])}"
        for each in about["skipped"]
    ]
    return lines


def _executions(about: dict[str, Any]) -> str:
    calls, untimed = about["calls"], about["untimed"]
    if not untimed:
        return f"{calls:,} executions, {about['total_s']:,.3f} s in all"
    if untimed == calls:
        return f"{calls:,} executions; the log has no times, so classes are ranked by calls"
    return f"{calls:,} executions, {untimed:,} of them without a time; {about['total_s']:,.3f} s"


def _line(row: ClassRow) -> Line:
    return Line(
        class_id=row.class_id,
        calls=row.calls,
        total_s=_known(row.total_s),
        share="" if row.share is None else f"{row.share:.1%}",
        mean_ms=_known(row.mean_ms),
        p95_ms=_known(row.p95_ms),
        max_ms=_known(row.max_ms),
        rows_examined=row.rows_examined,
        over_time=row.over_time,
        statement=_short(row.text),
    )


def _known(value: float | None) -> Decimal | None:
    return None if value is None else _thousandths(value)


def _thousandths(value: float) -> Decimal:
    return Decimal(f"{value:.3f}")


def _print_said(about: dict[str, Any]) -> None:
    if about["admin"]:
        told = ", ".join(f"{name} {n:,}" for name, n in about["admin"].items())
        click.echo(f"administrator commands, counted apart: {told}")
    if about["notices"]:
        told = ", ".join(f"{kind} {n:,}" for kind, n in about["notices"].items())
        click.echo(f"the server also said: {told}")
    for kind in ("error", "deadlock", "lock_wait", "temp_file"):
        for said in about["said"].get(kind, [])[:_SAID_SHOWN]:
            click.echo(f"  {kind} {said['at']}: {' '.join(said['text'].split())[:120]}")
