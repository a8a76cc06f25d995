"""``stockops drill undo``."""

from dataclasses import dataclass
from pathlib import Path

import click

from .. import counts, render, state
from ..drills import guardian, pending
from ..drills.pending import Done, Reading
from ..errors import Busy, ConfigError
from . import options


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A step that would be undone, and the command that does the same."""

    run: str
    number: int
    step: str
    by_hand: str


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one step, as wide as a terminal bears."""

    run: str
    step: str
    outcome: str
    why: str


@click.command("undo")
@click.argument("run", required=False)
@options.plan_only
@options.form
@click.pass_context
def undo_command(ctx: click.Context, run: str | None, plan_only: bool, form: render.Format) -> None:
    """
    Undo what drills left broken: after a reboot, or where the guardian of a run was killed.

    RUN is the name of one; without it, all that are not at work. Steps run from the last to the
    first, and doing them twice does no harm: a process that is another one by now is left alone,
    and files are put back only inside a lab or the drill's own folder. What a guardian did by
    itself is told once.

    Exits 0 where nothing is left, 1 where a step could not be undone: it says which, with the
    command to do it by hand, and the step stays on the list.

    \b
    Examples:
      stockops drill undo --plan
      stockops drill undo
      stockops drill undo 20261122-071500-server-frozen --format json
    """  # noqa: D301  click reads \b as a character
    found = _left(run)
    if plan_only:
        rows = [
            Left(
                run=reading.head.run,
                number=each.number,
                step=each.step.words,
                by_hand=each.step.by_hand,
            )
            for _, reading in found
            for each in reversed(reading.left)
        ]
        click.echo(render.rows(rows, form))
        return
    done = [each for path, _ in found for each in pending.replay(path)]
    _tell_accounts(run)
    click.echo(render.rows(done if form == "json" else list(map(_line, done)), form))
    failed = [each for each in done if each.outcome == "failed"]
    for each in failed:
        click.echo(f"by hand: {each.by_hand}", err=True)
    if not done:
        click.echo("nothing is left of any drill", err=True)
    ctx.exit(1 if failed else 0)


def _left(run: str | None) -> list[tuple[Path, Reading]]:
    """Return the journals of runs that are not at work; of `run`, or `ConfigError`, or `Busy`."""
    found = []
    for path in pending.runs():
        if run is not None and path.stem != run:
            continue
        try:
            reading = pending.read(path)
        except FileNotFoundError:  # it has just been undone
            continue
        tool = reading.head.tool
        if not tool.lives:
            found.append((path, reading))
        elif run is not None:
            raise Busy(
                f"the run {run!r} is at work, and undoes what it does",
                hint=f"End it, and all is undone within a second: kill {tool.pid}",
            )
        else:
            click.echo(f"{path.stem}: at work, process {tool.pid}", err=True)
    if run is not None and not found and not guardian.account_of(pending.path_of(run)).exists():
        known = ", ".join(path.stem for path in pending.runs()) or "none"
        raise ConfigError(
            f"no run called {run!r} left anything (there are: {known})",
            hint="stockops drill undo --plan",
        )
    return found


def _tell_accounts(run: str | None) -> None:
    """Say on stderr what guardians did; what is told of a run without a journal is told once."""
    for path in guardian.accounts():
        journal = guardian.journal_of(path)
        if run not in {None, journal.stem}:
            continue
        said = state.read(path)
        done = [Done(**each) for each in said["done"]]
        undone = sum(each.outcome == "undone" for each in done)
        click.echo(
            f"{journal.stem}: the guardian undid {undone} of {counts.of(len(done), 'step')} in "
            f"{said['took_ms']:.0f} ms, at {said['at']}: {said['why']}",
            err=True,
        )
        if not journal.exists():
            path.unlink(missing_ok=True)


def _line(done: Done) -> Line:
    return Line(run=done.run, step=done.words, outcome=done.outcome, why=done.why)
