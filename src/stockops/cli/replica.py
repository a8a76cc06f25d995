"""``stockops replica``."""

import sys

import click

from .. import lab as labs
from .. import plan, render, replication, targets
from ..plan import Consent
from ..replication import Following
from ..targets import Target
from . import options

name = click.option("--name", required=True, metavar="LAB", help="Which lab.")


@click.group()
def replica() -> None:
    """
    Replicas of labs: made, watched, promoted, and led back.

    \b
      stockops replica add --of lab --name second
      stockops replica status -t lab
      stockops replica promote --name second --plan
      stockops replica reattach --name lab --plan
    """  # noqa: D301  click reads \b as a character


@replica.command("add")
@click.option("--of", "of", default=labs.DEFAULT_NAME, show_default=True, metavar="LAB")
@name
@options.config
@options.form
@options.consent
@options.plan_only
def add_command(of: str, name: str, form: render.Format, consent: Consent, plan_only: bool) -> None:
    """
    Make a replica of a lab that is up: a new lab, which follows it.

    The primary works on meanwhile. PostgreSQL streams over the socket, and a slot keeps the log
    for the replica; MariaDB follows by GTID over a port, so that its lab needs one (lab up --port).
    """
    primary = replication.require_primary(of)
    if plan_only:
        click.echo(render.rows(replication.add_steps(primary, name), form))
        return
    plan.check_named("replica add", target=of, protected=_protected(of), consent=consent)
    _show(replication.status(replication.target_of(replication.add(primary, name))), form)


@replica.command("status")
@options.target
@options.form
@click.pass_context
def status_command(ctx: click.Context, target: Target, form: render.Format) -> None:
    """
    Show how a replica follows, or every replica of a primary.

    State is following, paused, broken, down, missing (its slot waits for it) or unknown. Bytes and
    seconds are what it has yet to apply; received and applied are positions in the primary's log.
    Exits 1 where one does not follow, and where there is none.
    """
    found = replication.status(target)
    _show(found, form)
    if not found:
        click.echo(f"{target.name!r} has no replica, and follows nobody", err=True)
    ctx.exit(0 if replication.is_sound(found) else 1)


@replica.command("promote")
@name
@options.config
@options.form
@options.consent
@options.plan_only
def promote_command(name: str, form: render.Format, consent: Consent, plan_only: bool) -> None:
    """
    Let a replica take over from its primary.

    The primary is fenced first: marked, so that it does not come up beside the new one, and killed
    where it hangs. While it answers, this is refused; with --yes it is stopped in good order, and
    nothing is lost. Then what was received is applied, and a write proves the new primary. Where
    the old one's data are there, what it confirmed and the new one never got is counted.
    """
    handover = replication.plan_promotion(name)
    if plan_only:
        click.echo(render.rows(handover.steps, form))
        return
    primary = handover.replica.replica_of or ""
    protected = _protected(primary) or _protected(name)
    replication.check(handover, yes=consent.yes or consent.meant == primary)
    plan.check_named("replica promote", target=primary, protected=protected, consent=consent)
    plan.check(handover.steps, target=primary, protected=protected, consent=consent)
    click.echo(render.rows([replication.promote(handover, seen=_progress)], form))


@replica.command("reattach")
@name
@click.option("--to", metavar="LAB", help="Whom it is to follow; else who took over from it.")
@options.config
@options.form
@options.consent
@options.plan_only
def reattach_command(
    name: str, to: str | None, form: render.Format, consent: Consent, plan_only: bool
) -> None:
    """
    Have an old primary, or a replica, follow the new primary.

    What it confirmed and the new one never got is counted, by table, and dropped: by pg_rewind, or
    (MariaDB) by a new copy, when the transactions are kept as text first. That wants --yes. A
    promotion that was never finished is taken back.
    """
    found = replication.plan_reattachment(name, to=to)
    if plan_only:
        click.echo(render.rows(found.steps, form))
        return
    protected = _protected(name)
    plan.check_named("replica reattach", target=name, protected=protected, consent=consent)
    plan.check(found.steps, target=name, protected=protected, consent=consent)
    done = replication.reattach(found, outlives=True, seen=_progress)
    click.echo(render.rows([done], form))


@replica.command("rebuild")
@name
@options.config
@options.form
@options.consent
@options.plan_only
def rebuild_command(name: str, form: render.Format, consent: Consent, plan_only: bool) -> None:
    """
    Make a replica anew, as a copy of its primary.

    For one whose log is gone on the primary, or that was written to. What it holds goes once the
    new copy is whole.
    """
    lab = labs.require(name)
    primary = replication.require_primary(replication.followed(lab))
    steps = replication.rebuild_steps(lab, primary)
    if plan_only:
        click.echo(render.rows(steps, form))
        return
    plan.check(steps, target=name, protected=_protected(name), consent=consent)
    with replication.holding(lab):
        made = replication.rebuild(lab, primary, outlives=True)
    _show(replication.status(replication.target_of(made)), form)


def _protected(lab_name: str) -> bool:
    known = targets.load(click.get_current_context().meta.get("stockops.config"))
    return targets.protects_lab(known, lab_name, url=labs.require(lab_name).url())


def _progress(words: str) -> None:
    if sys.stderr.isatty():
        click.echo(words, err=True)


def _show(found: list[Following], form: render.Format) -> None:
    click.echo(_table(found) if form == "table" and found else render.rows(found, form))


def _table(found: list[Following]) -> str:
    lines = []
    for each in found:
        behind = "" if each.behind_bytes is None else f"{each.behind_bytes:,} bytes"
        if each.behind_s is not None:
            behind += f"{', ' if behind else ''}{each.behind_s:g} s"
        lines.append(f"{each.state:<9}  {each.replica} of {each.primary}: {each.reason}")
        if behind:
            lines.append(f"           behind   {behind}")
        if each.received or each.applied:
            lines.append(
                f"           received {each.received or '-'}, applied {each.applied or '-'}"
            )
        if each.next:
            lines.append(f"           next     {each.next}")
    return "\n".join(lines)
