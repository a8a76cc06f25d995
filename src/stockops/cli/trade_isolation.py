"""``stockops trade isolation``."""

from typing import TYPE_CHECKING, Any, Literal

import click

from .. import lab as labs
from ..errors import ConfigError
from . import numbers, options

if TYPE_CHECKING:
    from ..isolation import IsolationPlan, Measured

Form = Literal["table", "json", "csv", "html"]


@click.command("isolation")
@click.option(
    "--engine", type=click.Choice(list(labs.ENGINES)), default=labs.DEFAULT_ENGINE,
    show_default=True, help="Which server to measure.",
)  # fmt: skip
@click.option("--clients", type=int, default=8, show_default=True, help="Processes that send.")
@click.option("--seconds", type=numbers.Range(0.2, 600), help="How long a cell is.  [default: 4]")
@click.option(
    "--orders", type=click.IntRange(min=1), help="Instead: how many requests of all clients."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same draws the same.")
@click.option(
    "--level", "levels", multiple=True,
    type=click.Choice(["read committed", "repeatable read", "serializable"]),
    help="Only this level; repeat.",
)  # fmt: skip
@click.option(
    "--locks", multiple=True, type=click.Choice(["none", "unordered", "ordered"]),
    help="Only this way to lock; repeat.",
)  # fmt: skip
@click.option(
    "--load", "loads", multiple=True, type=click.Choice(["hot", "spread"]),
    help="Only this load; repeat.",
)  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv", "html"]), default="table",
    show_default=True, help="How to print the answer; html is a page of its own.",
)  # fmt: skip
@options.plan_only
def isolation_command(plan_only: bool, form: Form, **asked: Any) -> None:
    """
    The same orders under every isolation level, and what the books find after each.

    Transactions read, decide and write as a program with an object mapper does: with no locks, with
    locks in the order in which the program comes to need them, or with locks in one order for all,
    which is what place_order does. A hot load is on a few issues, a spread one on eighty. MariaDB's
    REPEATABLE READ is tried with innodb_snapshot_isolation off and on.

    Every cell has a private lab of its own, made of the same small market and removed after it.
    Under the table is what its numbers support. Exits 1 where the books were violated at
    SERIALIZABLE or as place_order works, and where nothing was measured.

    \b
    Examples:
      stockops trade isolation --plan
      stockops trade isolation --engine mariadb --seconds 10
      stockops trade isolation --level "repeatable read" --locks none --load hot
    """  # noqa: D301  click reads \b as a character
    from .. import isolation  # noqa: PLC0415  heavy
    from . import isolationview  # noqa: PLC0415  it imports it

    if asked["seconds"] is not None and asked["orders"] is not None:
        raise click.UsageError("--seconds and --orders exclude each other")
    if asked["seconds"] is None and asked["orders"] is None:
        asked["seconds"] = isolation.SECONDS
    plan = isolation.IsolationPlan(**asked)
    if plan_only:
        if form in {"csv", "html"}:
            raise ConfigError("a plan is no table of results", hint="Take --format table or json.")
        click.echo(isolationview.planned(plan, "json" if form == "json" else "table"))
        return
    measured = _measured(plan)
    click.echo(isolationview.written(measured, form))
    if (failure := isolation.failure(measured)) is not None:
        raise failure


def _measured(plan: "IsolationPlan") -> "Measured":
    """Measure, and show how far that is on stderr."""
    from .. import isolation  # noqa: PLC0415  heavy
    from ..experiments.moments import Moment  # noqa: PLC0415
    from .trialview import progress, wipe  # noqa: PLC0415

    step, moment = progress()
    step(f"copy a small market on {plan.engine}")
    try:
        return isolation.run(
            plan, told=lambda number, of, cell: moment(Moment(number, of, cell.title))
        )
    finally:
        wipe()
