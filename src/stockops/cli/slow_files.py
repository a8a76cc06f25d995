"""The logs that ``stockops slow`` is asked to read, and how it leaves."""

import dataclasses
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from ..slow import reading, sampling
from ..slow.digest import Digest
from ..slow.formats import NAMES
from ..slow.reading import Filter, Reading
from . import numbers

Command = TypeVar("Command", bound=Callable[..., Any])
_DAY = "%Y-%m-%d"
_INSTANT = [f"{_DAY}{mark}{clock}" for mark in "T " for clock in ("%H:%M:%S", "%H:%M")] + [_DAY]


def what_to_read(command: Command) -> Command:
    """Add the files and the filters, which `asked_for` takes."""
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
                "--longer-than", type=numbers.Range(0), default=0.0, metavar="MS",
                help="Only executions that took so long, in ms.",
            ),
            click.option(
                "--sample-rate", type=numbers.Range(), metavar="SHARE",
                help="The server logged such a sample, which the log does not say: scale by it.",
            ),
            click.option(
                "--sampled-below", type=numbers.Range(), metavar="MS",
                help="Of executions below it; longer ones are all logged.",
            ),
        ]
    ):  # fmt: skip
        command = add(command)
    return command


def asked_for(files: tuple[str, ...], chosen: dict[str, Any]) -> Reading:
    """Return what `what_to_read` was given."""
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


def read_all(
    read: Reading, jobs: int | None, *, meanwhile: Callable[[], object] = lambda: None
) -> Digest:
    """
    Read, and show how far it is where somebody watches.

    Where nobody watches, `meanwhile` is called after each part, while other processes go on.
    """
    workers = jobs or len(os.sched_getaffinity(0))
    if not sys.stderr.isatty():
        return reading.digest(read, jobs=workers, seen=lambda _: meanwhile())
    with click.progressbar(length=reading.size_bytes(read), file=sys.stderr) as bar:
        return reading.digest(read, jobs=workers, seen=bar.update)


def leave(ctx: click.Context, problems: list[str]) -> None:
    """Say what was found, and leave: with 1 where there is anything."""
    for problem in problems:
        click.echo(f"{click.style('finding:', fg='red')} {problem}", err=True)
    ctx.exit(1 if problems else 0)
