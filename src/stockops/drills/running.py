"""
One drill, run: from the plan to the report, and always by way of the undo.

PLAN → GUARD → BASELINE → ARM → INJECT → OBSERVE → RECOVER → CONVERGE → CHECK → UNDO → REPORT.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from .. import disk, scratch
from ..errors import Refused, StockopsError
from ..unwinding import signals_unwind
from . import choosing, guard, history, judging, load, measuring, sandbox, standby, watching
from .faults import Fault, Spot
from .head import Drill, Terms
from .history import Machine, Measured, Record, State, Verdict
from .judging import Books, Evidence
from .load import Orders
from .playing import Game
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

Tell = Callable[[str, str], None]
"""Is told a state as it begins, and what happens in it."""


class Abort(StockopsError):
    """A limit of the drill was reached, or the kill switch was thrown."""


@dataclass(slots=True)
class _Run:
    """What is known of a run so far."""

    drill: Drill
    engine: str
    fault: Fault
    driver: str
    tell: Tell
    id: str
    folder: Path
    began: float = field(default_factory=time.monotonic)
    states: list[State] = field(default_factory=list)
    green: str | None = None
    bite: str | None = None
    unsteady: str | None = None
    unread: str | None = None
    books: Books = field(default_factory=Books)
    measured: Measured = field(default_factory=Measured)
    doing: Doing | None = None
    game: Game | None = None
    timeline: Timeline | None = None
    span_ns: tuple[int, int, int] = (0, 0, 0)  # begin, zero, end
    version: str = ""

    @property
    def terms(self) -> Terms:
        return self.drill.on(self.engine)

    @contextmanager
    def state(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        self.tell(name, "")
        try:
            yield
        finally:
            took_s = time.monotonic() - began
            self.states.append(
                State(name=name, at_s=round(began - self.began, 3), took_s=round(took_s, 3))
            )

    def require_leave(self) -> None:
        """Raise `Abort` where the run must not go on."""
        why = guard.allowed()
        limits = self.terms.abort
        if why is not None:
            raise Abort(f"the kill switch was thrown: {why}")
        if time.monotonic() - self.began > limits.elapsed_s:
            raise Abort(f"it took longer than {limits.elapsed_s} s")
        free_mib = shutil.disk_usage(self.folder).free // 2**20
        if free_mib < limits.host_disk_free_mib:
            raise Abort(f"{free_mib} MiB are free here ({limits.host_disk_free_mib} must be)")


def run(
    drill: Drill,
    engine: str,
    *,
    driver: str | None = None,
    tell: Tell,
    batch: str,
    game: Game | None = None,
) -> Record:
    """
    Run `drill` on `engine` in a sandbox of its own; return, and keep, what came of it.

    With a `game` a person recovers, and none of the runbook's steps is done for him.

    Nothing of it is left when this returns or raises. An interruption is kept as ABORTED, and
    raised again.
    """
    fault = choosing.fault_of(drill, engine)
    began_at = datetime.now(UTC)
    with scratch.directory("drill") as folder, signals_unwind():
        folder.chmod(0o755)  # servers run as somebody else, and find their files here
        going = _Run(
            drill=drill,
            engine=engine,
            fault=fault,
            driver=choosing.chosen_driver(fault, driver),
            tell=tell,
            id=history.new_run(drill.id, engine),
            folder=folder,
            game=game,
        )
        aborted: str | None = None
        try:
            _go(going)
        except Refused:
            raise
        except StockopsError as exc:
            aborted = str(exc)
        except BaseException:
            _keep(going, began_at, "it was interrupted", batch)
            raise
        return _keep(going, began_at, aborted, batch)


def _go(going: _Run) -> None:
    terms = going.terms
    with ExitStack() as stack:
        with going.state("PLAN"):
            going.require_leave()
            limit_s = terms.abort.elapsed_s + SPARE_S
            undo = stack.enter_context(Undo.begin(going.id, folder=going.folder, within_s=limit_s))
            stack.callback(lambda: going.tell("UNDO", ""))
            needs = going.fault.needs(going.engine, terms.args)
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
        going.began = time.monotonic()
        with ExitStack() as inner:
            orders = inner.enter_context(
                load.running(spot.front, terms.load, going.folder / "load", undo)
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


def _lift(fault: Fault, spot: Spot) -> None:
    """End what the fault still holds; who was never injected has nothing to lift."""
    with suppress(StockopsError, OSError):
        fault.lift(spot)


def _look(orders: Orders, watch: Watch) -> Timeline:
    orders.look()
    watch.look()
    return Timeline(orders.answered, orders.failed)


def _baseline(going: _Run, orders: Orders, watch: Watch) -> str | None:
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


def _break_and_mend(going: _Run, spot: Spot, orders: Orders, watch: Watch) -> None:
    terms, zero_ns = going.terms, time.perf_counter_ns()
    going.span_ns = (zero_ns - 3 * _NANO, zero_ns, zero_ns)
    going.doing = doing = Doing(spot, going.fault, zero_ns=zero_ns)
    with going.state("INJECT"):
        going.fault.inject(spot, going.driver)
    with going.state("OBSERVE"):
        _observe(going, spot, orders, watch)
        for step in () if going.game else going.drill.runbook.of(going.engine, DIAGNOSE):
            if step.mark is not Mark.MANUAL:
                doing.do(step)
    act_ns = time.perf_counter_ns()
    with going.state("RECOVER"):
        if going.game:
            going.game.recover(spot, going.fault, lambda: _wrong(going, orders, watch))
            doing.done += going.game.typed
        for step in () if going.game else going.drill.runbook.of(going.engine, RECOVER):
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


def _observe(going: _Run, spot: Spot, orders: Orders, watch: Watch) -> None:
    """Wait until the fault bites and our checks have told of it, or the time for that is over."""
    terms, began = going.terms, time.monotonic()
    zero_ns = going.span_ns[1]
    while (passed_s := time.monotonic() - began) < terms.detect.within_s:
        _look(orders, watch)
        going.require_leave()
        going.bite = going.bite or going.fault.bites(spot)
        told = not terms.detect.checks or watch.first(terms.detect.checks, since_ns=zero_ns)
        if going.bite and told and passed_s > HOLD_S:
            return
        time.sleep(POLL_S)


def _converge(going: _Run, orders: Orders, watch: Watch) -> str | None:
    """Wait until orders go on as before; return what they still do not, if so."""
    began = time.monotonic()
    while True:
        wrong = _unsteady(going, orders, watch)
        if wrong is None or time.monotonic() - began > going.terms.steady.converge_s:
            return wrong
        going.require_leave()
        time.sleep(POLL_S)


def _unsteady(going: _Run, orders: Orders, watch: Watch) -> str | None:
    """Return what was not steady in the last moments; None where all was."""
    timeline, now_ns = _look(orders, watch), time.perf_counter_ns() - _NANO
    begin_ns = now_ns - int(CALM_S * _NANO)
    return timeline.steady(going.terms.steady, begin_ns=begin_ns, end_ns=now_ns)


def _wrong(going: _Run, orders: Orders, watch: Watch) -> str | None:
    """Return what a person has still to mend: orders, or what the checks of the drill tell."""
    going.require_leave()
    wrong = _unsteady(going, orders, watch)
    return wrong or watch.looks[-1].tells(going.terms.detect.checks)


def _follow(going: _Run, spot: Spot) -> int | None:
    """Return when a replica followed, near enough; None where none was asked for, or none does."""
    if spot.replica is None:
        return None
    if standby.follows(spot, within_s=going.terms.steady.converge_s):
        return time.perf_counter_ns()
    going.unsteady = f"no replica follows {spot.standing.name!r}"
    return None


def _check(going: _Run, spot: Spot, orders: Orders, watch: Watch) -> None:
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


def _keep(going: _Run, began_at: datetime, aborted: str | None, batch: str) -> Record:
    steps = tuple(going.doing.done) if going.doing else ()
    failed = [each for each in steps if each.said is not None]
    verdict, reasons = judging.judge(
        going.terms,
        Evidence(
            green=going.green,
            bite=going.bite,
            unsteady=going.unsteady,
            unread=going.unread,
            books=going.books,
            measured=going.measured,
            failed=failed,
        ),
    )
    if aborted is not None:
        verdict, reasons = Verdict.ABORTED, (aborted,)
    begin_ns, zero_ns, end_ns = going.span_ns
    record = Record(
        run=going.id,
        drill=going.drill.id,
        engine=going.engine,
        title=going.drill.title,
        server_version=going.version,
        started_at=began_at,
        ended_at=datetime.now(UTC),
        verdict=verdict,
        driver=going.driver,
        reasons=reasons,
        batch=batch,
        mode="game" if going.game else "run",
        states=tuple(going.states),
        measured=going.measured,
        steps=steps,
        timeline=going.timeline.moments(begin_ns=begin_ns, end_ns=end_ns, zero_ns=zero_ns)
        if going.timeline and zero_ns
        else (),
        expected={"rto_s": going.terms.expect.rto_s, "acked_lost": going.terms.expect.acked_lost},
        file_sha256=going.drill.sha256,
        machine=_machine(going.folder),
    )
    going.tell("REPORT", verdict.value)
    history.write(record)
    return record


def _machine(folder: Path) -> Machine:
    return Machine(
        cores=os.cpu_count() or 1,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        in_memory_disk=disk.in_memory(folder),
        kernel=os.uname().release,
    )
