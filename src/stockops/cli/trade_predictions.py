"""``stockops trade predictions``."""

from collections.abc import Iterable
from pathlib import Path

import click

from .. import counts, durations, render
from .. import predictions as the_predictions
from ..engine import connect, quickly
from ..engine.base import Server
from ..errors import Finding
from ..orders import Clock
from ..predictions import LISTED_MAX, STATUSES, Line, Loaded
from ..targets import Target
from . import options, paths, tradeclock
from .tradeclock import When

_SHOWN_MAX = 50
_COUNT_MAX = 1_000_000

_stale_after = click.option(
    "--stale-after", metavar="DURATION", default=durations.said(the_predictions.STALE_AFTER_S),
    show_default=True, callback=lambda _ctx, _param, value: durations.seconds(value),
    help="An older prediction is quarantined.",
)  # fmt: skip


@click.group()
def predictions() -> None:
    """What models foresee: valid, or quarantined where no order can follow."""


@predictions.command("load")
@options.target
@click.argument("path", type=paths.Named(), metavar="FILE")
@_stale_after
@tradeclock.options
@options.plan_only
@options.form
def load_command(
    target: Target,
    path: Path,
    stale_after: int,
    when: When,
    plan_only: bool,
    form: render.Format,
) -> None:
    """
    Judge the predictions of FILE, and store them.

    FILE is CSV with a header (.csv), a JSON array of objects, or one JSON object a line, of
    user_id, symbol, model_version, side, confidence, target_won, predicted_at and expires_at. A
    suspicious one is stored as quarantined, with an audit row and a warning to its user: no
    confidence, one below 0.5 or outside 0 to 1; no issue or an unknown one; no model or an unknown
    one; from the future; stale; a target outside the day's price limits. What cannot be stored is
    told by its line, and stops nothing else. The same line again stores nothing.

    Exits 1 where something was quarantined or refused, and, with --plan too, where FILE holds no
    prediction.
    """
    clock = tradeclock.said(target, when)
    lines = the_predictions.read(path)
    with connect(target) as server:
        clock = tradeclock.of_day(server, target, clock)
        loaded = _put(server, lines, clock, stale_after, plan_only=plan_only, form=form)
    if not loaded.lines:
        raise Finding(
            f"nothing was checked: {path} holds no prediction",
            hint="Give one at least; --help says how.",
        )
    _leave(loaded, plan_only=plan_only)


@predictions.command("generate")
@options.target
@click.option("--seed", type=int, required=True, help="The same draws the same.")
@click.option(
    "--count", type=click.IntRange(1, _COUNT_MAX), default=100, show_default=True, help="How many."
)
@click.option(
    "--output", type=paths.Named(), metavar="FILE",
    help="Write them to a new CSV file instead.",
)  # fmt: skip
@tradeclock.options
@options.plan_only
@options.form
def generate_command(
    target: Target,
    output: Path | None,
    when: When,
    plan_only: bool,
    form: render.Format,
    **drawn: int,
) -> None:
    """
    Make predictions up, and load them: one in ten has something wrong with it.

    The same seed in the same market at the same moment makes the same rows; --date and --at say
    the moment in a lab.

    Exits 1 where something was quarantined or refused, as `load` does.
    """
    clock = tradeclock.said(target, when)
    with connect(target) as server:
        clock = tradeclock.of_day(server, target, clock)
        lines = the_predictions.generate(server, clock=clock, **drawn)
        if output is not None:
            the_predictions.write_csv(lines, output)
            click.echo(f"{counts.of(len(lines), 'prediction')} in {output}", err=True)
            return
        stale_after_s = the_predictions.STALE_AFTER_S
        loaded = _put(server, lines, clock, stale_after_s, plan_only=plan_only, form=form)
    _leave(loaded, plan_only=plan_only)


@predictions.command("list")
@options.target
@options.newest(STATUSES, most=LISTED_MAX)
@options.form
def list_command(
    target: Target, status: str | None, symbol: str | None, row_limit: int, form: render.Format
) -> None:
    """Show predictions, the newest first."""
    with quickly(target) as server:
        found = the_predictions.listed(server, status=status, symbol=symbol, row_limit=row_limit)
    click.echo(render.rows(found, form))


def _put(
    server: Server,
    lines: Iterable[Line],
    clock: Clock,
    stale_after_s: int,
    *,
    plan_only: bool,
    form: render.Format,
) -> Loaded:
    """Load `lines` and show what became of them; with `plan_only` show what would, and no more."""
    if plan_only:
        told = the_predictions.foreseen(server, lines, clock=clock, stale_after_s=stale_after_s)
        click.echo(render.rows(the_predictions.steps(told), form))
        return told
    loaded = the_predictions.load(server, lines, clock=clock, stale_after_s=stale_after_s)
    if form == "json":
        click.echo(render.rows([loaded], form))
        return loaded
    if loaded.problems:
        click.echo(render.rows(loaded.problems[:_SHOWN_MAX], form))
    if len(loaded.problems) > _SHOWN_MAX:
        click.echo(f"and {len(loaded.problems) - _SHOWN_MAX:,} more")
    click.echo(
        f"{counts.of(loaded.lines, 'line')}: {loaded.valid:,} valid, "
        f"{loaded.quarantined:,} quarantined, "
        f"{loaded.refused:,} refused, {loaded.there:,} there before"
    )
    return loaded


def _leave(loaded: Loaded, *, plan_only: bool) -> None:
    """Leave with the exit code of a load; a plan that could be made is none of a fault."""
    if not plan_only and (loaded.quarantined or loaded.refused):
        click.get_current_context().exit(1)
