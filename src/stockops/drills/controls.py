"""
Controls that must go red: a checker that cannot fail proves nothing by not failing.

Every run shows its own checker a history with one acknowledged order that is not there. `run` does
what is known to lose: transactions that read and write back without a lock, and servers that
acknowledge before anything is on disk.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .. import disk, journal, scratch
from .. import lab as labs
from ..engine import connect
from ..errors import StockopsError
from ..lab import place
from ..targets import Target
from ..unwinding import signals_unwind
from . import history, load, sandbox
from .faults.base import Needs, Spot
from .head import Load
from .undoing import Undo

WITHIN_S = 300.0
LOAD_S = 60.0
ANSWERS_MIN = 600
_POLL_S = 0.1
TRANSFERS_S = 3.0
ACCOUNTS, TOTAL = 8, 800
TELLERS = 6

# What makes a server say yes before the order is safe from a crash of the server alone.
CARELESS: Mapping[str, Mapping[str, str]] = {
    "postgresql": {"synchronous_commit": "off", "wal_writer_delay": "10s"},
    "mariadb": {
        "innodb_flush_log_at_trx_commit": "0",
        "innodb_flush_log_at_timeout": "60",
        "sync_binlog": "0",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control: it is `red` as it has to be, or the checker behind it sees nothing."""

    control: str
    engine: str
    red: bool
    said: str


def sees_a_lost_order(server_of: Target, folder: Path, found: Path) -> bool:
    """
    Tell whether the audit of the journal `found` sees one more loss once one more is written in.

    The copy with the order that never was stays in `folder`.
    """
    copy = folder / "control"
    shutil.copytree(found, copy)
    with connect(server_of) as server:
        before = journal.audit(server, found).findings["missing"]
        journal.forge(copy)
        after = journal.audit(server, copy).findings["missing"]
    return after == before + 1


def run(engine: str, *, tell: Callable[[str], None] = lambda _: None) -> list[Control]:
    """
    Return what became of every control on `engine`, in a sandbox each.

    Where labs lie in memory MariaDB maps its redo log, and what is mapped outlives the server that
    is killed: there the control that kills it is left out, and `tell` says so.
    """
    place.make_open(place.labs_root())
    found = []
    controls = [_lost_update, _careless]
    if engine == "mariadb" and disk.in_memory(place.labs_root()):
        tell("careless: left out, since labs lie in memory here: set STOCKOPS_LABS to a disk")
        controls.remove(_careless)
    for each in controls:
        tell(each.__name__.strip("_").replace("_", " "))
        found.append(each(engine))
    return found


def _lost_update(engine: str) -> Control:
    """Tellers read a balance, and write it back changed: no lock, no luck."""
    with _spot(engine, Needs()) as spot:
        with connect(spot.target) as server:
            server.execute("CREATE TABLE drill_balances (id INTEGER PRIMARY KEY, won BIGINT)")
            for number in range(ACCOUNTS):
                server.execute(
                    "INSERT INTO drill_balances VALUES (%(id)s, %(won)s)",
                    {"id": number, "won": TOTAL // ACCOUNTS},
                )
        until = time.monotonic() + TRANSFERS_S
        tellers = [
            threading.Thread(target=_transfer, args=(spot.target, number, until))
            for number in range(TELLERS)
        ]
        for each in tellers:
            each.start()
        for each in tellers:
            each.join()
        with connect(spot.target) as server:
            total = int(server.rows("SELECT sum(won) AS won FROM drill_balances")[0]["won"])
    return Control(
        control="read and written back without a lock",
        engine=engine,
        red=total != TOTAL,
        said=f"{TOTAL:,} won became {total:,}",
    )


def _transfer(target: Target, number: int, until: float) -> None:
    asked = "SELECT won FROM drill_balances WHERE id = %(id)s"
    told = "UPDATE drill_balances SET won = %(won)s WHERE id = %(id)s"
    turn = number
    with connect(target) as server:
        while time.monotonic() < until:
            turn += 1
            one, other = turn % ACCOUNTS, (turn * 3 + 1) % ACCOUNTS
            if one == other:
                continue
            try:
                with server.transaction():
                    left = int(server.rows(asked, {"id": one})[0]["won"])
                    right = int(server.rows(asked, {"id": other})[0]["won"])
                    server.execute(told, {"id": one, "won": left - 1})
                    server.execute(told, {"id": other, "won": right + 1})
            except StockopsError:  # a deadlock: it was rolled back, and is no loss
                continue


def _careless(engine: str) -> Control:
    """Orders go on, the server says yes before they are on disk, and is killed."""
    with _spot(engine, Needs(settings=CARELESS[engine])) as spot:
        folder = spot.folder / "load"
        with load.running(spot.front, Load(clients=2, rate_per_s=200), folder, spot.undo) as orders:
            _until_answered(orders)
            labs.crash(spot.now)
            labs.up(spot.lab.name)
        with connect(spot.target) as server:
            lost = journal.audit(server, orders.journal).findings["missing"]
    said = ", ".join(f"{name}={value}" for name, value in CARELESS[engine].items())
    return Control(
        control=f"killed with {said}",
        engine=engine,
        red=lost > 0,
        said=f"{lost} acknowledged orders are lost",
    )


def _until_answered(orders: load.Orders) -> None:
    deadline = time.monotonic() + LOAD_S
    while len(orders.answered) < ANSWERS_MIN:
        if time.monotonic() > deadline:
            raise StockopsError(f"fewer than {ANSWERS_MIN} orders were answered in {LOAD_S:.0f} s")
        time.sleep(_POLL_S)
        orders.look()


@contextmanager
def _spot(engine: str, needs: Needs) -> Iterator[Spot]:
    run_id = history.new_run("control", engine)
    with scratch.directory("drill") as folder, signals_unwind():
        folder.chmod(0o755)
        with (
            Undo.begin(run_id, folder=folder, within_s=WITHIN_S) as undo,
            sandbox.opened(engine, needs, {}, undo=undo, folder=folder) as spot,
        ):
            yield spot


def all_red(controls: Sequence[Control]) -> bool:
    """Tell whether every one of them is, and there is one."""
    return bool(controls) and all(each.red for each in controls)
