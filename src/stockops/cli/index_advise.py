"""``stockops index advise``: the indexes that a workload should have, measured on a copy."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from .. import render
from . import copies, numbers, options
from .copies import Source

if TYPE_CHECKING:
    from ..experiments.advice import Advised, Planned
    from ..experiments.workloads import Logged

Seen = Callable[[str], None]
_MB = 1024 * 1024
_SECONDS_MIN = 10.0


@click.command("advise")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@copies.of_what
@click.option("--database", multiple=True, help="Only what ran in this database; repeat.")
@options.seconds(
    "--seconds", default=300.0, help="How long to build and measure; the copy comes on top."
)
@click.option(
    "--max-size", "max_size_mb", type=numbers.Range(0, min_open=True), metavar="MB",
    help="How big all that is advised may be together.",
)  # fmt: skip
@click.option(
    "--min-saved", "min_saved", type=numbers.Range(0, 100), default=0.5, show_default=True,
    metavar="PERCENT", help="How much of the time of all queries an index must save.",
)  # fmt: skip
@click.option("--all", "show_all", is_flag=True, help="List what was refused, too.")
@options.plan_only
@options.form
@click.pass_context
def advise_command(
    ctx: click.Context, /, files: tuple[str, ...], form: render.Format, **asked: Any
) -> None:
    """
    Find the set of indexes that a workload should have, by measuring it on a copy.

    FILE is a log as `slow digest` reads it. Its statements say which indexes could serve them:
    several columns, INCLUDE, partial and DESC ones, prefixes of long texts. Each is built on a
    copy, of the lab -t or of a backup, and measured with the statements as they were sent; what
    UPDATE and DELETE look for is read, and nothing of theirs is run. The copy is removed.

    Without FILE, what the server -t has counted is the workload: pg_stat_statements, or the digests
    of performance_schema, of the target's database or of --database. They keep no parameters:
    values are drawn from the rows of the copy, and no partial index is advised.

    The set that saves the most is chosen, less what its indexes cost writes. Then it is measured as
    a whole, and each index by what is lost where it alone is left out. What is there already is not
    advised again.

    Exits 0 where nothing is to be advised and every statement was considered; 1 where there is
    advice, and where statements or indexes were left out: they are named.

    \b
    Examples:
      stockops index advise -t lab /var/log/postgresql/*.csv
      stockops index advise -t lab --max-size 500 --seconds 600 --format json slow.log
      stockops index advise --backup last -t prod slow.log
      stockops index advise --backup last -t prod
      stockops index advise -t lab --plan slow.log
    """  # noqa: D301  click reads \b as a character
    from . import adviceview, indexview  # noqa: PLC0415

    if asked["seconds_s"] < _SECONDS_MIN:
        raise click.UsageError(f"--seconds {asked['seconds_s']:g} is too short: take 10 or more.")
    source = Source(ctx, asked)
    with indexview.progress() as seen:
        read = _logged if files else _counted
        logged = read(files, source, asked["database"], seen)
        found = None if asked["plan_only"] else _advised(source, logged, asked, seen)
        planned = _planned(source, logged, seen) if asked["plan_only"] else None
    if planned is not None:
        click.echo(adviceview.planned(planned, logged, source.words, form))
    if found is not None:
        click.echo(adviceview.advised(found, form, show_all=asked["show_all"]))
        ctx.exit(0 if adviceview.is_clean(found) else 1)


def _planned(source: Source, logged: "Logged", seen: Seen) -> "Planned":
    from ..experiments import advising  # noqa: PLC0415

    with source.looked_at(seen) as server:
        return advising.plan(server, logged)


def _advised(source: Source, logged: "Logged", asked: dict[str, Any], seen: Seen) -> "Advised":
    from ..experiments import advising  # noqa: PLC0415
    from ..experiments.advice import Budget  # noqa: PLC0415

    size = asked["max_size_mb"]
    budget = Budget(
        seconds=asked["seconds_s"],
        min_share=asked["min_saved"] / 100,
        max_bytes=None if size is None else round(size * _MB),
    )
    with source.copy(seen) as copy:
        return advising.advise(copy, logged, budget=budget, seen=seen)


def _counted(
    _files: tuple[str, ...], source: Source, databases: tuple[str, ...], _seen: Seen
) -> "Logged":
    from ..engine import connect  # noqa: PLC0415
    from ..experiments import counted  # noqa: PLC0415

    if source.target is None:
        raise click.UsageError("Name a log, or with -t the server whose counters are the workload.")
    with connect(source.target, application="stockops index advise") as server:
        return counted.read(server, databases=databases or (source.target.database,))


def _logged(
    files: tuple[str, ...], source: Source, databases: tuple[str, ...], seen: Seen
) -> "Logged":
    from dataclasses import replace  # noqa: PLC0415

    from ..experiments import workloads  # noqa: PLC0415
    from ..slow import reading  # noqa: PLC0415
    from ..slow.reading import Filter  # noqa: PLC0415

    logs = reading.prepare(files, keep=Filter(databases=frozenset(databases)))
    return workloads.read(
        replace(logs, full=True), engine=source.engine, seen=lambda n: seen(f"{n:,} entries read")
    )
