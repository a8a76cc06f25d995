"""``stockops alerts``: rules that can fire, and notices that reach somebody."""

import click

from .alerts_lint import lint_command
from .alerts_notify import notify_command


@click.group()
def alerts() -> None:
    """Rules that can say something, and the ways on which it reaches somebody."""


alerts.add_command(lint_command)
alerts.add_command(notify_command)
