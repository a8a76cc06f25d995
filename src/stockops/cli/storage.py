"""``stockops storage``."""

from dataclasses import dataclass
from typing import Any

import click

from .. import lab as labs
from .. import render, targets
from .. import storage as the_storage
from ..backups import s3place
from ..backups.archive.receiving import system_of
from ..backups.repository import opened
from ..engine import connect
from ..plan import Consent, check, check_named
from ..storage import Freed, Item, Proof
from ..targets import Target
from . import options

_MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """Something that takes room, as wide as a terminal bears."""

    kind: str
    name: str
    size_mb: str
    note: str


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a statement, as wide as a terminal bears."""

    action: str
    outcome: str
    freed_mb: str
    note: str


@click.group()
def storage() -> None:
    """What fills the disk, and what may go without losing anything."""


@storage.command("status")
@options.target
@options.form
@click.pass_context
def status_command(ctx: click.Context, target: Target, form: render.Format) -> None:
    """
    Say what fills the disk of a server, and who keeps it there.

    The log (WAL, binary logs) with the slots and the archiver that keep it, temporary files and
    whose they are, databases, and of this database the largest tables and indexes, dead rows and
    unused room. Of a lab also the room that is free, and its log files. Nothing is written.

    Exits 1 where something keeps log that nobody reads, the archiver fails, binary logs are never
    removed, or a disk of a lab is nearly full.

    \b
    Examples:
      stockops storage status -t prod
      stockops storage status -t prod --format json | jq '.[] | select(.kind == "slot")'
    """  # noqa: D301  click reads \b as a character
    with connect(target, application="stockops storage") as server:
        found = the_storage.look(server, target)
    shown = found.items if form == "json" else list(map(_line, found.items))
    click.echo(render.rows(shown, form))
    for problem in found.problems:
        click.echo(f"{click.style('finding:', fg='red')} {problem}", err=True)
    ctx.exit(1 if found.problems else 0)


@storage.command("free")
@options.target
@click.option(
    "--slot", "slot_names", multiple=True, metavar="NAME",
    help="PostgreSQL: drop this slot of ours, which nobody uses; repeat.",
)  # fmt: skip
@click.option(
    "--replica", "replica_names", multiple=True, metavar="NAME|URL",
    help="MariaDB: a replica that has to have a binary log before it goes; repeat.",
)  # fmt: skip
@click.option(
    "--repository", envvar="STOCKOPS_REPOSITORY", metavar="DIRECTORY|S3",
    help="MariaDB: the archive that has to have it; else backup.repository of stockops.yaml.",
)  # fmt: skip
@options.plan_only
@options.consent
@options.form
@click.pass_context
def free_command(
    ctx: click.Context, /, target: Target, consent: Consent, form: render.Format, **said: Any
) -> None:
    """
    Make room on the disk of a server by what is proven not to be needed.

    PostgreSQL: a slot of ours whose log is lost is dropped; one that nobody uses where --slot names
    it; then a checkpoint, by which the server removes log itself. Nothing is ever removed from
    pg_wal by hand. MariaDB: binary logs that the archive has whole and every replica has applied.
    Replicas of a lab that are labs are known; others are named with --replica.

    What is not proven is left, and said why and what to run. Without a replica that proves it, and
    for a slot that somebody may come back to, it wants --yes.

    Exits 1 where a statement failed, and where there is nothing to free and something is left.

    \b
    Examples:
      stockops storage free -t prod --plan
      stockops storage free -t prod --slot stockops_archive_1f2e --i-mean prod
      stockops storage free -t prod --replica standby --repository /var/backups/stockops
    """  # noqa: D301  click reads \b as a character
    if said["slot_names"] and target.engine != "postgresql":
        raise click.UsageError("--slot is for PostgreSQL: MariaDB has no replication slots.")
    proof = _proof(ctx, target, said["replica_names"], said["repository"])
    with connect(target, application="stockops storage") as server:
        work = the_storage.plan(server, slot_names=said["slot_names"], proof=proof)
        planned = the_storage.steps(work)
        for each in work.left:
            click.echo(f"left: {each}", err=True)
        if said["plan_only"]:
            click.echo(render.rows(planned, form))
            return
        check(planned, target=target.name, protected=target.protected, consent=consent)
        if planned:
            check_named(
                "storage free", target=target.name, protected=target.protected, consent=consent
            )
        done = the_storage.carry_out(server, work)
    click.echo(render.rows(done if form == "json" else list(map(_done, done)), form))
    failed = any(each.outcome == "failed" for each in done)
    ctx.exit(1 if failed or (work.left and not done) else 0)


def _proof(
    ctx: click.Context, target: Target, names: tuple[str, ...], repository: str | None
) -> Proof:
    """Return what is there to prove that a binary log is not needed."""
    if target.engine != "mariadb":
        if names:
            raise click.UsageError("--replica is for MariaDB: on PostgreSQL a slot keeps the log.")
        return Proof()
    known = targets.load(ctx.meta.get("stockops.config"))
    if target.lab is not None:
        names = (*names, *(each.name for each in labs.replicas_of(target.lab)))
    place = repository or s3place.stated(known.backup)
    return Proof(
        repository=opened(place) if place else None,
        system=system_of(target) if place else "",
        replicas=[
            targets.resolve(name, known, find_lab=labs.find) for name in dict.fromkeys(names)
        ],
    )


def _line(item: Item) -> Line:
    return Line(kind=item.kind, name=item.name, size_mb=_megabytes(item.size_bytes), note=item.note)


def _done(freed: Freed) -> Done:
    return Done(
        action=freed.action,
        outcome=freed.outcome,
        freed_mb=_megabytes(freed.freed_bytes),
        note=freed.note,
    )


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / _MB:,.1f}"
