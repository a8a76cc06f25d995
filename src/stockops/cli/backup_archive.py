"""``stockops backup archive`` and ``stockops backup windows``: log that is archived without end."""

import re
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .. import counts
from ..errors import ConfigError, Finding, StockopsError, StorageError
from . import options, paths

if TYPE_CHECKING:
    from ..backups.archive.receiving import Tick
    from ..backups.repository import Repository

Command = TypeVar("Command", bound=Callable[..., Any])

# What PostgreSQL makes of an exit code: of archive_command, 1 to 125 is counted and tried again,
# anything else ends its archiver uncounted. Of restore_command, 1 to 125 says that the log ends
# there, and the server is promoted; anything else stops the recovery.
_TERMINATED = 75
_STOP_RECOVERY = 200
_SYSTEM = re.compile(r"pg-[0-9]+")
_LINE_EVERY_S = 60.0
LEVEL = 1  # of zstd: log comes out as small as at 3, in a third of the time


class Pushing(click.Command):
    """A command that leaves with 0 or with 1 to 125, whatever happens."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; what no other command meets would leave with 0, or with more than 125."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, _leave)
        try:
            return super().invoke(ctx)
        except (StockopsError, click.ClickException, click.exceptions.Exit):
            raise
        except OSError as exc:
            raise StorageError(str(exc), hint="Nothing was archived.") from exc


class Getting(click.Command):
    """A command that leaves with 0, with 1 where there is no such file, or with more than 125."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the command line: a mistake in it must not look like the end of the log."""
        with _stopping():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run it."""
        with _stopping():
            return super().invoke(ctx)


@contextmanager
def _stopping() -> Iterator[None]:
    """Let no failure leave with a code that a server takes for the end of the log."""
    try:
        yield
    except click.exceptions.Exit:
        raise
    except click.ClickException as exc:
        raise _Stopped(ConfigError(exc.format_message())) from exc
    except Exception as exc:
        raise _Stopped(exc) from exc


class _Stopped(StockopsError):
    """Whatever went wrong; the recovery stops."""

    exit_code = _STOP_RECOVERY

    def __init__(self, exc: Exception) -> None:
        known = isinstance(exc, StockopsError)
        super().__init__(
            str(exc) if known else f"{type(exc).__name__}: {exc}", hint=getattr(exc, "hint", None)
        )


def _leave(number: int, _frame: object) -> None:
    raise SystemExit(_TERMINATED)


def _opened(place: str) -> "Repository":
    from ..backups import repository as repositories  # noqa: PLC0415  a push pays for imports

    return repositories.opened(place)


def _cluster(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Return the system that was typed: another word would be a folder that holds no log."""
    if value is not None and not _SYSTEM.fullmatch(value):
        raise click.BadParameter(f"{value!r} is no system; write it as pg-NUMBER")
    return value


_system = click.option(
    "--system",
    metavar="ID",
    callback=_cluster,
    help="Whose log it is; without it, that of the data directory.",
)
_identity = click.option(
    "--identity",
    "identity_files",
    multiple=True,
    type=paths.Named(),
    metavar="FILE",
    help="An age identity that opens what is encrypted; repeat.",
)


def stored(command: Command) -> Command:
    """Add ``--compress`` and ``--recipient``; the command gets ``stored``, a `Form`."""

    def made(ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> Any:
        if ctx.resilient_parsing:
            return None
        from ..backups import keys, streams  # noqa: PLC0415

        return streams.Form(
            compression=ctx.params.pop("compression"),
            level=LEVEL,
            recipients=keys.recipients(value),
        )

    compress = click.option(
        "--compress",
        "compression",
        type=click.Choice(["zstd", "lz4", "none"]),
        default="zstd",
        show_default=True,
        is_eager=True,
        help="How the log is compressed.",
    )
    recipient = click.option(
        "--recipient",
        "stored",
        multiple=True,
        metavar="KEY|FILE",
        callback=made,
        help="Encrypt to this public key of age or SSH; repeat.",
    )
    return compress(recipient(command))


@click.group()
def archive() -> None:
    """
    Archive the server's log without end.

    What is archived on top of a backup is what a restore to a moment in time replays.
    """


@archive.command("push", cls=Pushing)
@click.argument("path", type=paths.Named())
@options.config
@options.repository
@_system
@stored
def push_command(path: Path, place: str, system: str | None, stored: Any) -> None:
    """
    Archive one WAL file; for PostgreSQL's archive_command, as %p.

    Leaves with 0 when the file is on the repository's disk, or was there with the same content,
    and with 1 to 125 otherwise: then the server tries it again.
    """
    from ..backups.archive import storing  # noqa: PLC0415

    storing.push(_opened(place), path, system=system, form=stored)


@archive.command("get", cls=Getting)
@click.argument("name")
@click.argument("path", type=paths.Named())
@options.config
@options.repository
@_system
@_identity
@click.pass_context
def get_command(
    ctx: click.Context,
    name: str,
    path: Path,
    place: str,
    system: str | None,
    identity_files: tuple[Path, ...],
) -> None:
    """
    Fetch the WAL file NAME to PATH; for PostgreSQL's restore_command, as %f and %p.

    Leaves with 1 where there is no such file: the log ends there. Where the repository cannot be
    read, the file is damaged, its key is missing, or newer segments are there, it leaves with more
    than 125, and the recovery stops instead of promoting a server that lacks data.
    """
    from ..backups import keys  # noqa: PLC0415
    from ..backups.archive import fetching, wal  # noqa: PLC0415

    system = system or wal.system_in(Path())
    if system is None:
        raise ConfigError(
            "nothing says whose log is wanted", hint="Name the system with --system pg-NUMBER."
        )
    identities = keys.identities(identity_files)
    if not fetching.get(_opened(place), name, path, system=system, identities=identities):
        ctx.exit(1)


@archive.command("start")
@options.target
@options.repository
@stored
@click.option("--receive", is_flag=True, help="PostgreSQL: prepare to receive, by a slot.")
@click.option(
    "--program",
    metavar="COMMAND",
    help="How the server starts stockops; without it, as it is running now.",
)
@options.plan_only
@options.consent
@options.form
def start_command(target: Any, place: str, consent: Any, **said: Any) -> None:
    """
    Set a server up so that its log is archived, and prove that it is.

    PostgreSQL: archive_mode, archive_command, archive_timeout; archive_mode waits for a restart.
    MariaDB, and with --receive: looks whether the log can be received.
    """
    from .. import render  # noqa: PLC0415
    from ..backups.archive import enabling  # noqa: PLC0415
    from ..engine import connect  # noqa: PLC0415

    asked = enabling.Start(
        receive=said["receive"],
        form=said["stored"],
        recipients=[each.text for each in said["stored"].recipients],
        program=said["program"],
    )
    if said["plan_only"]:
        with connect(target) as server:
            planned = enabling.steps(server, _opened(place), target, asked)
        click.echo(render.rows(planned, said["form"]))
        return
    started = enabling.start(_opened(place), target, asked, consent=consent)
    click.echo(render.rows([started], said["form"]))


@archive.command("stop")
@options.target
@options.repository
@options.plan_only
@options.consent
@options.form
def stop_command(target: Any, place: str, plan_only: bool, consent: Any, form: Any) -> None:
    """End what `start` set up on a server: nothing after this moment can be recovered."""
    from .. import render  # noqa: PLC0415
    from ..backups.archive import enabling  # noqa: PLC0415
    from ..engine import connect  # noqa: PLC0415

    if plan_only:
        with connect(target) as server:
            click.echo(render.rows(enabling.stop_steps(server, _opened(place)), form))
        return
    click.echo(render.rows(enabling.stop(_opened(place), target, consent=consent), form))


@archive.command("status")
@options.target
@options.repository
@options.seconds("--behind", default=60.0, help="What waits for longer than this is too late.")
@options.form
def status_command(target: Any, place: str, behind_s: float, form: Any) -> None:
    """
    Show how far the archive is, and how far the server is.

    Exits 1 where it is broken, behind, or has a gap: idle is none of these.
    """
    from .. import render  # noqa: PLC0415
    from ..backups.archive.status import status  # noqa: PLC0415

    found = status(_opened(place), target, behind_s=behind_s)
    click.echo(render.rows([found], form))
    if found.state not in {"archiving", "idle"}:
        raise Finding(
            f"the archive of {target.name!r} is {found.state}: {'; '.join(found.notes)}",
            hint=f"Have it archived: stockops backup archive start -t {shlex.quote(target.name)}"
            if found.how == "none"
            else "What can be recovered: stockops backup windows",
        )


@archive.command("run")
@options.target
@options.repository
@stored
@click.option(
    "--spool",
    type=paths.Named(file_okay=False),
    metavar="DIR",
    help="Where log waits that is not a whole file yet; in the repository, unless it is encrypted.",
)
def run_command(target: Any, place: str, stored: Any, spool: Path | None) -> None:
    """
    Receive the log of a server as it is written, until Ctrl-C or SIGTERM.

    PostgreSQL by pg_receivewal through a replication slot, MariaDB by mariadb-binlog. A server or
    a network that goes away is waited for; a run that was killed is continued by the next one.
    Meanwhile a row of the table heartbeats says once a second how far the log reaches.

    Exits 1 where whole files of log are in the spool alone at the end, and says how many and why.
    """
    from ..backups.archive import receiving  # noqa: PLC0415

    over: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: over.append(number))
    done = receiving.run(
        _opened(place), target, stored, stop=lambda: bool(over), progress=_progress(), place=spool
    )
    click.echo(
        f"stopped: {counts.of(done.pieces, 'file')}, {done.raw_bytes >> 20:,} MB archived "
        "in this run",
        err=True,
    )
    if done.unsafe:
        raise Finding(
            done.unsafe,
            hint=f"It is archived by the next run: stockops backup archive run -t "
            f"{shlex.quote(target.name)}",
        )


def _progress() -> Callable[["Tick"], None]:
    """Return what shows how far it is: one live line on a terminal, a line a minute in a log."""
    live = sys.stderr.isatty()
    next_s, said = 0.0, ""

    def show(tick: "Tick") -> None:
        nonlocal next_s, said
        line = (
            f"{tick.elapsed_s:.0f} s, at {tick.position or 'the beginning'}, {tick.pieces:,} files "
            f"({tick.raw_bytes >> 20:,} MB as {tick.stored_bytes >> 20:,} MB), "
            f"{tick.waiting} waiting"
        )
        if tick.problem != said and tick.problem:
            click.echo(f"\n{tick.problem}" if live else tick.problem, err=True)
        said = tick.problem
        if live:
            click.echo(f"\r{line}\x1b[K", nl=False, err=True)
        elif tick.elapsed_s >= next_s:
            next_s = tick.elapsed_s + _LINE_EVERY_S
            click.echo(line, err=True)

    return show


@click.command("windows")
@options.config
@options.repository
@click.option("--system", metavar="ID", help="Only of this system.")
@options.form
def windows(place: str, system: str | None, form: Any) -> None:
    """
    Print the windows of time that can be recovered, and every gap.

    Exits 1 where something is missing after the oldest backup, and where there is no window.
    """
    from .. import render  # noqa: PLC0415
    from ..backups.archive import showing  # noqa: PLC0415

    shown, gaps = showing.windows(_opened(place), system)
    click.echo(render.rows(shown, form))
    for gap in gaps:
        click.echo(f"gap: {gap}", err=True)
    if gaps:
        raise Finding(
            f"{counts.of(len(gaps), 'gap')} after the oldest backup",
            hint="Take a backup now: what is after a gap is recovered from a newer backup only.",
        )
    if not shown:
        raise Finding("nothing can be recovered", hint="Take a backup: stockops backup take")
