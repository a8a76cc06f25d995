"""``stockops index compare``: what an index is worth, measured on a copy."""

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import render
from ..errors import ConfigError
from ..plan import Step
from . import copies, numbers, options, paths
from .copies import Source

if TYPE_CHECKING:
    from ..experiments.copying import Copy
    from ..experiments.index_trial import Budget
    from ..experiments.samples import Asked

_SECONDS_MIN = 2.0
_SQL = re.compile(r"\s")


@click.command("compare")
@copies.of_what
@click.option("--query", "query", required=True, metavar="FILE|CLASS|SQL", help="What is asked.")
@click.option(
    "--index", "indexes", multiple=True, required=True, metavar="SQL",
    help="A CREATE INDEX; several are one change.",
)  # fmt: skip
@click.option(
    "--log", "logs", multiple=True, metavar="FILE", help="Where the executions of a class are."
)
@click.option("--calls-per-day", type=numbers.Range(0), help="How often; else as in the log.")
@click.option("--orders-per-day", type=numbers.Range(0), help="Else as in the data.")
@options.seconds(
    "--seconds", default=60.0, help="How long to measure; copy and builds come on top."
)
@click.option("--clients", type=int, default=4, show_default=True, help="Of orders.")
@click.option("--no-cold", is_flag=True, help="Do not start the server anew for cold runs.")
@click.option("--no-orders", is_flag=True, help="Do not measure what the orders pay.")
@click.option("--rollback", is_flag=True, help="The query may write; each run is rolled back.")
@click.option(
    "--report", type=paths.Named(dir_okay=False), metavar="FILE.html",
    help="Write it as one self-contained page.",
)  # fmt: skip
@options.plan_only
@options.form
@click.pass_context
def compare_command(
    ctx: click.Context, /, query: str, plan_only: bool, form: render.Format, **asked: Any
) -> None:
    """
    Build an index on a copy, and measure what it saves and what it costs.

    The query is a file that holds it, the statement itself, or a class of `slow digest` whose
    executions are taken from --log. Where it waits for parameters ($1, ?), they are drawn from the
    columns they are compared with. A query that writes is refused without --rollback.

    The copy is a lab of its own, of the lab -t or of a backup, and is removed at the end. The index
    is built for real, then hidden and shown in turn (ABBA): warm, and cold after a start of the
    server; the rows must be the same. Then the trading load runs with it and without it. The
    verdict is in seconds a day: calls x saved - orders x lost, with its 95 % interval.

    Exits 0 where the index is worth keeping, 1 where it is not, where nobody can tell, and where
    the rows differ.

    \b
    Examples:
      stockops index compare -t lab --query q.sql --index 'CREATE INDEX ON trades (traded_at)'
      stockops index compare -t lab --query 3f2a9c01 --log slow.log --report out.html
        --index 'CREATE INDEX trades_day_ix ON trades (business_date, symbol)'
      stockops index compare --backup last -t prod --query q.sql --index '...'
    """  # noqa: D301  click reads \b as a character
    from .. import report as reports  # noqa: PLC0415
    from ..experiments import answering, index_trial, indexing, verdict  # noqa: PLC0415
    from . import indexview  # noqa: PLC0415

    _check(asked)
    source = Source(ctx, asked)
    wanted = [indexing.statement_of(each, engine=source.engine) for each in asked["indexes"]]
    what = _asked(query, asked, source.engine)
    answering.check(what, engine=source.engine, rolled_back=asked["rollback"])
    budget = _budget(asked)
    if source.lab is not None:
        index_trial.look(source.lab, [what], wanted, budget=budget)
    if plan_only:
        click.echo(render.rows(_steps(source, what, wanted, asked), form))
        return
    if asked["report"]:
        reports.check(asked["report"])
    with indexview.progress() as seen, source.copy(seen) as copy:
        orders = _orders_per_day(copy, asked["orders_per_day"])
        measured = index_trial.measure(copy, [what], wanted, budget=budget, seen=seen)
    judged = verdict.judge(measured, orders_per_day=orders)
    if asked["report"]:
        reports.write_index(measured, judged, asked["report"])
    click.echo(indexview.compared(measured, judged, form))
    ctx.exit(0 if judged.decision == "keep" else 1)


def _check(asked: dict[str, Any]) -> None:
    """Raise what is wrong with the options as they stand."""
    from ..workload.plan import CLIENTS_MAX  # noqa: PLC0415  help does without it

    if asked["seconds_s"] < _SECONDS_MIN:
        raise click.UsageError(f"--seconds {asked['seconds_s']:g} is too short: take 2 or more.")
    if not 1 <= asked["clients"] <= CLIENTS_MAX:
        raise click.UsageError(f"--clients is 1 to {CLIENTS_MAX}")


def _budget(asked: dict[str, Any]) -> "Budget":
    from ..experiments.index_trial import Budget  # noqa: PLC0415

    return Budget(
        seconds=asked["seconds_s"],
        cold=not asked["no_cold"],
        writes=not asked["no_orders"],
        rolled_back=asked["rollback"],
        clients=asked["clients"],
    )


def _asked(query: str, asked: dict[str, Any], engine: str) -> "Asked":
    """Return the query that was named: a file, a class, or the statement itself."""
    from ..experiments import samples  # noqa: PLC0415
    from ..slow import reading  # noqa: PLC0415

    if Path(query).is_file():
        found = samples.from_file(Path(query), engine=engine)
    elif samples.CLASS_ID.fullmatch(query):
        if not asked["logs"]:
            raise ConfigError(
                f"the executions of the class {query} are in a log",
                hint="Name it: --log FILE; or name a file that holds the query.",
            )
        logs = dataclasses.replace(reading.prepare(asked["logs"]), full=True)
        found = samples.from_log(query, logs, engine=engine)
    elif _SQL.search(query.strip()):
        found = samples.asked(query, engine=engine)
    else:
        raise ConfigError(
            f"{query!r} is no file, no class and no statement",
            hint="See the classes: stockops slow digest FILE...",
        )
    if asked["calls_per_day"] is not None:
        found = dataclasses.replace(found, calls_per_day=asked["calls_per_day"])
    return found


def _orders_per_day(copy: "Copy", said: float | None) -> float | None:
    from ..engine import connect  # noqa: PLC0415
    from ..experiments import index_writes  # noqa: PLC0415

    if said is not None:
        return said
    with connect(copy.target) as server:
        return index_writes.orders_a_day(server)


def _steps(source: Source, what: "Asked", wanted: list[str], asked: dict[str, Any]) -> list[Step]:
    from . import indexview  # noqa: PLC0415

    seconds, samples = asked["seconds_s"], indexview.counted(what)
    found = [Step(action=f"copy {source.words}", why="a lab of its own; nothing else is touched")]
    found += [Step(action=each, why="on the copy, its lock read meanwhile") for each in wanted]
    found.append(
        Step(
            action=f"run {what.name}",
            why=f"{samples}, in turn with and without the index, the rows compared",
        )
    )
    if not asked["no_cold"]:
        found.append(Step(action="start the copy anew", why="before each of the cold runs"))
    if not asked["no_orders"]:
        why = f"{asked['clients']} clients on the copy, the index dropped and built in turn"
        found.append(Step(action="trade", why=why))
    found.append(
        Step(action="remove the copy", why=f"after about {seconds:.0f} s of measuring, or Ctrl-C")
    )
    return found
