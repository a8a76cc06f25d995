"""``stockops lab``: private servers that stockops starts and stops itself."""

import os
from pathlib import Path

import click

from .. import lab as labs
from .. import plan, render
from ..plan import Consent, Step
from . import options, paths

name = click.option(
    "--name", default=labs.DEFAULT_NAME, show_default=True, help="Which lab; two do not collide."
)


@click.group()
def lab() -> None:
    """Private servers that stockops starts and stops itself."""


@lab.command()
@name
@click.option("--engine", type=click.Choice(list(labs.ENGINES)), help="[default: postgresql]")
@click.option("--version", metavar="VERSION", help="An installed version, e.g. 15.")
@click.option(
    "--bin",
    "bin_directory",
    type=paths.Named(file_okay=False, exists=True, resolve_path=True),
    metavar="DIRECTORY",
    help="Where the server's programs are; without it, PostgreSQL 18 comes along.",
)
@click.option("--port", is_flag=True, help="Listen on a free port of 127.0.0.1, too.")
@options.form
def up(
    name: str,
    engine: str | None,
    version: str | None,
    bin_directory: Path | None,
    port: bool,
    form: render.Format,
) -> None:
    """
    Start a lab, and make it first if it is new.

    It stays up until `stockops lab down`. With --port, the password is in the lab's directory, in
    a file that only you can read; the socket asks for none.
    """
    made = labs.up(name, engine=engine, version=version, bin_directory=bin_directory, port=port)
    click.echo(render.rows([labs.status_of(made)], form))


@lab.command()
@name
def down(name: str) -> None:
    """Stop a lab's server; its data stay."""
    was_up = labs.down(name)
    click.echo(f"the lab {name!r} {'is down' if was_up else 'was not running'}", err=True)


@lab.command()
@options.form
def status(form: render.Format) -> None:
    """Show every lab, also those whose server outlived a crash."""
    found = labs.status()
    click.echo(render.rows(found, form))
    if not found:
        click.echo("there are no labs; start one with: stockops lab up", err=True)


@lab.command()
@name
@options.plan_only
@options.consent
def destroy(name: str, plan_only: bool, consent: Consent) -> None:
    """Stop a lab's server and remove its data."""
    directory = labs.directory_of(name)
    steps = [
        Step(f"stockops lab down --name {name}", "the server uses the data", lock="exclusive"),
        Step(f"rm -r {directory}", "this is the whole lab", destroys=True),
    ]
    if plan_only:
        click.echo(render.rows(steps, "table"))
        return
    plan.check(steps, target=name, protected=False, consent=consent)
    made = labs.read(name)
    if made is not None and made.replica_of is not None:
        from .. import replication  # noqa: PLC0415  most labs are no replicas

        replication.remove(name)
    else:
        labs.destroy(name)
    click.echo(f"the lab {name!r} is gone", err=True)


@lab.command(context_settings={"ignore_unknown_options": True})
@name
@click.option("--database", default=labs.DATABASE, show_default=True)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def shell(name: str, database: str, arguments: tuple[str, ...]) -> None:
    """
    Open psql or mariadb on a lab.

    ARGUMENTS go to the client, e.g. `stockops lab shell -- -c "SELECT 1"`; mariadb has -e for it.
    """
    words = labs.client(name, database=database)
    os.execv(words[0], [*words, *arguments])  # noqa: S606  no shell, and nothing to come back to
