"""``stockops trade``."""

import json
import shlex
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from .. import counts, journal, orders, render
from ..engine import connect, quickly
from ..engine.base import Server
from ..errors import Fault, Finding, ServerError, Unreachable
from ..orders import Answer, Order
from ..targets import Target
from . import options, paths, tradeclock
from .runview import audited, progress, table
from .trade_action import action_group
from .trade_auctions import auctions_command
from .trade_conditions import conditions
from .trade_day import day_command
from .trade_isolation import isolation_command
from .trade_predictions import predictions
from .trade_rebalance import rebalance_command
from .trade_settle import settle_command
from .tradeclock import When

_SEND_TRIES = 3
_TRIED_AGAIN = {Fault.RETRY, Fault.LOCKED, Fault.LOST, Fault.UNKNOWN}


@click.group()
def trade() -> None:
    """The business of a day: orders, settlement, what issues undergo; and the audit of it."""


trade.add_command(predictions)
trade.add_command(conditions)
trade.add_command(rebalance_command)
trade.add_command(settle_command)
trade.add_command(isolation_command)
trade.add_command(day_command)
trade.add_command(auctions_command)
trade.add_command(action_group)


@trade.command("order")
@options.target
@click.option(
    "--account", "account_id", type=options.WHOLE, required=True,
    help="The number of a customer's account.",
)  # fmt: skip
@click.option("--symbol", required=True, metavar="CODE", help="The issue, such as 005930.")
@click.option("--side", type=click.Choice(["buy", "sell"]), required=True, help="Which way.")
@click.option("--quantity", type=options.WHOLE, required=True, metavar="SHARES", help="How many.")
@click.option(
    "--limit", "limit_won", type=options.WHOLE, metavar="WON", help="Without it: at the market."
)
@click.option("--key", help="Your own name for the order; the same key again answers the same.")
@tradeclock.options
@options.form
def order_command(
    target: Target,
    form: render.Format,
    when: When,
    **wanted: Any,
) -> None:
    """
    Place one order and show the answer. Exits 1 where the order is rejected.

    A lab trades on the day that its issues stand at, at 10:00 KST, unless --date and --at say
    otherwise; any other target trades by its server's clock.
    """
    clock = tradeclock.said(target, when)
    order = Order(**{**wanted, "key": wanted["key"] or f"cli-{_stamp()}"})
    answer = settled(
        target,
        lambda server: orders.place(server, order, clock=tradeclock.of_day(server, target, clock)),
        again=f"It may be placed: ask by the same command with --key {shlex.quote(order.key)}.",
    )
    _show(answer, form)


@trade.command("cancel")
@options.target
@click.argument("order_id", type=options.WHOLE)
@click.option(
    "--account", "account_id", type=options.WHOLE, help="Only if it is an order of that account."
)
@click.option("--key", help="Only if that is its key.")
@tradeclock.options
@options.form
def cancel_command(
    target: Target,
    order_id: int,
    account_id: int | None,
    key: str | None,
    form: render.Format,
    when: When,
) -> None:
    """Take what is left of an order out of the book. Exits 1 where there is nothing to take."""
    clock = tradeclock.said(target, when)
    answer = settled(
        target,
        lambda server: orders.cancel(
            server,
            order_id,
            account_id=account_id,
            key=key,
            clock=tradeclock.of_day(server, target, clock),
        ),
        again="It may be cancelled: the same command again takes nothing more.",
    )
    _show(answer, form, refused=answer.reason != "cancelled")


@trade.command("run")
@options.target
@click.option("--clients", type=int, default=4, show_default=True, help="Processes that send.")
@click.option("--seconds", type=float, help="How long.  [default: 10, without --orders]")
@click.option("--orders", type=int, help="How many requests in all.")
@options.seconds(
    "--warmup", default=0.0, help="Run before --seconds; left out of the rate and the latencies."
)
@click.option(
    "--rate", "rate_per_s", type=float, help="Arrivals a second; else as fast as it goes."
)
@click.option(
    "--mix",
    default="market:30,limit:60,cancel:10",
    show_default=True,
    help="Kinds of requests and their weights.",
)
@click.option("--skew", default="uniform", show_default=True, help="uniform, or zipf: hot issues.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same draws the same.")
@click.option(
    "--batch",
    type=int,
    default=1,
    show_default=True,
    help="Orders in one call. Above 1, each client draws from issues and accounts of its own.",
)
@click.option("--journal", type=paths.Named(), metavar="DIR", help="A new directory.")
@click.option("--no-journal", is_flag=True, help="Write none: throughput alone.")
@click.option("--date", "day", type=options.DAY, help="Business date, in a lab.")
@options.seconds("--patience", default=30.0, help="How long a client waits for a lost server.")
@options.form
def run_command(
    target: Target,
    form: render.Format,
    mix: str,
    day: datetime | None,
    no_journal: bool,
    **wanted: Any,
) -> None:
    """
    Place orders from many clients at once, and say how long the answers took.

    Every order is in the journal, on disk, before it is sent; without --journal that is a new
    directory below the working directory. Ctrl-C or SIGTERM ends the run and prints what came of
    it.
    """
    from .. import workload  # noqa: PLC0415  the other commands do without

    if no_journal and wanted["journal"]:
        raise click.UsageError("--journal and --no-journal exclude each other")
    if not no_journal and wanted["journal"] is None:
        wanted["journal"] = Path(f"journal-{_stamp()}")
    business_date = tradeclock.said(target, When(day=day)).business_date
    plan = workload.RunPlan(
        **wanted,
        mix=workload.mix_of(mix),
        business_date=business_date,
        server_clock=target.protected,
    )
    result = workload.run(target, plan, progress=progress(plan))
    click.echo(json.dumps(result.as_json(), indent=2) if form == "json" else table(result))
    if result.failure:
        raise result.failure
    if result.interrupted:
        raise KeyboardInterrupt
    if not result.orders:
        raise Finding("no order was answered", hint="Give it longer: --seconds 10")
    if not result.accepted:
        reason, count = next(iter(result.outcomes.items()))
        raise Finding(
            f"no order was accepted: {count:,} of {result.orders:,} were {reason}",
            hint="Take a day on which the market is open: --date YYYY-MM-DD"
            if reason.endswith("closed_session")
            else "Look at one of them: stockops trade order --help",
        )
    if not result.service.answers:
        raise Finding(
            f"the run was over within its warm-up of {plan.warmup_s:g} s, so nothing was measured",
            hint="Take a shorter --warmup, or more --orders.",
        )


@trade.command("audit")
@options.target
@click.argument("directory", type=paths.Named(), metavar="JOURNAL")
@click.option("--all", "every", is_flag=True, help="List every finding, not the first 20.")
@options.form
def audit_command(target: Target, directory: Path, every: bool, form: render.Format) -> None:
    """
    Hold the journal of a run against the database.

    Finds orders that were acknowledged and are missing, orders that nobody sent, duplicates and
    contradictions, by their keys. The missing are the RPO: in orders, in seconds from the first to
    the last answer that is gone, and in won. Exits 1 on any finding, and where there was nothing to
    check.
    """
    with connect(target) as server:
        verdict = (
            journal.audit(server, directory, examples_max=None)
            if every
            else journal.audit(server, directory)
        )
    click.echo(render.rows([verdict], form) if form == "json" else audited(verdict))
    if not verdict.intents:
        raise Finding(
            "nothing was checked: the journal holds no order", hint="Name the journal of a run."
        )
    if not verdict.clean:
        raise Finding(
            f"{counts.of(sum(verdict.findings.values()), 'finding')} "
            f"in {counts.of(verdict.intents, 'order')}",
            hint="Prove the books as well: stockops books check",
        )


def settled(target: Target, ask: Callable[[Server], Answer], *, again: str) -> Answer:
    """
    Ask; where the answer is lost, ask again: the same key answers for the same order.

    `again` is what to do where no answer came to the end, though it may have been done.
    """
    for tries_left in reversed(range(_SEND_TRIES)):
        is_asked = False
        try:
            with quickly(target) as server:
                is_asked = True
                return ask(server)
        except ServerError as exc:
            if not tries_left or exc.fault not in _TRIED_AGAIN:
                exc.hint = again if exc.fault is Fault.UNKNOWN else exc.hint
                raise
        except Unreachable as exc:
            exc.hint = f"{again} {exc.hint}" if is_asked else exc.hint
            raise
    raise AssertionError("the last try answers or raises")


def _show(answer: Answer, form: render.Format, *, refused: bool | None = None) -> None:
    click.echo(render.rows([answer], form))
    if answer.meaning and form == "table":
        click.echo(f"{answer.reason}: {answer.meaning}")
    if refused if refused is not None else not answer.accepted:
        click.get_current_context().exit(1)


def _stamp() -> str:
    return f"{datetime.now():%Y%m%d-%H%M%S-%f}"
