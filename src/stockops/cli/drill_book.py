"""``stockops drill list``, ``show`` and ``due``: the book of drills, and what has to be run."""

import json
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .. import durations, render, targets
from ..errors import ConfigError
from ..targets import ENGINES, Config
from . import options

if TYPE_CHECKING:
    from ..drills.book import Due
    from ..drills.head import Drill
    from ..drills.runbook import Step

WIDTH = 110  # of the text of a runbook on a terminal
_COMMAND = re.compile(r"`[^`]*`")
_GLUE = "\0"  # for a blank at which no line is broken
Command = TypeVar("Command", bound=Callable[..., Any])

tags = click.option(
    "--tag", "tags", multiple=True, metavar="TAG", help="Those with this tag; repeat."
)
one_engine = click.option("--engine", type=click.Choice(ENGINES), help="Those on this engine.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A drill, and how its last run came out on each engine."""

    drill: str
    title: str
    tags: tuple[str, ...]
    postgresql: str
    mariadb: str


def config_of(ctx: click.Context) -> Config:
    """Return what the file of targets says."""
    return targets.load(ctx.meta.get("stockops.config"))


@click.command("list")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@tags
@one_engine
@click.option(
    "--tells", metavar="CHECK|ALERT", help="Those that make this health check or alert tell."
)
@options.config
@options.form
@click.pass_context
def list_command(ctx: click.Context, /, form: render.Format, **asked: Any) -> None:
    """
    List the drills, and how the last run of each came out here.

    Those that come with stockops, and those of the folder that drills: {folder: ...} of
    stockops.yaml names. A dash stands where a drill is not for an engine. Exits 1 where there is
    none; with --tells, it is said why.

    \b
    Examples:
      stockops drill list
      stockops drill list --tag disk
      stockops drill list --tells PostgresqlDown
    """  # noqa: D301  click reads \b as a character
    from ..drills import book  # noqa: PLC0415

    every = book.load(config_of(ctx))
    if asked["tells"]:
        every = _telling(every, asked["tells"])
    drills = book.chosen(every, names=asked["names"], tags=asked["tags"], engine=asked["engine"])
    lines = [
        Line(
            drill=each.id,
            title=each.title,
            tags=each.tags,
            **{name: _last(each, name) for name in ENGINES},
        )
        for each in drills
    ]
    click.echo(render.rows(lines, form))
    if asked["tells"] and form == "table":
        click.echo(_told_apart(drills))
    ctx.exit(0 if lines else 1)


def _told_apart(drills: "Sequence[Drill]") -> str:
    """Return what users see of each: one check tells of many things."""
    from ..drills.runbook import SEEN  # noqa: PLC0415

    lines: list[str] = []
    for each in drills:
        lines += ["", each.id, *_wrapped(each.runbook.sections[SEEN], indent="    ")]
    return "\n".join(lines)


def _telling(drills: "Sequence[Drill]", name: str) -> "tuple[Drill, ...]":
    """Return those that make the check or alert `name` tell; raise, or say why there is none."""
    from ..drills import lint  # noqa: PLC0415

    excused = {each.name: each.why for each in lint.undrilled()}
    fired = lint.fired_by(drills)
    known = {*excused, *fired["checks"], *fired["alerts"]}
    if name not in known:
        near = get_close_matches(name, known, 1)
        raise ConfigError(
            f"no health check and no alert is called {name!r}",
            hint=f"Did you mean {near[0]}?" if near else "See: stockops health list",
        )
    wanted = {*fired["checks"].get(name, ()), *fired["alerts"].get(name, ())}
    found = tuple(drill for drill in drills if drill.id in wanted)
    if not found:
        click.echo(f"no drill makes {name} tell: {excused[name]}", err=True)
    return found


@click.command("show")
@click.argument("name")
@click.option("--engine", type=click.Choice(ENGINES), help="The steps for this engine alone.")
@options.config
@options.form
@click.pass_context
def show_command(ctx: click.Context, name: str, engine: str | None, form: render.Format) -> None:
    """
    Print the runbook of the drill NAME, and what it expects.

    The commands are to be typed as they stand, once the variables are set that stand at the top,
    each with what it means. psql and mariadb find the server by their own settings.

    \b
    Examples:
      stockops drill show server-killed
      stockops drill show server-killed --engine mariadb
    """  # noqa: D301  click reads \b as a character
    from ..drills import book  # noqa: PLC0415

    found = book.one(name, config_of(ctx))
    engines = [each for each in found.engines if engine in {None, each}]
    if engine is not None and not engines:
        from ..drills import choosing  # noqa: PLC0415  it knows every fault

        choosing.fault_of(found, engine)  # it raises, and says why
    if form == "json":
        click.echo(json.dumps(_as_json(found, engines), indent=2))
    else:
        click.echo(_page(found, engines))


@click.command("due")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@tags
@one_engine
@click.option("--all", "show_all", is_flag=True, help="List what is not due, too.")
@options.config
@options.form
@click.pass_context
def due_command(ctx: click.Context, /, show_all: bool, form: render.Format, **asked: Any) -> None:
    """
    List the drills that prove nothing now, and the command that runs each.

    A drill is due where it was never run on an engine, where its last run did not pass, where that
    run is older than the drill says (expires_days), and where the file was changed since. Exits 1
    where one is due, and where there is no drill at all.

    \b
    Examples:
      stockops drill due
      stockops drill due --tag core --engine mariadb
      stockops drill due --format json | jq -r .[].next
    """  # noqa: D301  click reads \b as a character
    from ..drills import book  # noqa: PLC0415

    engine = asked["engine"]
    drills = book.chosen(
        book.load(config_of(ctx)), names=asked["names"], tags=asked["tags"], engine=engine
    )
    every = [
        book.due(each, name) for each in drills for name in each.engines if engine in {None, name}
    ]
    due = [each for each in every if each.why is not None]
    shown = every if show_all else due
    if form == "json":
        click.echo(render.rows(shown, form))
    else:
        click.echo(_due_table(shown))
        click.echo(f"{len(due)} of {len(every)} are due")
    ctx.exit(1 if due or not every else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _DueLine:
    drill: str
    engine: str
    last: str
    why: str


def _due_table(shown: "Sequence[Due]") -> str:
    """Return a line each, and below them the first command to type."""
    lines = [
        _DueLine(
            drill=each.drill,
            engine=each.engine,
            last=_ago(each.verdict, each.ended_at),
            why=each.why or "not due",
        )
        for each in shown
    ]
    parts = [render.rows(lines, "table")] if lines else []
    parts += [f"\nNext: {each.next}" for each in shown if each.why][:1]
    return "\n".join(parts)


def _last(drill: "Drill", engine: str) -> str:
    from ..drills import history  # noqa: PLC0415

    if engine not in drill.engines:
        return "-"
    record = history.last(drill.id, engine)
    return "never" if record is None else _ago(record.verdict.value, record.ended_at)


def _ago(verdict: str | None, at: datetime | None) -> str:
    if verdict is None or at is None:
        return "never"
    return f"{verdict} {durations.said((datetime.now(UTC) - at).total_seconds())} ago"


def _as_json(drill: "Drill", engines: Sequence[str]) -> dict[str, Any]:
    steps = [step for step in drill.runbook.steps if step.engine in {None, *engines}]
    return {
        "drill": drill.id,
        "title": drill.title,
        "engines": list(drill.engines),
        "fault": drill.fault,
        "tags": list(drill.tags),
        "expires_days": drill.expires_days,
        "file": str(drill.path),
        "terms": {engine: asdict(drill.on(engine)) for engine in engines},
        "sections": dict(drill.runbook.sections),
        "steps": [asdict(step) for step in steps],
    }


def _page(drill: "Drill", engines: Sequence[str]) -> str:
    """Return the runbook as a person follows it."""
    from ..drills import shell  # noqa: PLC0415
    from ..drills.runbook import STEPPED  # noqa: PLC0415

    lines = [click.style(drill.title, bold=True), f"({drill.id}; {drill.path})", ""]
    for engine in engines:
        terms = drill.on(engine)
        told = ", ".join([*terms.detect.checks, *terms.detect.alerts]) or "nothing of ours"
        lines.append(
            f"{engine}: told by {told} within {terms.detect.within_s:g} s; orders again within "
            f"{terms.expect.rto_s:g} s, at most {terms.expect.acked_lost} acknowledged ones lost"
        )
    found = [
        (step, _typed(step, engines))
        for step in drill.runbook.steps
        if step.engine in {None, *engines}
    ]
    wanted = {
        name for step, typed in found for line in (step.text, *typed) for name in shell.places(line)
    }
    lines += ["", "TYPE ONCE (in a game the line that it prints has done it)"]
    lines += [
        f"     export {name}=...  # {what}" for name, what in shell.PLACES.items() if name in wanted
    ]
    for name, text in drill.runbook.sections.items():
        lines += ["", click.style(name.upper(), bold=True)]
        if name not in STEPPED:
            lines.append(text)
            continue
        shown = [(step, typed) for step, typed in found if step.section == name]
        for number, (step, typed) in enumerate(shown, 1):
            lines += _step(step, typed, number, several=len(engines) > 1)
    return "\n".join(lines)


def _typed(step: "Step", engines: Sequence[str]) -> list[str]:
    """Return what a person types for a step, besides what stands in its text for him to choose."""
    from ..drills.runbook import Does  # noqa: PLC0415

    if step.does is Does.RELEASE:
        return ["release  # in a game; else do what this says"]
    if step.does is Does.START:
        services = " or ".join(engines)
        return [f'stockops lab up --name "$LAB"  # a lab; else: systemctl start {services}']
    return [each for each in step.commands if step.is_run or f"`{each}`" not in step.text]


def _step(step: "Step", typed: Sequence[str], number: int, *, several: bool) -> list[str]:
    """Return a step: what it is about, and its commands to be copied, one a line."""
    words = step.text
    for command in typed:
        words = words.replace(f": `{command}`", "").replace(f"`{command}`", "")
        words = " ".join(words.split()).rstrip(" :,")
    only = f" ({step.engine})" if several and step.engine else ""
    lines = _wrapped(f"{number}. {words}{only}")
    for command in typed:
        lines += [f"     {row}" for row in command.splitlines()]
    if typed and step.exit_code:
        lines.append(f"   exits {step.exit_code} while it is so")
    return lines


def _wrapped(text: str, indent: str = "") -> list[str]:
    """Return `text` in lines that begin with `indent`, broken nowhere in a command."""
    whole = _COMMAND.sub(lambda found: found[0].replace(" ", _GLUE), text)
    rows = textwrap.wrap(
        whole,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent or "   ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [row.replace(_GLUE, " ") for row in rows]
