"""``stockops job crontab`` and ``stockops job timers``."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import counts, notices, targets
from ..errors import ConfigError
from . import options, paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..jobs.entries import Place, Planned


def _of_which(command: "Callable[..., Any]") -> "Callable[..., Any]":
    """Add what says which jobs, and what is done with them."""
    for add in reversed(
        [
            options.config,
            click.option(
                "-t",
                "--target",
                "names",
                multiple=True,
                metavar="NAME",
                help="A target of stockops.yaml that the jobs are for, else its default; repeat.",
            ),
            click.option(
                "--jobs",
                "jobs_path",
                type=paths.Named(),
                metavar="FILE",
                help="A list of jobs of your own, written as ops/jobs.yaml.",
            ),
            click.option(
                "--textfile",
                type=paths.Named(file_okay=False),
                metavar="DIRECTORY",
                help="Have each job write its metrics there; see job run.",
            ),
            click.option("--install", is_flag=True, help="Install them; else they are printed."),
            click.option("--remove", is_flag=True, help="Take out what was installed."),
            options.plan_only,
        ]
    ):
        command = add(command)
    return command


@click.command("crontab")
@_of_which
@click.pass_context
def crontab_command(
    ctx: click.Context, /, install: bool, remove: bool, plan_only: bool, **asked: Any
) -> None:
    """
    Print the jobs as lines for cron, or install them in the crontab of this user.

    The nightly backup, the weekly drill, the checks every hour, the books every 15 minutes. They
    stand in a block of their own, which is replaced as a whole; every other line stays as it is.
    What is installed is in `job list` at once, and is missed when it does not run.

    \b
    Examples:
      stockops job crontab -t prod
      stockops job crontab -t prod --install --plan
      stockops job crontab -t prod --install
    """  # noqa: D301  click reads \b as a character
    from ..jobs import crontab  # noqa: PLC0415

    jobs, _ = _planned(ctx, asked)
    block = "" if remove else crontab.lines(jobs)
    if not (install or remove):
        click.echo(block, nl=False)
        return
    before = crontab.current()
    after = crontab.merged(before, block)
    if plan_only:
        click.echo(_difference(before, after, "the crontab"), nl=False)
        return
    if after != before:
        crontab.install(after)
    _expect(() if remove else jobs)
    click.echo("the crontab is as it was" if after == before else _done(jobs, remove=remove))


@click.command("timers")
@_of_which
@click.option(
    "--folder",
    type=paths.Named(file_okay=False),
    metavar="DIRECTORY",
    help="Where units stand; /etc/systemd/system for root, else ~/.config/systemd/user.",
)
@click.pass_context
def timers_command(
    ctx: click.Context, /, folder: Path | None, install: bool, remove: bool, plan_only: bool,
    **asked: Any,
) -> None:  # fmt: skip
    """
    Print the jobs as units of systemd, a service and a timer each, or write them where they belong.

    A run that was missed while the machine was off is made up for, starts are spread over some
    minutes, and a job that fails has a service tell of it. systemd is not told of the units: the
    command that does so is printed.

    \b
    Examples:
      stockops job timers -t prod
      stockops job timers -t prod --install --plan
      stockops job timers -t prod --install
    """  # noqa: D301  click reads \b as a character
    from ..jobs import units  # noqa: PLC0415

    jobs, place = _planned(ctx, asked)
    wanted = {} if remove else units.files(jobs, place)
    if not (install or remove):
        for name, text in wanted.items():
            click.echo(f"# ---- {name}\n{text}")
        return
    folder = folder or units.usual_folder()
    stale = units.stale(wanted, folder)
    if plan_only:
        for name, text in wanted.items():
            before = (folder / name).read_text("utf-8") if (folder / name).exists() else ""
            click.echo(_difference(before, text, str(folder / name)), nl=False)
        for path in stale:
            click.echo(f"remove {path}")
        return
    units.write(wanted, folder)
    _expect(() if remove else jobs)
    click.echo(f"{len(wanted)} units written to {folder}, {len(stale)} removed")
    manager = "systemctl" if folder == Path("/etc/systemd/system") else "systemctl --user"
    timers = " ".join(name for name in wanted if name.endswith(".timer"))
    then = f" && {manager} enable --now {timers}" if timers else ""
    click.echo(f"next: {manager} daemon-reload{then}", err=True)


def _planned(ctx: click.Context, asked: dict[str, Any]) -> "tuple[tuple[Planned, ...], Place]":
    """Return the jobs that were asked for, and say which are left out."""
    from ..jobs import entries  # noqa: PLC0415

    config = targets.load(ctx.meta.get("stockops.config"))
    settings = notices.load(config.path)
    for name in asked["names"]:
        if name not in {*config.targets, targets.DEFAULT_LAB}:
            raise ConfigError(
                f"no target is called {name!r}, and cron knows no other",
                hint="Write it into stockops.yaml, and name that file with --config.",
            )
    place = entries.Place(
        targets=asked["names"],
        protected=frozenset(each.name for each in config.targets.values() if each.protected),
        config=None if config.path is None else config.path.absolute(),
        has=frozenset(need for need in entries.NEEDS if getattr(settings, need)),
        textfile=None if asked["textfile"] is None else asked["textfile"].absolute(),
    )
    found = entries.load(asked["jobs_path"])
    for words in entries.left_out(found, place):
        click.echo(f"note: {words}", err=True)
    return entries.plan(found, place), place


def _expect(jobs: "tuple[Planned, ...]") -> None:
    from ..jobs import records  # noqa: PLC0415

    for job in jobs:
        records.expect(job.name, every_s=job.every_s)


def _difference(before: str, after: str, name: str) -> str:
    lines = [*difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True),
        name, f"{name}, then",
    )]  # fmt: skip
    return "".join(lines) or f"{name} is as it would be\n"


def _done(jobs: "tuple[Planned, ...]", *, remove: bool) -> str:
    return (
        "the jobs are taken out"
        if remove
        else f"{counts.of(len(jobs), 'job is', 'jobs are')} in the crontab"
    )
