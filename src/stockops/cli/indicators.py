"""``stockops indicators``."""

import sys
import time
from collections.abc import Callable, Sequence
from datetime import date, datetime

import click

from .. import indicators as the_indicators
from .. import render
from ..engine import connect, quickly
from ..errors import Finding
from ..indicators import JOBS, SAMPLE, Progress, Verdict
from ..plan import Consent, check_named
from ..targets import Target
from . import options

_JOBS_MAX = 16
_DAYS_MAX = 10_000
_ISSUES_MAX = 5_000
_LINE_EVERY_S = 60.0


@click.group()
def indicators() -> None:
    """Technical indicators of the daily prices: RSI, MACD, stochastic, means, Bollinger bands."""


def _date(flag: str, name: str, help_text: str) -> Callable[[options.Command], options.Command]:
    """Return an option that takes a date, or nothing."""
    return click.option(
        flag, name, type=options.DAY, metavar="DATE", help=help_text,
        callback=lambda _ctx, _param, value: value.date() if isinstance(value, datetime) else None,
    )  # fmt: skip


@indicators.command("apply")
@options.target
@_date("--since", "since", "Compute these days anew, although they are there.")
@click.option(
    "--jobs", type=click.IntRange(1, _JOBS_MAX), default=JOBS, show_default=True,
    help="How many sessions compute at a time.",
)  # fmt: skip
@options.plan_only
@options.consent
@options.form
def apply_command(
    target: Target,
    since: date | None,
    jobs: int,
    plan_only: bool,
    consent: Consent,
    form: render.Format,
) -> None:
    """
    Compute what the prices have and the indicators lack: a new day, or ten years.

    A day is computed from the state that the day before it stored, and comes out the same to the
    last digit as when all days are computed at once. Issues are done some at a time, each range in
    one transaction: a run that was killed is ended by the same command. Where old prices were
    corrected, --since computes from that day on anew.

    Exits 6 where another run is at it.

    \b
    Examples:
      stockops indicators apply -t prod --plan
      stockops indicators apply -t prod --since 2024-03-04 --i-mean prod
    """  # noqa: D301  click reads \b as a character
    if plan_only:
        with connect(target, application="stockops indicators") as server:
            found = the_indicators.lacking(server, since=since)
        click.echo(render.rows(the_indicators.steps(found, since=since), form))
        return
    check_named("indicators apply", target=target.name, protected=target.protected, consent=consent)
    computed = the_indicators.compute(target, since=since, jobs=jobs, watch=_Lines())
    click.echo(render.rows([computed], form))


@indicators.command("show")
@options.target
@click.argument("symbol")
@click.option(
    "--days", type=click.IntRange(1, _DAYS_MAX), default=20, show_default=True,
    help="How many of the last.",
)  # fmt: skip
@_date("--until", "until", "The last of these days; else the last one that has a price.")
@options.form
def show_command(
    target: Target, symbol: str, days: int, until: date | None, form: render.Format
) -> None:
    """
    Show the indicators of SYMBOL, the latest day first.

    Where one has no value, `reason` says why: the history is too young, nothing moved, or nothing
    was traded.

    \b
    Examples:
      stockops indicators show 005930
      stockops indicators show 005930 --until 2025-01-02 --days 250 --format json
    """  # noqa: D301  click reads \b as a character
    with quickly(target, application="stockops indicators") as server:
        found = the_indicators.show(server, symbol, until=until, days=days)
    click.echo(render.rows(found, form))


@indicators.command("check")
@options.target
@click.option("--symbol", "symbols", multiple=True, metavar="CODE", help="This issue; repeat.")
@click.option(
    "--issues", type=click.IntRange(1, _ISSUES_MAX), default=SAMPLE, show_default=True,
    help="How many issues, drawn, where none is named.",
)  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, help="Another one, other issues.")
@options.form
def check_command(
    target: Target, symbols: tuple[str, ...], issues: int, seed: int, form: render.Format
) -> None:
    """
    Compute the indicators of some issues again, by the textbook, and compare each day.

    Nothing is shared with what computed them. All issues are looked at for days that were computed
    from another price than the one that is there now, or not at all.

    Exits 1 where a day is not as it should be, and where there was nothing to check.

    \b
    Examples:
      stockops indicators check
      stockops indicators check --symbol 005930 --symbol 000660
    """  # noqa: D301  click reads \b as a character
    with connect(target, application="stockops indicators") as server:
        found = the_indicators.check(server, issues=issues, seed=seed, symbols=symbols)
    click.echo(render.rows(found, form))
    _judge(found)


def _judge(found: Sequence[Verdict]) -> None:
    """Raise `Finding` where an issue is not as it should be."""
    bad = [each for each in found if not each.is_right]
    if not bad:
        return
    first = min(each.starts_on for each in bad if each.starts_on)
    raise Finding(
        f"{len(bad)} of {len(found)} issues have indicators that are not those of their prices",
        hint=f"Compute them anew: stockops indicators apply --since {first}",
    )


class _Lines:
    """How far it is: a line that is written over on a terminal, else a line a minute."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _LINE_EVERY_S

    def __call__(self, at: Progress) -> None:
        """Print how far it is, where it is time to."""
        left_s = at.elapsed_s * (at.days_total - at.days_done) / max(at.days_done, 1)
        said = f"{at.days_done:,} of {at.days_total:,} days computed, {left_s:,.0f} s left"
        if sys.stderr.isatty():
            click.echo(f"\r{said:<60}", err=True, nl=at.days_done >= at.days_total)
        elif time.monotonic() >= self._next:
            self._next += _LINE_EVERY_S
            click.echo(said, err=True)
