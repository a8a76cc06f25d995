"""``stockops slow top``."""

import dataclasses
import itertools
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import click

from .. import counts, render
from ..sessions import shortened
from ..slow import live
from ..slow.live import ClassRow, Interval
from ..targets import Target
from . import numbers, options

_CLASSES_SHOWN = 10
_RUNNING_SHOWN = 3
_WAITS_SHOWN = 5
_BLOCKING_SHOWN = 12
_TEXT_CHARACTERS = 70


@dataclass(frozen=True, slots=True)
class Line:
    """One class, as wide as a terminal bears."""

    class_id: str
    calls_per_s: Decimal
    total_s: Decimal
    share: str
    mean_ms: Decimal
    rows: int
    statement: str


@click.command("top")
@options.target
@click.option(
    "--interval", "interval_s", type=numbers.Range(0.5, 3600), default=5.0, show_default=True,
    metavar="SECONDS", help="How long each interval is.",
)  # fmt: skip
@click.option("--count", type=click.IntRange(1), help="So many intervals. [default: until Ctrl-C]")
@click.option(
    "--by", type=click.Choice(list(live.RANKS)), default="total", show_default=True,
    help="What ranks the classes.",
)  # fmt: skip
@click.option("--limit", type=click.IntRange(1), help="So many classes. [default: 10; all as json]")
@options.form
@click.pass_context
def top_command(
    ctx: click.Context, /, target: Target, form: render.Format, limit: int | None, **said: Any
) -> None:
    """
    Say what takes the time on a running server, interval by interval.

    What statements cost is the difference of the server's counters: pg_stat_statements, or the
    digests of MariaDB's performance_schema, else its table mysql.slow_log. Statements have the same
    classes as in `slow digest`. Beside them: what sessions wait for, what still runs, and who
    blocks whom, those first that wait for nobody.

    As json, one object a line for each interval. Ctrl-C ends it in good order.

    Exits 1 when something is not known of an interval, and says how much and what to change:
    counters that were evicted or reset, statements hidden from the role, a table of digests that is
    full. Exits 4 where nothing counts statements.

    \b
    Examples:
      stockops slow top -t prod
      stockops slow top -t prod --interval 60 --count 1 --by mean
      stockops slow top -t prod --format json | jq -c '.classes[0] | {text, share}'
    """  # noqa: D301  click reads \b as a character
    whole = True
    with live.opened(target) as server:
        watched = live.watch(server, interval_s=said["interval_s"], by=said["by"])
        each_one = itertools.islice(watched, said["count"])
        with suppress(KeyboardInterrupt):
            for interval in _shown(each_one, form, limit):
                whole = whole and not interval.problems
    ctx.exit(0 if whole else 1)


def _shown(
    intervals: Iterator[Interval], form: render.Format, limit: int | None
) -> Iterator[Interval]:
    """Print each interval and pass it on: on a terminal in the place of the one before."""
    if form == "table" and sys.stdout.isatty():
        yield from _refreshed(intervals, limit)
        return
    for interval in intervals:
        click.echo(_json(interval, limit) if form == "json" else _block(interval, limit) + "\n")
        for problem in interval.problems:
            click.echo(f"{click.style('finding:', fg='red')} {problem}", err=True)
        yield interval


def _refreshed(intervals: Iterator[Interval], limit: int | None) -> Iterator[Interval]:
    from rich.live import Live  # noqa: PLC0415  only a terminal needs it
    from rich.text import Text  # noqa: PLC0415

    last = ""
    try:
        with Live(
            Text("the first interval is not over yet"), screen=True, auto_refresh=False
        ) as it:
            it.refresh()
            for interval in intervals:
                problems = "\n".join(f"finding: {each}" for each in interval.problems)
                last = f"{_block(interval, limit)}\n{problems}"
                it.update(Text(last, no_wrap=True, overflow="ellipsis"), refresh=True)
                yield interval
    finally:
        if last:  # it went with the screen
            click.echo(last)


def _json(interval: Interval, limit: int | None) -> str:
    record = dataclasses.asdict(interval)
    record["classes"] = record["classes"][:limit]
    return json.dumps(record)


def _block(interval: Interval, limit: int | None) -> str:
    shown = interval.classes[: limit or _CLASSES_SHOWN]
    lines = [_head(interval), render.rows(list(map(_line, shown)), "table")]
    if left := len(interval.classes) - len(shown):
        lines.append(
            f"and {counts.of(left, 'more class', 'more classes')}: --limit N, or --format json"
        )
    if interval.waits:
        told = [f"{each.sessions:.1f} {each.wait}" for each in interval.waits[:_WAITS_SHOWN]]
        lines.append(f"sessions on average: {', '.join(told)}")
    lines += [
        f"still running: {each.session_id} {each.login}@{each.database_name or '-'} "
        f"{each.statement_s:.1f} s{f' ({each.wait})' if each.wait else ''}: {shortened(each.text)}"
        for each in interval.running[:_RUNNING_SHOWN]
    ]
    if interval.blocking:
        lines.append("who blocks whom:")
        lines += [_blocking(each) for each in interval.blocking[:_BLOCKING_SHOWN]]
        if more := len(interval.blocking) - _BLOCKING_SHOWN:
            lines += [f"  and {counts.of(more, 'more session')}"] if more > 0 else []
    return "\n".join(lines)


def _head(interval: Interval) -> str:
    unknown = ""
    if interval.unknown_s is None:
        unknown = ", and nobody knows what else"
    elif interval.unknown_s:
        unknown = f", and {interval.unknown_s:,.3f} s not known"
    return (
        f"{interval.at.replace('T', ' ')}  {interval.length_s:.1f} s of {interval.source}: "
        f"{interval.calls:,} calls, {interval.known_s:,.3f} s{unknown}"
    )


def _line(row: ClassRow) -> Line:
    text = row.text
    return Line(
        class_id=row.class_id,
        calls_per_s=Decimal(f"{row.calls_per_s:.1f}"),
        total_s=Decimal(f"{row.total_s:.3f}"),
        share=f"{row.share:.1%}",
        mean_ms=Decimal(f"{row.mean_ms:.3f}"),
        rows=row.row_count,
        statement=text if len(text) <= _TEXT_CHARACTERS else text[: _TEXT_CHARACTERS - 1] + "…",
    )


def _blocking(row: Any) -> str:
    since = "" if row.since_s is None else f" {row.since_s:.1f} s"
    who = f"{row.session_id} {row.login}" if row.login else f"{row.session_id or '?'}"
    waiting = f", {row.waiting} {'waits' if row.waiting == 1 else 'wait'}" if row.waiting else ""
    what = f" for {row.what}" if row.what else ""
    return f"{'  ' * (row.depth + 1)}{who} {row.state}{since}{what}{waiting}: {shortened(row.text)}"
