"""``stockops drill lint``: whether drills can be run, and followed, before one is."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import counts, render
from ..targets import ENGINES
from . import options, paths
from .drill_book import config_of

if TYPE_CHECKING:
    from ..drills.lint import Ground, Problem


@click.command("lint")
@click.argument("files", nargs=-1, metavar="[FILE]...", type=paths.Named(dir_okay=False))
@options.config
@options.form
@click.pass_context
def lint_command(ctx: click.Context, files: tuple[Path, ...], form: render.Format) -> None:
    """
    Find what is wrong with drills before one is run.

    FILE is a drill; without it, all of them are read, those that come with stockops and your own,
    and every health check and alert rule has to be named by a drill, or by chaos/undrilled.yaml
    with the reason. A drill's head, sections and marks are read strictly; its fault, checks, alerts
    and invariants have to be there; each command of a step has to be one that the shell reads and,
    where it is ours, one that this program takes. Exits 1 when something is wrong, and when there
    was nothing to read.

    \b
    Examples:
      stockops drill lint
      stockops drill lint chaos/disk-full.md
    """  # noqa: D301  click reads \b as a character
    from ..drills import book, head, lint  # noqa: PLC0415

    ground = ground_here()
    drills = [head.read(path) for path in files] or list(book.load(config_of(ctx)))
    found = [problem for drill in drills for problem in lint.lint(drill, ground)]
    if not files:
        found += lint.links(drills, ground, lint.undrilled())
    click.echo(_said(found, len(drills)) if form == "table" else render.rows(found, form))
    ctx.exit(1 if found or not drills else 0)


def ground_here() -> "Ground":
    """Return what drills can name in this program."""
    from .. import alerts, books, health  # noqa: PLC0415
    from ..alerts.parts import Kind  # noqa: PLC0415
    from ..drills.faults import FAULTS  # noqa: PLC0415
    from ..drills.lint import Ground  # noqa: PLC0415
    from .understanding import mistake  # noqa: PLC0415

    rules = [each for engine in ENGINES for each in alerts.brought(engine)]
    return Ground(
        faults=FAULTS,
        checks={engine: {check.name for check in health.load(engine)} for engine in ENGINES},
        alerts={each.name for each in rules if each.kind is Kind.ALERT},
        invariants=books.NAMES,
        mistake=mistake,
    )


def _said(found: "Sequence[Problem]", drills: int) -> str:
    lines = []
    for each in found:
        lines += [f"{each.where}: {each.problem}", f"    {each.hint}"]
    return "\n".join(
        [*lines, f"{counts.of(drills, 'drill')} read, {counts.of(len(found), 'problem')}"]
    )
