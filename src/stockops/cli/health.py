"""``stockops health``."""

import sys
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, NoReturn

import click

from .. import health as the_health
from .. import render, targets
from ..errors import ConfigError, StockopsError, Unreachable
from ..health import Check, Outcome, Report, State, last, nagios
from ..health.check import Lane
from ..notices import STATES, Sighting
from ..targets import Config, Target
from . import options, telling
from .options import Asked

Form = Literal["table", "json", "nagios", "prometheus"]
_UNREACHABLE_EXIT = Unreachable.exit_code
_COLOURS = {
    State.OK: "green",
    State.UNKNOWN: "magenta",
    State.WARNING: "yellow",
    State.CRITICAL: "red",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One check and what became of it, as a program reads it."""

    check: str
    group: str
    state: str
    message: str
    readings: tuple[dict[str, Any], ...]
    warning: str | None
    critical: str | None
    unit: str
    took_s: float
    next: str
    runbook: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One check that there is."""

    name: str
    group: str
    unit: str
    warning: str
    critical: str
    interval_s: int
    lane: Lane
    title: str


class PlugIn(click.Command):
    """A command that speaks as a plug-in of Nagios, where it is asked to, before it begins too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse `args`; what is wrong with them is UNKNOWN, a server that is down is CRITICAL."""
        asked = "--format=nagios" in args or ("--format", "nagios") in pairwise(args)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as exc:
            if asked:
                _leave(State.UNKNOWN, exc.format_message())
            raise
        except StockopsError as exc:
            if asked:
                _leave(State.UNKNOWN, str(exc))
            raise


@click.group()
def health() -> None:
    """Checks of the server and of what is kept about it, for people and for Nagios."""


@health.command("check", cls=PlugIn)
@options.target_though_down
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--only", "groups", multiple=True, metavar="GROUP", help="Only this group; repeat.")
@click.option(
    "--format", "form", default="table", show_default=True,
    type=click.Choice(["table", "json", "nagios", "prometheus"]),
    help="How to print the answer; nagios is a plug-in's, with its exit codes; prometheus is for a "
    "textfile collector.",
)  # fmt: skip
@options.seconds("--timeout", default=120.0, help="How long all of it may take.")
@telling.notify
@click.pass_context
def check_command(
    ctx: click.Context, /, asked: Asked, names: tuple[str, ...], groups: tuple[str, ...],
    form: Form, timeout_s: float,
) -> None:  # fmt: skip
    """
    Ask the checks, all of them or those named, and say what is wrong and what to do next.

    Nothing is written to the server: every check runs in a read-only transaction within a limit,
    and one that fails is UNKNOWN by itself. Thresholds are ranges as Nagios writes them; 80% is of
    what the server allows. Change them under health: in stockops.yaml. Rates are what counters grew
    by since the last look, which is kept under $STOCKOPS_STATE.

    Exits 0 when all is OK, 1 when something is not or was not known, 3 when no server answered.
    With --format nagios: 0 OK, 1 WARNING, 2 CRITICAL (a server that is down is this), 3 UNKNOWN.
    --notify tells what changed since the last time by the channels of notify: in stockops.yaml;
    where one could not be told, that is said on stderr, and 0 becomes 1.

    \b
    Examples:
      stockops health check -t prod
      stockops health check -t prod connections long_transactions
      stockops health check -t prod --only locks --format json
      stockops health check -t prod --format nagios
      stockops health check -t prod --notify
    """  # noqa: D301  click reads \b as a character
    try:
        config = targets.load(ctx.meta.get("stockops.config"))
        told = telling.teller(asked.target.name)
        found = _checks(asked.target, config, names=names, groups=groups)
        report = _run(asked, found, config, timeout_s=timeout_s, shows=form == "table")
        _keep(report)
    except ConfigError as exc:
        if form != "nagios":
            raise
        _leave(State.UNKNOWN, str(exc))
    if form == "nagios":
        click.echo(nagios.text(report))
        told.tell(sightings(report))
        ctx.exit(nagios.exit_code(report))
    _clear()
    click.echo(_said(report, form), nl=form != "prometheus")
    heard = told.tell(sightings(report))
    if report.reason != "ok":
        ctx.exit(_UNREACHABLE_EXIT)
    ctx.exit(0 if report.state is State.OK and heard else 1)


@health.command("list")
@options.config
@click.option("--engine", type=click.Choice(targets.ENGINES), help="Those of one engine.")
@options.form
@click.pass_context
def list_command(ctx: click.Context, engine: str | None, form: render.Format) -> None:
    """
    List the checks there are, with their thresholds.

    \b
    Examples:
      stockops health list
      stockops health list --engine mariadb --format json
    """  # noqa: D301
    said = the_health.settings(targets.load(ctx.meta.get("stockops.config")))
    found = the_health.load(engine, said)
    click.echo(render.rows([_listed(check) for check in found], form))


def _run(
    asked: Asked, checks: tuple[Check, ...], config: Config, *, timeout_s: float, shows: bool
) -> Report:
    """Return what becomes of `checks`; a lab that is down is as a server that does not answer."""
    seen = _progress if shows else _quiet
    if asked.why_not is not None:
        return the_health.run_barred(
            asked.target, checks, why=asked.why_not, config=config, seen=seen
        )
    bounds = the_health.Bounds(all_s=timeout_s)
    return the_health.run(asked.target, checks, config=config, bounds=bounds, seen=seen)


def _keep(report: Report) -> None:
    """Keep what the checks said for the exporter; where that cannot be, they are worth no less."""
    try:
        last.keep(report)
    except StockopsError as exc:
        click.echo(f"note: not kept for the exporter: {exc}", err=True)


def _checks(
    target: Target, config: Config, *, names: tuple[str, ...], groups: tuple[str, ...]
) -> tuple[Check, ...]:
    everything = the_health.load(None, the_health.settings(config))
    asked = the_health.chosen(everything, names=names, groups=groups)
    found = tuple(check for check in asked if the_health.why_not(check, target.engine) is None)
    for check in asked:
        if check.name in names and (why := the_health.why_not(check, target.engine)):
            raise ConfigError(
                f"there is no check {check.name!r} for {target.engine}: {why}",
                hint=f"See: stockops health list --engine {target.engine}",
            )
    return found


def _said(report: Report, form: Form) -> str:
    if form == "json":
        return render.rows(lines(report), "json")
    if form == "prometheus":
        from ..exporter import rendering  # noqa: PLC0415  who asks for a table does without
        from ..exporter.collectors import checks  # noqa: PLC0415

        return rendering.plain(checks.families(last.of(report))).decode()
    return table(report)


def table(report: Report) -> str:
    """Return a line for each check, the worst first, and below what to do about what is not OK."""
    told = sorted(report.outcomes, key=lambda each: -the_health.severity(each.state))
    width = max((len(each.check.name) for each in told), default=0)
    out = []
    for each in told:
        mark = click.style(f"{each.state.name:<8}", fg=_COLOURS[each.state])
        out.append(f"{mark}  {each.check.name:<{width}}  {each.message}")
        if each.state is not State.OK and each.check.next:
            out.append(f"{'':<{width + 12}}next: {the_next(each, report.target)}")
    counts = [(state, sum(each.state is state for each in told)) for state in State]
    said = ", ".join(f"{count} {state.name}" for state, count in counts if count)
    return "\n".join([*out, said or "nothing was checked"])


def lines(report: Report) -> list[Line]:
    """Return `report` as rows."""
    return [
        Line(
            check=each.check.name,
            group=each.check.group,
            state=each.state.name,
            message=each.message,
            readings=tuple(
                {
                    "subject": reading.subject,
                    "value": reading.value,
                    "allowed": reading.allowed,
                    "detail": reading.detail,
                    "state": reading.state.name,
                }
                for reading in each.readings
            ),
            warning=None if each.check.warning is None else str(each.check.warning),
            critical=None if each.check.critical is None else str(each.check.critical),
            unit=each.check.unit,
            took_s=round(each.took_s, 4),
            next=the_next(each, report.target),
            runbook=each.check.runbook,
        )
        for each in report.outcomes
    ]


def sightings(report: Report) -> list[Sighting]:
    """Return what `report` found, as notices tell it."""
    return [
        Sighting(
            name=each.check.name,
            state=STATES[each.state],
            title=each.check.title,
            message=each.message,
            runbook=each.check.runbook,
            command=the_next(each, report.target),
        )
        for each in report.outcomes
    ]


def the_next(outcome: Outcome, target: str) -> str:
    """Return the command to run next, for `target`."""
    return outcome.check.next.replace("{target}", target)


def _listed(check: Check) -> Listed:
    return Listed(
        name=check.name,
        group=check.group,
        unit=check.unit,
        warning=str(check.warning or ""),
        critical=str(check.critical or ""),
        interval_s=check.interval_s,
        lane=check.lane,
        title=check.title,
    )


def _leave(state: State, words: str) -> NoReturn:
    click.echo(nagios.line(state, words))
    raise SystemExit(int(state))


def _quiet(_: Outcome) -> None:
    """Show nothing."""


def _progress(outcome: Outcome) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{outcome.check.name}\r", err=True, nl=False)


def _clear() -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)
