"""``stockops partitions``."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import click

from .. import market, render
from .. import partitions as the_partitions
from ..engine import connect
from ..partitions import EVERY, Table
from ..plan import Consent, check_named
from ..sessions.waiting import Patience
from ..targets import Target
from . import options

_AHEAD_MAX = 600


@dataclass(frozen=True, slots=True)
class Line:
    """A table that is partitioned by date: what it has, what it wants, what is missing."""

    table_name: str
    partitions: int
    until: date
    wanted: date
    missing: tuple[str, ...]
    rows_to_move: int


@click.group()
def partitions() -> None:
    """Tables partitioned by date: what the next months want."""


def _which(command: options.Command) -> options.Command:
    """Add ``--ahead`` and ``--every``."""
    ahead = click.option(
        "--ahead", type=click.IntRange(0, _AHEAD_MAX), default=3, show_default=True,
        metavar="MONTHS", help="How many months after this one there are to be partitions for.",
    )  # fmt: skip
    every = click.option(
        "--every", type=click.Choice(list(EVERY)), default="month", show_default=True,
        help="How long a new partition is.",
    )  # fmt: skip
    return ahead(every(command))


@partitions.command("plan")
@options.target
@_which
@options.form
@click.pass_context
def plan_command(
    ctx: click.Context, target: Target, ahead: int, every: str, form: render.Format
) -> None:
    """
    Say what each table partitioned by date has, and what it lacks for the months ahead.

    Nothing is written. Looked at are tables in ranges of one date (PostgreSQL: date or timestamp;
    MariaDB: RANGE COLUMNS of a DATE or DATETIME, RANGE of TO_DAYS). What comes after the last dated
    partition goes into the open one, where there is one; rows of it that belong into what is
    missing have to move, and are counted.

    Exits 1 where something is missing, and where no table is partitioned by date.

    \b
    Examples:
      stockops partitions plan -t prod
      stockops partitions plan -t prod --ahead 12 --every quarter --format json
    """  # noqa: D301  click reads \b as a character
    with connect(target, application="stockops partitions") as server:
        found = the_partitions.look(server, today=_today(), ahead=ahead, every=every)
    click.echo(render.rows([_line(each) for each in found], form))
    ctx.exit(1 if any(each.missing for each in found) else 0)


@partitions.command("apply")
@options.target
@_which
@options.seconds("--lock-timeout", default=2.0, help="How long each try waits for others.")
@options.tries(5)
@options.plan_only
@options.consent
@options.form
@click.pass_context
def apply_command(
    ctx: click.Context, /, target: Target, consent: Consent, form: render.Format, **said: Any
) -> None:
    """
    Make the partitions that are missing for the months ahead.

    A table is done in one transaction on PostgreSQL, in one ALTER TABLE on MariaDB: whoever is
    killed leaves it as it was, or done; the same command goes on. It waits for locks in short
    tries, and names who is in the way. Migrations are kept out meanwhile.

    An open partition without rows is split in an instant. Where rows have to move, nobody reads or
    writes the table meanwhile: that wants --yes. New partitions on PostgreSQL have the owner of the
    table and the grants of the last one.

    Exits 1 where a table failed, and where no table is partitioned by date.

    \b
    Examples:
      stockops partitions apply -t prod --plan
      stockops partitions apply -t prod --ahead 6 --i-mean prod
    """  # noqa: D301  click reads \b as a character
    tables = partial(the_partitions.look, today=_today(), ahead=said["ahead"], every=said["every"])
    if said["plan_only"]:
        with connect(target, application="stockops partitions") as server:
            planned = the_partitions.steps(tables(server), engine=server.engine)
        click.echo(render.rows(planned, form))
        return
    check_named("partitions apply", target=target.name, protected=target.protected, consent=consent)
    patience = Patience(lock_timeout_s=said["lock_timeout_s"], tries=said["tries"])
    made = the_partitions.apply(
        target, tables, consent=consent, patience=patience, say=partial(click.echo, err=True)
    )
    click.echo(render.rows(made, form))
    ctx.exit(1 if any(each.outcome == "failed" for each in made) else 0)


def _today() -> date:
    return datetime.now(UTC).astimezone(market.KST).date()


def _line(table: Table) -> Line:
    return Line(
        table_name=f"{table.schema_name}.{table.table_name}",
        partitions=len(table.parts),
        until=table.until,
        wanted=table.wanted,
        missing=tuple(each.name for each in table.missing),
        rows_to_move=table.rows_to_move,
    )
