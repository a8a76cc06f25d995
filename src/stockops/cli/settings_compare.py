"""``stockops settings compare``: settings tried under the trading load."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import lab as labs
from .. import render
from ..errors import ConfigError, Finding
from . import options

if TYPE_CHECKING:
    from ..experiments.settings_trial import Trial, TrialPlan


@click.command("compare")
@click.option(
    "--set",
    "words",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting to try; more of them are tried together.",
)
@click.option(
    "--engine",
    type=click.Choice(list(labs.ENGINES)),
    default=labs.DEFAULT_ENGINE,
    show_default=True,
    help="Which server to try it on.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.2, max=3600),
    default=5.0,
    show_default=True,
    help="How long a turn measures.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 100),
    default=4,
    show_default=True,
    help="Of four turns each: without, with, with, without.",
)
@click.option(
    "--matrix",
    "matrix",
    is_flag=True,
    help="The price list of durability, instead of settings of yours.",
)
@click.option(
    "--crash",
    "kinds",
    type=click.Choice(["kill", "power", "none"]),
    multiple=True,
    help="With --matrix: how to crash.  [default: kill, and power where there is a C compiler]",
)
@click.option(
    "--crashes",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    help="With --matrix: how often each line is crashed in each way.",
)
@click.option("--clients", type=int, default=4, show_default=True, help="Processes that send.")
@click.option(
    "--margin",
    type=click.FloatRange(min=0, max=100),
    default=5.0,
    show_default=True,
    metavar="PERCENT",
    help="A smaller difference is none.",
)
@click.option(
    "--report",
    "report_path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.html",
    help="Write what came of it as one page, too.",
)
@options.plan_only
@options.form
def compare_command(
    words: tuple[str, ...], engine: str, plan_only: bool, form: render.Format, **asked: Any
) -> None:
    """
    Try settings: the trading load with them and without, in turn, in a private lab.

    The lab is made for it, with a small market, and removed, whatever happens. Turns alternate
    (ABBA, BAAB), each begins after a checkpoint, and a setting that takes a restart has one before
    every turn. Before each turn the server is asked what is in force. Orders a second, p50, p95,
    p99 and bytes of log an order are each said to be better, worse or no different where the 95 %
    interval of the ratio allows to say it, else unknown.

    With --matrix, what each promise of durability costs and what a crash breaks: every line of the
    list takes turns under the load, then its server is crashed in the middle of it, started, and
    held to the journal of what was acknowledged. A crash by kill keeps what the operating system
    had; a crash by power keeps what was synced. docs/settings-compare.md holds such a list.

    Exits 1 where a measure got worse, and where no verdict was reached; after --matrix, where the
    first line, which promises everything, lost something.

    \b
    Examples:
      stockops settings compare --set synchronous_commit=off
      stockops settings compare --engine mariadb --set sync_binlog=0 --rounds 8
      stockops settings compare --set shared_buffers=1GB --set work_mem=64MB --plan
      stockops settings compare --matrix --engine mariadb
    """  # noqa: D301  click reads \b as a character
    from ..experiments import changes  # noqa: PLC0415  advice does without

    wanted = changes.parsed(words)
    if asked["matrix"]:
        if wanted:
            raise click.UsageError("--matrix and --set exclude each other")
        _matrix(engine, plan_only, form, asked)
        return
    if asked["kinds"]:
        raise click.UsageError("--crash is for --matrix")
    if not wanted:
        raise ConfigError(
            "no setting is named",
            hint="Name one: --set synchronous_commit=off, or take the price list: --matrix",
        )
    _trial(engine, wanted, plan_only, form, asked)


def _trial(
    engine: str,
    wanted: dict[str, str],
    plan_only: bool,
    form: render.Format,
    asked: dict[str, Any],
) -> None:
    """Try `wanted`, or say how it would be tried."""
    from .. import report  # noqa: PLC0415
    from ..experiments.settings_trial import TrialPlan  # noqa: PLC0415
    from . import trialview  # noqa: PLC0415

    plan = TrialPlan(
        seconds=asked["seconds"],
        rounds=asked["rounds"],
        clients=asked["clients"],
        margin=asked["margin"] / 100,
    )
    if plan_only:
        _plan(engine, wanted, plan)
        return
    if asked["report_path"]:
        report.check(asked["report_path"])
    trial = _tried(engine, wanted, plan)
    if asked["report_path"]:
        report.write_settings(trialview.page(trial), asked["report_path"])
    _say(trial, form)


def _matrix(engine: str, plan_only: bool, form: render.Format, asked: dict[str, Any]) -> None:
    """Make the price list, or say how it would be made."""
    from .. import report  # noqa: PLC0415
    from ..experiments import durability  # noqa: PLC0415
    from . import matrixview, trialview  # noqa: PLC0415

    kinds = asked["kinds"] or durability.kinds_here()
    plan = durability.MatrixPlan(
        engine=engine,
        cells=durability.CELLS[engine],
        seconds=asked["seconds"],
        rounds=asked["rounds"],
        clients=asked["clients"],
        margin=asked["margin"] / 100,
        crashes=asked["crashes"],
        kinds=tuple(kind for kind in dict.fromkeys(kinds) if kind != "none"),
    )
    if plan_only:
        click.echo(matrixview.planned(plan))
        return
    if asked["report_path"]:
        report.check(asked["report_path"])
    step, moment = trialview.progress()
    try:
        matrix = durability.run(plan, said=step, told=moment)
    finally:
        trialview.wipe()
    if asked["report_path"]:
        report.write_settings(matrixview.page(matrix), asked["report_path"])
    click.echo(
        json.dumps(matrix.as_json(), indent=2) if form == "json" else matrixview.table(matrix)
    )
    lost = sum(each.lost_max for each in matrix.lines[0].losses)
    if lost:
        raise Finding(
            f"{matrix.lines[0].cell.title} lost {lost} acknowledged orders, and promises to keep "
            "all",
            hint="Look at what the disk does with a sync; keep the JSON: --format json",
        )


def _plan(engine: str, wanted: dict[str, str], plan: "TrialPlan") -> None:
    """Print what would be done; a lab without a market is asked what each change takes."""
    from ..experiments import stand  # noqa: PLC0415
    from ..experiments.changes import strongest  # noqa: PLC0415
    from . import trialview  # noqa: PLC0415

    with stand.bare(engine) as bare:
        found = bare.resolve(wanted)
    click.echo(trialview.planned(engine, found, plan, strongest(found)))


def _tried(engine: str, wanted: dict[str, str], plan: "TrialPlan") -> "Trial":
    from ..experiments import settings_trial, stand  # noqa: PLC0415
    from . import trialview  # noqa: PLC0415

    step, moment = trialview.progress()
    try:
        with stand.stand(engine, said=step) as made:
            return settings_trial.run(made, wanted, plan, told=moment)
    finally:
        trialview.wipe()


def _say(trial: "Trial", form: render.Format) -> None:
    from . import trialview  # noqa: PLC0415

    if form == "json":
        click.echo(json.dumps(trial.as_json(), indent=2))
    else:
        click.echo(trialview.table(trial))
    if trial.says_nothing:
        raise Finding(
            "no verdict was reached",
            hint="Take more rounds, or longer turns: --rounds 8 --seconds 10",
        )
    if trial.worse:
        raise Finding(f"worse: {', '.join(trial.worse)}", hint="Leave the setting as it is.")
