"""Disks on which a sync takes its time or fails, and how it ends: nobody is traced any more."""

import signal
import subprocess
import sys
from pathlib import Path
from secrets import randbits

import pytest
from conftest import eventually
from spots import Spot as Server
from test_drill_processes import BREAKS, at, stand_up
from test_drill_undo import account, sleeping

from stockops import lab as labs
from stockops import processes
from stockops.drills import tracing
from stockops.drills.faults import FAULTS
from stockops.drills.inverse import Detach
from stockops.drills.undoing import Undo
from stockops.engine import connect
from stockops.errors import ConfigError, StockopsError
from stockops.processes import Process

BITES_S = 60.0


@pytest.fixture(autouse=True)
def traceable() -> None:
    """What only a machine on which servers may be traced can show."""
    why = tracing.why_not()
    if why is not None:
        pytest.skip(why)


def test_the_syncs_of_every_process_are_slow_until_the_fault_is_lifted(
    spot: Server, tmp_path: Path
) -> None:
    stand_up(spot)
    fault = FAULTS["slow_fsync"]
    server = Process.of(spot.lab.pid or 0)
    with Undo.begin("slow-sync", folder=tmp_path, within_s=120) as undo:
        here = at(spot, tmp_path, undo)
        fault.inject(here, "strace")
        assert 0 not in processes.tracers(server.pid)
        assert eventually(lambda: fault.bites(here), BITES_S)
        fault.lift(here)
        fault.lift(here)  # also after an injection that failed
        assert all(processes.tracers(each.pid) <= {0} for each in whole(server))
        assert fault.bites(here) is None
        assert undo.run() == []


def test_a_server_whose_syncs_fail_says_so_and_comes_back_when_the_disk_does(
    spot: Server, tmp_path: Path
) -> None:
    stand_up(spot)
    fault = FAULTS["failing_fsync"]
    with Undo.begin("failing-sync", folder=tmp_path, within_s=120) as undo:
        here = at(spot, tmp_path, undo)
        fault.inject(here, "strace")
        assert not writes(spot)
        assert eventually(lambda: fault.bites(here), BITES_S)
        assert not writes(spot)
        fault.lift(here)
        assert undo.run() == []
    labs.stop(spot.lab, hard=True)  # PostgreSQL stays, and recovers no more
    stand_up(spot)
    assert writes(spot)


def test_nobody_is_traced_any_more_when_the_tool_was_killed(spot: Server, tmp_path: Path) -> None:
    stand_up(spot)
    words = [sys.executable, "-c", BREAKS, "slow_fsync", "killed", str(tmp_path), spot.lab.name]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    # It ends with the tool by itself, or by the guardian: whoever comes first.
    assert {each["outcome"] for each in account("killed")["done"]} <= {"undone", "nothing to do"}
    server = Process.of(spot.lab.pid or 0)
    eventually(lambda: all(processes.tracers(each.pid) <= {0} for each in whole(server)), BITES_S)
    assert writes(spot)


def test_who_lets_go_leaves_nobody_stopped(tmp_path: Path) -> None:
    with (
        sleeping() as sleeper,
        sleeping("strace", "-qq", "-o", "/dev/null", "-p", str(sleeper.pid)) as tracer,
    ):
        eventually(lambda: processes.traced(tracer.pid) == [sleeper], BITES_S)
        sleeper.tell(signal.SIGSTOP)
        assert Detach(tracer=tracer).undo(tmp_path)
        assert processes.tracers(sleeper.pid) == {0}
        assert eventually(lambda: sleeper.state == "S", BITES_S)
        assert not Detach(tracer=tracer).undo(tmp_path)


@pytest.mark.parametrize(
    ("fault", "args"),
    [
        ("slow_fsync", {"delay_ms": 0}),
        ("slow_fsync", {"delay_ms": "long"}),
        ("slow_fsync", {"seconds": 1}),
        ("failing_fsync", {"delay_ms": 1}),
    ],
)
def test_arguments_that_make_no_sense_are_said(fault: str, args: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        FAULTS[fault].needs("postgresql", args)


def whole(server: Process) -> list[Process]:
    """Return the server, and all it started."""
    return [server, *processes.below(server.pid)]


def writes(spot: Server) -> bool:
    """Tell whether the server takes a write, and says that it is safe."""
    try:
        with connect(spot.target, statement_timeout_s=10.0) as server:
            server.execute(
                "INSERT INTO noted (number, said) VALUES (%(n)s, 'synced')", {"n": randbits(60)}
            )
    except StockopsError:
        return False
    return True
