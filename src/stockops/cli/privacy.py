"""``stockops privacy``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import counts, render
from ..engine import connect
from ..errors import Finding
from ..targets import Target
from . import options, paths
from .privacy_erase import erase_command
from .privacy_mask import mask_command
from .privacy_tokens import (
    check_tokens_command,
    make_key_command,
    rotate_key_command,
    store_token_command,
)

if TYPE_CHECKING:
    from ..privacy.scanning import Scan

_ROWS_MAX = 10_000_000
_NAMED = 5


@click.group()
def privacy() -> None:
    """
    Personal data: found, masked in a copy, erased; tokens encrypted.

    What is personal is declared in schema/privacy.yaml, and held against what is found.
    """


for _command in (
    mask_command,
    erase_command,
    make_key_command,
    store_token_command,
    check_tokens_command,
    rotate_key_command,
):
    privacy.add_command(_command)


@privacy.command("scan")
@options.target
@click.option(
    "--rows", type=click.IntRange(2, _ROWS_MAX), default=1000, show_default=True,
    help="How many rows of each table are read, half of them first and half last by key.",
)  # fmt: skip
@click.option(
    "--declarations", "path", type=paths.Named(dir_okay=False), metavar="FILE",
    help="What is declared; else what comes with the schema.",
)  # fmt: skip
@options.form
def scan_command(target: Target, rows: int, path: Path | None, form: render.Format) -> None:
    """
    Find the columns that hold personal data, and hold them against what is declared.

    A column is judged by its name, comment and type, by what it refers to, and by a sample of its
    values. No value is ever printed: of values it says how many look like what, and what they are
    built like. Nothing is written.

    Exits 1 where a column looks like personal data and is not declared, where one that is declared
    is gone, where an excused one holds what it is not excused for, where there was no value to
    look at; and where the role may not see all of it: what was not looked at is not clean.

    \b
    Examples:
      stockops privacy scan -t prod
      stockops privacy scan -t prod --rows 100000 --format json
    """  # noqa: D301  click reads \b as a character
    from ..privacy import declarations, scanning  # noqa: PLC0415

    declared = declarations.load(path)
    with connect(target, application="stockops privacy") as server:
        found = scanning.scan(server, declared, rows=rows)
    click.echo(render.rows(found.found, form))
    if form == "table":
        click.echo(
            f"{found.columns:,} columns and {found.values:,} values looked at, "
            f"{counts.of(len(found.findings), 'finding')}"
        )
    said = _said_of(found, declared.path.name)
    if said:
        hint = f"Declare them in {declared.path}, or take the data out."
        if not found.findings:
            hint = "Scan as a role that may read every table of the database."
        raise Finding("; ".join(said), hint=hint)
    if not found.values:
        raise Finding(
            "the tables are empty: no value was looked at, only names",
            hint="Scan the database that holds the data.",
        )


def _said_of(found: "Scan", declared: str) -> list[str]:
    """Return what is not as it is declared, and what this role cannot see."""
    said = []
    if wrong := found.findings:
        columns = counts.of(
            len(wrong),
            f"column is not as {declared} declares it:",
            f"columns are not as {declared} declares them:",
        )
        named = ", ".join(each.column for each in wrong[:_NAMED])
        said.append(f"{columns} {named}")
    if found.unseen:
        tables = counts.of(len(found.unseen), "table")
        named = ", ".join(found.unseen[:_NAMED])
        said.append(f"this role may not read {tables}, and nothing is said of the values: {named}")
    elif found.may_hide:
        said.append(
            "this role is shown those tables alone that it has a right on: others may be there"
        )
    return said
