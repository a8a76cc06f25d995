"""``stockops seed``."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import click

from .. import render, seeding
from ..engine import connect, quickly
from ..listing import sources
from ..plan import Consent
from ..seeding import TABLES, Prepared, SeedPlan, SeedProgress, SeedResult, Watch
from ..targets import Target
from . import options

_LINE_EVERY_S = 60.0
_USUAL_ROWS_PER_S = 100_000


@dataclass(frozen=True, slots=True)
class Step:
    """One table that a seed would fill."""

    table: str
    about_rows: int
    chunks_left: int
    why: str


@click.group()
def seed() -> None:
    """
    Fill a database with the Korean market.

    The same plan makes the same rows on PostgreSQL and MariaDB, and says so with a SHA-256 of
    them.
    """


@seed.command("run")
@options.target
@click.option(
    "--listing",
    default="sample",
    show_default=True,
    metavar="sample|krx|FILE",
    help="The issues: the packaged sample, the exchange's site (pykrx), or a CSV file.",
)
@click.option(
    "--date",
    "on",
    type=options.DAY,
    default="2025-01-02",
    show_default=True,
    help="The business date whose closes the listing holds.",
)
@click.option("--users", type=int, default=500, show_default=True, help="People.")
@click.option(
    "--accounts", type=int, default=1_000, show_default=True, help="Theirs; everyone has one first."
)
@click.option(
    "--days", type=int, default=244, show_default=True, help="Business dates that get prices."
)
@click.option(
    "--seed", "number", type=int, default=1, show_default=True, help="Another one, another market."
)
@click.option("--reset", is_flag=True, help="Empty the database first; asks, or takes --yes.")
@options.consent
@options.plan_only
@options.form
def run_command(target: Target, consent: Consent, form: render.Format, **said: Any) -> None:
    """
    Seed the database, or go on where a seed was stopped.

    A whole seed of the same plan is left as it is; another plan is refused.
    """
    plan = SeedPlan(
        listing=said["listing"],
        on=said["on"].date(),
        users=said["users"],
        accounts=said["accounts"],
        days=said["days"],
        seed=said["number"],
    )
    prepared = seeding.prepare(target, plan, sources.read, emptied=said["reset"])
    if said["plan_only"]:
        _show_plan(prepared, form)
        return
    if said["reset"]:
        _reset(target, consent)
    count = len(prepared.made_of.issues)
    click.echo(f"{count:,} issues from {prepared.listing.source}", err=True)
    with _watching() as watch:
        result = seeding.load(target, prepared, watch)
    _show(result, form)


@seed.command("status")
@options.target
@options.form
@click.pass_context
def status_command(ctx: click.Context, target: Target, form: render.Format) -> None:
    """Show what seed the database holds. Exits 1 unless it is whole."""
    with quickly(target) as server:
        found = seeding.status(server)
    click.echo(render.rows([found] if form == "json" else found.tables, form))
    if form == "table":
        click.echo(f"{found.stage}: {found.described or 'no plan'}")
        click.echo(f"content sha256 {found.sha256 or '-'}")
    if found.stage != "seeded":
        ctx.exit(1)


@seed.command("reset")
@options.target
@options.consent
@options.plan_only
@options.form
def reset_command(target: Target, consent: Consent, plan_only: bool, form: render.Format) -> None:
    """
    Empty the tables that customers, orders and books fill.

    Reference data and the accounts of the house stay. Asks on a terminal, or takes --yes.
    """
    if plan_only:
        with connect(target) as server:
            click.echo(render.rows(seeding.steps(server), form))
        return
    emptied = _reset(target, consent)
    click.echo("the database is empty" if emptied else "there was nothing to remove", err=True)


def _reset(target: Target, consent: Consent) -> bool:
    """Reset, once the user has said so: by an option, or by answering here."""
    if not (consent.yes or target.protected) and sys.stdin.isatty():
        click.confirm(
            f"Remove every user, order and journal of {target.name!r}?", abort=True, err=True
        )
        consent = replace(consent, yes=True)
    return seeding.reset(target, consent=consent)


def _show_plan(prepared: Prepared, form: render.Format) -> None:
    made_of = prepared.made_of
    left = Counter(name for name, _ in prepared.wanted)
    steps = [Step(table.name, table.rows(made_of), left[table.name], table.why) for table in TABLES]
    click.echo(render.rows(steps, form))
    rows = prepared.rows_wanted
    click.echo(
        f"about {rows:,} rows left to load, {rows / _USUAL_ROWS_PER_S:,.0f} s at the usual rate; "
        "then stock_inventory, the counters, ANALYZE and the content hash",
        err=True,
    )


def _show(result: SeedResult, form: render.Format) -> None:
    if form == "json":
        click.echo(render.rows([result], form))
        return
    if result.done_before:
        click.echo("nothing to do: the database is seeded by this very plan")
    else:
        click.echo(render.rows(result.tables, form))
        click.echo(
            f"{result.loaded_rows:,} rows in {result.elapsed_s:.1f} s"
            f"{', after those of the run before' if result.resumed else ''}"
        )
    click.echo(f"content sha256 {result.sha256}")


@contextmanager
def _watching() -> Iterator[Watch]:
    """Give what shows the progress: a bar on a terminal, else a line a minute."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console  # noqa: PLC0415  only a terminal needs it
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description:<17}"), BarColumn(), TextColumn("{task.fields[said]}"))
    # No thread of its own: the seed forks a process.
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False) as bar:
        task = bar.add_task("seed", total=None, said="")

        def watch(at: SeedProgress) -> None:
            bar.update(
                task,
                description=at.table,
                completed=at.rows_done,
                total=at.rows_total,
                said=_said(at),
                refresh=True,
            )

        yield watch


class _Lines:
    """A line a minute, for a log."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _LINE_EVERY_S

    def __call__(self, at: SeedProgress) -> None:
        """Print where the seed is, if a minute has gone by."""
        if time.monotonic() >= self._next:
            self._next += _LINE_EVERY_S
            click.echo(f"{at.table}: {_said(at)}", err=True)


def _said(at: SeedProgress) -> str:
    if at.stage:
        return f"{at.rows_done:,} rows are there; {at.stage}"
    left = "" if at.left_s is None else f", {at.left_s:,.0f} s left"
    return f"{at.rows_done:,} of {at.rows_total:,} rows, {at.rows_per_s:,.0f} rows/s{left}"
