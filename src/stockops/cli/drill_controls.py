"""``stockops drill controls``: what must go red, or else nothing green means anything."""

import click

from .. import render
from ..targets import ENGINES
from . import options

BOTH = "both"


@click.command("controls")
@click.option(
    "--engine",
    type=click.Choice([*ENGINES, BOTH]),
    default=BOTH,
    show_default=True,
    help="On which engine.",
)
@options.form
@click.pass_context
def controls_command(ctx: click.Context, engine: str, form: render.Format) -> None:
    """
    Do what is known to lose money and orders, and see that it is noticed.

    Transactions that read and write back without a lock must change the sum of all balances, and
    a server that acknowledges before anything is on disk must lose orders when it is killed. Each
    happens in a sandbox of its own. Exits 0 where every control is red, 1 where one stays green.

    Besides, each `drill run` shows its own audit a journal with one order too many, which it must
    miss; else its verdict is UNKNOWN.

    \b
    Examples:
      stockops drill controls
      stockops drill controls --engine mariadb
    """  # noqa: D301  click reads \b as a character
    from ..drills import controls  # noqa: PLC0415

    engines = ENGINES if engine == BOTH else (engine,)
    found = [
        each
        for one in engines
        for each in controls.run(one, tell=lambda what: click.echo(f"{what}", err=True))
    ]
    click.echo(render.rows(found, form))
    ctx.exit(0 if controls.all_red(found) else 1)
