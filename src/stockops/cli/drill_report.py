"""``stockops drill report``: what the runs of drills came to, beside each other."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import disk, render
from ..errors import StorageError
from ..targets import ENGINES
from . import options, paths
from .drill_book import config_of, tags

if TYPE_CHECKING:
    from ..drills.history import Record

LAST_MAX = 100


@click.command("report")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@tags
@click.option("--engine", type=click.Choice(ENGINES), help="The runs on this engine.")
@click.option(
    "--last", type=click.IntRange(1, LAST_MAX), default=5, show_default=True,
    help="So many runs of each drill on each engine, the newest.",
)  # fmt: skip
@click.option(
    "--html", type=paths.Named(), metavar="FILE",
    help="Write a page with a picture of each run: one file, which loads nothing.",
)  # fmt: skip
@click.option(
    "--junit", "junit_file", type=paths.Named(), metavar="FILE",
    help="Write the runs as JUnit, for CI.",
)  # fmt: skip
@click.option(
    "--textfile", type=paths.Named(file_okay=False), metavar="DIRECTORY",
    help="Write metrics there, for the textfile collector of node_exporter.",
)  # fmt: skip
@options.config
@options.form
@click.pass_context
def report_command(ctx: click.Context, /, form: render.Format, **asked: Any) -> None:
    """
    Compare the runs that were kept, of both engines, in one table.

    A line for each drill and engine: the worst verdict, the median time to detection, the median
    and the longest time to recovery (RTO), the acknowledged orders that are lost, the invariants of
    the books that held. Exits 1 where the last run of a drill did not pass, and where there is no
    run. Runs that tried settings (`drill run --matrix`) have a table of their own, and count for
    neither.

    \b
    Examples:
      stockops drill report
      stockops drill report --tag core --html out/drills.html
      stockops drill report --last 1 --junit out/drills.xml
      stockops drill report server-killed --format json | jq .[].measured.rto_s
    """  # noqa: D301  click reads \b as a character
    from ..drills import comparing, history  # noqa: PLC0415

    groups, tried = _kept(ctx, asked)
    records = [record for group in groups for record in group]
    _write(records, tried, asked)
    if form == "json":
        click.echo(json.dumps([history.plain(each) for each in [*records, *tried]], indent=2))
    else:
        click.echo(render.rows(comparing.compare(records), form))
        if tried:
            click.echo(f"\n{render.rows(comparing.price(tried), form)}")
    ctx.exit(0 if records and all(group[-1].passed for group in groups) else 1)


def _kept(ctx: click.Context, asked: dict[str, Any]) -> "tuple[list[list[Record]], list[Record]]":
    """
    Return the newest runs of each drill on each engine that is asked for, oldest first.

    Those that tried settings come apart, as many of each combination.
    """
    from ..drills import book, history  # noqa: PLC0415

    wanted = None
    if asked["names"] or asked["tags"]:
        drills = book.load(config_of(ctx))
        wanted = {each.id for each in book.chosen(drills, names=asked["names"], tags=asked["tags"])}
    groups: dict[tuple[str, str, str], list[Path]] = {}
    for one in history.names(tried=True):
        if (wanted is None or one.drill in wanted) and asked["engine"] in {None, one.engine}:
            groups.setdefault(one.kind, []).append(one.path)
    found: dict[bool, list[list[Record]]] = {False: [], True: []}
    for (_, _, mark), files in sorted(groups.items(), key=lambda each: each[1][0]):
        read = [history.read(path) for path in files[-asked["last"] :]]
        if group := [record for record in read if record is not None]:
            found[bool(mark)].append(group)
    return found[False], [record for group in found[True] for record in group]


def _write(records: "Sequence[Record]", tried: "Sequence[Record]", asked: dict[str, Any]) -> None:
    """Write the files that were asked for; a path that cannot be written is told."""
    if asked["html"] is not None:
        from ..report import drillruns  # noqa: PLC0415

        drillruns.write(records, asked["html"], tried=tried)
        click.echo(f"written: {asked['html']}", err=True)
    if asked["junit_file"] is not None:
        from ..drills import junit  # noqa: PLC0415

        _put(asked["junit_file"], junit.junit(records))
    if asked["textfile"] is not None:
        from ..exporter import plain  # noqa: PLC0415
        from ..exporter.collectors import drills  # noqa: PLC0415

        newest = {(each.drill, each.engine): each for each in records}
        shown = [drills.Shown(record=each, due=None) for each in newest.values()]
        _put(asked["textfile"] / "stockops_drills.prom", plain(drills.families(shown)))


def _put(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # CI and the collector run as somebody else, who has to read it.
        disk.write_whole(path, content, mode=0o644)
    except OSError as exc:
        raise StorageError(
            f"{str(path)!r} cannot be written: {exc.strerror}", hint=f"Look: ls -ld {path.parent}"
        ) from exc
    click.echo(f"written: {path}", err=True)
