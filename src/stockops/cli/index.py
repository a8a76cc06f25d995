"""``stockops index``."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import click

from .. import render
from ..engine import connect
from ..indexes import KINDS, Audit, Limits, Verdict, audit, lasted
from ..targets import Target
from . import options
from .index_advise import advise_command
from .index_compare import compare_command
from .index_rebuild import rebuild_command

_MB = 1024 * 1024


@click.group()
def index() -> None:
    """Find the indexes that cost more than they give, and those that are missing."""


index.add_command(compare_command)
index.add_command(rebuild_command)
index.add_command(advise_command)


@index.command("audit")
@options.targets_of_one
@options.form
@click.option("--only", multiple=True, type=click.Choice(KINDS), help="Only this kind; repeat.")
@click.option(
    "--min-age",
    "min_age_days",
    type=click.IntRange(min=0),
    default=Limits().min_age_days,
    show_default=True,
    metavar="DAYS",
    help="How long uses must have been counted before an index is called unused.",
)
@click.option(
    "--min-bloat",
    "min_bloat_mb",
    type=click.IntRange(min=0),
    default=Limits().bloat_bytes // _MB,
    show_default=True,
    metavar="MB",
    help="How much empty room makes an index bloated, if it is half of it.",
)
@click.option("--measure", is_flag=True, help="Measure bloat by pgstattuple: reads indexes whole.")
@click.option("--sql", "show_sql", is_flag=True, help="Print how each one goes, and how back.")
@click.pass_context
def audit_command(
    ctx: click.Context, /, targets: tuple[Target, ...], form: render.Format, **said: Any
) -> None:
    """
    Name the indexes that should go, that are missing, and that do not work.

    Kinds: invalid (no query may read it), duplicate, redundant (another one does all its work),
    unused, bloated, fk_without_index. An index that is IGNORED, partial, sorted or compared another
    way covers nothing, and what keeps rows unique is never called unused. Nothing is written.

    With several targets, a primary and its replicas, their uses are added up. Exits 1 on a finding,
    where something is unknown (uses that are not counted, or not for long enough: name the kinds
    that matter with --only), and where there is no index at all.

    \b
    Examples:
      stockops index audit -t prod --sql
      stockops index audit -t prod -t replica --min-age 90
      stockops index audit -t prod --only duplicate --only redundant --format json
    """  # noqa: D301  click reads \b as a character
    limits = Limits(
        min_age_days=said["min_age_days"],
        bloat_bytes=said["min_bloat_mb"] * _MB,
    )
    if len({target.url for target in targets}) < len(targets):
        raise click.UsageError("A target is named twice, and its uses would count twice.")
    with ExitStack() as stack:
        servers = [stack.enter_context(connect(target)) for target in targets]
        done = audit(servers, limits=limits, only=said["only"], measure=said["measure"])
    ctx.exit(_show(done, form, show_sql=said["show_sql"]))


def _show(done: Audit, form: render.Format, *, show_sql: bool) -> int:
    if form == "json":
        click.echo(render.rows(done.verdicts, form))
    else:
        click.echo("\n".join([*_lines(done.verdicts, show_sql=show_sql), _summary(done)]))
    return 1 if done.verdicts else 0


def _lines(verdicts: Sequence[Verdict], *, show_sql: bool) -> list[str]:
    """Return two lines a finding, and its statements below them."""
    lines = []
    schemas = {each.schema_name for each in verdicts if each.schema_name}
    for each in verdicts:
        size = "" if each.size_bytes is None else f"  {each.size_bytes / _MB:,.1f} MB"
        kind = each.kind if each.state == "found" else f"{each.kind}?"
        lines.append(f"{kind:<16}  {_about(each, with_schema=len(schemas) > 1)}{size}")
        lines += click.wrap_text(
            each.reason, width=96, initial_indent="    ", subsequent_indent="    "
        ).splitlines()
        if show_sql:
            lines += [_statement(each) for each in each.steps]
            lines += ["    -- back again:"] if each.restore else []
            lines += [_statement(each) for each in each.restore]
        elif each.state == "unknown":
            lines += [f"    {step.removeprefix('-- ')}" for step in each.steps]
    return lines


def _about(verdict: Verdict, *, with_schema: bool) -> str:
    if verdict.table_name is None:
        return "not known"
    parts = [verdict.table_name, *([verdict.index_name] if verdict.index_name else [])]
    if with_schema:
        parts.insert(0, verdict.schema_name or "")
    return f"{'.'.join(parts)} {verdict.columns or ''}".rstrip()


def _statement(sql: str) -> str:
    return f"    {sql}" if sql.startswith("--") else f"    {sql};"


def _summary(done: Audit) -> str:
    found = sum(each.state == "found" for each in done.verdicts)
    unknown = len(done.verdicts) - found
    age = "not counted" if done.counted_s is None else f"counted for {lasted(done.counted_s)}"
    tables = "1 table" if done.tables == 1 else f"{done.tables:,} tables"
    return (
        ("1 finding" if found == 1 else f"{found} findings")
        + (f", {unknown} unknown" if unknown else "")
        + f"; {done.indexes:,} indexes of {tables}, uses {age}"
    )
