"""What is known of one run of a drill while it goes on, and what is kept of it."""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from .. import disk
from ..errors import StockopsError
from ..experiments.load import Load
from ..lab import place
from . import guard, history, judging
from .alarms import Alarms
from .faults import Fault
from .head import Drill, Terms
from .history import Machine, Measured, Record, State, Verdict
from .judging import Books, Evidence
from .matrix import Combination
from .playing import Game
from .steps import Doing
from .timeline import Timeline

Tell = Callable[[str, str], None]
"""Is told a state as it begins, and what happens in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """
    How a drill is run, where it is not as its file says alone.

    `driver` injects the fault, by default the first that works here. With a `game` a person
    recovers. `combination` are settings under which the sandbox runs, and what they cost is
    measured. With `prometheus` a real one watches the sandbox, and what the drill says of alerts is
    held to it.
    """

    driver: str | None = None
    game: Game | None = None
    combination: Combination | None = None
    prometheus: bool = False

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings of the combination, as they were asked for."""
        return self.combination.wanted if self.combination else {}


AS_WRITTEN = Manner()


class Abort(StockopsError):
    """A limit of the drill was reached, or the kill switch was thrown."""


@dataclass(slots=True)
class Going:
    """What is known of a run so far."""

    drill: Drill
    engine: str
    fault: Fault
    driver: str
    tell: Tell
    id: str
    folder: Path
    manner: Manner
    began: float = field(default_factory=time.monotonic)
    states: list[State] = field(default_factory=list)
    green: str | None = None
    bite: str | None = None
    unsteady: str | None = None
    unread: str | None = None
    books: Books = field(default_factory=Books)
    measured: Measured = field(default_factory=Measured)
    capacity: Load | None = None
    alarms: Alarms = field(default_factory=lambda: Alarms("", ()))
    doing: Doing | None = None
    timeline: Timeline | None = None
    span_ns: tuple[int, int, int] = (0, 0, 0)  # begin, zero, end
    version: str = ""

    @property
    def terms(self) -> Terms:
        """What the drill says for the engine."""
        return self.drill.on(self.engine)

    @contextmanager
    def state(self, name: str) -> Iterator[None]:
        """Take note of when the state `name` began, and how long the block took."""
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
        for where in (self.folder, disk.under(place.labs_root())):
            free_mib = shutil.disk_usage(where).free // 2**20
            if free_mib < limits.host_disk_free_mib:
                said = f"{free_mib} MiB are free for {str(where)!r}"
                raise Abort(f"{said} ({limits.host_disk_free_mib} must be)")

    def all_measured(self) -> Measured:
        """Return what was measured, before the fault too."""
        if self.capacity is None:
            return self.measured
        return replace(
            self.measured,
            capacity_per_s=round(self.capacity.orders_per_s, 1),
            capacity_p99_ms=round(self.capacity.p99_ms, 2),
        )


def keep(going: Going, began_at: datetime, aborted: str | None, batch: str) -> Record:
    """Judge the run, and return what was kept of it; `aborted` is why it was given up, if so."""
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
            silent=going.alarms.silent,
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
        mode="game" if going.manner.game else "run",
        states=tuple(going.states),
        measured=going.all_measured(),
        alarms=going.alarms.found,
        steps=steps,
        timeline=going.timeline.moments(begin_ns=begin_ns, end_ns=end_ns, zero_ns=zero_ns)
        if going.timeline and zero_ns
        else (),
        expected={"rto_s": going.terms.expect.rto_s, "acked_lost": going.terms.expect.acked_lost},
        file_sha256=going.drill.sha256,
        settings=going.manner.settings,
        machine=_machine(),
    )
    going.tell("REPORT", verdict.value)
    history.write(record)
    return record


def _machine() -> Machine:
    return Machine(
        cores=os.cpu_count() or 1,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        in_memory_disk=disk.in_memory(place.labs_root()),
        kernel=os.uname().release,
    )
