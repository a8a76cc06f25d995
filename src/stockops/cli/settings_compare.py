"""``stockops settings compare``: settings tried under the trading load."""

import json
from typing import TYPE_CHECKING

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
@click.option("--clients", type=int, default=4, show_default=True, help="Processes that send.")
@click.option(
    "--margin",
    type=click.FloatRange(min=0, max=100),
    default=5.0,
    show_default=True,
    metavar="PERCENT",
    help="A smaller difference is none.",
)
@options.plan_only
@options.form
def compare_command(
    words: tuple[str, ...],
    engine: str,
    plan_only: bool,
    form: render.Format,
    margin: float,
    **asked: float,
) -> None:
    """
    Try settings: the trading load with them and without, in turn, in a private lab.

    The lab is made for it, with a small market, and removed, whatever happens. Turns alternate
    (ABBA, BAAB), each begins after a checkpoint, and a setting that takes a restart has one before
    every turn. Before each turn the server is asked what is in force. Orders a second, p50, p95,
    p99 and bytes of log an order are each said to be better, worse or no different where the 95 %
    interval of the ratio allows to say it, else unknown.

    Exits 1 where a measure got worse, and where no verdict was reached.

    \b
    Examples:
      stockops settings compare --set synchronous_commit=off
      stockops settings compare --engine mariadb --set sync_binlog=0 --rounds 8
      stockops settings compare --set shared_buffers=1GB --set work_mem=64MB --plan
    """  # noqa: D301  click reads \b as a character
    from ..experiments import changes  # noqa: PLC0415  advice does without
    from ..experiments.settings_trial import TrialPlan  # noqa: PLC0415

    wanted = changes.parsed(words)
    if not wanted:
        raise ConfigError("no setting is named", hint="Name one: --set synchronous_commit=off")
    plan = TrialPlan(
        seconds=asked["seconds"],
        rounds=int(asked["rounds"]),
        clients=int(asked["clients"]),
        margin=margin / 100,
    )
    if plan_only:
        _plan(engine, wanted, plan)
        return
    _say(_tried(engine, wanted, plan), form)


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
        with stand.stand(engine, told=step) as made:
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
