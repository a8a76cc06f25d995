"""``stockops backup archive`` and ``stockops backup windows``: log that is archived without end."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from ..errors import ConfigError, Finding, StockopsError, StorageError
from . import options

Command = TypeVar("Command", bound=Callable[..., Any])

# What PostgreSQL makes of an exit code: of archive_command, 1 to 125 is counted and tried again,
# anything else ends its archiver uncounted. Of restore_command, 1 to 125 says that the log ends
# there, and the server is promoted; anything else stops the recovery.
_TERMINATED = 75
_STOP_RECOVERY = 200
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


def repository(command: Command) -> Command:
    """Add ``--repository``; the command gets ``repo``, an opened `Repository`."""
    return click.option(
        "--repository",
        "repo",
        metavar="DIR",
        envvar="STOCKOPS_REPOSITORY",
        callback=_opened,
        help="Where backups and logs are; without it, backup.repository of stockops.yaml.",
    )(command)


def _opened(ctx: click.Context, _param: click.Parameter, value: str | None) -> Any:
    if ctx.resilient_parsing:
        return None
    from ..backups import repository as repositories  # noqa: PLC0415

    if value is None:
        from .. import targets  # noqa: PLC0415  reading YAML costs more than most of a push

        named = targets.load(ctx.meta.get("stockops.config")).backup.repository
        if named is None:
            raise ConfigError(
                "there is no repository named",
                hint="Name it with --repository DIR, or write backup.repository in stockops.yaml.",
            )
        value = str(named)
    return repositories.opened(value)


_system = click.option(
    "--system", metavar="ID", help="Whose log it is; without it, that of the data directory."
)
_identity = click.option(
    "--identity",
    "identity_files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="An age identity that opens what is encrypted; repeat.",
)


def form(command: Command) -> Command:
    """Add ``--compress`` and ``--recipient``; the command gets ``form``, a `Form`."""

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
        "form",
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
@click.argument("path", type=click.Path(path_type=Path))
@repository
@_system
@form
def push_command(path: Path, repo: Any, system: str | None, form: Any) -> None:
    """
    Archive one WAL file; for PostgreSQL's archive_command, as %p.

    Leaves with 0 when the file is on the repository's disk, or was there with the same content,
    and with 1 to 125 otherwise: then the server tries it again.
    """
    from ..backups.archive import storing  # noqa: PLC0415

    storing.push(repo, path, system=system, form=form)


@archive.command("get", cls=Getting)
@click.argument("name")
@click.argument("path", type=click.Path(path_type=Path))
@repository
@_system
@_identity
@click.pass_context
def get_command(
    ctx: click.Context,
    name: str,
    path: Path,
    repo: Any,
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
    if not fetching.get(repo, name, path, system=system, identities=identities):
        ctx.exit(1)


@click.command("windows")
@repository
@click.option("--system", metavar="ID", help="Only of this system.")
@options.form
def windows(repo: Any, system: str | None, form: Any) -> None:
    """
    Print the windows of time that can be recovered, and every gap.

    Exits 1 where something is missing after the oldest backup, and where there is no window.
    """
    from .. import render  # noqa: PLC0415
    from ..backups.archive import showing  # noqa: PLC0415

    shown, gaps = showing.windows(repo, system)
    click.echo(render.rows(shown, form))
    for gap in gaps:
        click.echo(f"gap: {gap}", err=True)
    if gaps:
        raise Finding(
            f"there are {len(gaps)} gaps after the oldest backup",
            hint="Take a backup now: what is after a gap is recovered from a newer backup only.",
        )
    if not shown:
        raise Finding("nothing can be recovered", hint="Take a backup: stockops backup take")
