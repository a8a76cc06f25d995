"""``stockops slow snapshot`` and ``stockops slow compare``."""

from pathlib import Path
from typing import Any

import click

from .. import render
from ..slow import report, snapshots
from . import forms, numbers, paths
from .slow_files import asked_for, leave, read_all, what_to_read
from .slowview import print_compared


@click.command("snapshot")
@click.argument("snapshot", type=paths.Named(dir_okay=False))
@what_to_read
@click.pass_context
def snapshot_command(
    ctx: click.Context, /, snapshot: Path, files: tuple[str, ...], **chosen: Any
) -> None:
    """
    Keep the digest of logs in a small file, to be compared with another one.

    SNAPSHOT is written whole or not at all, and never over a file that is no snapshot. It holds
    classes and their times: no statement as it was sent, and no parameter.

    \b
    Examples:
      stockops slow snapshot monday.json /var/log/postgresql/monday.csv
      stockops slow snapshot today.json slow.log && stockops slow compare monday.json today.json
    """  # noqa: D301  click reads \b as a character
    snapshots.require_place(snapshot)
    found = read_all(asked_for(files, chosen), None)
    problems = list(report.findings(found))
    if report.ranked_by(found, "total") != "total":
        problems.append("the log has no times: there is nothing to compare a snapshot of it by")
    if not problems:
        count = snapshots.write(found, snapshot)
        click.echo(f"{count:,} classes in {snapshot}", err=True)
    leave(ctx, problems)


@click.command("compare")
@click.argument("before", type=paths.Named())
@click.argument("after", type=paths.Named())
@click.option(
    "--max-worse", type=numbers.Range(0), default=10.0, show_default=True, metavar="PERCENT",
    help="How much longer a class may take on average.",
)  # fmt: skip
@forms.form
@click.pass_context
def compare_command(
    ctx: click.Context, before: Path, after: Path, max_worse: float, form: render.Format
) -> None:
    """
    Compare two snapshots: which classes are worse, new, better, gone.

    A class is worse when its mean grew by more than --max-worse with 95 % certainty; with fewer
    than 5 calls on either side nobody can tell, and it is unknown. Exits 1 when a class is worse,
    and when not one could be compared.

    \b
    Example:
      stockops slow compare --max-worse 20 monday.json today.json
    """  # noqa: D301  click reads \b as a character
    rows = snapshots.compare(
        snapshots.read(before), snapshots.read(after), max_worse=max_worse / 100
    )
    print_compared(rows, form)
    leave(ctx, list(snapshots.findings(rows)))
