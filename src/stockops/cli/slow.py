"""``stockops slow``."""

import dataclasses
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from .. import render
from ..slow import reading, report, sampling, snapshots
from ..slow.accounting import Account
from ..slow.digest import Digest
from ..slow.events import Event
from ..slow.formats import NAMES
from ..slow.reading import Filter, Reading
from ..statements import classify
from . import options
from .slow_explain import explain_command
from .slow_kill import kill_command
from .slow_page import report_file, write_page
from .slow_top import top_command
from .slowview import print_compared, print_digest

Command = TypeVar("Command", bound=Callable[..., Any])
_DAY = "%Y-%m-%d"
_INSTANT = [f"{_DAY}{mark}{clock}" for mark in "T " for clock in ("%H:%M:%S", "%H:%M")] + [_DAY]


@click.group()
def slow() -> None:
    """Find what is slow, in the logs of either engine."""


slow.add_command(explain_command)
slow.add_command(top_command)
slow.add_command(kill_command)


def what_to_read(command: Command) -> Command:
    """Add the files and the filters, which `_reading` takes."""
    moment = click.DateTime(_INSTANT)
    for add in reversed(
        [
            click.argument("files", nargs=-1, required=True, metavar="FILE..."),
            click.option("--log-format", type=click.Choice(NAMES), help="If it is not found out."),
            click.option("--since", type=moment, help="From this instant on, UTC."),
            click.option("--until", type=moment, help="Before this instant, UTC."),
            click.option("--database", multiple=True, help="Only this database; repeat."),
            click.option("--user", multiple=True, help="Only this user; repeat."),
            click.option("--application", multiple=True, help="Only this application; repeat."),
            click.option(
                "--longer-than", type=click.FloatRange(0), default=0.0, metavar="MS",
                help="Only executions that took so long, in ms.",
            ),
            click.option(
                "--sample-rate", type=float, metavar="SHARE",
                help="The server logged such a sample, which the log does not say: scale by it.",
            ),
            click.option(
                "--sampled-below", type=float, metavar="MS",
                help="Of executions below it; longer ones are all logged.",
            ),
        ]
    ):  # fmt: skip
        command = add(command)
    return command


@slow.command("digest")
@what_to_read
@click.option(
    "--by", type=click.Choice(list(report.RANKS)), default="total", show_default=True,
    help="What ranks the classes.",
)  # fmt: skip
@click.option("--limit", type=click.IntRange(1), help="So many classes. [default: 10; all as json]")
@click.option("--jobs", type=click.IntRange(1), help="Processes. [default: one for each core]")
@options.form
@report_file
@click.pass_context
def digest_command(
    ctx: click.Context, /, files: tuple[str, ...], by: str, limit: int | None, jobs: int | None,
    form: render.Format, **chosen: Any,
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
    found = _read(_reading(files, chosen), jobs)
    print_digest(found, form, by=by, limit=limit)
    write_page(found, chosen["report"], by=by)
    problems = list(report.findings(found))
    asked = ctx.get_parameter_source("by") is click.core.ParameterSource.COMMANDLINE
    if asked and report.ranked_by(found, by) != by:
        problems.append(f"the log has no times: the classes are ranked by calls, not by {by}")
    _leave(ctx, problems)


@slow.command("events")
@what_to_read
@click.pass_context
def events_command(ctx: click.Context, /, files: tuple[str, ...], **chosen: Any) -> None:
    """
    Write each execution of the logs as one JSON object a line.

    `at` is UTC, `duration_s` and `lock_s` are seconds; what the log does not say is null.

    \b
    Examples:
      stockops slow events slow.log | jq -c 'select(.duration_s > 1)'
      stockops slow events pg.csv | duckdb -c "from read_json('/dev/stdin') limit 5"
    """  # noqa: D301  click reads \b as a character
    account, told = Account(), 0
    read = dataclasses.replace(_reading(files, chosen), full=True)
    for event, dialect in reading.events(read, account):
        if event.source == "execution":
            told += 1
            sys.stdout.write(json.dumps(_record(event, dialect)) + "\n")
    whole = Digest(account=account)
    _leave(ctx, [each for each in report.findings(whole) if told == 0 or "bytes are" in each])


@slow.command("snapshot")
@click.argument("snapshot", type=click.Path(path_type=Path, dir_okay=False))
@what_to_read
@click.pass_context
def snapshot_command(
    ctx: click.Context, /, snapshot: Path, files: tuple[str, ...], **chosen: Any
) -> None:
    """
    Keep the digest of logs in a small file, to be compared with another one.

    SNAPSHOT is written whole or not at all. It holds classes and their times: no statement as it
    was sent, and no parameter.

    \b
    Examples:
      stockops slow snapshot monday.json /var/log/postgresql/monday.csv
      stockops slow snapshot today.json slow.log && stockops slow compare monday.json today.json
    """  # noqa: D301  click reads \b as a character
    found = _read(_reading(files, chosen), None)
    problems = list(report.findings(found))
    if report.ranked_by(found, "total") != "total":
        problems.append("the log has no times: there is nothing to compare a snapshot of it by")
    if not problems:
        count = snapshots.write(found, snapshot)
        click.echo(f"{count:,} classes in {snapshot}", err=True)
    _leave(ctx, problems)


@slow.command("compare")
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option(
    "--max-worse", type=click.FloatRange(0), default=10.0, show_default=True, metavar="PERCENT",
    help="How much longer a class may take on average.",
)  # fmt: skip
@options.form
@click.pass_context
def compare_command(
    ctx: click.Context, before: Path, after: Path, max_worse: float, form: render.Format
) -> None:
    """
    Compare two snapshots: which classes are worse, new, better, gone.

    A class is worse when its mean grew by more than --max-worse with 95 % certainty; with fewer
    than 5 calls on either side nobody can tell, and it is unknown. Exits 1 when a class is worse,
    and when not one could be compared.

    \b
    Example:
      stockops slow compare --max-worse 20 monday.json today.json
    """  # noqa: D301  click reads \b as a character
    rows = snapshots.compare(
        snapshots.read(before), snapshots.read(after), max_worse=max_worse / 100
    )
    print_compared(rows, form)
    _leave(ctx, list(snapshots.findings(rows)))


def _leave(ctx: click.Context, problems: list[str]) -> None:
    for problem in problems:
        click.echo(f"{click.style('finding:', fg='red')} {problem}", err=True)
    ctx.exit(1 if problems else 0)


def _read(read: Reading, jobs: int | None) -> Digest:
    """Read, and show how far it is where somebody watches."""
    workers = jobs or len(os.sched_getaffinity(0))
    if not sys.stderr.isatty():
        return reading.digest(read, jobs=workers)
    with click.progressbar(length=reading.size_bytes(read), file=sys.stderr) as bar:
        return reading.digest(read, jobs=workers, seen=bar.update)


def _record(event: Event, dialect: Any) -> dict[str, Any]:
    return {
        "at": report.instant(event.at_us) or None,
        "user": event.user or None,
        "host": event.host or None,
        "database": event.database or None,
        "application": event.application or None,
        "session": event.session or None,
        "duration_s": event.duration_us / 1_000_000 if event.timed else None,
        "lock_s": event.lock_us / 1_000_000 if event.timed else None,
        "rows_sent": event.rows_sent,
        "rows_examined": event.rows_examined,
        "rows_affected": event.rows_affected,
        "sql": event.sql,
        "parameters": event.parameters or None,
        "class": None if event.admin else classify(event.sql, dialect=dialect).class_id,
        "admin": event.admin,
        "weight": event.weight,
        **event.more,
    }


def _reading(files: tuple[str, ...], chosen: dict[str, Any]) -> Reading:
    keep = Filter(
        since_us=_microseconds(chosen["since"]),
        until_us=_microseconds(chosen["until"]),
        databases=frozenset(chosen["database"]),
        users=frozenset(chosen["user"]),
        applications=frozenset(chosen["application"]),
        min_us=round(chosen["longer_than"] * 1000),
    )
    read = reading.prepare(files, named=chosen["log_format"], keep=keep)
    rate, below_ms = chosen["sample_rate"], chosen["sampled_below"]
    if rate is None and below_ms is not None:
        raise click.UsageError("--sampled-below says nothing without --sample-rate")
    how = None if rate is None else sampling.stated(rate, below_ms=below_ms)
    return dataclasses.replace(read, sampling=how)


def _microseconds(at: datetime | None) -> int | None:
    return None if at is None else round(at.replace(tzinfo=UTC).timestamp() * 1_000_000)
