"""``stockops drill game``: the tool breaks it, and a person recovers."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from .. import filelock, render, state
from ..targets import ENGINES
from . import options
from .drill_book import config_of, tags

if TYPE_CHECKING:
    from ..drills.head import Drill
    from ..drills.history import Record

MINUTES_MAX = 240
_BEGINNINGS = """\
    stockops health check -t "$TARGET"                      # on the machine of the database
    stockops health check -t "$FRONT" reachable writable    # by the way on which orders come
    stockops health check -t "$REPLICA"                     # where there is one: echo "$REPLICA"

What they find leads to the runbooks, and each to the next step:

    stockops drill list --tells CHECK
    stockops drill show NAME
"""


@click.command("game")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@tags
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="postgresql",
    show_default=True,
    help="On which engine.",
)
@click.option(
    "--minutes",
    type=click.IntRange(1, MINUTES_MAX),
    default=30,
    show_default=True,
    help="How long the person has.",
)
@click.option("--hide", is_flag=True, help="Draw one of the drills, and do not say which.")
@options.config
@options.form
@click.pass_context
def game_command(ctx: click.Context, /, form: render.Format, **asked: Any) -> None:
    """
    Break a sandbox, and time the person who recovers it.

    A line is printed that the person types in a shell of his own; after it the commands of the
    runbook run as they stand, psql and mariadb find the server, and `stockops drill show NAME`
    prints the runbook. `release` stands there where it is the world's to do something: the disk
    has room again, the network heals. The clock stops when orders go on as before, and the health
    checks of the drill are quiet. What was typed is kept with its times. Ctrl-C gives up:
    everything is undone.

    With --hide nothing is said but that it is broken, where to begin (the health of "$TARGET", of
    the way by which orders come, "$FRONT", and of the "$REPLICA"), and which checks told before;
    `stockops drill list --tells CHECK` leads to the runbook.

    \b
    Examples:
      stockops drill game dropped-table
      stockops drill game --tag core --hide --minutes 20
    """  # noqa: D301  click reads \b as a character
    from ..drills import comparing, running  # noqa: PLC0415
    from ..drills.going import Manner  # noqa: PLC0415
    from ..drills.playing import Game  # noqa: PLC0415

    engine, hidden = asked["engine"], asked["hide"]
    drawn = _drawn(ctx, asked)
    began = time.monotonic()

    def tell(name: str, said: str) -> None:
        if not (hidden and said):
            more = f": {said}" if said else ""
            click.echo(f"{time.monotonic() - began:6.1f} s  {name}{more}", err=True)

    game = Game(
        told=_told(drawn, engine, hidden=hidden), mended=_mended(drawn.on(engine).expect.rto_s)
    )
    with filelock.hold(state.folder("drills") / "run.lock", what="another drill"):
        record = running.run(
            _with_time(drawn, asked["minutes"]),
            engine,
            tell=tell,
            batch=f"{time.time_ns():x}",
            manner=Manner(game=game),
        )
    click.echo(render.rows(comparing.compare([record]), form))
    click.echo(_typed(record), err=True)
    ctx.exit(0 if record.passed else 1)


def _mended(limit_s: float) -> Callable[[float], None]:
    """Return what tells a person that he has done it, and how long that may take."""

    def mended(after_s: float) -> None:
        click.echo(
            f"Orders go on again: the clock stopped at {after_s:.1f} s. Who follows the runbook is "
            f"given {limit_s:.0f} s. What is left is done by itself.",
            err=True,
        )

    return mended


def _typed(record: "Record") -> str:
    from ..drills.playing import TYPED  # noqa: PLC0415

    lines = ["", "What was typed, and [checked afterwards]:"]
    for each in record.steps:
        text = each.text if each.section == TYPED else f"[{each.text}]"
        lines.append(f"{each.at_s:8.1f} s  {text}")
    return "\n".join(lines)


def _told(drill: "Drill", engine: str, *, hidden: bool) -> Callable[[str, Sequence[str]], None]:
    """Return what tells a person to begin, given the line to type first."""
    book = f"    stockops drill show {drill.id} --engine {engine}\n"

    def told(line: str, before: Sequence[str]) -> None:
        begin = f"    {line}\n{_BEGINNINGS if hidden else book}"
        click.echo(f"It is broken. In a shell of yours:\n\n{begin}", err=True)
        if before:
            click.echo(
                f"So it was before it was broken; take no notice of: {', '.join(before)}.\n",
                err=True,
            )
        click.echo(
            "The clock stops by itself: orders go on, and the checks are quiet. Ctrl-C gives up.",
            err=True,
        )

    return told


def _drawn(ctx: click.Context, asked: dict[str, Any]) -> "Drill":
    """Return the drill that was named, or one of those that were."""
    from ..drills import book  # noqa: PLC0415

    if not asked["names"] and not asked["tags"]:
        raise click.UsageError("name a drill, or a tag: stockops drill list")
    engine = asked["engine"]
    drills = book.chosen(
        book.load(config_of(ctx)), names=asked["names"], tags=asked["tags"], engine=engine
    )
    if not drills:
        raise click.UsageError(f"no such drill is for {engine}: stockops drill list")
    if len(drills) > 1 and not asked["hide"]:
        raise click.UsageError("name one drill, or let --hide draw one of them")
    return random.SystemRandom().choice(drills)


def _with_time(drill: "Drill", minutes: int) -> "Drill":
    """Return `drill` with so long for the person, and that time to recover in."""
    seconds = minutes * 60
    terms = {
        engine: replace(
            each,
            abort=replace(each.abort, elapsed_s=seconds),
            expect=replace(each.expect, rto_s=float(seconds)),
        )
        for engine, each in drill.terms.items()
    }
    return replace(drill, terms=terms)
