"""``stockops migrate``."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from .. import migrations, render, schema
from ..engine import quickly
from ..errors import Finding
from ..migrations import CLEAN, Changed, Patience, PlannedStatement
from ..plan import Consent
from ..targets import Target
from . import options, paths

Command = TypeVar("Command", bound=Callable[..., Any])

_folder = click.option(
    "--folder",
    type=paths.Named(),
    metavar="DIR",
    help="The V*.sql and R__*.sql files of this engine; without it, the schema of stockops.",
)


@click.group()
def migrate() -> None:
    """
    Apply versioned SQL files to a database.

    V0001__name.sql is applied once, in the order of the numbers; R__name.sql after all of
    them, and again whenever its text changes.
    """


@migrate.command("plan")
@options.target
@_folder
@options.form
def plan_command(target: Target, folder: Path | None, form: render.Format) -> None:
    """Print the statements that `up` would send, and what commits with what. Writes nothing."""
    _show_plan(target, folder, form)


@migrate.command("up")
@options.target
@_folder
@options.consent
@options.seconds("--wait", default=10.0, help="How long to wait for another run to end.")
@options.server_seconds(
    "--lock-timeout", default=5.0, help="How long a statement waits for a lock."
)
@click.option(
    "--tries",
    type=click.IntRange(1, 100),
    default=5,
    show_default=True,
    help="How many times a statement is tried that does not get its lock.",
)
@options.plan_only
@options.form
def up_command(
    target: Target, folder: Path | None, consent: Consent, form: render.Format, **said: Any
) -> None:
    """
    Apply what is pending. One run at a time: a second one waits, then finds nothing to do.

    A table partitioned by date that is made here gets partitions for the next three months, too.
    """
    if said.pop("plan_only"):
        _show_plan(target, folder, form)
        return
    with _diff_shown():
        applied = schema.build(
            target, folder=folder, patience=Patience(**said), consent=consent, say=_note
        )
    if applied or form == "json":
        click.echo(render.rows(applied, form))
    else:
        click.echo("nothing to do: every migration is applied")


@migrate.command("status")
@options.target
@_folder
@options.form
@click.pass_context
def status_command(
    ctx: click.Context, target: Target, folder: Path | None, form: render.Format
) -> None:
    """Show where each migration stands. Exits 1 unless all of them are applied and unchanged."""
    with quickly(target) as server:
        statuses = migrations.status(server, folder=folder)
    click.echo(render.rows(statuses, form))
    if any(status.state not in CLEAN for status in statuses):
        ctx.exit(1)


@migrate.command("verify")
@options.target
@_folder
@options.form
def verify_command(target: Target, folder: Path | None, form: render.Format) -> None:
    """
    Hold files, history and journal against each other.

    Exits 1 on any finding, and where there was nothing to check.
    """
    with quickly(target) as server:
        verdicts = migrations.verify(server, folder=folder)
    click.echo(render.rows(verdicts, form))
    bad = [verdict for verdict in verdicts if not verdict.ok]
    if not verdicts:
        raise Finding(
            "nothing was checked: no migration is applied", hint="Run: stockops migrate up"
        )
    if bad:
        raise Finding(
            f"{len(bad)} of {len(verdicts)} applied migrations have a finding",
            hint="Look at each with: stockops migrate status",
        )


def _show_plan(target: Target, folder: Path | None, form: render.Format) -> None:
    with quickly(target) as server, _diff_shown():
        planned = migrations.plan(server, folder=folder)
    click.echo(render.rows(planned, form) if form == "json" else _script(planned))


def _note(message: str) -> None:
    click.echo(message, err=True)


@contextmanager
def _diff_shown() -> Iterator[None]:
    """Print the difference that a changed file makes before the error that it is."""
    try:
        yield
    except Changed as exc:
        click.echo(exc.diff, err=True)
        raise


def _script(planned: Sequence[PlannedStatement]) -> str:
    """Write the plan as SQL with comments, one block for each file."""
    if not planned:
        return "nothing to do: every migration is applied"
    lines: list[str] = []
    file = ""
    for statement in planned:
        if statement.file != file:
            file = statement.file
            commits = (
                "one transaction"
                if statement.transaction == "file"
                else "each statement commits by itself"
            )
            lines += ["", f"-- {file}: {commits}"]
        grave = [
            *(["blocks others"] if statement.lock == "exclusive" else []),
            *(["destroys data"] if statement.destroys else []),
        ]
        mark = f": {', '.join(grave)}" if grave else ""
        lines += [f"-- {file}:{statement.line}{mark}", f"{statement.sql};"]
    return "\n".join(lines).lstrip("\n")
