"""Disks that root mounts where nobody may have user namespaces: the second way to fill one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Labs, eventually
from test_drill_core import STATES, is_killed, kept, nothing_is_left, run
from test_drill_undo import DEATH_S, account

from stockops.drills import choosing, volumes
from stockops.drills.faults import FAULTS
from stockops.drills.going import Manner
from stockops.drills.history import Verdict
from stockops.drills.inverse import Remove
from stockops.lab import ENGINES, place
from stockops.processes import Process

__all__ = ["kept"]  # a place of its own for what is kept of runs
MOUNT = "mount"
DRILLS = ["disk-full-data", "disk-full-log", "server-log-full"]

# Fills a disk that root has mounted, gives the room back, fills it again, and is killed.
BREAKS = """
import os, signal, sys
from contextlib import suppress
from pathlib import Path
from stockops import children
from stockops import lab as labs
from stockops.drills import choosing, sandbox, steps
from stockops.drills.faults import FAULTS
from stockops.drills.undoing import Undo
from stockops.engine import connect
from stockops.errors import StockopsError

engine, run, folder, filler = sys.argv[1:]
fault = FAULTS["disk_full"]
needs = choosing.needs_of(fault, engine, {"volume": "data"}, "mount")

def said(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.split() for key, _, value in (each.partition(":") for each in lines)}

def require_inside(spot):
    "The server sees the disk, and is the account's: nothing of root's has come with it."
    pid, holder = spot.now.pid, spot.volumes.holder.pid
    assert os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink(f"/proc/{holder}/ns/mnt")
    assert os.readlink(f"/proc/{pid}/ns/mnt") != os.readlink("/proc/self/ns/mnt")
    assert os.readlink(f"/proc/{pid}/ns/user") == os.readlink("/proc/self/ns/user")
    told = said(pid)
    assert {*told["Uid"]} == {str(spot.volumes.account.uid)}, told["Uid"]
    assert {*told["Gid"]} == {str(spot.volumes.account.gid)}, told["Gid"]
    assert not told["Groups"], told["Groups"]
    assert {int(told[each][0], 16) for each in ("CapPrm", "CapEff", "CapAmb")} == {0}, told

def require_felt(spot):
    with suppress(StockopsError), connect(spot.target, statement_timeout_s=3.0) as server:
        server.execute(filler)
    felt = children.wait_until(lambda: fault.bites(spot) is not None, within_s=60)
    assert felt, "it does not bite"

undo = Undo.begin(run, folder=Path(folder), within_s=300)
with sandbox.opened(engine, needs, {"volume": "data"}, undo=undo, folder=Path(folder)) as spot:
    with connect(spot.target) as server:
        server.execute("CREATE TABLE filler (x TEXT)")
    free_kib = spot.volumes.free_kib("data")
    require_inside(spot)
    fault.inject(spot, "mount")
    require_felt(spot)
    fault.lift(spot)
    assert spot.volumes.free_kib("data") > free_kib / 2
    labs.stop(spot.now)
    steps.start(spot)
    require_inside(spot)
    fault.inject(spot, "mount")
    assert spot.volumes.free_kib("data") < 1024
    print(spot.volumes.holder.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
FILLER = {
    "postgresql": "INSERT INTO filler SELECT repeat('x', 2000) FROM generate_series(1, 20000)",
    "mariadb": "INSERT INTO filler SELECT repeat('x', 2000) FROM seq_1_to_20000",
}


def mountable() -> None:
    """Skip where root may not mount, or we are not he."""
    why = volumes.why_not_by_root()
    if why is not None:
        pytest.skip(why)


def mounted(root: Path) -> list[str]:
    """Whatever is mounted under `root`, as any process sees it."""
    found = set()
    for each in Path("/proc").glob("[0-9]*/mountinfo"):
        try:
            found |= {line.split()[4] for line in each.read_text("utf-8").splitlines()}
        except OSError:  # it has just ended
            continue
    return [each for each in found if Path(each).is_relative_to(root)]


def test_it_is_felt_and_goes_with_a_tool_that_is_killed(
    engine: str, all_labs: Labs, tmp_path: Path
) -> None:
    all_labs.get(engine)
    mountable()
    for each in (tmp_path, *tmp_path.parents[:2]):
        each.chmod(0o755)
    words = [sys.executable, "-c", BREAKS, engine, f"mount-{engine}", str(tmp_path), FILLER[engine]]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    done = account(f"mount-{engine}")["done"]
    assert {each["outcome"] for each in done} <= {"undone", "nothing to do"}, done
    eventually(nothing_is_left, DEATH_S)
    eventually(lambda: not mounted(place.labs_root()), DEATH_S)
    eventually(lambda: not Path(f"/proc/{ran.stdout.strip()}").exists(), DEATH_S)


def test_a_driver_says_what_it_wants_of_the_disks() -> None:
    fault = FAULTS["disk_full"]
    assert choosing.needs_of(fault, "mariadb", {}, MOUNT).mounted_by_root
    assert not choosing.needs_of(fault, "mariadb", {}, "namespace").mounted_by_root


def test_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65_534)
    assert "is not root, who alone may mount" in (volumes.why_not_by_root() or "")


def test_by_hand_a_file_of_such_a_disk_goes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    holder = Process.of(os.getpid())
    step = Remove(path=Path("/there/ballast"), seen_by=holder)
    for who, inside in ((0, "-m"), (65_534, "-U -m --preserve")):
        monkeypatch.setattr(os, "geteuid", lambda who=who: who)
        assert step.by_hand == f"nsenter -t {holder.pid} {inside} rm -rf /there/ballast"


@pytest.mark.soak
@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("name", DRILLS)
def test_a_drill_passes_with_it(name: str, engine: str, all_labs: Labs) -> None:
    mountable()
    record = run(name, engine, all_labs, Manner(driver=MOUNT))
    assert record.verdict is Verdict.PASS, record.reasons


@pytest.mark.soak
@pytest.mark.parametrize("state", STATES)
def test_a_tool_that_is_killed_leaves_no_mount(
    state: str, engine: str, all_labs: Labs, kept: Path
) -> None:
    mountable()
    is_killed("disk-full-data", state, engine, all_labs, kept, driver=MOUNT)
    eventually(lambda: not mounted(place.labs_root()), DEATH_S)
