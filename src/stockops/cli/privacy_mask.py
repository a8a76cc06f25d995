"""``stockops privacy mask``: a copy for development that holds nobody's data."""

import secrets
from pathlib import Path
from typing import Any

import click

from .. import passwords, render
from ..errors import ConfigError
from . import copies, options, paths
from .copies import Source


@click.command("mask")
@copies.of_what
@click.option("--to", "name", required=True, metavar="LAB", help="The new lab that is made.")
@click.option(
    "--secret-file", type=paths.Named(dir_okay=False), metavar="FILE",
    help="Make the pseudonyms by this secret, so that another copy has the same ones; whoever has "
    "it can try values. Without it, one is drawn and thrown away.",
)  # fmt: skip
@options.plan_only
@options.form
@click.pass_context
def mask_command(
    ctx: click.Context,
    /,
    name: str,
    secret_file: Path | None,
    plan_only: bool,
    form: render.Format,
    **asked: Any,
) -> None:
    """
    Make a masked copy of a lab or of a backup: a new lab, for development.

    What schema/privacy.yaml declares gets pseudonyms that are built alike: the same lengths, as
    many distinct values, equal ones equal, NULL stays NULL, and no pseudonym is an original. Users
    keep their numbers, so books and foreign keys hold. The words of audit rows are looked through,
    and sealed anew where they held something. Tokens cannot be read in it, and logins lose their
    passwords.

    The source is only read. It is copied into a lab for a while, scanned, masked there and dumped;
    the dump makes the new lab, so that no file of it ever held an original. Its books are checked;
    where they do not balance, it is removed.

    Exits 1 where the scan finds what is not declared: it would not be masked.

    \b
    Examples:
      stockops privacy mask -t lab --to dev --plan
      stockops privacy mask --backup last --to dev
    """  # noqa: D301  click reads \b as a character
    from ..privacy import copying, declarations  # noqa: PLC0415
    from ..privacy.pseudonyms import Pseudonyms  # noqa: PLC0415
    from . import indexview  # noqa: PLC0415

    declared = declarations.load()
    source = Source(ctx, asked)
    copying.require_new(name)
    names = Pseudonyms(_secret(secret_file))
    if plan_only:
        click.echo(render.rows(copying.steps(source.words, name, declared), form))
        return
    with indexview.progress() as seen, source.copy(seen) as copy:
        made = copying.make(copy, name, declared, names, seen=seen)
    click.echo(render.rows([made], form))


def _secret(path: Path | None) -> bytes:
    """Return what is in the file, or chance, which nobody keeps."""
    from ..privacy.pseudonyms import SECRET_BYTES  # noqa: PLC0415

    if path is None:
        return secrets.token_bytes(SECRET_BYTES)
    said = passwords.from_file(path, where="--secret-file", what="secret file", owner_only=True)
    secret = said.reveal().encode()
    if len(secret) < SECRET_BYTES:
        raise ConfigError(
            f"the secret in {str(path)!r} has {len(secret)} bytes",
            hint=f"Take {SECRET_BYTES} at least: openssl rand -hex 32",
        )
    return secret
