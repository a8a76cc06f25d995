"""``stockops settings apply`` and ``stockops settings revert``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from .. import render
from .. import settings as the_settings
from ..engine import connect
from ..plan import Consent, check_named
from ..settings import applying, records
from ..settings.applying import Done
from ..targets import Target
from . import options, servermachine


@dataclass(frozen=True, slots=True)
class Line:
    """One record in the list."""

    record: str
    at: str
    target: str
    stage: str
    settings: tuple[str, ...]


@click.command("apply")
@options.target
@click.option("--rule", "rules", multiple=True, metavar="NAME", help="Only this rule; repeat.")
@servermachine.said
@options.plan_only
@options.consent
@options.form
@click.pass_context
def apply_command(
    ctx: click.Context, /, target: Target, consent: Consent, form: render.Format, **asked: Any
) -> None:
    """
    Follow what `settings advise` says, all of it or nothing, and keep the way back.

    What a running server can be told is told: ALTER SYSTEM, ALTER DATABASE, SET GLOBAL. What stood
    there before is written down first, in a record, and `settings revert` puts it back. Where the
    server refuses one of the statements, those before it are taken back.

    Nothing is restarted and no option file is written: what takes that is named, and left to be
    done by hand. A protected target has to be named again with --i-mean.

    Exits 1 where something is left to be done by hand, and where no rule could be judged.

    \b
    Examples:
      stockops settings apply -t prod --plan
      stockops settings apply -t prod --rule work_mem --rule log_lock_waits --i-mean prod
    """  # noqa: D301  click reads \b as a character
    told: servermachine.Told = asked["told"]
    if not asked["plan_only"]:
        check_named(
            "settings apply", target=target.name, protected=target.protected, consent=consent
        )
    with connect(target, application="stockops settings apply") as server:
        facts = the_settings.read(target, server)
        facts = the_settings.said(
            facts, memory_bytes=told.memory_bytes, cpus=told.cpus, disk=told.disk
        )
        advice = the_settings.only(the_settings.advise(facts), asked["rules"], facts.engine)
        if asked["plan_only"]:
            planned, left = applying.steps(target, server, advice)
            click.echo(render.rows(planned, form))
            for each in left:
                click.echo(f"by hand: {each.setting}: {each.note}", err=True)
            return
        record, done = applying.apply(target, server, advice)
    click.echo(render.rows(done, form))
    if record is not None:
        click.echo(f"to put it back: stockops settings revert -t {target.name}", err=True)
    judged = the_settings.totals(advice, None).judged
    ctx.exit(1 if _left(done, "by hand") or not judged else 0)


@click.command("revert")
@options.target
@click.argument("record_id", required=False, metavar="[RECORD]")
@click.option("--list", "listed", is_flag=True, help="Show the records of this server.")
@options.plan_only
@options.consent
@options.form
@click.pass_context
def revert_command(
    ctx: click.Context, /, target: Target, consent: Consent, form: render.Format, **asked: Any
) -> None:
    """
    Put back the settings that a server had before `settings apply`.

    RECORD is one of --list; without it, the latest that was not put back. A setting that was not
    written down anywhere before is written down nowhere again (RESET). What somebody has changed
    since is left as it is and named; with --yes it is put back, too. Records belong to the server,
    by whatever name or address it was reached.

    A protected target has to be named again with --i-mean.

    Exits 1 where a setting was left, and where there is nothing to put back.

    \b
    Examples:
      stockops settings revert -t prod --list
      stockops settings revert -t prod --plan
      stockops settings revert -t prod 20261122T051300Z-1f2e --i-mean prod
    """  # noqa: D301  click reads \b as a character
    if not (asked["plan_only"] or asked["listed"]):
        check_named(
            "settings revert", target=target.name, protected=target.protected, consent=consent
        )
    with connect(target, application="stockops settings revert") as server:
        identity = server.fetch(applying.IDENTITY)[0].server
        if asked["listed"]:
            found = records.found(identity)
            click.echo(render.rows(found if form == "json" else list(map(_line, found)), form))
            return
        record = records.chosen(asked["record_id"], identity)
        if asked["plan_only"]:
            planned = applying.steps_back(server, record, whatever=consent.yes)
            click.echo(render.rows(planned, form))
            return
        done = applying.revert(server, record, whatever=consent.yes)
    click.echo(render.rows(done, form))
    if _left(done, "left"):
        click.echo("to put it back all the same: give --yes", err=True)
        ctx.exit(1)


def _left(done: Sequence[Done], outcome: str) -> bool:
    return any(each.outcome == outcome for each in done)


def _line(record: records.Record) -> Line:
    return Line(
        record=record.id,
        at=record.at,
        target=record.target,
        stage=record.stage,
        settings=tuple(each.setting for each in record.changes),
    )
