"""``stockops slow kill``."""

import re
from dataclasses import dataclass
from typing import Any

import click

from .. import render, sessions
from ..engine import connect
from ..errors import Finding
from ..plan import Consent, check_named
from ..sessions import Ending, Killed, Plan, Rule
from ..targets import Target
from . import numbers, options


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one session, as wide as a terminal bears."""

    session_id: int
    how: str
    outcome: str
    why: str
    statement: str


@dataclass(frozen=True, slots=True)
class Planned:
    """What would become of one session, as wide as a terminal bears."""

    action: str
    lost: str
    why: str


def _pattern(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Any:
    try:
        return None if value is None else re.compile(value, re.IGNORECASE | re.DOTALL)
    except re.error as exc:
        raise click.BadParameter(f"this is no regular expression: {exc}") from None


@click.command("kill")
@options.target
@click.option(
    "--longer-than", "longer_than_s", type=numbers.Range(min=0), metavar="SECONDS",
    help="Statements that have run for so long.",
)  # fmt: skip
@click.option(
    "--idle-in-transaction", "idle_s", type=numbers.Range(min=0), metavar="SECONDS",
    help="Sessions with an open transaction in which nothing has run for so long.",
)  # fmt: skip
@click.option("--user", "users", multiple=True, help="Only this user; repeat.")
@click.option("--database", "databases", multiple=True, help="Only this database; repeat.")
@click.option(
    "--matching", callback=_pattern, metavar="REGEX",
    help="Only where the (last) statement matches; upper and lower case are one.",
)  # fmt: skip
@click.option(
    "--blocking", is_flag=True, help="Only those others wait for, and that wait for nobody."
)
@click.option("--cancel", "how", flag_value="cancel", help="Cancel statements; sessions stay.")
@click.option("--terminate", "how", flag_value="terminate", help="End the whole session.")
@click.option(
    "--within", "within_s", type=numbers.Range(0, 600), default=5.0, show_default=True,
    metavar="SECONDS", help="How long to look whether they are gone.",
)  # fmt: skip
@options.plan_only
@options.consent
@options.form
@click.pass_context
def kill_command(
    ctx: click.Context, /, target: Target, consent: Consent, form: render.Format, **said: Any
) -> None:
    """
    End statements and sessions by a rule. All that is given must hold.

    Without --cancel and --terminate, a running statement is cancelled; a session that is idle in a
    transaction is ended, since it runs nothing. Each is checked again in the statement that ends
    it, so that a session that has moved on meanwhile is let go.

    --plan says what would be lost with each: the rows its open transaction has changed (MariaDB
    counts them; PostgreSQL says whether, and the tables it locked), and for how long it has been
    open and idle.

    Never touched: this session, replication, backups, restores and migrations, processes of the
    server, prepared transactions, and who administers the server unless --user names him. A
    protected target has to be named again with --i-mean.

    Exits 0 where all of them ended, and where nothing was meant; 1 where something stays that
    should have ended, where sessions are hidden from this role, and where --blocking meets what is
    no session: a prepared transaction, or a holder the server does not name.

    \b
    Examples:
      stockops slow kill -t prod --longer-than 300 --user report --plan
      stockops slow kill -t prod --blocking --i-mean prod
      stockops slow kill --idle-in-transaction 600 --terminate
    """  # noqa: D301  click reads \b as a character
    rule = Rule(**{field: said[field] for field in Rule.__dataclass_fields__})
    if rule.is_empty:
        raise click.UsageError(
            "Say which: --longer-than, --idle-in-transaction, --user, --database, --matching or "
            "--blocking."
        )
    if not said["plan_only"]:
        check_named("slow kill", target=target.name, protected=target.protected, consent=consent)
    with connect(target, application="stockops slow kill") as server:
        planned = sessions.plan(server, rule, how=said["how"])
        _tell(planned)
        if said["plan_only"]:
            _show(sessions.endings(server, planned), sessions.never(server, planned), form)
            killed = []
        else:
            killed = sessions.carry_out(server, planned.victims, within_s=said["within_s"])
            click.echo(render.rows(killed if form == "json" else list(map(_line, killed)), form))
        lacking = sessions.right_to_end(server, killed)
    ctx.exit(_judge(planned, killed, lacking))


def _tell(planned: Plan) -> None:
    """Say on stderr what is looked at, and what stays although the rule means it."""
    if not planned.victims:
        click.echo(f"nothing to end: none of {planned.looked_at} sessions is meant", err=True)
    for each in planned.spared:
        session = each.session
        click.echo(f"session {session.session_id} of {session.login!r} stays: {each.why}", err=True)


def _show(ends: list[Ending], never: str, form: render.Format) -> None:
    shown = [Planned(each.action, each.lost, each.why) for each in ends]
    click.echo(render.rows(ends if form == "json" else shown, form))
    if never:
        click.echo(never, err=True)


def _line(killed: Killed) -> Line:
    return Line(
        session_id=killed.session_id,
        how=killed.how,
        outcome=killed.outcome,
        why=killed.why,
        statement=sessions.shortened(killed.sql_text),
    )


def _judge(planned: Plan, killed: list[Killed], lacking: str | None) -> int:
    left = [each for each in killed if each.outcome in sessions.STANDING]
    standing = [each for each in planned.spared if each.stands]
    if lacking:
        raise Finding(
            "this role may not end sessions of others", hint=f"As an administrator: {lacking}"
        )
    if planned.hidden:
        raise Finding(
            f"{planned.hidden} sessions are hidden from this role, and were not looked at",
            hint=f"As an administrator: {planned.remedy}",
        )
    if planned.beyond:
        first = planned.beyond[0]
        raise Finding(first.what, hint=first.ending)
    if any(each.outcome == "still blocks" for each in left):
        raise Finding(
            "a statement is over, and its transaction still holds what others wait for",
            hint="End the session: the same command with --terminate.",
        )
    return 1 if left or standing else 0
