"""``stockops alerts notify``."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from .. import notices, render
from ..engine import connect
from ..notices import queue
from ..plan import Consent, check_named
from ..targets import Target
from . import options
from .telling import channels_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MESSAGES_MAX = 1000


@click.command("notify")
@options.target_when_needed
@options.form
@options.consent
@options.plan_only
@click.option("--test", "is_test", is_flag=True, help="Send a test by every channel instead.")
@click.option(
    "--limit",
    "at_most",
    type=click.IntRange(min=1),
    default=MESSAGES_MAX,
    show_default=True,
    metavar="N",
    help="Deliver at most so many messages by each way.",
)
def notify_command(
    target: Callable[[], Target],
    form: render.Format,
    consent: Consent,
    plan_only: bool,
    is_test: bool,
    at_most: int,
) -> None:
    """
    Deliver the messages to customers that wait in the database.

    They are the queued rows of the table notifications; notify: messages: of stockops.yaml says
    which channel carries those by email, push and sms. A row is sent and marked in one transaction:
    two runs never send the same one, and only a kill between the two sends one again, with the same
    key. What a receiver refuses for good is marked as failed. Exits 1 when something waits still.

    What checks find is told by: stockops health check --notify

    \b
    Examples:
      stockops alerts notify --test
      stockops alerts notify -t prod --plan
      stockops alerts notify -t prod --i-mean prod
    """  # noqa: D301  the letter is click's, which keeps lines apart by it
    ctx = click.get_current_context()
    settings = channels_of(ctx)
    if is_test:
        ctx.exit(_say(notices.try_all(settings), form))
    known = target()
    with connect(known) as server:
        if plan_only:
            click.echo(render.rows(queue.steps(server, settings), form))
            return
        check_named("alerts notify", target=known.name, protected=known.protected, consent=consent)
        done = [*queue.deliver(server, settings, target=known.name, at_most=at_most)]
    click.echo(render.rows(done, form))
    ctx.exit(1 if any(each.waits or each.refused for each in done) else 0)


def _say(deliveries: Sequence["DataclassInstance"], form: render.Format) -> int:
    click.echo(render.rows(deliveries, form))
    return 0 if all(getattr(each, "is_delivered", False) for each in deliveries) else 1
