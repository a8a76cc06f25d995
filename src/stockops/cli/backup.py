"""``stockops backup``."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import plan, render, targets, unwinding
from ..errors import Finding
from ..plan import Consent
from ..targets import Target
from . import backupchains, backupview, options, paths
from .backup_archive import archive, windows
from .backup_audit import audit_command
from .backup_find import find_command
from .backup_hash import hash_command, hash_first, hash_now
from .backup_restore import (
    dump_of,
    identity,
    keys_of,
    opened,
    programs,
    recovery_of,
    restore_command,
)

if TYPE_CHECKING:
    from ..backups.drilling import Drilled
    from ..backups.repository import Repository


@click.group()
def backup() -> None:
    """
    Backups that are restored, replayed, audited and timed before they are believed.

    A backup that is only complete is a hope: `backup drill` makes it verified.
    """


backup.add_command(archive)
backup.add_command(windows)
backup.add_command(audit_command)
backup.add_command(find_command)
backup.add_command(hash_command)
backup.add_command(restore_command)


@backup.command("init")
@options.config
@options.repository
def init_command(place: str) -> None:
    """
    Make a directory, or a place in a bucket on S3, a repository; one that is there is kept.

    \b
    Examples:
      stockops backup init --repository /var/backups/stockops
      stockops backup init --repository 's3://bucket/prod?region=ap-northeast-2'
    """  # noqa: D301  click reads \b as a character
    from ..backups import repository as repositories  # noqa: PLC0415

    repo = repositories.make(place)
    click.echo(f"{repo.store.place} is a repository")


@backup.command("take")
@options.target
@options.repository
@options.form
@options.plan_only
@click.option(
    "--physical",
    "method",
    flag_value="physical",
    default="physical",
    help="The server's files; unless said otherwise.",
)
@click.option("--logical", "method", flag_value="logical", help="A dump, not the server's files.")
@click.option(
    "--full", "kind", flag_value="full", default="full", help="All of it; unless said otherwise."
)
@click.option(
    "--incremental", "kind", flag_value="incremental", help="What changed since the last backup."
)
@click.option("--mixed", is_flag=True, help="Dump tables without transactions all the same.")
@click.option("--label", help="A name of your own to find it by.")
@click.option(
    "--new-system", is_flag=True, help="The target is another cluster now: upgraded, or made anew."
)
@click.option(
    "--hash",
    "hash_too",
    is_flag=True,
    help="When it is complete, hash the rows of large tables, too, as `backup hash` does.",
)
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
@click.option(
    "--staging",
    type=paths.Named(file_okay=False, exists=True),
    help="Where the archives of a PostgreSQL with tablespaces stand until they are stored, "
    "in the clear.",
)
def take_command(
    target: Target, place: str, form: render.Format, plan_only: bool, **asked: Any
) -> None:
    """
    Take a backup, physical and full unless said otherwise.

    It gets its name when the engine's tool left well, all that must be in it is, every object is
    on disk, and its manifest says so. One run at a time on a server: a second one exits 6. A dump
    of tables without transactions is refused: they would be of another moment than the rest.

    A drill holds the copy to the rows that the tables had. Those of small tables, and what is new
    since the last backup, are hashed at once; for the rest, nobody need wait: see `backup hash`.

    \b
    Examples:
      stockops backup take -t prod
      stockops backup take -t prod --incremental --label nightly
      stockops backup take -t prod --recipient age1qqp... --compress lz4
    """  # noqa: D301  click reads \b as a character
    from ..backups import keys, taking  # noqa: PLC0415
    from ..backups.streams import Form  # noqa: PLC0415

    repo = opened(place)
    request = taking.Request(
        method=asked["method"],
        kind=asked["kind"],
        label=asked["label"],
        form=Form(compression=asked["compress"], recipients=keys.recipients(asked["recipients"])),
        mixed=asked["mixed"],
        staging=asked["staging"],
        new_system=asked["new_system"],
    )
    if plan_only:
        click.echo(render.rows(taking.steps(repo, target, request), form))
        return
    with unwinding.signals_unwind():
        said = taking.take(repo, target, request, progress=backupview.progress())
        backupview.finish()
        if asked["hash_too"]:
            said = hash_now(repo, target, said)
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
    from ..backups import archive, owing  # noqa: PLC0415

    repo = opened(place)
    found = repo.backup(name)
    windows = archive.coverage(repo, found.system).windows
    chain = backupchains.chain_of(found, repo.backups(found.system), windows)
    if found.manifest is not None:
        found = dataclasses.replace(found, manifest=owing.complete(repo, found.manifest))
    click.echo(backupview.shown(found, repo.evidence(found), chain, form))


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


@backup.command("drill")
@options.config
@options.repository
@options.form
@click.option("--to", "moment", default="end", show_default=True, help="See backup restore.")
@click.option("--system", help="Of which system, where the repository holds several.")
@click.option(
    "--journal",
    type=paths.Named(exists=True, file_okay=False),
    help="A client's journal: counts acknowledged orders that are lost.",
)
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=paths.Named(dir_okay=False),
    metavar="FILE",
    help="Write the evidence to FILE: .html, .md or .json; repeat.",
)
@click.option("--signed-off", metavar="NAME", help="Who answers for it; goes into the evidence.")
@identity
@programs
@click.argument("name", required=False)
def drill_command(
    place: str, form: render.Format, moment: str, name: str | None, **asked: Any
) -> None:
    """
    Prove a recovery: restore it, replay, start it, check every page, structure, row and the books.

    Takes the backup NAME, or the one that the moment needs; a dump that is named, or all there is,
    is loaded, and proven as of its own moment. Everything happens in a private lab
    that is gone at the end. Rows that are not hashed yet are first, where the target that the
    backup names can be asked: see `backup hash`. Exits 1 on any finding; only what passed is
    `verified`.

    \b
    Examples:
      stockops backup drill
      stockops backup drill latest --to backup
      stockops backup drill --to 2026-01-02T14:29:59+09:00 --journal out/run-1
    """  # noqa: D301  click reads \b as a character
    repo = opened(place)
    _require_room(asked["reports"])
    _require_orders(asked["journal"])
    drilled = _drilled(repo, moment, name, asked)
    backupview.finish()
    _report(repo, drilled, asked["reports"], asked["signed_off"])
    click.echo(backupview.drilled(drilled, form))
    sys.exit(0 if drilled.passed else 1)


@backup.command("prune")
@options.config
@options.repository
@options.form
@options.plan_only
@options.consent
@click.option("--system", help="Of which system; else of all.")
@click.pass_context
def prune_command(
    ctx: click.Context,
    place: str,
    form: render.Format,
    plan_only: bool,
    consent: Consent,
    system: str | None,
) -> None:
    """
    Remove what `backup: keep:` of stockops.yaml does not ask for; --plan shows it first.

    Stays: the last good backup of each day, week and month, the last one, the last that was
    proven, what they build upon, and the log after the oldest of them. Dumps are counted by
    themselves: no log goes on from one.
    """
    from ..backups import retention  # noqa: PLC0415

    repo = opened(place)
    keep = targets.load(ctx.meta.get("stockops.config")).backup.keep or retention.DEFAULT_KEEP
    whose = repo.systems() if system is None else [repo.one_system(system)]
    plans = [retention.plan(repo, each, keep) for each in whose]
    steps = [removal.step for each in plans for removal in each.removed]
    if not plan_only:
        plan.check(steps, target=repo.store.place, protected=False, consent=consent)
        for each in whose:
            retention.prune(repo, each, keep)
    click.echo(backupview.pruned(plans, form, done=not plan_only))


def _drilled(repo: "Repository", moment: str, name: str | None, asked: dict[str, Any]) -> "Drilled":
    from ..backups import drilling  # noqa: PLC0415

    how = {
        "identities": keys_of(repo, asked),
        "journal": asked["journal"],
        "bin_directory": asked["bin_directory"],
        "seen": backupview.phase,
    }
    dump = dump_of(repo, moment, name, asked["system"])
    if dump is None:
        recovery = recovery_of(repo, moment, name, asked, suspect=name is not None)
        hash_first(repo, recovery.links[-1])
        return drilling.drill(repo, recovery, **how)
    return drilling.drill_dump(repo, dump, **how)


def _require_room(paths: Sequence[Path]) -> None:
    """Raise where evidence could not be written to one of `paths`: a drill may take an hour."""
    if paths:
        from .. import report  # noqa: PLC0415  only who wants one waits for it

        for path in paths:
            report.check_drill(path)


def _require_orders(directory: Path | None) -> None:
    """Raise where the journal is none, or has no order that could be lost, before the restore."""
    if directory is None:
        return
    from .. import journal  # noqa: PLC0415

    book = journal.read_header(directory)
    if not any(line for client in range(book.header.clients) for line in book.lines(client)):
        raise Finding(
            f"the journal {str(directory)!r} holds no order, so none could be counted as lost",
            hint="Name the journal of a run, or drill without one.",
        )


def _report(
    repo: "Repository", drilled: "Drilled", paths: Sequence[Path], signed_off: str | None
) -> None:
    from .. import report  # noqa: PLC0415

    if paths:
        found = next(each for each in repo.backups(drilled.system) if each.id == drilled.backup)
        drills = [each for each in repo.evidence(found) if each.what == "drill"]
        history = [{"at": e.at, "passed": e.passed, "summary": e.summary} for e in drills]
        for path in paths:
            report.write_drill(drilled.as_json(), path, history=history, signed_off=signed_off)
