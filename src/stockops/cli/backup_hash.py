"""``stockops backup hash``: the rows that backups did not wait for."""

import dataclasses
import json
from typing import TYPE_CHECKING

import click

from .. import lab, render, targets, unwinding
from ..errors import StockopsError
from ..targets import Target
from . import backupview, options
from .backup_restore import opened

if TYPE_CHECKING:
    from ..backups.manifest import Manifest
    from ..backups.repository import Backup, Repository


@click.command("hash")
@options.target
@options.repository
@options.form
@click.argument("names", nargs=-1)
def hash_command(target: Target, place: str, form: render.Format, names: tuple[str, ...]) -> None:
    """
    Hash on the server the rows that its backups, or those named, did not wait for.

    A drill holds a restored copy to the rows that the tables had: to their number and their hash.
    A backup that had to read all of a large table for it would take twice its time, so it only
    notes up to which id, or that the table did not change, and this does the rest: rows that were
    changed meanwhile are no longer the backup's, and are held to nothing. Of each table it is done
    once; the next backup hashes what is new.

    `backup take --hash` does it at once, `backup drill` before it begins. Exits 1 where there is no
    physical backup of that database.

    \b
    Examples:
      stockops backup hash -t prod
      stockops backup hash -t prod latest --format json
    """  # noqa: D301  click reads \b as a character
    from ..backups import owing  # noqa: PLC0415

    repo = opened(place)
    chosen = [repo.backup(name) for name in names]
    with unwinding.signals_unwind():
        found = owing.pay(repo, target, chosen, seen=backupview.phase)
    backupview.finish()
    if form == "json":
        click.echo(json.dumps([dataclasses.asdict(each) for each in found], indent=2))
    else:
        click.echo(render.rows(found, form) if found else "every backup has its hashes")


def hash_now(repo: "Repository", target: Target, said: "Manifest") -> "Manifest":
    """Hash what the backup `said` of `target` owes; return it with what was hashed."""
    from ..backups import owing  # noqa: PLC0415

    if said.method == "logical":  # the hashes of a dump are those of what was written into it
        return said
    owing.pay(repo, target, [repo.backup(said.id)], seen=backupview.phase)
    backupview.finish()
    return owing.complete(repo, said)


def hash_first(repo: "Repository", backup: "Backup") -> None:
    """Hash what `backup` owes, where the target that it names is known here and can be asked."""
    from ..backups import owing  # noqa: PLC0415

    said = backup.manifest
    if said is None or not owing.owed(repo, said):
        return
    config = click.get_current_context().meta.get("stockops.config")
    try:
        target = targets.resolve(said.target, targets.load(config), find_lab=lab.find)
        owing.pay(repo, target, [backup], seen=backupview.phase)
    except StockopsError as exc:
        backupview.finish()
        click.echo(f"warning: rows of {backup.id} are not hashed: {exc}", err=True)
