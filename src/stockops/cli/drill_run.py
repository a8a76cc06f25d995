"""``stockops drill run``: drills, one after the other, each in a sandbox of its own."""

import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from .. import filelock, render, state
from ..errors import Finding, StockopsError, Unsupported
from ..plan import Step
from ..targets import ENGINES
from . import drill_matrix, options
from .drill_book import config_of, tags

if TYPE_CHECKING:
    from ..drills.head import Drill
    from ..drills.history import Record
    from .drill_matrix import Run

BOTH = "both"
TIMES_MAX = 1000


@click.command("run")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@tags
@click.option(
    "--engine",
    type=click.Choice([*ENGINES, BOTH]),
    default="postgresql",
    show_default=True,
    help="On which engine.",
)
@click.option(
    "--times", type=click.IntRange(1, TIMES_MAX), default=1, show_default=True, help="How often."
)
@click.option("--driver", metavar="NAME", help="How to inject it; see stockops drill doctor.")
@click.option(
    "--matrix", "matrix_words", multiple=True, metavar="SETTING=VALUE,VALUE",
    help="Run it once under each value; repeat for the values of another setting, crossed.",
)  # fmt: skip
@click.option(
    "--prometheus",
    is_flag=True,
    help="Have a real Prometheus with our alert rules watch the sandbox; takes longer.",
)
@options.plan_only
@options.config
@options.form
@click.pass_context
def run_command(ctx: click.Context, /, plan_only: bool, form: render.Format, **asked: Any) -> None:
    """
    Run the drills NAME, or those with a tag, and give a verdict on each.

    A sandbox is made for every run: a server of its own with a market in it. Orders run throughout.
    The fault is injected, seen to bite, found by our own health checks, and recovered from by the
    automatic steps of the runbook; then the journal of the clients and the books say what was lost.
    Whatever happens, Ctrl-C and kill -9 included, nothing of it stays.

    With --matrix the same drill is run under every combination of those settings, and the table is
    a price list of safety: what the sandbox could take before the fault (orders a second, 99th
    percentile), and what the fault then cost. Such a run proves nothing for `drill due`.

    With --prometheus the alerts that the drill names are expected, too: a real one is started in
    the sandbox with monitoring/rules, and asks our exporter there every second. Each has to be
    pending at least; whether it fires hangs on how long its condition has to last (lasts). Rates
    look back 15 s, and limits are those that the drill has thresholds for (here).

    Exits 0 where every verdict is PASS, and 1 where one is not, or nothing was run. What came of
    each run is kept: see `drill report` and `drill due`.

    \b
    Examples:
      stockops drill run server-killed
      stockops drill run --tag core --engine both --times 5
      stockops drill run lock-storm --engine mariadb --format json | jq .[].measured
      stockops drill run server-killed --matrix synchronous_commit=on,off --times 3
    """  # noqa: D301  click reads \b as a character
    from ..drills import alarms  # noqa: PLC0415

    due = _chosen(ctx, asked)
    runs = drill_matrix.crossed(due, asked["matrix_words"])
    if asked["prometheus"]:
        alarms.require()
    if plan_only:
        steps = [step for each in due for step in _steps(*each, asked)]
        steps += drill_matrix.planned(runs, asked["times"])
        click.echo(render.rows(steps, form))
        return
    with filelock.hold(state.folder("drills") / "run.lock", what="another drill"):
        records = _run(runs * asked["times"], asked)
    _show(records, form)
    ctx.exit(0 if records and all(each.passed for each in records) else 1)


def _chosen(ctx: click.Context, asked: dict[str, Any]) -> "list[tuple[Drill, str]]":
    """Return what is to be run, and on which engine; raise where something named is on none."""
    from ..drills import book, choosing  # noqa: PLC0415

    if not asked["names"] and not asked["tags"]:
        raise click.UsageError("name a drill, or a tag: stockops drill list")
    drills = book.chosen(
        book.load(config_of(ctx)), names=asked["names"], tags=asked["tags"], engine=None
    )
    engines = ENGINES if asked["engine"] == BOTH else (asked["engine"],)
    for each in drills:
        if each.id in asked["names"] and not {*engines} & {*each.engines}:
            choosing.fault_of(each, engines[0])  # it raises, and says why
    due = [(each, engine) for each in drills for engine in engines if engine in each.engines]
    if not due:
        raise Finding(
            f"no such drill is for {asked['engine']}: nothing was run",
            hint="See which are: stockops drill list",
        )
    return due


def _run(runs: "Sequence[Run]", asked: dict[str, Any]) -> "list[Record]":
    from ..drills import running  # noqa: PLC0415
    from ..drills.going import Manner  # noqa: PLC0415

    batch = f"{time.time_ns():x}"
    records = []
    for number, each in enumerate(runs, 1):
        tell = _teller(f"[{number}/{len(runs)}] {each.words}")
        manner = Manner(
            driver=asked["driver"], combination=each.combination, prometheus=asked["prometheus"]
        )
        try:
            record = running.run(each.drill, each.engine, tell=tell, batch=batch, manner=manner)
        except Unsupported as exc:
            if len(runs) == 1:
                raise
            tell("not run", str(exc))
            continue
        for reason in record.reasons:
            tell(record.verdict.value, reason)
        records.append(record)
    return records


def _teller(what: str) -> Callable[[str, str], None]:
    began = time.monotonic()

    def tell(name: str, said: str) -> None:
        more = f": {said}" if said else ""
        click.echo(f"{what}  {time.monotonic() - began:6.1f} s  {name}{more}", err=True)

    return tell


def _show(records: "Sequence[Record]", form: render.Format) -> None:
    from ..drills import comparing, history  # noqa: PLC0415

    if form == "json":
        click.echo(json.dumps([history.plain(each) for each in records], indent=2))
        return
    lines = comparing.price(records) if _tried(records) else comparing.compare(records)
    click.echo(render.rows(lines, form))
    if heard := comparing.alerts(records):
        click.echo(f"\n{render.rows(heard, form)}")


def _tried(records: "Sequence[Record]") -> bool:
    return any(each.settings for each in records)


def _steps(drill: "Drill", engine: str, asked: dict[str, Any]) -> list[Step]:
    """Return what a run would do, in words and commands."""
    from ..drills import choosing  # noqa: PLC0415
    from ..drills.runbook import STEPPED, Mark  # noqa: PLC0415

    try:
        fault = choosing.fault_of(drill, engine)
        driver = choosing.chosen_driver(fault, asked["driver"])
    except StockopsError as exc:
        return [Step(f"nothing of {drill.id} on {engine}", str(exc))]
    terms = drill.on(engine)
    watched = ", ".join(terms.detect.alerts) if asked["prometheus"] else ""
    said = ", ".join(f"{key}={value}" for key, value in terms.args.items())
    steps = [
        Step(f"a sandbox with {engine} and a market", "only what stockops made is broken"),
        Step(
            f"{terms.load.rate_per_s} orders a second from {terms.load.clients} clients",
            "throughout; each is in a journal, on disk, before it is sent",
        ),
        *([Step("a Prometheus with monitoring/rules", f"expected: {watched}")] if watched else []),
        Step(
            f"{fault.name}({said}) by {driver}",
            fault.title,
            destroys=fault.destroys,
        ),
    ]
    for section in STEPPED:
        for each in drill.runbook.of(engine, section):
            if each.mark is not Mark.MANUAL:
                steps.append(Step("; ".join(each.commands) or each.does.value, section))
    return [*steps, Step("the sandbox is removed", "nothing of it stays")]
