"""How an answer is printed: apart from the other options, for who needs no target to give one."""

import click

form = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print the answer.",
)
