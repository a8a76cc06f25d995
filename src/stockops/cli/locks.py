"""``stockops locks``."""

from dataclasses import dataclass, fields

import click

from .. import counts, render, sessions
from ..engine import connect
from ..errors import Finding
from ..sessions import Locks, Standing
from ..targets import Target
from . import options

_LOCKS_SHOWN = 4
_SESSIONS_SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(Standing):
    """A session of the tree, and of a root the next command."""

    next: str


@click.group()
def locks() -> None:
    """Who waits for whom, and what ends it."""


@locks.command("tree")
@options.target
@options.seconds("--longer-than", default=1, help="A wait that is a finding.")
@options.form
@click.pass_context
def tree_command(
    ctx: click.Context, target: Target, longer_than_s: float, form: render.Format
) -> None:
    """
    Say who waits for whom, since when, and what each holds and wants.

    A session stands below the one it waits for; at the root is who waits for nobody, and what ends
    it. Locks of rows, of tables (MariaDB: metadata locks), of transactions, and advisory ones.
    Nothing is written and nothing locked.

    MariaDB names the holders of tables' locks by the instrument wait/lock/metadata/sql/mdl, or by
    the plugin metadata_lock_info, which can be installed while somebody waits.

    Exits 1 where somebody has waited longer than --longer-than, and where sessions are hidden from
    this role.

    \b
    Examples:
      stockops locks tree -t prod
      stockops locks tree -t prod --longer-than 30
      stockops locks tree -t prod --format json | jq '.[] | select(.depth == 0)'
    """  # noqa: D301  click reads \b as a character
    with connect(target, application="stockops locks tree") as server:
        found = sessions.locks(server)
    lines = [_line(each, target) for each in found.standing]
    click.echo(render.rows(lines, "json") if form == "json" else _drawn(found, lines))
    for each in found.beyond:
        click.echo(f"{each.what}. {each.ending}", err=True)
    for suspect in found.suspects:
        click.echo(
            f"maybe session {suspect.session_id} of {suspect.login!r}: its transaction is open for "
            f"{(suspect.transaction_ms or 0) / 1000:.1f} s",
            err=True,
        )
    ctx.exit(_judge(found, longer_than_s))


def _line(each: Standing, target: Target) -> Line:
    known = {field.name: getattr(each, field.name) for field in fields(each)}
    return Line(**known, next="" if each.depth else _next(each, target))


def _next(root: Standing, target: Target) -> str:
    """Return the command that ends `root`; empty where none may."""
    if not root.session_id or root.spared:
        return ""
    command = f"stockops slow kill -t {target.name} --blocking"
    if target.engine == "mariadb":
        command += " --terminate"  # a cancelled statement leaves its transaction open
    if root.is_privileged is not False and root.login:
        command += f" --user {root.login}"
    return f"{command} --plan"


def _drawn(found: Locks, lines: list[Line]) -> str:
    """Return the trees as a person reads them, and what to do about each root."""
    if not lines:
        return f"nobody waits for a lock, of {counts.of(found.looked_at, 'session')}"
    text = [part for each in lines[:_SESSIONS_SHOWN] for part in _block(each)]
    if len(lines) > _SESSIONS_SHOWN:
        text.append(f"and {counts.of(len(lines) - _SESSIONS_SHOWN, 'more session')}: --format json")
    return "\n".join(text)


def _block(line: Line) -> list[str]:
    margin = "  " * line.depth
    text = [f"{margin}{_head(line)}"]
    margin += "    "
    if line.wants:
        text.append(f"{margin}wants {_some(line.wants)}")
    if line.holds:
        text.append(f"{margin}holds {_some(line.holds)}")
    if line.sql_text:
        said = "runs" if line.state == "active" else "last ran"
        text.append(f"{margin}{said} {sessions.shortened(line.sql_text)}")
    if line.spared and not line.depth:
        text.append(f"{margin}stays: {line.spared}")
    if line.next:
        text.append(f"{margin}next: {line.next}")
    return text


def _head(line: Line) -> str:
    who = f"{line.login}@{line.database_name or '-'}" if line.login else ""
    application = f"({line.application})" if line.application else ""
    number = str(line.session_id) if line.session_id else ""
    told = " ".join(part for part in (number, who, application, line.state) if part)
    if line.waited_s is not None:
        told += f", waits for {line.waited_s:.1f} s"
    if line.transaction_s is not None and line.transaction_s >= (line.waited_s or 0) + 1:
        told += f", its transaction open for {line.transaction_s:.1f} s"
    if line.waiting:
        told += f", {line.waiting} {'waits' if line.waiting == 1 else 'wait'} for it"
    return told


def _some(locks: tuple[str, ...]) -> str:
    left = len(locks) - _LOCKS_SHOWN
    return "; ".join(locks[:_LOCKS_SHOWN]) + (f"; and {left} more" if left > 0 else "")


def _judge(found: Locks, longer_than_s: float) -> int:
    if found.hidden:
        raise Finding(
            f"{found.hidden} sessions are hidden from this role, and were not looked at",
            hint=f"As an administrator: {found.remedy}",
        )
    longest_s = found.waited_s_max
    return 0 if longest_s is None or longest_s < longer_than_s else 1
