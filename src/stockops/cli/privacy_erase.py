"""``stockops privacy erase``: the right to be forgotten."""

from datetime import UTC, datetime

import click

from .. import counts, market, plan, render
from ..engine import connect
from ..errors import Finding
from ..plan import Consent
from ..targets import Target
from . import options

_STAYS = (
    "note: backups, archived logs and the binary log of before hold it until they are pruned; "
    "see docs/privacy.md"
)


@click.command("erase")
@options.target
@click.argument("user", type=options.WHOLE, metavar="USER")
@click.option(
    "--with-holdings", is_flag=True,
    help="Erase although cash or shares are left; nobody can tell afterwards whose they are.",
)  # fmt: skip
@options.plan_only
@options.consent
@options.form
def erase_command(
    target: Target,
    user: int,
    with_holdings: bool,
    plan_only: bool,
    consent: Consent,
    form: render.Format,
) -> None:
    """
    Replace what is personal of a user by tombstones; the books and the audit chain stay.

    USER is the user's number: a name or an address on a command line would be kept by the shell. It
    is refused for the house, while orders are open, while trades are not settled, and for cash or
    shares that are left. One transaction, and one audit row that names the user by number. Again,
    it does nothing more. --yes is needed, on a protected target --i-mean.

    Exits 1 where sealed audit rows hold some of it: they stay, or the chain would break; they are
    listed.

    \b
    Examples:
      stockops privacy erase 1001 -t prod --plan
      stockops privacy erase 1001 -t prod --i-mean prod
    """  # noqa: D301  click reads \b as a character
    from ..privacy import declarations, erasing  # noqa: PLC0415

    declared = declarations.load()
    on = datetime.now(UTC).astimezone(market.KST).date()
    with connect(target, application="stockops privacy") as server:
        steps = erasing.steps(server, declared, user, on=on, with_holdings=with_holdings)
        if plan_only:
            click.echo(render.rows(steps, form))
            return
        plan.check(steps, target=target.name, protected=target.protected, consent=consent)
        erased = erasing.erase(server, declared, user, on=on, with_holdings=with_holdings)
    click.echo(render.rows([erased], form))
    click.echo(_STAYS, err=True)
    if erased.left:
        raise Finding(
            f"{counts.of(len(erased.left), 'sealed audit row holds', 'sealed audit rows hold')} "
            f"personal data of user {user} in words that stay as they are",
            hint="Write down why they are kept: a changed row would break the chain.",
        )
