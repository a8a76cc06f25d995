"""``stockops privacy``: the key file, and the tokens that are encrypted by it."""

from pathlib import Path

import click

from .. import plan, render
from ..engine import connect
from ..errors import Finding
from ..passwords import from_file
from ..plan import Consent, check_named
from ..targets import Target
from . import options, paths

_APPLICATION = "stockops privacy"

key_file = click.option(
    "--key-file", "path", envvar="STOCKOPS_KEY_FILE", required=True,
    type=paths.Named(dir_okay=False, resolve_path=True), metavar="FILE",
    help="The file with the keys, which only its owner may read (0600); else $STOCKOPS_KEY_FILE.",
)  # fmt: skip


@click.command("make-key")
@key_file
def make_key_command(path: Path) -> None:
    """
    Make a key file with a first key.

    Keep a copy of it apart from the backups: without it the tokens are lost, and together with a
    backup it reads them. Nothing but this file ever holds the key.

    \b
    Examples:
      stockops privacy make-key --key-file /etc/stockops/tokens.key
    """  # noqa: D301  click reads \b as a character
    from ..privacy import keyring  # noqa: PLC0415

    ring = keyring.make(path)
    click.echo(f"the key {ring.current} is in {path}", err=True)


@click.command("store-token")
@options.target
@click.argument("account", type=options.WHOLE, metavar="ACCOUNT")
@click.option(
    "--token-file", required=True, type=paths.Named(dir_okay=False), metavar="FILE",
    help="The token, in a file that only its owner may read; /dev/stdin reads a pipe.",
)  # fmt: skip
@key_file
@options.consent
def store_token_command(
    target: Target, account: int, token_file: Path, path: Path, consent: Consent
) -> None:
    """
    Store the token of an account at its broker, encrypted, in the place of the one there may be.

    The token is read from a file, for everybody sees a command line in ps; the server gets the
    ciphertext alone. The house's own accounts have no broker, and take none: exit 5. A protected
    target has to be named again with --i-mean.

    \b
    Examples:
      stockops privacy store-token 1001 -t prod --token-file token --i-mean prod
    """  # noqa: D301  click reads \b as a character
    from ..privacy import keyring, tokens  # noqa: PLC0415

    check_named(
        "privacy store-token", target=target.name, protected=target.protected, consent=consent
    )
    token = from_file(token_file, where="--token-file", what="token file", owner_only=True)
    with connect(target, application=_APPLICATION) as server, keyring.held(path):
        tokens.store(server, keyring.read(path), account, token)
    click.echo(f"the token of account {account} is stored", err=True)


@click.command("check-tokens")
@options.target
@key_file
@options.form
def check_tokens_command(target: Target, path: Path, form: render.Format) -> None:
    """
    Read every token once, and say how many each key encrypts.

    Exits 1 where one cannot be read, and where there is none; 2 where its key is not in the file.

    \b
    Examples:
      stockops privacy check-tokens -t prod
    """  # noqa: D301  click reads \b as a character
    from ..privacy import keyring, tokens  # noqa: PLC0415

    with connect(target, application=_APPLICATION) as server:
        used = tokens.check(server, keyring.read(path))
    click.echo(render.rows(used, form))
    if not used:
        raise Finding("there is no token: nothing was checked")


@click.command("rotate-key")
@options.target
@key_file
@click.option(
    "--retire", is_flag=True,
    help="Destroy the old keys at the end: tokens in older backups cannot be read again.",
)  # fmt: skip
@options.plan_only
@options.consent
@options.form
def rotate_key_command(
    target: Target,
    path: Path,
    retire: bool,
    plan_only: bool,
    consent: Consent,
    form: render.Format,
) -> None:
    """
    Add a key to the file, and encrypt every token by it.

    500 tokens are a transaction; orders wait for none of it. The new key is on disk before the
    first token has it: after a kill the same command goes on with that key. Old keys stay in the
    file and read older backups, until --retire destroys them, which wants --yes. One key file is
    for one database. A protected target has to be named again with --i-mean.

    \b
    Examples:
      stockops privacy rotate-key -t prod --plan
      stockops privacy rotate-key -t prod --retire --i-mean prod
    """  # noqa: D301  click reads \b as a character
    from ..privacy import keyring, tokens  # noqa: PLC0415

    with connect(target, application=_APPLICATION) as server:
        steps = tokens.rotation_steps(server, keyring.read(path), retire=retire)
        if plan_only:
            click.echo(render.rows(steps, form))
            return
        check_named(
            "privacy rotate-key", target=target.name, protected=target.protected, consent=consent
        )
        plan.check(steps, target=target.name, protected=target.protected, consent=consent)
        rotated = tokens.rotate(server, path, retire=retire)
    click.echo(render.rows([rotated], form))
