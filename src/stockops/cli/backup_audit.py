"""``stockops backup audit``."""

import sys
from pathlib import Path

import click

from .. import render
from . import options, paths


@click.command("audit")
@click.argument("path", type=paths.Named())
@options.form
@click.pass_context
def audit_command(ctx: click.Context, path: Path, form: render.Format) -> None:
    """
    Grade the backups that other tools left in PATH, without writing there.

    It knows pg_basebackup, pg_dump, pg_dumpall, pgBackRest, Barman, mariadb-backup, mariadb-dump
    and mydumper. Each is read whole, and is restorable, proven (there is evidence of a restore),
    gap (a piece of its log or chain is missing), corrupt, or unknown; the reason says why. Exits 1
    unless something was found and all of it is restorable or proven.

    \b
    Example:
      stockops backup audit /var/lib/pgbackrest
    """  # noqa: D301  click reads \b as a character
    from ..backups import foreign  # noqa: PLC0415

    rows = foreign.audit(path, seen=_progress)
    _progress("")
    click.echo(render.rows(rows, form))
    if not rows:
        click.echo(f"nothing in {path} is a backup that is known here", err=True)
    ctx.exit(0 if rows and all(row.grade in foreign.SOUND for row in rows) else 1)


def _progress(words: str) -> None:
    """Say on a terminal what is read now, over what was read before."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{words}\r", err=True, nl=False)
