"""A server crashed in the middle of the load, and what of its promises it kept."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .. import journal, scratch, workload
from .. import lab as labs
from ..engine import connect
from ..errors import Finding, StockopsError
from ..queries import Query
from ..workload import RunPlan, Tick
from ..workload.running import TICK_S
from . import powerloss
from .stand import Stand

Kind = Literal["kill", "power"]
KINDS: tuple[Kind, ...] = ("kill", "power")

LOAD_S = 2.0  # orders are taken for so long before the crash
_STEP_S = 0.29  # later at each crash: what is done once a second is met at other moments
_STEPS = 4
_RUN_S = 60.0  # the load is over when its server is gone
_PATIENCE_S = 0.2


@dataclass(frozen=True, slots=True)
class LastOrder:
    """When the last order was written; None where there is none."""

    at_s: float | None


LAST_ORDER = Query("experiments/last_order", LastOrder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """
    What one crash left.

    `acknowledged` counts orders and cancels. `missing` of them are not there, worth `missing_won`
    as far as they had been filled; of `contradictory` ones there is less than was acknowledged.
    `lost_s` is the time from the last order that is there to the crash, 0 where nothing was lost.
    `back_s` is how long the start took; None: the server did not come back, for the reason in
    `note`, and everything is lost.
    """

    kind: Kind
    acknowledged: int
    missing: int
    contradictory: int
    missing_won: int
    lost_s: float
    back_s: float | None
    note: str = ""

    @property
    def lost(self) -> int:
        """How many promises were broken."""
        return self.missing + self.contradictory


def crash(stand: Stand, kind: Kind, *, number: int, clients: int, seed: int) -> Crash:
    """
    Run the load on `stand`, crash its server in the middle, start it, and audit the journal.

    For a loss of power the server is restarted first, so that its writes are noted. `number` is
    which crash this is: each comes a little later than the one before.
    """
    if kind == "power":
        labs.stop(stand.lab)
        runs_as = stand.lab.data.stat().st_uid
        stand.start(powerloss.prepare(stand.lab.directory, uid=runs_as))
    with scratch.directory("crash") as folder:
        started_at = time.time()
        crashed_at = _load(stand, folder / "journal", number=number, clients=clients, seed=seed)
        acknowledged = _acknowledged(folder / "journal", clients)
        if kind == "power":
            powerloss.undo(stand.lab.directory, stand.lab.data)
        began = time.monotonic()
        try:
            stand.start()
            back_s = time.monotonic() - began
            with connect(stand.target) as server:
                found = journal.audit(server, folder / "journal")
                last_s = server.fetch(LAST_ORDER)[0].at_s
        except StockopsError as exc:
            return Crash(
                kind=kind,
                acknowledged=acknowledged,
                missing=acknowledged,
                contradictory=0,
                missing_won=0,
                lost_s=0.0,
                back_s=None,
                note=str(exc).splitlines()[0],
            )
    missing, torn = found.findings["missing"], found.findings["contradictory"]
    # Where nothing of this load is left, the last order is of an earlier one.
    lost_s = crashed_at - max(last_s or 0.0, started_at) if missing + torn else 0.0
    return Crash(
        kind=kind,
        acknowledged=found.acknowledged + found.cancels,
        missing=missing,
        contradictory=torn,
        missing_won=found.missing_won,
        lost_s=round(max(lost_s, 0.0), 3),
        back_s=round(back_s, 2),
    )


def _load(stand: Stand, folder: Path, *, number: int, clients: int, seed: int) -> float:
    """Run the load until its server is killed; return when that was, in seconds since 1970."""
    crashed: list[float] = []
    after_s = LOAD_S + number % _STEPS * _STEP_S

    def strike(tick: Tick) -> None:
        if not crashed and tick.answered and tick.elapsed_s + TICK_S > after_s:
            time.sleep(max(after_s - tick.elapsed_s, 0.0))
            crashed.append(time.time())
            labs.crash(stand.lab)

    plan = RunPlan(
        clients=clients,
        seconds=_RUN_S,
        seed=seed,
        journal=folder,
        patience_s=_PATIENCE_S,
        seal=False,
    )
    ran = workload.run(stand.target, plan, progress=strike)
    if ran.interrupted:
        raise KeyboardInterrupt
    if not crashed:
        raise ran.failure or Finding(
            f"no order was acknowledged within {_RUN_S:.0f} s, so nothing was crashed",
            hint="Take fewer --clients, or wait until the machine is quiet.",
        )
    return crashed[0]


def _acknowledged(folder: Path, clients: int) -> int:
    """Count the answers in a journal, of which no server is left to be asked."""
    book = journal.read_header(folder)
    return sum(line[0] in {"a", "x"} for client in range(clients) for line in book.lines(client))
