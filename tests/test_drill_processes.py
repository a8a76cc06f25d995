"""Sessions and servers that are killed, frozen or get no memory, and how it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import eventually
from spots import Spot as Server
from test_drill_undo import DEATH_S, account

from stockops import lab as labs
from stockops.drills.faults import FAULTS, Spot
from stockops.drills.undoing import Undo
from stockops.engine import connect
from stockops.errors import ConfigError, StockopsError
from stockops.processes import Process

# Injects a fault, waits until it bites, and is killed.
BREAKS = """
import os, signal, sys, time
from pathlib import Path
from stockops import lab as labs
from stockops.drills.faults import FAULTS, Spot
from stockops.drills.undoing import Undo
from stockops.targets import Target

fault, run, folder, name = FAULTS[sys.argv[1]], *sys.argv[2:]
lab = labs.require(name)
target = Target(name=name, url=lab.url(), lab=name)
undo = Undo.begin(run, folder=Path(folder), within_s=120)
spot = Spot(lab=lab, target=target, front=target, folder=Path(folder), undo=undo)
fault.inject(spot, fault.drivers[0].name)
deadline = time.monotonic() + 60
while not fault.bites(spot):
    if time.monotonic() > deadline:
        sys.exit("it does not bite")
    time.sleep(0.2)
os.kill(os.getpid(), signal.SIGKILL)
"""


def at(server: Server, folder: Path, undo: Undo) -> Spot:
    return Spot(lab=server.lab, target=server.target, front=server.target, folder=folder, undo=undo)


@pytest.mark.parametrize("fault", ["server_frozen", "memory_refused", "log_write_refused"])
def test_a_fault_does_not_outlive_the_tool(spot: Server, tmp_path: Path, fault: str) -> None:
    require_survivor(spot, fault)
    words = [sys.executable, "-c", BREAKS, fault, "killed", str(tmp_path), spot.lab.name]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    assert [each["outcome"] for each in account("killed")["done"]] == ["undone"]
    stand_up(spot)


@pytest.mark.parametrize("fault", ["server_frozen", "memory_refused", "log_write_refused"])
def test_a_fault_that_is_lifted_leaves_nothing_to_undo(
    spot: Server, tmp_path: Path, fault: str
) -> None:
    require_survivor(spot, fault)
    known = FAULTS[fault]
    with Undo.begin("lifted", folder=tmp_path, within_s=120) as undo:
        here = at(spot, tmp_path, undo)
        known.inject(here, known.drivers[0].name)
        assert eventually(lambda: known.bites(here), DEATH_S)
        known.lift(here)
        known.lift(here)  # also after an injection that failed
        assert undo.run() == []
    stand_up(spot)


def test_a_session_that_trades_is_killed_and_no_other_is_chosen(
    spot: Server, tmp_path: Path
) -> None:
    stand_up(spot)
    fault = FAULTS["backend_killed"]
    with Undo.begin("backend", folder=tmp_path, within_s=120) as undo:
        here = at(spot, tmp_path, undo)
        with connect(spot.target, application="stockops trade") as trader:
            fault.inject(here, "kill")
            assert eventually(lambda: fault.bites(here), DEATH_S)
            with pytest.raises(StockopsError):
                trader.rows("SELECT 1 AS one")
        eventually(lambda: answers(spot), DEATH_S)
        fault.lift(here)


def test_a_server_that_was_killed_is_gone_whole(spot: Server, tmp_path: Path) -> None:
    fault = FAULTS["server_killed"]
    stand_up(spot)
    server = Process.of(spot.lab.pid or os.getpid())
    with Undo.begin("server", folder=tmp_path, within_s=120) as undo:
        here = at(spot, tmp_path, undo)
        fault.inject(here, "signal")
        assert eventually(lambda: fault.bites(here), DEATH_S)
        fault.lift(here)
    assert not server.lives
    labs.stop(spot.lab)
    spot.again()
    assert answers(spot)


@pytest.mark.parametrize(
    ("fault", "args"),
    [
        ("backend_killed", {"whom": "tree"}),
        ("server_killed", {"whom": "nobody"}),
        ("server_frozen", {"who": "server"}),
        ("memory_refused", {"headroom_mib": -1}),
        ("connection_flood", {"connections": 0}),
        ("query_flood", {"clients": True}),
        ("deadlock_storm", {"clients": 2}),
    ],
)
def test_arguments_that_make_no_sense_are_said(fault: str, args: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as told:
        FAULTS[fault].needs("postgresql", args)
    assert told.value.hint


def require_survivor(spot: Server, fault: str) -> None:
    if spot.lab.engine == "mariadb" and fault in {"memory_refused", "log_write_refused"}:
        pytest.skip("a MariaDB that is refused it may end, and then there is no limit to undo")


def stand_up(spot: Server) -> None:
    """Have the server answer, whatever the test before did to it."""

    def stands() -> bool:
        if spot.lab.pid is None:
            labs.stop(spot.lab)
            spot.again()
        return answers(spot)

    eventually(stands, DEATH_S)


def answers(spot: Server) -> bool:
    try:
        with connect(spot.target) as fresh:
            return fresh.rows("SELECT 1 AS one") == [{"one": 1}]
    except StockopsError:
        return False
