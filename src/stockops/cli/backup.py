"""``stockops backup``."""

import sys
from typing import TYPE_CHECKING, Any

import click

from .. import render
from ..targets import Target
from . import backupview, options
from .backup_archive import archive, windows

if TYPE_CHECKING:
    from ..backups.repository import Repository


@click.group()
def backup() -> None:
    """
    Backups that are restored, replayed, audited and timed before they are believed.

    A backup that is only complete is a hope: `backup drill` makes it verified.
    """


backup.add_command(archive)
backup.add_command(windows)


@backup.command("init")
@options.config
@options.repository
def init_command(place: str) -> None:
    r"""
    Make a directory a repository; one that is there is kept.

    \b
    Example:
      stockops backup init --repository /var/backups/stockops
    """
    from ..backups import repository as repositories  # noqa: PLC0415

    repo = repositories.make(place)
    click.echo(f"{repo.store.place} is a repository")


@backup.command("take")
@options.target
@options.repository
@options.form
@options.plan_only
@click.option("--physical", "method", flag_value="physical", default="physical", hidden=True)
@click.option("--logical", "method", flag_value="logical", help="A dump, not the server's files.")
@click.option("--full", "kind", flag_value="full", default="full", hidden=True)
@click.option(
    "--incremental", "kind", flag_value="incremental", help="What changed since the last backup."
)
@click.option("--label", help="A name of your own to find it by.")
@click.option(
    "--compress",
    type=click.Choice(["zstd", "lz4", "none"]),
    default="zstd",
    show_default=True,
    help="How it is compressed.",
)
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    metavar="KEY|FILE",
    help="Encrypt to this public key of age or SSH; repeat.",
)
def take_command(
    target: Target, place: str, form: render.Format, plan_only: bool, **asked: Any
) -> None:
    r"""
    Take a backup, physical and full unless said otherwise.

    It gets its name when the engine's tool left well, all that must be in it is, every object is
    on disk, and its manifest says so. One run at a time on a server: a second one exits 6.

    \b
    Examples:
      stockops backup take -t prod
      stockops backup take -t prod --incremental --label nightly
      stockops backup take -t prod --recipient age1qqp... --compress lz4
    """
    from ..backups import keys, taking  # noqa: PLC0415
    from ..backups.streams import Form  # noqa: PLC0415

    repo = opened(place)
    request = taking.Request(
        method=asked["method"],
        kind=asked["kind"],
        label=asked["label"],
        form=Form(compression=asked["compress"], recipients=keys.recipients(asked["recipients"])),
    )
    if plan_only:
        click.echo(render.rows(taking.steps(repo, target, request), form))
        return
    said = taking.take(repo, target, request, progress=backupview.progress())
    backupview.finish()
    click.echo(backupview.taken(said, form))


@backup.command("list")
@options.config
@options.repository
@options.form
def list_command(place: str, form: render.Format) -> None:
    """List what is in a repository: chains, states, sizes, ages; exits 1 where there is nothing."""
    found = opened(place).backups()
    click.echo(backupview.listed(found, form))
    sys.exit(0 if any(each.manifest for each in found) else 1)


@backup.command("show")
@options.config
@options.repository
@options.form
@click.argument("name")
def show_command(place: str, form: render.Format, name: str) -> None:
    """Show one backup, by its id, the beginning of its id, its label, or `latest`."""
    repo = opened(place)
    found = repo.backup(name)
    click.echo(backupview.shown(found, repo.evidence(found), form))


@backup.command("verify")
@options.config
@options.repository
@options.form
@click.option("--again", is_flag=True, help="Read what was read before, too.")
@click.argument("names", nargs=-1)
def verify_command(place: str, form: render.Format, again: bool, names: tuple[str, ...]) -> None:
    """
    Read every byte of all backups, or of those named, and hold it to what was stored.

    Exits 1 on any finding, on a backup that is not whole, and where there was nothing to verify.
    That bytes are as they were stored does not prove that they can be restored: drill for that.
    """
    from ..backups import verifying  # noqa: PLC0415

    repo = opened(place)
    chosen = [repo.backup(name) for name in names] or repo.backups()
    verdicts = verifying.verify(
        repo, [each for each in chosen if each.state != "running"], again=again
    )
    click.echo(backupview.verified(verdicts, form))
    sys.exit(0 if verdicts and all(each.passed for each in verdicts) else 1)


def opened(place: str) -> "Repository":
    """Return the repository at `place`."""
    from ..backups import repository as repositories  # noqa: PLC0415  other nouns need none of it

    return repositories.opened(place)
