"""``stockops job``."""

import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import disk, durations, passwords, render
from ..errors import ConfigError, StorageError
from ..notices import Sighting
from ..passwords import Secret
from . import options, paths, telling, unheard
from .job_schedule import crontab_command, timers_command

if TYPE_CHECKING:
    from ..jobs.records import Record, Seen
    from ..jobs.running import Ended, Listeners, Order

SAID_LINES = 5  # of each job that did not succeed, in the table


@dataclass(frozen=True, slots=True)
class Line:
    """A job, as wide as a terminal bears."""

    job: str
    state: str
    exit_code: int | None
    started: datetime | None
    took: str | None
    succeeded: datetime | None
    every: str | None


@click.group()
def job() -> None:
    """Jobs of cron and systemd: alone, in bounded time, and missed when they do not run."""


job.add_command(crontab_command)
job.add_command(timers_command)


def _length(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Return the length of time that was named, in seconds."""
    del ctx, param
    return None if value is None else durations.seconds(value)


@job.command("run")
@click.argument("name")
@click.argument("argv", nargs=-1, required=True, metavar="-- CMD...")
@click.option(
    "--timeout",
    "timeout_s",
    default="24h",
    show_default=True,
    callback=_length,
    metavar="TIME",
    help="How long it may take; then it is told to end, and killed 10 s later.",
)
@click.option(
    "--every",
    "every_s",
    callback=_length,
    metavar="TIME",
    help="How often it is to succeed: without it, nobody misses the job.",
)
@click.option(
    "--lock-wait",
    "lock_wait_s",
    default="0s",
    show_default=True,
    callback=_length,
    metavar="TIME",
    help="How long to wait for a run of it that is under way.",
)
@click.option(
    "--good",
    "good_codes",
    type=click.IntRange(0, 255),
    multiple=True,
    metavar="CODE",
    help="A code of CMD that is a success as well as 0; repeat.",
)
@click.option(
    "--ping",
    "url",
    envvar="STOCKOPS_JOB_PING",
    metavar="URL",
    help="Tell a dead man's switch, as healthchecks does: /start, success, the code or /fail.",
)
@click.option(
    "--ping-file",
    type=paths.Named(),
    metavar="FILE",
    help="The file that holds that URL, which is a secret: ps shows a command line to all.",
)
@click.option(
    "--ping-output/--no-ping-output",
    default=True,
    show_default=True,
    help="Whether a ping of a failure carries the end of what CMD said.",
)
@click.option(
    "--textfile",
    type=paths.Named(file_okay=False),
    metavar="DIRECTORY",
    help="Write metrics there, for the textfile collector of node_exporter.",
)
@click.option("-v", "--verbose", is_flag=True, help="Print what CMD says as it says it.")
@click.pass_context
def run_command(ctx: click.Context, /, name: str, verbose: bool, **asked: Any) -> None:
    """
    Run CMD as the job NAME: one at a time, in bounded time, and written down.

    Silent where it succeeds; where it does not, the end of what CMD said is printed, so that cron
    sends it. What CMD leaves running in its process group is ended with it, and all of it ends when
    this command is killed. A ping or a file of metrics never holds a job up, nor makes it fail.

    Exits with the code of CMD; 124 where it took too long, 128 and the number of the signal where
    one came, 6 where another run of the job is under way (nothing was run then).

    \b
    Examples:
      stockops job run backup --every 1d --timeout 6h -- stockops backup take -t prod
      stockops job run vacuum --every 1w --lock-wait 10m -- vacuumdb --all --analyze
      stockops job run books --every 15m --ping-file /etc/stockops/books.ping -- \\
        stockops books check -t prod
    """  # noqa: D301  click reads \b as a character
    from ..jobs import records, running  # noqa: PLC0415

    order = running.Order(
        job=records.check_name(name),
        argv=asked["argv"],
        timeout_s=asked["timeout_s"],
        every_s=asked["every_s"],
        lock_wait_s=asked["lock_wait_s"],
        good_codes=frozenset({0, *asked["good_codes"]}),
    )
    ended = running.run(order, _listeners(name, asked, verbose=verbose))
    if ended.outcome != "succeeded":
        _say_how(order, ended, with_tail=not verbose)
    ctx.exit(ended.code)


@job.command("list")
@click.argument("names", nargs=-1)
@options.config
@options.form
@telling.notify
@click.pass_context
def list_command(ctx: click.Context, names: tuple[str, ...], form: render.Format) -> None:
    """
    List the jobs that were ever run or installed here, and how they are.

    Exits 1 where one is overdue, did not succeed, was lost with whoever ran it, or never ran, and
    where there is none. A job is overdue when two runs in a row are missing: its last success is
    older than twice its interval and the time that it takes. --notify tells what changed since the
    last time by the channels of notify: in stockops.yaml.

    \b
    Examples:
      stockops job list
      stockops job list --notify
      stockops job list backup --format json | jq .[0].said
    """  # noqa: D301  click reads \b as a character
    from ..jobs import records  # noqa: PLC0415

    told = telling.teller(f"jobs@{socket.gethostname()}")
    jobs = [_known(name, records.look(name)) for name in names or records.names()]
    click.echo(_table(jobs) if form == "table" else render.rows(jobs, form))
    heard = told.tell([_sighting(job) for job in jobs])
    ctx.exit(0 if jobs and heard and all(map(records.is_well, jobs)) else 1)


@job.command("forget")
@click.argument("name")
def forget_command(name: str) -> None:
    """
    Forget the job NAME, which nobody runs any more: nothing misses it then.

    What the system's cron or systemd has of it stays there.
    """
    from ..jobs import records  # noqa: PLC0415

    if not records.forget(name):
        raise _unknown(name)
    click.echo(f"the job {name} is forgotten")


def _listeners(name: str, asked: dict[str, Any], *, verbose: bool) -> "Listeners":
    from ..jobs import running  # noqa: PLC0415

    listeners = running.Listeners(warn=_warn, echo=_echo if verbose else None)
    if asked["textfile"] is not None:
        listeners.watchers.append(_Textfile(name, asked["textfile"]))
    if asked["url"] is not None or asked["ping_file"] is not None:
        from ..jobs import pings  # noqa: PLC0415

        with listeners.forgiving():
            url = _url(asked["url"], asked["ping_file"])
            watcher = pings.Pings(url, _warn, with_output=asked["ping_output"])
            listeners.watchers.append(watcher)
    return listeners


def _url(url: str | None, file: Path | None) -> "Secret":
    if file is not None:
        return passwords.from_file(file, where="--ping-file")
    return Secret(url or "")


def _known(name: str, seen: "Seen | None") -> "Seen":
    if seen is None:
        raise _unknown(name)
    return seen


def _unknown(name: str) -> ConfigError:
    return ConfigError(f"no job called {name!r} ever ran here", hint="See: stockops job list")


def _sighting(job: "Seen") -> Sighting:
    """Return how `job` is, as notices tell it."""
    from ..jobs import records  # noqa: PLC0415

    success = "never" if job.last_success_at is None else f"{_local(job.last_success_at):%F %T}"
    return Sighting(
        name=f"job:{job.job}",
        state="OK" if records.is_well(job) else "CRITICAL" if job.overdue else "WARNING",
        title=f"The job {job.job}",
        message=f"{_state(job)}; last success: {success}",
        command=f"stockops job list {job.job}",
    )


def _state(job: "Seen") -> str:
    return f"{job.state}, overdue" if job.overdue else job.state


def _table(jobs: "Sequence[Seen]") -> str:
    """Return a line a job, and below them the end of what those said that did not succeed."""
    rows = [
        Line(
            job=job.job,
            state=_state(job),
            exit_code=job.last_exit_code,
            started=_local(job.last_start_at),
            took=None if job.last_duration_s is None else _took(job.last_duration_s),
            succeeded=_local(job.last_success_at),
            every=None if job.every_s is None else durations.said(job.every_s),
        )
        for job in jobs
    ]
    parts = [render.rows(rows, "table")]
    for job in jobs:
        if job.said:
            lines = [line for line in job.said.splitlines() if line.strip()][-SAID_LINES:]
            parts.append("\n".join([f"{job.job} said at its end:", *(f"    {x}" for x in lines)]))
    return "\n\n".join(parts)


def _local(moment: datetime | None) -> datetime | None:
    """Return `moment` as the clock on the wall shows it."""
    return None if moment is None else moment.astimezone().replace(tzinfo=None)


def _took(duration_s: float) -> str:
    return f"{duration_s:.1f}s" if duration_s < 60 else durations.said(duration_s)


class _Textfile:
    """Writes the metrics of a job into a directory as it begins and as it ends."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._folder = folder

    def started(self, record: "Record") -> None:
        """Write that the run has begun."""
        del record
        self._write()

    def ended(self, record: "Record", end: "Ended") -> None:
        """Write how it ended."""
        del record, end
        self._write()

    def _write(self) -> None:
        from ..exporter import plain  # noqa: PLC0415
        from ..exporter.collectors import jobs  # noqa: PLC0415
        from ..jobs import records  # noqa: PLC0415

        seen = records.look(self._name)
        text = plain(jobs.families([seen] if seen else []))
        path = self._folder / f"stockops_job_{self._name}.prom"
        try:
            # The collector runs as somebody else, who has to read it.
            disk.write_whole(path, text, mode=0o644)
        except OSError as exc:
            raise StorageError(f"{str(path)!r} cannot be written: {exc.strerror}") from exc


def _say_how(order: "Order", end: "Ended", *, with_tail: bool) -> None:
    """Say on stderr how a run ended that did not succeed, and the end of what it said."""
    took = _took(end.duration_s)
    how = {
        "failed": f"left with code {end.code} after {took}",
        "timed out": f"took longer than {durations.said(order.timeout_s)}, and was ended",
        "interrupted": f"was ended by signal {end.code - 128} after {took}",
    }[end.outcome]
    said = end.tail.decode("utf-8", "replace") if with_tail else ""
    what = "; the end of what it said:" if said else "; it said nothing" if with_tail else ""
    click.echo(f"{click.style('error:', fg='red')} the job {order.job!r} {how}{what}", err=True)
    if said and end.cut_bytes:
        click.echo(f"[{end.cut_bytes:,} bytes before this are left out]", err=True)
    if said:
        click.echo(said, err=True, nl=not said.endswith("\n"))


def _echo(data: bytes) -> None:
    """Print what the program says, as long as somebody reads it."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError:
        unheard.forget_stdout()


def _warn(words: str) -> None:
    click.echo(f"{click.style('warning:', fg='yellow')} {words}", err=True)
