"""``stockops partitions``."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from .. import market, render, targets
from .. import partitions as the_partitions
from ..engine import connect
from ..engine.base import Server
from ..engine.hanging import QUICK_S, answering
from ..errors import ConfigError
from ..partitions import EVERY, Job, Past, Retention, Splitting, Table
from ..plan import Consent, check_named
from ..sessions.waiting import Patience
from ..targets import Target
from . import options, paths

_AHEAD_MAX = 600


@dataclass(frozen=True, slots=True)
class Line:
    """A table that is partitioned by date: what it has and wants, what is missing or past."""

    table_name: str
    partitions: int
    until: date
    wanted: date
    missing: tuple[str, ...]
    rows_to_move: int
    past: tuple[str, ...]
    note: str


@click.group()
def partitions() -> None:
    """Tables partitioned by date: what the next months want, and what is past its time."""


def _which(command: options.Command) -> options.Command:
    """Add ``--ahead``, ``--every``, ``--retention`` and ``--to``."""
    ahead = click.option(
        "--ahead", type=click.IntRange(0, _AHEAD_MAX), default=3, show_default=True,
        metavar="MONTHS", help="How many months after this one there are to be partitions for.",
    )  # fmt: skip
    every = click.option(
        "--every", type=click.Choice(list(EVERY)), default="month", show_default=True,
        help="How long a new partition is.",
    )  # fmt: skip
    retention = click.option(
        "--retention", multiple=True, metavar="[TABLE=]MONTHS",
        help="How many months before this one stay, of each table or of one; repeat. "
        "Without it, what stockops.yaml says.",
    )  # fmt: skip
    folder = click.option(
        "--to", "folder", metavar="DIRECTORY",
        type=paths.Named(exists=True, file_okay=False),
        help="Where the archives of what is past its time are written.",
    )  # fmt: skip
    return ahead(every(retention(folder(command))))


@partitions.command("plan")
@options.target
@_which
@options.form
@click.pass_context
def plan_command(ctx: click.Context, /, target: Target, form: render.Format, **said: Any) -> None:
    """
    Say what each table partitioned by date has, what it lacks, and what is past its time.

    Nothing is written. Looked at are tables in ranges of one date (PostgreSQL: date or timestamp;
    MariaDB: RANGE COLUMNS of a DATE or DATETIME, RANGE of TO_DAYS). What comes after the last dated
    partition goes into the open one, where there is one; rows of it that belong into what is
    missing have to move, and are counted.

    Past its time is what ended --retention months before this one, or what stockops.yaml says
    under partitions. The journal and the audit trail have no such time.

    Exits 1 where something is missing or past, and where no table is partitioned by date.

    \b
    Examples:
      stockops partitions plan -t prod
      stockops partitions plan -t prod --ahead 12 --every quarter --format json
      stockops partitions plan -t prod --retention stock_prices=60
    """  # noqa: D301  click reads \b as a character
    retention, today = _retention(ctx, said), _today()
    with connect(target, application="stockops partitions") as server:
        with answering(server, target.name, within_s=QUICK_S):
            parts = server.fetch(the_partitions.PARTS)
        found = the_partitions.look(
            server, parts, today=today, ahead=said["ahead"], every=said["every"]
        )
        old = {each.table_name: each for each in _past(server, retention, today)}
    click.echo(render.rows([_line(each, old.get(each.table_name)) for each in found], form))
    over = any(each.wanted or each.refused for each in old.values())
    ctx.exit(1 if over or any(each.missing for each in found) else 0)


@partitions.command("apply")
@options.target
@_which
@options.server_seconds("--lock-timeout", default=2.0, help="How long each try waits for others.")
@options.tries(5)
@options.plan_only
@options.consent
@options.form
@click.pass_context
def apply_command(
    ctx: click.Context, /, target: Target, consent: Consent, form: render.Format, **said: Any
) -> None:
    """
    Make the partitions that are missing for the months ahead, and detach what is past its time.

    A table is done in one transaction on PostgreSQL, in one ALTER TABLE on MariaDB: whoever is
    killed leaves it as it was, or done; the same command goes on. It waits for locks in short
    tries, and names who is in the way. Migrations are kept out meanwhile.

    An open partition without rows is split in an instant. Where rows have to move, nobody reads or
    writes the table meanwhile: that wants --yes. New partitions on PostgreSQL have the owner of the
    table and the grants of the last one.

    With --retention, or partitions: in stockops.yaml, what ended so many months before this one is
    detached as `partitions detach` does it: to an archive that is proven, nothing deleted, nothing
    dropped. A table that has to stay does not keep the others from being done.

    Exits 1 where a table failed, 5 where one is refused, and 1 where no table is partitioned by
    date.

    \b
    Examples:
      stockops partitions apply -t prod --plan
      stockops partitions apply -t prod --ahead 6 --i-mean prod
      stockops partitions apply -t prod --retention stock_prices=60 --to /srv/archive --plan
    """  # noqa: D301  click reads \b as a character
    retention, today = _retention(ctx, said), _today()
    folder = _folder(retention)
    tables = partial(the_partitions.look, today=today, ahead=said["ahead"], every=said["every"])
    say = partial(click.echo, err=True)
    with connect(target, application="stockops partitions") as server:
        old = _past(server, retention, today)
        if said["plan_only"]:
            planned = the_partitions.steps(tables(server), engine=server.engine)
            planned += the_partitions.retiring_steps(old, engine=server.engine)
            click.echo(render.rows(planned, form))
            _say_what_stays([each.refused for each in old])
            return
    check_named("partitions apply", target=target.name, protected=target.protected, consent=consent)
    patience = Patience(lock_timeout_s=said["lock_timeout_s"], tries=said["tries"])
    # First the months ahead: a table that has no partition with an end left gets none any more.
    made = the_partitions.apply(target, tables, consent=consent, patience=patience, say=say)
    made += the_partitions.retire(target, old, folder, consent=consent, patience=patience, say=say)
    click.echo(render.rows(made, form))
    ctx.exit(_exit_code({each.outcome for each in made}))


def _say_what_stays(refused: Iterable[str]) -> None:
    """Say why partitions stay as they are; the reason is empty for those that do not."""
    for why in filter(None, refused):
        click.echo(f"stays: {why}", err=True)


def _exit_code(outcomes: Container[str]) -> int:
    return 1 if "failed" in outcomes else 5 if "refused" in outcomes else 0


@partitions.command("split")
@options.target
@click.argument("table", metavar="TABLE")
@click.option(
    "--every", type=click.Choice(list(EVERY)), default="month", show_default=True,
    help="How long a partition is to be at most.",
)  # fmt: skip
@click.option(
    "--from", "since", type=options.DAY, metavar="DATE",
    help="Leave partitions that end by it, and what the first one holds before it; without it "
    "the first one is split from its first row on.",
)  # fmt: skip
@click.option(
    "--to", "until", type=options.DAY, metavar="DATE",
    help="Leave partitions that begin from it on.",
)  # fmt: skip
@options.server_seconds("--lock-timeout", default=2.0, help="How long each try waits for others.")
@options.tries(5)
@options.plan_only
@options.consent
@options.form
@click.pass_context
def split_command(
    ctx: click.Context, /, target: Target, consent: Consent, form: render.Format, **said: Any
) -> None:
    """
    Split the partitions of TABLE that are longer than --every: a month, if nothing else is said.

    A bound that is there stays one. A partition that --from or --to lies in is split whole, but
    for the first one, which has no lower bound. The open one, up to MAXVALUE, is left to `apply`.

    PostgreSQL splits one after the other, each in one transaction; MariaDB copies the whole table,
    by one ALTER TABLE for all of them. Rows are counted before and after. Whoever is killed leaves
    a partition as it was, or split; the same command does the rest. Nobody reads or writes the
    table while rows move: that wants --yes.

    Exits 1 where a partition failed, 5 where one has to stay, 0 where there is nothing to split.

    \b
    Examples:
      stockops partitions split -t prod stock_prices --from 2016-01-01 --plan
      stockops partitions split -t prod stock_prices --to 2026-01-01 --i-mean prod
    """  # noqa: D301  click reads \b as a character
    job = Splitting(
        table=said["table"],
        every=said["every"],
        since=said["since"] and said["since"].date(),
        until=said["until"] and said["until"].date(),
    )
    say = partial(click.echo, err=True)
    nothing = f"nothing to split: no partition of {job.table} that was asked for is too long"
    if said["plan_only"]:
        with connect(target, application="stockops partitions") as server:
            found = the_partitions.coarse(server, job)
        steps = the_partitions.splitting_steps(found, engine=target.engine)
        click.echo(render.rows(steps, form))
        if not found:
            say(nothing)
        _say_what_stays([each.refused for each in found])
        return
    check_named("partitions split", target=target.name, protected=target.protected, consent=consent)
    patience = Patience(lock_timeout_s=said["lock_timeout_s"], tries=said["tries"])
    done = the_partitions.split(target, job, consent=consent, patience=patience, say=say)
    click.echo(render.rows(done, form))
    if not done:
        say(nothing)
    ctx.exit(_exit_code({each.outcome for each in done}))


@partitions.command("detach")
@options.target
@click.option(
    "--table", "tables", multiple=True, required=True, metavar="NAME", help="This table; repeat."
)
@click.option(
    "--keep", type=click.IntRange(0, _AHEAD_MAX), required=True, metavar="MONTHS",
    help="How many months before this one stay.",
)  # fmt: skip
@click.option(
    "--to", "folder", required=True, metavar="DIRECTORY",
    type=paths.Named(exists=True, file_okay=False),
    help="Where the archives are written.",
)  # fmt: skip
@click.option("--drop", is_flag=True, help="Drop what is detached, once it is proven again.")
@options.server_seconds("--lock-timeout", default=2.0, help="How long each try waits for others.")
@options.tries(5)
@options.plan_only
@options.consent
@options.form
@click.pass_context
def detach_command(
    ctx: click.Context, /, target: Target, consent: Consent, form: render.Format, **said: Any
) -> None:
    """
    Take the partitions that are past their time out of a table, to archives that are proven.

    Each is written to a file under zstd with a manifest beside it, read back, detached, and
    compared once more as the table of its own that it then is. That table stays unless --drop is
    given. A run that was killed is ended by the same command. The journal and the audit trail are
    needed whole by the books, and are refused.

    Exits 1 where a partition failed, 5 where a table is refused, 6 where another run is at it.

    \b
    Examples:
      stockops partitions detach -t prod --table stock_prices --keep 60 --to /srv/old --plan
      stockops partitions detach -t lab --table stock_prices --keep 60 --to /srv/old --drop --yes
    """  # noqa: D301  click reads \b as a character
    job = Job(
        tables=said["tables"],
        before=the_partitions.months_before(_today(), said["keep"]),
        folder=said["folder"].absolute(),
        drop=said["drop"],
    )
    if said["plan_only"]:
        with connect(target, application="stockops partitions") as server:
            found = the_partitions.wanted(
                server, tables=job.tables, before=job.before, folder=job.folder, drop=job.drop
            )
        steps = the_partitions.detaching_steps(found, engine=target.engine, drop=job.drop)
        click.echo(render.rows(steps, form))
        return
    check_named(
        "partitions detach", target=target.name, protected=target.protected, consent=consent
    )
    patience = Patience(lock_timeout_s=said["lock_timeout_s"], tries=said["tries"])
    done = the_partitions.detach(
        target, job, consent=consent, patience=patience, say=partial(click.echo, err=True)
    )
    click.echo(render.rows(done, form))
    ctx.exit(1 if any(each.outcome == "failed" for each in done) else 0)


@partitions.command("attach")
@options.target
@click.argument("file", type=paths.Named(exists=True, dir_okay=False))
@options.server_seconds("--lock-timeout", default=2.0, help="How long it waits for others.")
@options.plan_only
@options.consent
@options.form
def attach_command(
    target: Target,
    file: Path,
    lock_timeout_s: float,
    plan_only: bool,
    consent: Consent,
    form: render.Format,
) -> None:
    """
    Bring the partition of FILE, an archive of `detach`, back into its table.

    The archive is read to its end first. Its rows are loaded in one transaction and compared with
    it before that commits. MariaDB has to move the rows of the partition that is to come after it,
    where that has any, while nobody writes to the table: that wants --yes.

    Exits 5 where its rows, or its table, are still there, or the table has other columns now.

    \b
    Examples:
      stockops partitions attach /srv/archive/stock_prices.stock_prices_before.tsv.zst
    """  # noqa: D301  click reads \b as a character
    if plan_only:
        with connect(target, application="stockops partitions") as server:
            click.echo(render.rows(the_partitions.planned(server, file), form))
        return
    check_named(
        "partitions attach", target=target.name, protected=target.protected, consent=consent
    )
    attached = the_partitions.attach(
        target,
        file,
        consent=consent,
        patience=Patience(lock_timeout_s=lock_timeout_s),
        say=partial(click.echo, err=True),
    )
    click.echo(render.rows([attached], form))


def _retention(ctx: click.Context, said: Mapping[str, Any]) -> Retention:
    """Return what the options say of what is past its time, or else the file of targets."""
    stands = the_partitions.load(targets.load(ctx.meta.get("stockops.config")).path)
    retention = the_partitions.stated(said["retention"]) if said["retention"] else stands
    folder = said["folder"].absolute() if said["folder"] else stands.folder
    return replace(retention, folder=folder)


def _folder(retention: Retention) -> Path:
    if retention.folder is None and retention.is_stated:
        raise ConfigError(
            "nothing says where the archives go of what is past its time",
            hint="Give --to DIRECTORY, or write partitions: {archive: DIRECTORY} into "
            "stockops.yaml.",
        )
    return retention.folder or Path()


def _past(server: Server, retention: Retention, today: date) -> list[Past]:
    return the_partitions.past(server, retention, today=today) if retention.is_stated else []


def _today() -> date:
    return datetime.now(UTC).astimezone(market.KST).date()


def _line(table: Table, old: Past | None) -> Line:
    return Line(
        table_name=f"{table.schema_name}.{table.table_name}",
        partitions=len(table.parts),
        until=table.until,
        wanted=table.wanted,
        missing=tuple(each.name for each in table.missing),
        rows_to_move=table.rows_to_move,
        past=tuple(each.part.part_name for each in old.wanted) if old else (),
        note=old.refused if old else "",
    )
