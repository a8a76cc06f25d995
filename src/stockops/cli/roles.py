"""``stockops roles``."""

from pathlib import Path
from typing import Any

import click

from .. import passwords, render
from .. import roles as the_roles
from ..engine import connect
from ..errors import Finding
from ..plan import Consent, check_named
from ..roles import Login
from ..targets import Target
from . import options, paths


@click.group()
def roles() -> None:
    """
    Who watches: a role with the least rights, and logins that have it.

    The role stockops_monitor sees what the server does and figures of the business, and no row of a
    customer. It is never a superuser.
    """


@roles.command("apply")
@options.target
@click.option(
    "--login", "name", metavar="NAME", help="Make this login too, or correct the one there is."
)
@click.option(
    "--host",
    default="localhost",
    show_default=True,
    metavar="HOST",
    help="Where the login comes from; MariaDB alone.",
)
@click.option(
    "--password-file",
    type=paths.Named(),
    metavar="FILE",
    help="The login's password, in a file that nobody else can read; it is sent as a hash.",
)
@options.consent
@options.plan_only
@options.form
def apply_command(
    target: Target, consent: Consent, plan_only: bool, form: render.Format, **said: Any
) -> None:
    """
    Give the role stockops_monitor what it lacks, as an administrator.

    With --login a login is made that has the role and at most five sessions: the exporter takes
    three. A protected target has to be named again with --i-mean. What is there already is left.

    \b
    Examples:
      stockops roles apply -t prod --plan
      stockops roles apply -t prod --login stockops_watch --password-file watch.pw --i-mean prod
    """  # noqa: D301  click reads \b as a character
    login = _login(**said)
    with connect(target) as server:
        planned = the_roles.plan(server, target.database, login)
        if not plan_only and planned:
            check_named(
                "roles apply", target=target.name, protected=target.protected, consent=consent
            )
            the_roles.apply(server, planned)
    if planned or form == "json":
        click.echo(render.rows([each.step for each in planned], form))
    else:
        click.echo("nothing to do: the role has all that it needs")


def _login(name: str | None, host: str, password_file: Path | None) -> Login | None:
    """Return who is to log in, None where only the role is meant."""
    if name is None:
        if password_file is not None:
            raise click.UsageError("--password-file is the password of a --login")
        return None
    secret = passwords.from_file(password_file, where="--password-file") if password_file else None
    return Login(name=name, host=host, password=secret)


@roles.command("verify")
@options.target
@options.form
def verify_command(target: Target, form: render.Format) -> None:
    """
    Hold the role and its logins against what they should have, as an administrator.

    Exits 1 where a right is missing, a login has too many or no limit of sessions, and where nobody
    logs in with the role.

    \b
    Examples:
      stockops roles verify -t prod
    """  # noqa: D301  click reads \b as a character
    with connect(target) as server:
        verdicts = the_roles.verify(server, target.database)
    click.echo(render.rows(verdicts, form))
    bad = [verdict for verdict in verdicts if not verdict.ok]
    if bad:
        raise Finding(
            f"{len(bad)} of {len(verdicts)} things are not as they should be",
            hint=f"See what would be done: stockops roles apply -t {target.name} --plan",
        )
