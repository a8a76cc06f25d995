"""``stockops settings compare``: settings tried under the trading load."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from .. import lab as labs
from .. import render
from ..errors import ConfigError, Finding, Unreachable
from ..targets import Target
from . import numbers, options, paths, settings_matrix

if TYPE_CHECKING:
    from ..experiments.advised import Tryable
    from ..experiments.settings_trial import Trial, TrialPlan
    from ..experiments.stand import Stand


@click.command("compare")
@click.option(
    "--set",
    "words",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting to try; more of them are tried together.",
)
@click.option(
    "--advised",
    is_flag=True,
    help="Try what `settings advise` says of the target, all of it together.",
)
@click.option(
    "--rule", "rules", multiple=True, metavar="NAME", help="With --advised: only this rule; repeat."
)
@options.target_when_needed
@click.option(
    "--lab",
    "lab_name",
    metavar="NAME",
    help="Try it on a copy of this lab, which is up, instead of on a small market.",
)
@click.option(
    "--engine",
    type=click.Choice(list(labs.ENGINES)),
    help="Which server to try --set or --matrix on; that of --lab, or "
    f"{labs.DEFAULT_ENGINE}, by default.",
)
@click.option(
    "--seconds",
    type=numbers.Range(min=0.2, max=3600),
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
    type=numbers.Range(min=0, max=100),
    default=5.0,
    show_default=True,
    metavar="PERCENT",
    help="A smaller difference is none.",
)
@click.option(
    "--report",
    "report_path",
    type=paths.Named(dir_okay=False),
    metavar="FILE.html",
    help="Write what came of it as one page, too.",
)
@options.plan_only
@options.form
def compare_command(
    words: tuple[str, ...],
    target: Callable[[], Target],
    plan_only: bool,
    form: render.Format,
    **asked: Any,
) -> None:
    """
    Try settings: the trading load with them and without, in turn, in a private lab.

    The lab is made for it, with a small market, and removed, whatever happens. Turns alternate
    (ABBA, BAAB), each begins after a checkpoint, and a setting that takes a restart has one before
    every turn. Before each turn the server is asked what is in force. Orders a second, p50, p95,
    p99 and bytes of log an order are each said to be better, worse or no different where the 95 %
    interval of the ratio allows to say it, else unknown.

    With --advised, what `settings advise` says of the target is what is tried, against the values
    that the target has now; what cannot be tried is named. With --lab, the load runs on a copy of
    that lab, with its data and its settings; the lab itself goes on, and nothing of it is changed.

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
      stockops settings compare --advised -t prod
      stockops settings compare --lab pg --set max_wal_size=4GB
      stockops settings compare --matrix --engine mariadb
    """  # noqa: D301  click reads \b as a character
    from ..experiments import changes  # noqa: PLC0415  advice does without

    wanted = changes.parsed(words)
    _check(asked, wanted)
    if asked["matrix"]:
        settings_matrix.run(asked["engine"] or labs.DEFAULT_ENGINE, plan_only, form, asked)
        return
    ground = _ground(asked["lab_name"], asked["engine"])
    if asked["advised"]:
        whose = target() if options.was_said("target") or ground.lab is None else ground.lab
        _trial(ground.of(whose.engine), _advice(whose, asked["rules"]), plan_only, form, asked)
    else:
        _trial(ground, wanted, plan_only, form, asked)


def _check(asked: dict[str, Any], wanted: dict[str, str]) -> None:
    """Raise what is wrong with the options as they stand beside each other."""
    from ..workload.plan import CLIENTS_MAX  # noqa: PLC0415  help does without it

    if sum(map(bool, (asked["matrix"], asked["advised"], wanted))) > 1:
        raise click.UsageError("--matrix, --advised and --set exclude each other")
    if asked["rules"] and not asked["advised"]:
        raise click.UsageError("--rule is for --advised")
    if asked["kinds"] and not asked["matrix"]:
        raise click.UsageError("--crash is for --matrix")
    if asked["lab_name"] and asked["matrix"]:
        raise click.UsageError("--lab is for --set and --advised: a price list crashes its own")
    if options.was_said("target") and not asked["advised"]:
        raise click.UsageError("-t is for --advised; to try on a copy of a lab: --lab NAME")
    if not 1 <= asked["clients"] <= CLIENTS_MAX:
        raise click.UsageError(f"--clients is 1 to {CLIENTS_MAX}")
    if not (asked["matrix"] or asked["advised"] or wanted):
        raise ConfigError(
            "no setting is named",
            hint="Name one: --set synchronous_commit=off, take what `settings advise` says: "
            "--advised, or the price list: --matrix",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a trial runs on: a copy of `lab`, or, where that is None, a small market."""

    lab: Target | None
    asked_engine: str | None

    @property
    def engine(self) -> str:
        """The engine of the lab, else that which was asked for, else the usual one."""
        return self.lab.engine if self.lab else self.asked_engine or labs.DEFAULT_ENGINE

    def of(self, engine: str) -> "Ground":
        """Return this ground with `engine`, where nobody asked for another."""
        there = self.lab.engine if self.lab else self.asked_engine or engine
        if there != engine:
            raise click.UsageError(f"the advice is for {engine}, and it would be tried on {there}")
        return replace(self, asked_engine=engine)

    @contextmanager
    def made(
        self, said: Callable[[str], None], wanted: "dict[str, str] | Tryable"
    ) -> Iterator["Stand"]:
        """Give the lab to try `wanted` on, for the block; what is wrong with it is said first."""
        from ..experiments import settings_trial, stand  # noqa: PLC0415

        if self.lab is None:
            look = partial(settings_trial.rehearse, wanted=wanted)
            with stand.stand(self.engine, said=said, first=look) as made:
                yield made
            return
        with self.asked() as source:
            settings_trial.look(source, wanted)
        with stand.copied(self.lab, said=said) as copy:
            yield copy

    @contextmanager
    def asked(self) -> Iterator["Stand"]:
        """Give a server to be asked what a change takes, for the block; nothing is changed."""
        from ..experiments import stand  # noqa: PLC0415

        lab = labs.find(self.lab.name) if self.lab else None
        if lab is not None and self.lab is not None:
            yield stand.on(lab, self.lab, source=stand.copy_of(lab.name))
            return
        with stand.bare(self.engine) as bare:
            yield bare


def _ground(lab_name: str | None, engine: str | None) -> Ground:
    """Return what was named; `ConfigError` or `Unreachable` where no such lab is up."""
    if lab_name is None:
        return Ground(lab=None, asked_engine=engine)
    lab = labs.require(lab_name)
    if lab.pid is None:
        raise Unreachable(
            f"the lab {lab_name!r} is {lab.state}", hint=f"stockops lab up --name {lab_name}"
        )
    ground = Ground(lab=Target(name=lab.name, url=lab.url(), lab=lab.name), asked_engine=None)
    if engine not in {None, lab.engine}:
        raise click.UsageError(f"the lab {lab_name!r} is {lab.engine}, and --engine says {engine}")
    return ground


def _advice(target: Target, rules: tuple[str, ...]) -> "Tryable":
    """Return what `settings advise` says of `target`, as a trial takes it."""
    from .. import settings  # noqa: PLC0415
    from ..engine import connect  # noqa: PLC0415
    from ..experiments import changes, settings_trial  # noqa: PLC0415
    from ..experiments.advised import tryable  # noqa: PLC0415

    with connect(target) as server:
        facts = settings.read(target, server)
        held = changes.held(server)
    advice = settings.only(settings.advise(facts), rules, facts.engine)
    found = tryable(facts, advice, held)
    if not found.wanted:
        raise settings_trial.nothing_to_try(found.left_out)
    return found


def _trial(
    ground: Ground,
    wanted: "dict[str, str] | Tryable",
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
        with ground.asked() as server:
            click.echo(trialview.planned(server, wanted, plan, form))
        return
    if asked["report_path"]:
        report.check(asked["report_path"])
    trial = _tried(ground, wanted, plan)
    if asked["report_path"]:
        report.write_settings(trialview.page(trial), asked["report_path"])
    _say(trial, form)


def _tried(ground: Ground, wanted: "dict[str, str] | Tryable", plan: "TrialPlan") -> "Trial":
    from ..experiments import settings_trial  # noqa: PLC0415
    from . import trialview  # noqa: PLC0415

    step, moment = trialview.progress()
    try:
        with ground.made(step, wanted) as made:
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
