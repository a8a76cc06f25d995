"""``stockops slow digest``."""

from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from ..slow.ranking import RANKS
from . import forms
from .slow_files import asked_for, leave, read_all, what_to_read
from .slow_page import report_file, write_page

if TYPE_CHECKING:
    from .. import render


@click.command("digest")
@what_to_read
@click.option(
    "--by", type=click.Choice(list(RANKS)), default="total", show_default=True,
    help="What ranks the classes.",
)  # fmt: skip
@click.option("--limit", type=click.IntRange(1), help="So many classes. [default: 10; all as json]")
@click.option("--jobs", type=click.IntRange(1), help="Processes. [default: one for each core]")
@forms.form
@report_file
@click.pass_context
def digest_command(
    ctx: click.Context, /, files: tuple[str, ...], by: str, limit: int | None, jobs: int | None,
    form: "render.Format", **chosen: Any,
) -> None:  # fmt: skip
    """
    Say which classes of statements took the time, from logs of PostgreSQL, MySQL and MariaDB.

    FILE is a log, plain or packed (gz, bz2, xz, zst), a directory of them, or - for stdin. The
    format is found out: PostgreSQL's stderr (with any prefix, and as CloudWatch or a container
    passes it on), csvlog, jsonlog, syslog and journal, in English and Korean; the slow log of
    MySQL, Percona Server and MariaDB; their general log, which has calls and no times.

    Exits 1 when less than 99 % of the bytes is understood, and when nothing was counted.

    \b
    Examples:
      stockops slow digest /var/log/postgresql/*.log
      stockops slow digest --by p99 --since 2026-01-05T09:00 slow.log.1.gz slow.log
      stockops slow digest --sample-rate 0.01 --sampled-below 1000 pg.csv
      stockops slow digest --format json log/ | jq '.classes[0]'
      stockops slow digest --report slow.html slow.log
    """  # noqa: D301  click reads \b as a character
    found = read_all(asked_for(files, chosen), jobs, meanwhile=_report)
    slowview, report = _report()
    slowview.print_digest(found, form, by=by, limit=limit)
    write_page(found, chosen["report"], by=by)
    problems = list(report.findings(found))
    asked = ctx.get_parameter_source("by") is click.core.ParameterSource.COMMANDLINE
    if asked and report.ranked_by(found, by) != by:
        problems.append(f"the log has no times: the classes are ranked by calls, not by {by}")
    leave(ctx, problems)


def _report() -> tuple[ModuleType, ModuleType]:
    """Import what shows a digest, if it is not; while others read logs this process has time."""
    from ..slow import report  # noqa: PLC0415
    from . import slowview  # noqa: PLC0415

    return slowview, report
