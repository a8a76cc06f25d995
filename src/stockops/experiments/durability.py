"""The price list of durability: what each promise costs under load, and what a crash breaks."""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .. import disk, trials
from ..errors import ConfigError
from ..lab.place import labs_root
from ..trials import Ratio, Verdict
from . import crashing, load, powerloss
from .changes import in_one_line
from .crashing import Crash, Kind
from .load import Load
from .moments import Moment, Said, Told, heard
from .settings_trial import MARGIN, geometric
from .stand import Stand, stand

CRASHES = 3
_LAB_S = 8.0
_TURN_S = 1.5
_CRASH_S = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A promise: the settings that make it. `warned` says why nobody should take it."""

    settings: Mapping[str, str]
    promise: str
    warned: str = ""

    @property
    def title(self) -> str:
        """The settings in one line."""
        return in_one_line(self.settings)


def _mariadb(flush: str, sync: str, promise: str) -> Cell:
    settings = {"innodb_flush_log_at_trx_commit": flush, "sync_binlog": sync}
    return Cell(settings=settings, promise=promise)


# From the safest to the least safe; all others are compared with the first.
CELLS: Mapping[str, tuple[Cell, ...]] = {
    "postgresql": (
        Cell(settings={"synchronous_commit": "on"}, promise="on disk at each commit"),
        Cell(
            settings={"synchronous_commit": "local"},
            promise="on this server's disk; a standby may lack it",
        ),
        Cell(
            settings={"synchronous_commit": "on", "commit_delay": "500", "commit_siblings": "2"},
            promise="on disk at each commit, in groups that wait 0.5 ms for each other",
        ),
        Cell(
            settings={"synchronous_commit": "off", "wal_writer_delay": "10ms"},
            promise="on disk within some 30 ms",
        ),
        Cell(settings={"synchronous_commit": "off"}, promise="on disk within some 600 ms"),
        Cell(
            settings={"fsync": "off"},
            promise="none",
            warned="never where data matter: after a loss of power nothing on the disk fits",
        ),
    ),
    "mariadb": (
        _mariadb("1", "1", "both logs on disk at each commit"),
        # With a binary log a commit is synced there and not in the redo log, which holds it as
        # prepared: a start rolls back what the binary log does not know.
        _mariadb(
            "1", "100", "on disk at every 100th commit, though the redo log is synced at each"
        ),
        _mariadb("1", "0", "on disk when the system likes, though the redo log is synced at each"),
        _mariadb("2", "1", "on disk within some 1 s; the binary log at once, so it is ahead"),
        _mariadb("2", "0", "on disk within some 1 s"),
        _mariadb("0", "1", "out of the process within some 1 s; the binary log is ahead"),
        _mariadb("0", "0", "out of the process within some 1 s"),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixPlan:
    """How long and how often each cell is measured, and how often it is crashed in which ways."""

    engine: str
    cells: tuple[Cell, ...]
    seconds: float
    rounds: int
    clients: int = load.CLIENTS
    seed: int = 1
    margin: float = MARGIN
    crashes: int = CRASHES
    kinds: tuple[Kind, ...] = crashing.KINDS

    @property
    def turns(self) -> int:
        """How many loads are measured; one before them is left out."""
        return 2 * self.rounds * len(self.cells)

    @property
    def crashed(self) -> int:
        """How many crashes there are in all."""
        return len(self.cells) * len(self.kinds) * self.crashes

    @property
    def planned_s(self) -> float:
        """Return about how long it all takes."""
        each_s = self.seconds + load.WARMUP_S + _TURN_S
        return _LAB_S + (self.turns + 1) * each_s + self.crashed * _CRASH_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """
    What crashes of one kind left of a cell's promises: the least and the most of several.

    `not_back` of them left a server that does not start; it counts as all that was acknowledged.
    """

    kind: Kind
    crashes: int
    acknowledged: int
    lost_min: int
    lost_max: int
    won_max: int
    lost_s_max: float
    back_s_max: float | None
    not_back: int
    each: tuple[Crash, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """One line of the list; `ratio` is its orders a second over those of the first line."""

    cell: Cell
    in_force: Mapping[str, str]
    orders_per_s: float
    p50_ms: float
    p99_ms: float
    log_bytes_per_order: float
    ratio: Ratio
    verdict: Verdict
    losses: tuple[Losses, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The whole list, and what it was measured on."""

    engine: str
    version: str
    plan: MatrixPlan
    lines: tuple[Priced, ...]
    took_s: float

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {**asdict(self), "titles": [line.cell.title for line in self.lines]}


def kinds_here() -> tuple[Kind, ...]:
    """Return the kinds of crash that this machine can make."""
    return crashing.KINDS if powerloss.compiler() else ("kill",)


def run(plan: MatrixPlan, *, said: Said, told: Told) -> Matrix:
    """
    Measure every cell of `plan` in a lab that is made for it; `said` and `told` hear how it goes.

    The cells take turns, forth and back, on one lab. Then each is crashed in the middle of the
    load, started, and held to its journal of what was acknowledged.
    """
    began = time.monotonic()
    _check_disk(labs_root())
    if "power" in plan.kinds:
        powerloss.require_compiler()
    with _Stands(plan.engine, said) as stands:
        version = stands.now.lab.version
        loads, in_force = _loads(stands.now, plan, told)
        losses = [_crashed(stands, plan, number, told) for number in range(len(plan.cells))]
    lines = []
    for number, cell in enumerate(plan.cells):
        mine, first = loads[number], loads[0]
        ratio = trials.compare([x.orders_per_s for x in first], [x.orders_per_s for x in mine])
        lines.append(
            Priced(
                cell=cell,
                in_force=in_force[number],
                orders_per_s=geometric([each.orders_per_s for each in mine]),
                p50_ms=geometric([each.p50_ms for each in mine]),
                p99_ms=geometric([each.p99_ms for each in mine]),
                log_bytes_per_order=geometric([each.log_bytes_per_order for each in mine]),
                ratio=ratio,
                verdict=ratio.verdict(smaller_is_better=False, margin=plan.margin),
                losses=losses[number],
            )
        )
    return Matrix(
        engine=plan.engine,
        version=version,
        plan=plan,
        lines=tuple(lines),
        took_s=round(time.monotonic() - began, 1),
    )


def _check_disk(root: Path) -> None:
    """Raise `ConfigError` where there is no disk: MariaDB maps its log there, and loses nothing."""
    if disk.in_memory(root):
        raise ConfigError(
            f"the labs lie in memory ({root}), where nothing has to be synced",
            hint="Set STOCKOPS_LABS to a directory on the disk that is to be measured.",
        )


def _loads(
    on: Stand, plan: MatrixPlan, told: Told
) -> tuple[list[list[Load]], list[Mapping[str, str]]]:
    """Return each cell's loads, in order, and what was in force in it."""
    changes = [on.resolve(cell.settings) for cell in plan.cells]
    forth = [*range(len(plan.cells))]
    order = [0, *(forth + forth[::-1]) * plan.rounds]
    loads: list[list[Load]] = [[] for _ in plan.cells]
    in_force: list[Mapping[str, str]] = [{} for _ in plan.cells]
    for number, which in enumerate(order):
        on.apply(changes[which])
        in_force[which] = on.in_force([*plan.cells[which].settings])
        here = Moment(number + 1, len(order), plan.cells[which].title)
        told(here)
        on.settle()
        found = load.measure(
            on.target,
            seconds=plan.seconds,
            clients=plan.clients,
            seed=plan.seed,
            progress=heard(here, told),
        )
        if number:  # the first one warms up
            loads[which].append(found)
    on.apply(())
    return loads, in_force


def _crashed(stands: "_Stands", plan: MatrixPlan, number: int, told: Told) -> tuple[Losses, ...]:
    """Crash the cell `number` as often as `plan` says."""
    cell = plan.cells[number]
    found: list[Losses] = []
    before = number * len(plan.kinds) * plan.crashes
    for kind in plan.kinds:
        crashes: list[Crash] = []
        for nth in range(plan.crashes):
            done = before + len(found) * plan.crashes + nth + 1
            told(Moment(done, plan.crashed, f"{cell.title}, crash by {kind}"))
            on = stands.now
            if not on.applied:
                on.apply(on.resolve(cell.settings))
            crash = crashing.crash(on, kind, number=nth, clients=plan.clients, seed=plan.seed + nth)
            crashes.append(crash)
            if crash.back_s is None or (cell.warned and kind == "power"):
                stands.renew()  # what is left fits nothing
        found.append(_summed(kind, crashes))
    stands.now.apply(())
    return tuple(found)


def _summed(kind: Kind, crashes: Sequence[Crash]) -> Losses:
    backs = [each.back_s for each in crashes if each.back_s is not None]
    return Losses(
        kind=kind,
        crashes=len(crashes),
        acknowledged=sum(each.acknowledged for each in crashes),
        lost_min=min(each.lost for each in crashes),
        lost_max=max(each.lost for each in crashes),
        won_max=max(each.missing_won for each in crashes),
        lost_s_max=max(each.lost_s for each in crashes),
        back_s_max=max(backs, default=None),
        not_back=len(crashes) - len(backs),
        each=tuple(crashes),
    )


class _Stands:
    """The stand that is worked on, and a new one where a crash has spoilt it."""

    def __init__(self, engine: str, said: Said) -> None:
        self._engine, self._said = engine, said
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.renew()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def renew(self) -> None:
        """Remove the stand there is, and make another."""
        self._stack.close()
        self.now = self._stack.enter_context(stand(self._engine, said=self._said))
