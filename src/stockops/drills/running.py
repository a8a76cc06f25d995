"""
One drill, run: from the plan to the report, and always by way of the undo.

PLAN → GUARD → BASELINE → ARM → INJECT → OBSERVE → RECOVER → CONVERGE → CHECK → UNDO → REPORT.
"""

import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime

from .. import scratch
from ..errors import Refused, StockopsError
from ..unwinding import signals_unwind
from . import alarms, choosing, guard, history, load, matrix, measuring, sandbox, standby, watching
from .faults import Fault, Spot
from .going import AS_WRITTEN, Going, Manner, Tell, keep
from .head import Drill
from .history import Record
from .load import Orders
from .runbook import DIAGNOSE, RECOVER, VERIFY, Mark
from .steps import Doing
from .timeline import Timeline
from .undoing import Undo
from .watching import Watch

WARM_S = 1.0  # the first orders of new sessions are slow, and no part of the baseline
BASELINE_S = 2.0
BASELINE_TRIES_S = 15.0
CALM_S = 1.5  # so long orders have gone on as before when a run has converged
HOLD_S = 1.0  # a fault is in effect for that long at least
POLL_S = 0.1
SPARE_S = 240.0  # beyond its limit a run still has to recover, check and undo
_NANO = 1_000_000_000


def run(
    drill: Drill,
    engine: str,
    *,
    tell: Tell,
    batch: str,
    manner: Manner = AS_WRITTEN,
) -> Record:
    """
    Run `drill` on `engine` in a sandbox of its own; return, and keep, what came of it.

    With a game in the `manner` a person recovers, and none of the runbook's steps is done for him.
    Nothing of it is left when this returns or raises. An interruption is kept as ABORTED, and
    raised again.
    """
    fault = choosing.fault_of(drill, engine)
    began_at = datetime.now(UTC)
    with scratch.directory("drill") as folder, signals_unwind():
        folder.chmod(0o755)  # servers run as somebody else, and find their files here
        going = Going(
            drill=drill,
            engine=engine,
            fault=fault,
            driver=choosing.chosen_driver(fault, manner.driver),
            tell=tell,
            id=history.new_run(drill.id, engine, settings=manner.settings),
            folder=folder,
            manner=manner,
        )
        aborted: str | None = None
        try:
            _go(going)
        except Refused:
            raise
        except StockopsError as exc:
            aborted = str(exc)
        except BaseException as exc:
            bug = f"this is a bug in stockops: {exc!r}" if isinstance(exc, Exception) else None
            keep(going, began_at, bug or "it was interrupted", batch)
            raise
        return keep(going, began_at, aborted, batch)


def _go(going: Going) -> None:
    terms = going.terms
    with ExitStack() as stack:
        with going.state("PLAN"):
            going.require_leave()
            limit_s = terms.abort.elapsed_s + SPARE_S
            undo = stack.enter_context(Undo.begin(going.id, folder=going.folder, within_s=limit_s))
            stack.callback(lambda: going.tell("UNDO", ""))
            needs = choosing.needs_of(going.fault, going.engine, terms.args, going.driver)
            needs = replace(needs, settings={**needs.settings, **going.manner.settings})
            spot = stack.enter_context(
                sandbox.opened(
                    going.engine,
                    needs,
                    terms.args,
                    undo=undo,
                    folder=going.folder,
                    say=lambda what: going.tell("PLAN", what),
                )
            )
            going.version = spot.lab.version
            stack.callback(_lift, going.fault, spot)
        with going.state("GUARD"):
            guard.require(
                spot.lab,
                spot.target,
                destroys=going.fault.destroys,
                ours=(*guard.OURS, *spot.companions),
                replicas=spot.companions,
            )
        _prepare(going, spot, stack)
        going.began = time.monotonic()
        with ExitStack() as inner:
            orders = inner.enter_context(
                load.running(spot.login or spot.front, terms.load, going.folder / "load", undo)
            )
            watch = inner.enter_context(watching.watching(spot, terms.detect))
            with going.state("BASELINE"):
                going.green = _baseline(going, orders, watch)
            if going.green is None:
                try:
                    _break_and_mend(going, spot, orders, watch)
                finally:
                    with going.state("CHECK"):
                        _check(going, spot, orders, watch)
        undo.run()


def _prepare(going: Going, spot: Spot, stack: ExitStack) -> None:
    """Do before the first order what the manner of the run takes."""
    if going.manner.combination:
        with going.state("MEASURE"):
            going.capacity = matrix.measured(spot.target, going.manner.combination)
    if game := going.manner.game:
        with going.state("LOOK"):
            game.look(spot)
    if going.manner.prometheus:
        with going.state("WATCH"):
            going.alarms = stack.enter_context(alarms.watching(spot, going.terms.detect))


def _lift(fault: Fault, spot: Spot) -> None:
    """End what the fault still holds; who was never injected has nothing to lift."""
    with suppress(StockopsError, OSError):
        fault.lift(spot)


def _look(orders: Orders, watch: Watch) -> Timeline:
    orders.look()
    watch.look()
    return Timeline(orders.answered, orders.failed)


def _baseline(going: Going, orders: Orders, watch: Watch) -> str | None:
    """Return what is not good with no fault at all; None where all is."""
    terms = going.terms
    time.sleep(WARM_S)
    deadline = time.monotonic() + BASELINE_TRIES_S
    while True:
        began_ns = time.perf_counter_ns()
        time.sleep(BASELINE_S)
        # The newest answers are not written down yet.
        timeline, until_ns = _look(orders, watch), time.perf_counter_ns() - _NANO
        wrong = timeline.steady(terms.steady, begin_ns=began_ns - _NANO, end_ns=until_ns)
        wrong = wrong or watch.looks[-1].tells(terms.detect.checks)
        going.require_leave()
        if wrong is None or time.monotonic() > deadline:
            return wrong


def _break_and_mend(going: Going, spot: Spot, orders: Orders, watch: Watch) -> None:
    terms, zero_ns = going.terms, time.perf_counter_ns()
    going.span_ns = (zero_ns - 3 * _NANO, zero_ns, zero_ns)
    going.doing = doing = Doing(spot, going.fault, zero_ns=zero_ns)
    going.alarms.begin()
    with going.state("INJECT"):
        going.fault.inject(spot, going.driver)
    with going.state("OBSERVE"):
        _observe(going, spot, orders, watch)
        for step in () if going.manner.game else going.drill.runbook.of(going.engine, DIAGNOSE):
            if step.mark is not Mark.MANUAL:
                doing.do(step)
    act_ns = time.perf_counter_ns()
    with going.state("RECOVER"):
        if game := going.manner.game:
            game.recover(spot, going.fault, lambda: _wrong(going, orders, watch))
            doing.done += game.typed
        for step in () if game else going.drill.runbook.of(going.engine, RECOVER):
            going.require_leave()
            if step.mark is not Mark.MANUAL and not doing.do(step):
                break
    with going.state("CONVERGE"):
        redundant_ns = _follow(going, spot)
        going.unsteady = _converge(going, orders, watch) or going.unsteady
    end_ns = time.perf_counter_ns()
    going.span_ns = (zero_ns - 3 * _NANO, zero_ns, end_ns)
    going.measured = measuring.felt(
        terms, orders, watch, zero_ns=zero_ns, act_ns=act_ns, end_ns=end_ns - _NANO
    )
    if redundant_ns is not None:
        redundancy_s = round((redundant_ns - zero_ns) / 1e9, 3)
        going.measured = replace(going.measured, redundancy_s=redundancy_s)
    if going.alarms.silent:
        with going.state("ALERTS"):
            _listen(going)
    going.alarms.read()


def _observe(going: Going, spot: Spot, orders: Orders, watch: Watch) -> None:
    """
    Wait until the fault bites, is felt and has been told of, or the time for that is over.

    Our checks tell of it, and where Prometheus watches the alerts: some of them only once it is
    mended, so that no more than `alarms.MORE_S` are waited for the others after the first.
    """
    terms, began = going.terms, time.monotonic()
    checks, zero_ns = terms.detect.checks, going.span_ns[1]
    suffers = not terms.expect.orders_suffer
    within_s = max(terms.detect.within_s, alarms.HEAR_S if going.alarms.silent else 0)
    while (passed_s := time.monotonic() - began) < within_s:
        timeline = _look(orders, watch)
        going.alarms.look()
        going.require_leave()
        suffers = suffers or _suffers(timeline, zero_ns)
        going.bite = going.bite or going.fault.bites(spot)
        later = terms.detect.after_diagnosis
        told = later or not checks or watch.first(checks, since_ns=zero_ns)
        heard = later or going.alarms.heard(time.time())
        if going.bite and suffers and told and heard and passed_s > HOLD_S:
            return
        time.sleep(POLL_S)


def _suffers(timeline: Timeline, zero_ns: int) -> bool:
    """Tell whether orders do since the injection, as far as is certain by now."""
    until_ns = time.perf_counter_ns()
    if not timeline.errors(zero_ns, until_ns):
        until_ns -= 2 * _NANO  # what was answered may not be written down yet
    before_ns = zero_ns - measuring.USUAL_NS
    return until_ns > zero_ns and bool(
        timeline.suffering(before_ns=before_ns, zero_ns=zero_ns, until_ns=until_ns)
    )


def _listen(going: Going) -> None:
    """Wait for the alerts that tell of what is over, or begin where a recovery ends."""
    deadline = time.monotonic() + alarms.AFTER_S
    while going.alarms.silent and time.monotonic() < deadline:
        going.require_leave()
        going.alarms.look()
        time.sleep(POLL_S)


def _converge(going: Going, orders: Orders, watch: Watch) -> str | None:
    """Wait until orders go on as before; return what they still do not, if so."""
    began = time.monotonic()
    while True:
        wrong = _unsteady(going, orders, watch)
        if wrong is None or time.monotonic() - began > going.terms.steady.converge_s:
            return wrong
        going.require_leave()
        time.sleep(POLL_S)


def _unsteady(going: Going, orders: Orders, watch: Watch) -> str | None:
    """Return what was not steady in the last moments; None where all was."""
    timeline, now_ns = _look(orders, watch), time.perf_counter_ns() - _NANO
    begin_ns = now_ns - int(CALM_S * _NANO)
    return timeline.steady(going.terms.steady, begin_ns=begin_ns, end_ns=now_ns)


def _wrong(going: Going, orders: Orders, watch: Watch) -> str | None:
    """Return what a person has still to mend: orders, or what the checks of the drill tell."""
    going.require_leave()
    wrong = _unsteady(going, orders, watch)
    return wrong or watch.looks[-1].tells(going.terms.detect.checks)


def _follow(going: Going, spot: Spot) -> int | None:
    """Return when a replica followed, near enough; None where none was asked for, or none does."""
    if spot.replica is None:
        return None
    if standby.follows(spot, within_s=going.terms.steady.converge_s):
        return time.perf_counter_ns()
    going.unsteady = f"no replica follows {spot.standing.name!r}"
    return None


def _check(going: Going, spot: Spot, orders: Orders, watch: Watch) -> None:
    """Ask the database, once nobody writes to it any more, what it holds."""
    if going.unsteady is not None or not going.measured.act_s:
        _lift(going.fault, spot)  # what is broken still must not hide what is lost
    failure = orders.end()
    going.timeline = Timeline(orders.answered, orders.failed)
    going.measured, going.books, going.unread = measuring.read(
        going.measured, orders, spot.authority, going.folder
    )
    going.measured = measuring.handover(going.measured, spot.standing)
    going.unread = going.unread or failure
    if going.unread is None and going.bite:
        going.measured = measuring.structures(going.measured, spot.standing)
    if going.doing:
        for step in going.drill.runbook.of(going.engine, VERIFY):
            if step.mark is not Mark.MANUAL:
                going.doing.do(step)
