"""``stockops alerts lint``: rules and dashboards against what a server exports."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import render, resources
from ..errors import ConfigError, Unreachable
from ..targets import Target
from . import options, paths

_WITHIN_S = 60.0

if TYPE_CHECKING:
    from ..alerts import Linted


@click.command("lint")
@click.argument("files", nargs=-1, metavar="[FILE]...", type=paths.Named())
@click.option(
    "--dashboard", "dashboards", multiple=True, metavar="FILE.json",
    type=paths.Named(), help="A dashboard of Grafana, as it exports them; repeat.",
)  # fmt: skip
@options.target_when_needed
@click.option(
    "--metrics", metavar="FILE|URL",
    help="What a server exports: an exporter's /metrics, or what it once answered. Without it, the "
    "target is asked.",
)  # fmt: skip
@click.option(
    "--label", "labels", multiple=True, metavar="NAME",
    help="A label that your scrape configuration adds to every series; repeat.",
)  # fmt: skip
@click.option("--all", "show_all", is_flag=True, help="List what lives, too.")
@options.form
@click.pass_context
def lint_command(
    ctx: click.Context,
    /,
    files: tuple[Path, ...],
    dashboards: tuple[Path, ...],
    show_all: bool,
    form: render.Format,
    **against: Any,
) -> None:
    """
    Find the alerts that can never fire, and the panels that stay empty.

    FILE is a file of rules as Prometheus reads it: anybody's; without FILE and --dashboard, those
    that stockops brings for the engine of the target. Each expression is worked out on the series
    that the target really has now, for this version and this role, or on --metrics. `lives`: every
    part of it finds series. `waits`: a part finds none now, and will when what it is about happens.
    `dead`: a metric or a label is not there, or the two sides of an operator can never match. Exits
    1 when something is dead, where a collector failed, as one does that the role may not ask, and
    when there was nothing to look at.

    \b
    Examples:
      stockops alerts lint -t prod
      stockops alerts lint rules.yml --metrics http://127.0.0.1:9187/metrics
      stockops alerts lint -t prod --dashboard 9628.json --label release
    """  # noqa: D301  click reads \b as a character
    from .. import alerts  # noqa: PLC0415
    from ..alerts import parts, sources  # noqa: PLC0415

    if against["metrics"] and not files and not dashboards:
        raise ConfigError(
            "no rules and no dashboard are named",
            hint=f"Ours are in {resources.folder('monitoring')}; name FILE or --dashboard FILE.",
        )
    expressions = [each for path in files for each in parts.of_rules(path)]
    expressions += [each for path in dashboards for each in parts.of_dashboard(path)]
    engine, failed = None, list[str]()
    if against["metrics"]:
        text = sources.read(against["metrics"])
    else:
        asked = against["target"]()
        engine, text = asked.engine, _scraped(asked, failed.append)
        expressions = expressions if files or dashboards else alerts.brought(engine)
    known = alerts.known(text, target_labels=against["labels"], engine=engine)
    code = _say(alerts.lint(expressions, known=known), form, show_all=show_all)
    for line in failed:
        click.echo(f"not known: {line}", err=True)
    ctx.exit(1 if failed else code)


def _scraped(asked: Target, failed: Callable[[str], None]) -> str:
    """Return what our exporter answers for the target, and tell of each collector that failed."""
    from .. import exporter  # noqa: PLC0415

    watch = exporter.Watch(
        lambda: asked, name=asked.name, engine=asked.engine, manner=exporter.Manner(), say=failed
    )
    try:
        pieces = watch.scrape(within_s=_WITHIN_S, whole=True)
    finally:
        watch.close()
    text = exporter.render(pieces).body.decode()
    if "\nstockops_up 1\n" not in text:
        raise Unreachable(
            f"{asked.name} does not answer",
            hint=f"Look at it: stockops exporter once -t {asked.name}",
        )
    return text


def _say(results: "Sequence[Linted]", form: render.Format, *, show_all: bool) -> int:
    """Print the verdicts, the bad ones alone unless all are asked for; return the exit code."""
    count = Counter(result.verdict.value for result in results)
    if form == "json":
        click.echo(render.rows(results, form))
    else:
        for result in results:
            if show_all or result.problem:
                click.echo(f"{result.verdict.value:<6} {result.kind.value:<8} {result.name}")
                for line in filter(None, (result.problem, result.hint)):
                    click.echo(f"       {line}")
        click.echo(
            f"{len(results)} looked at: {count['lives']} live, {count['waits']} wait, "
            f"{count['dead']} dead"
        )
    return 1 if count["dead"] or not results else 0
