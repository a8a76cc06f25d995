"""``stockops slow explain``."""

import json
import re
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from .. import plans, render
from ..engine import connect
from ..errors import ConfigError, Refused
from ..slow import explaining, reading
from ..slow.explaining import Asked, Explained, How
from ..slow.formats import NAMES
from ..statements import formatting
from ..targets import Target
from . import options
from .slow_page import report_file

_STDIN = "-"
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_WIDTH_MIN = 100  # of a terminal, for two plans side by side
_WIDTH_ELSEWHERE = 180


@click.command("explain")
@click.argument("what", nargs=-1, metavar="[CLASS FILE...]")
@options.target_when_needed
@click.option("--sql", "sql_file", metavar="FILE", help="This statement, instead; - for stdin.")
@click.option("--logged", is_flag=True, help="The plans that the log has; no server is asked.")
@click.option("--plan-file", metavar="FILE", help="A plan as JSON, instead; no server is asked.")
@click.option(
    "--beside", metavar="FILE", help="Show it beside this plan: JSON of EXPLAIN or of this command."
)
@click.option(
    "--analyze/--no-analyze", default=True, show_default=True, help="Run the statement, or not."
)
@click.option("--roll-back-writes", is_flag=True, help="Run what writes, too, and roll it back.")
@options.server_seconds("--timeout", default=60.0, help="How long the statement may run.")
@click.option("--i-mean", metavar="TARGET", help="Run it on this protected target.")
@click.option("--log-format", type=click.Choice(NAMES), help="If it is not found out.")
@options.form
@report_file
def explain_command(
    what: tuple[str, ...],
    target: Callable[[], Target],
    form: render.Format,
    report: Path | None,
    **chosen: Any,
) -> None:
    """
    Show the plan of a slow class, with the parameters of its slowest execution.

    CLASS is the id of a class, or how it begins, as `stockops slow digest` names it in the logs
    FILE... The statement is run on the target in a transaction that is rolled back, read-only
    unless --roll-back-writes. A statement with parameters has two plans on PostgreSQL: the custom
    one for these values, and the generic one. Where the log has no values, only the generic plan
    is asked for, and nothing is run.

    The step that took the most time is marked, and the one whose rows were misjudged most.

    \b
    Examples:
      stockops slow explain 8f3e /var/log/postgresql/today.csv -t prod-replica
      stockops slow explain 8f3e slow.log -t shop --format json > before.json
      stockops slow explain 8f3e slow.log -t shop --beside before.json --report plan.html
      stockops slow explain --sql report.sql -t lab --no-analyze
      stockops slow explain --plan-file before.json --beside after.json
    """  # noqa: D301  click reads \b as a character
    how = How(
        analyze=chosen["analyze"],
        writes=chosen["roll_back_writes"],
        timeout_s=chosen["timeout_s"],
    )
    other = _from_file(chosen["beside"]) if chosen["beside"] else []
    asked, found = _found(what, target, how, chosen)
    _print(asked, [*found, *other], form, beside=bool(other))
    if report is not None:
        from ..report import planpage  # noqa: PLC0415

        planpage.write_plans(asked, [*found, *other], report)
        click.echo(f"the page is {report}", err=True)


def _found(
    what: tuple[str, ...], find_target: Callable[[], Target], how: How, chosen: dict[str, Any]
) -> tuple[Asked | None, list[Explained]]:
    """Return the statement, where there is one, and its plans, from where the user wants them."""
    sources = [bool(what), bool(chosen["sql_file"]), bool(chosen["plan_file"])]
    if sources.count(True) != 1:
        raise click.UsageError("Name either CLASS FILE..., or --sql FILE, or --plan-file FILE.")
    if chosen["plan_file"]:
        return None, _from_file(chosen["plan_file"])
    if chosen["sql_file"]:
        target = find_target()
        dialect: Any = target.engine
        asked = explaining.asked_for(
            _text(chosen["sql_file"]), dialect=dialect, where=_where(chosen["sql_file"])
        )
        return asked, _explained(target, asked, how, chosen["i_mean"])
    if len(what) < 2:
        raise click.UsageError("Name the logs behind the class: CLASS FILE...")
    digest = reading.digest(reading.prepare(what[1:], named=chosen["log_format"]))
    each = explaining.find(digest, what[0])
    dialect = explaining.dialect_of(digest)
    if chosen["logged"]:
        return None, explaining.logged(each)
    target = find_target()
    asked = explaining.asked_of(each, dialect=dialect)
    if dialect != target.engine:
        raise ConfigError(
            f"the logs are of {dialect}, and {target.name!r} is {target.engine}",
            hint="Name a server of the same engine: --target",
        )
    if asked.database not in {"", target.database}:
        click.echo(
            f"note: it ran in database {asked.database!r}, and {target.name!r} is "
            f"{target.database!r}", err=True,
        )  # fmt: skip
    return asked, _explained(target, asked, how, chosen["i_mean"])


def _explained(target: Target, asked: Asked, how: How, meant: str | None) -> list[Explained]:
    if how.analyze and asked.values is not None and target.protected and meant != target.name:
        raise Refused(
            f"to analyze it is to run it on the protected target {target.name!r}",
            hint=f"Its plan without running it: --no-analyze. To run it: --i-mean {target.name}",
        )
    if asked.values is None:
        click.echo(
            "note: the log has no values of its parameters, or not whole ones: only the generic "
            "plan, and nothing is run. log_parameter_max_length = -1 with log_error_verbosity = "
            "default logs them.", err=True,
        )  # fmt: skip
    with connect(target, application="stockops slow explain") as server:
        return explaining.explain(server, asked, how)


def _where(name: str) -> str:
    return "what came on stdin" if name == _STDIN else repr(name)


def _text(name: str) -> str:
    if name == _STDIN:
        return sys.stdin.read()
    try:
        return Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{name!r} cannot be read: {exc}", hint=f"Look: ls -l {name}") from exc


def _from_file(name: str) -> list[Explained]:
    """Return the plan in a file: what EXPLAIN said, or the first of what this command wrote."""
    said: Any = _text(name)
    with suppress(ValueError, RecursionError):  # the text of PostgreSQL is no JSON
        said = json.loads(said)
    match said:
        case {"plans": [{"original": original}, *_]}:
            said = original
    return [Explained(kind=Path(name).name, plan=plans.parse(said), original=said)]


def _print(
    asked: Asked | None, found: list[Explained], form: render.Format, *, beside: bool
) -> None:
    if form == "json":
        click.echo(render.json_of(_record(asked, found)))
        return
    if asked is not None:
        _say(formatting.pretty(asked.sql).splitlines())
        for number, value in enumerate(asked.values or (), start=1):
            _say([f"  ${number} = {'NULL' if value is None else repr(value)}"])
        if asked.duration_ms is not None:
            _say([f"The slowest execution of class {asked.class_id}: {asked.duration_ms:,} ms"])
    for each in found:
        _say(["", title(each)])
        _say(plans.lines(each.plan), cut=True)
    shapes = {plans.shape(each.plan) for each in found}
    if len(found) > 1 and (beside or len(shapes) > 1):
        _side_by_side(found)
    elif len(found) > 1:
        _say(["", f"{' and '.join(each.kind for each in found)}: the same plan"])


def _say(lines: list[str], *, cut: bool = False) -> None:
    """Write lines without what could move the cursor: statements and literals may hold it."""
    width = shutil.get_terminal_size().columns if cut and sys.stdout.isatty() else None
    for line in lines:
        clean = _CONTROLS.sub("�", line)
        if width is not None and len(clean) > width:
            clean = clean[: width - 1] + "…"
        click.echo(clean)


def _side_by_side(found: list[Explained]) -> None:
    left, right = found[0], found[-1]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH_ELSEWHERE
    if width < _WIDTH_MIN:
        return
    _say(["", f"{left.kind} and {right.kind}, side by side; ≠ marks what only one has"])
    _say(plans.beside(left.plan, right.plan, width=width))


def title(each: Explained) -> str:
    """Return one line on a plan: its kind and shape, how long it took, its worst estimate."""
    parts = [f"{each.kind} plan {plans.shape(each.plan)}"]
    if each.plan.execution_ms is not None:
        parts.append(f"{each.plan.execution_ms:,.3f} ms")
    if each.plan.planning_ms is not None:
        parts.append(f"planned in {each.plan.planning_ms:,.3f} ms")
    worst = plans.worst_error(each.plan)
    if worst is not None and worst.factor >= plans.ERROR_SHOWN_MIN:
        parts.append(f"worst estimate: {worst.words}")
    settings = ", ".join(f"{name} = {value}" for name, value in each.plan.settings.items())
    return "; ".join([*parts, *each.plan.notes, *([settings] if settings else [])])


def _record(asked: Asked | None, found: list[Explained]) -> dict[str, Any]:
    return {
        "class_id": asked.class_id if asked else None,
        "sql": asked.sql if asked else None,
        "parameters": list(asked.values) if asked and asked.values is not None else None,
        "logged_ms": asked.duration_ms if asked else None,
        "plans": [_plan_record(each) for each in found],
    }


def _plan_record(each: Explained) -> dict[str, Any]:
    plan, worst, slow = each.plan, plans.worst_error(each.plan), plans.slowest(each.plan)
    return {
        "kind": each.kind,
        "shape": plans.shape(plan),
        "engine": plan.engine,
        "analyzed": plan.analysed,
        "planning_ms": plan.planning_ms,
        "execution_ms": plan.execution_ms,
        "settings": dict(plan.settings),
        "notes": list(plan.notes),
        "error": round(worst.factor, 2) if worst else None,
        "misjudged": worst.words if worst else None,
        "slowest": slow.label if slow else None,
        "steps": [
            {
                "depth": depth,
                "step": node.label,
                "role": node.role,
                "details": dict(node.details),
                "expected": node.rows_estimated,
                "came": node.rows_actual,
                "loops": node.loops,
                "error": round(wrong.factor, 2) if (wrong := plans.error(node)) else None,
                "own_ms": node.own_ms,
                "total_ms": node.total_ms,
                "share": plans.share(plan, node),
                "hit_blocks": node.hit_blocks,
                "read_blocks": node.read_blocks,
                "temp_blocks": node.temp_blocks,
            }
            for depth, node in plans.walk(plan.root)
        ],
        "original": each.original,
    }
