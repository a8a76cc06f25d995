"""``stockops demo``."""

import json
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import demo as story
from .. import lab as labs
from .. import render
from ..demo import DemoPlan, Watcher
from ..errors import Finding
from ..report import DemoResult, IndexTried, figures
from ..seeding import SeedPlan
from . import options, paths

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINE_EVERY_S = 60.0
WIDTH = 80
_ENGINES = {"postgresql": "PostgreSQL", "mariadb": "MariaDB"}


@click.command()
@click.option(
    "--engine",
    type=click.Choice(list(labs.ENGINES)),
    default=labs.DEFAULT_ENGINE,
    show_default=True,
    help="Which server to run it on.",
)
@click.option(
    "--report",
    type=paths.Named(dir_okay=False),
    metavar="FILE.html",
    help="Write the run as one self-contained page.",
)
@click.option("--seconds", default=10.0, show_default=True, help="How long to trade.")
@click.option("--clients", default=4, show_default=True, help="How many clients place orders.")
@click.option("--users", default=500, show_default=True, help="How many users to seed.")
@click.option("--accounts", default=1_000, show_default=True, help="How many accounts they have.")
@click.option("--days", default=244, show_default=True, help="How many days of prices to seed.")
@click.option(
    "--listing",
    default="sample",
    show_default=True,
    metavar="sample|FILE",
    help="The issues: those that come along, or a CSV file.",
)
@click.option("--keep", is_flag=True, help="Keep the lab, stopped, instead of removing it.")
@options.form
def demo(
    engine: str,
    report: Path | None,
    seconds: float,
    clients: int,
    keep: bool,
    form: render.Format,
    **seed: Any,
) -> None:
    """
    The whole story on a fresh lab, ending in a report.

    Starts a private server, builds the schema, seeds a market, trades, checks the books, tries an
    index on a report and stops the server. Exits 1 unless every invariant was checked and held.
    """
    plan = DemoPlan(
        engine=engine,
        seconds=seconds,
        clients=clients,
        seed=SeedPlan(**seed),
        report=report,
        keep=keep,
    )
    with _watching() as watcher:
        result = story.run(plan, watcher)
    if form == "json":
        click.echo(json.dumps(result.as_json(), indent=2))
    else:
        click.echo(summary(result))
    _judge(result)


def summary(run: DemoResult) -> str:
    """Return the run on one screen, in ASCII."""
    rows = {each.table: each.rows for each in run.seeded}
    seeded = (
        f"{rows.get('stocks', 0):,} issues, {run.users:,} users, {run.accounts:,} accounts, "
        f"{rows.get('stock_prices', 0):,} daily prices; {sum(rows.values()):,} rows in all"
    )
    latency = [
        f"{name} {figures.latency(took_us)}"
        for name, took_us in (
            ("p50", run.latency.p50_us),
            ("p95", run.latency.p95_us),
            ("p99", run.latency.p99_us),
        )
    ]
    lines = [
        ("engine", f"{_ENGINES.get(run.engine, run.engine)} {run.server_version}"),
        ("seeded", seeded),
        ("content", f"sha256 {run.content_sha256}"),
        ("orders", f"{run.orders:,} in {run.ran_s:.1f} s: {run.orders_per_s:,.0f} orders/s"),
        ("latency", ", ".join(latency)),
        ("trades", f"{run.trades:,}, worth {figures.won(run.value_won)}"),
        ("ended", _numbers((each.status, each.orders) for each in run.ended())),
        ("rejected", _numbers((each.reason or "", each.orders) for each in run.rejected())),
        ("books", f"{run.held} of {len(run.books)} invariants held, {run.checked} were checked"),
        *([("index", _tried(run.index))] if run.index else []),
        ("time", f"{figures.seconds(run.took_s)}: {_times(run)}"),
        *([("report", str(run.report))] if run.report else []),
        *([("lab", f"kept; bring it up: stockops lab up --name {run.lab}")] if run.lab else []),
    ]
    return "\n".join(
        textwrap.fill(
            said,
            initial_indent=f"{name:<8} ",
            subsequent_indent=" " * 9,
            width=WIDTH,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for name, said in lines
    )


def _tried(index: IndexTried) -> str:
    before, after = figures.latency(index.before_us), figures.latency(index.after_us)
    rows = "the same rows" if index.same_rows else "OTHER ROWS"
    return f"a report in {before} without one, {after} with it; {rows}"


def _numbers(named: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in named) or "none"


def _times(run: DemoResult) -> str:
    return ", ".join(
        f"{step.name} {figures.seconds(step.took_s).removesuffix(' s')}" for step in run.steps
    )


def _judge(run: DemoResult) -> None:
    """Raise `Finding` unless the books are proved."""
    if run.balanced:
        return
    again = f"Look at it: stockops demo --engine {run.engine} --keep; stockops lab up --name demo"
    hint = f"{again}; stockops books check -t demo"
    if not run.checked:
        raise Finding("nothing was checked: no invariant had a row to look at", hint=hint)
    bad = ", ".join(line.name for line in run.books if line.state != "held")
    number = len(run.books) - run.held
    raise Finding(f"{number} of {len(run.books)} invariants did not hold: {bad}", hint=hint)


@contextmanager
def _watching() -> Iterator[Watcher]:
    """Give who shows the steps on stderr: a live line on a terminal, plain lines elsewhere."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console  # noqa: PLC0415  only a terminal pays for it
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

    # Drawn when there is news, not by a thread: the clients are forked from this process.
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[words]}", markup=False),
        console=Console(stderr=True, highlight=False),
        auto_refresh=False,
        transient=True,
    ) as progress:
        yield _Live(progress)


class _Lines:
    """A line for each step, and one a minute while it takes longer."""

    def __init__(self) -> None:
        self._title = ""
        self._said = time.monotonic()

    def began(self, title: str) -> None:
        """Remember the step; its line comes when there is something to say."""
        self._title = title
        self._said = time.monotonic()

    def moved(self, share: float, words: str) -> None:
        """Say how far it is, once a minute."""
        if time.monotonic() - self._said >= LINE_EVERY_S:
            self._said = time.monotonic()
            click.echo(f"{self._title}: {share:.0%}, {words}", err=True)

    def ended(self, title: str, words: str, took_s: float) -> None:
        """Say what came of it."""
        click.echo(_line(title, words, took_s), err=True)


class _Live:
    """A line for each step that is done, and a moving one for the step that runs."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def began(self, title: str) -> None:
        """Show a bar that has not moved yet."""
        self._task = self._progress.add_task(f"{title:<22}", total=1.0, words="")
        self._progress.refresh()

    def moved(self, share: float, words: str) -> None:
        """Move the bar."""
        if self._task is not None:
            self._progress.update(self._task, completed=share, words=words)
            self._progress.refresh()

    def ended(self, title: str, words: str, took_s: float) -> None:
        """Put a line in the place of the bar."""
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._progress.refresh()
        self._progress.console.print(_line(title, words, took_s), markup=False)


def _line(title: str, words: str, took_s: float) -> str:
    return f"{title:<22} {words:<34} {figures.seconds(took_s):>7}"
