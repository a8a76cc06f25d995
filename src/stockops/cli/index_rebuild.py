"""``stockops index rebuild``."""

import sys
from dataclasses import dataclass
from typing import Any

import click

from .. import render, unwinding
from ..engine import connect
from ..indexes import Limits, building, rebuilding
from ..indexes.building import Rebuilt
from ..indexes.questions import Progress
from ..indexes.rebuilding import Job, Work
from ..plan import Consent, check_named
from ..sessions.waiting import Patience
from ..targets import Target
from . import options

_MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one statement, as wide as a terminal bears."""

    table: str
    indexes: tuple[str, ...]
    outcome: str
    before_mb: str
    after_mb: str
    took_s: float
    note: str


@click.command("rebuild")
@options.target
@click.argument("names", nargs=-1, metavar="[INDEX]...")
@click.option(
    "--min-bloat", "min_bloat_mb", type=click.IntRange(min=0),
    default=Limits().bloat_bytes // _MB, show_default=True, metavar="MB",
    help="How much empty room makes an index bloated, if it is half of it.",
)  # fmt: skip
@options.server_seconds("--lock-timeout", default=5.0, help="How long each try waits for others.")
@options.tries(3)
@options.plan_only
@options.consent
@options.form
@click.pass_context
def rebuild_command(
    ctx: click.Context, /, target: Target, names: tuple[str, ...], consent: Consent,
    form: render.Format, **said: Any,
) -> None:  # fmt: skip
    """
    Build indexes again while others read and write, and clear away what failed builds left.

    Without INDEX, those that `index audit` calls invalid or bloated. PostgreSQL: REINDEX INDEX
    CONCURRENTLY, and what such a one left behind (_ccnew, _ccold) is dropped first. MariaDB: ALTER
    TABLE ... FORCE in place, which builds the table and all of its indexes again; an IGNORED index
    works, and stays as it is.

    Ctrl-C stops the server's work and clears away what it left. A protected target has to be named
    again with --i-mean.

    Exits 1 where something failed or is left, and where it is not known what is bloated.

    \b
    Examples:
      stockops index rebuild -t prod --plan
      stockops index rebuild -t prod orders.orders_account_ix --lock-timeout 2 --i-mean prod
    """  # noqa: D301  click reads \b as a character
    limits = Limits(bloat_bytes=said["min_bloat_mb"] * _MB)
    if not said["plan_only"]:
        check_named(
            "index rebuild", target=target.name, protected=target.protected, consent=consent
        )
    with connect(target) as server:
        work = rebuilding.choose(server, limits=limits, names=names)
        planned = rebuilding.steps(server, work) if said["plan_only"] else []
    _tell(work)
    if said["plan_only"]:
        click.echo(render.rows(planned, form))
        ctx.exit(1 if work.left or work.unknown else 0)
    patience = Patience(lock_timeout_s=said["lock_timeout_s"], tries=said["tries"])
    done: list[Rebuilt] = []
    with unwinding.signals_unwind():
        try:
            for job in work.jobs:
                done.append(
                    building.build(target, job, patience=patience, say=_note, seen=_progress)
                )
        finally:  # also of a run that was stopped
            _progress_over()
            click.echo(render.rows(done if form == "json" else list(map(_line, done)), form))
    failed = any(each.outcome == "failed" for each in done)
    ctx.exit(1 if failed or work.left or work.unknown else 0)


def _tell(work: Work) -> None:
    """Say on stderr what there is to do, and what is left as it is."""
    if not work.jobs:
        click.echo(f"nothing to build again among {work.indexes:,} indexes", err=True)
    for each in work.left:
        click.echo(f"left: {each.table_name}.{each.index_name}: {each.why}", err=True)
    for problem in work.unknown:
        click.echo(f"not known: {problem}", err=True)


def _note(message: str) -> None:
    click.echo(message, err=True)


def _progress(job: Job, progress: Progress) -> None:
    """Show on a terminal how far it is, each time over the last."""
    if sys.stderr.isatty():
        percent = "" if progress.percent is None else f" {progress.percent} %"
        what = f"{job.table_name} {', '.join(job.index_names)}"
        click.echo(f"\r\x1b[K{what}: {progress.phase}{percent}\r", err=True, nl=False)


def _progress_over() -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)


def _line(each: Rebuilt) -> Line:
    return Line(
        table=each.table_name,
        indexes=each.index_names,
        outcome=each.outcome,
        before_mb=_megabytes(each.before_bytes),
        after_mb=_megabytes(each.after_bytes),
        took_s=each.took_s,
        note=each.note,
    )


def _megabytes(size_bytes: int | None) -> str:
    return "-" if size_bytes is None else f"{size_bytes / _MB:,.1f}"
