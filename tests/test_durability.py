"""What a crash leaves: writes that nothing synced are undone, promises are kept or counted."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Labs

from stockops import disk, scratch
from stockops.cli import matrixview
from stockops.errors import ConfigError, Unsupported
from stockops.experiments import crashing, durability, powerloss, stand
from stockops.experiments.durability import CELLS, MatrixPlan

needs_compiler = pytest.mark.skipif(
    powerloss.compiler() is None and "CI" not in os.environ, reason="there is no C compiler"
)

# Each case writes as a server does; what must be left of its file is beside it.
WRITES = {
    "appended and synced": ("w(b'new'); f()", b"oldnew"),
    "appended": ("w(b'new')", b"old"),
    "appended after a sync": ("w(b'new'); f(); w(b'er')", b"oldnew"),
    "appended twice": ("w(b'new'); w(b'er')", b"old"),
    "written over": ("p(b'NEW', 0)", b"old"),
    "written over and synced": ("p(b'NEW', 0); d()", b"NEW"),
    "written over, synced, written over": ("p(b'NEW', 0); d(); p(b'xyz', 0)", b"NEW"),
    "written over in part": ("p(b'X', 1)", b"old"),
    "written over and beyond the end": ("p(b'LONGER', 1)", b"old"),
    "written by pieces": ("os.writev(h, [b'ne', b'w'])", b"old"),
    "written by pieces at a place": ("os.pwritev(h, [b'N', b'EW'], 0)", b"old"),
    "renamed": ("w(b'new'); os.rename(n, n + '2'); n += '2'", b"old"),
    "opened to be synced": ("h = os.open(n, os.O_WRONLY | os.O_SYNC); p(b'NEW', 0)", b"NEW"),
    "removed and made again": (
        "w(b'new'); os.unlink(n); os.close(h); h = make(); w(b'fresh'); f()",
        b"fresh",
    ),
    "by a child": ("c = os.fork(); c or (w(b'new'), os._exit(0)); os.wait()", b"old"),
    "synced by a child": (
        "w(b'new'); c = os.fork(); c or (f(), os._exit(0)); os.wait()",
        b"oldnew",
    ),
}
_PROGRAM = """
import os, signal, sys
def case(name, work):
    scope = {"os": os, "n": name}
    scope["make"] = lambda: os.open(scope["n"], os.O_RDWR | os.O_CREAT | os.O_APPEND)
    scope["h"] = os.open(name, os.O_RDWR); os.lseek(scope["h"], 0, os.SEEK_END)
    scope["w"] = lambda what: os.write(scope["h"], what)
    scope["p"] = lambda what, at: os.pwrite(scope["h"], what, at)
    scope["f"] = lambda: os.fsync(scope["h"])
    scope["d"] = lambda: os.fdatasync(scope["h"])
    exec(work, scope)
for number in range(1, len(sys.argv), 2):
    case(sys.argv[number], sys.argv[number + 1])
os.kill(os.getpid(), signal.SIGKILL)
"""


@needs_compiler
def test_a_loss_of_power_leaves_what_was_synced_and_nothing_else(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    words: list[str] = []
    for number, (work, _) in enumerate(WRITES.values()):
        (data / str(number)).write_bytes(b"old")
        words += [str(data / str(number)), work]
    through = powerloss.prepare(tmp_path, uid=os.geteuid())
    ran = subprocess.run(
        [*through, sys.executable, "-c", _PROGRAM, *words], capture_output=True, check=False
    )
    assert ran.returncode == -9, ran.stderr
    undone = powerloss.undo(tmp_path, data)
    left = {
        name: (data / f"{number}{'2' if name == 'renamed' else ''}").read_bytes()
        for number, name in enumerate(WRITES)
    }
    assert left == {name: expected for name, (_, expected) in WRITES.items()}
    assert 0 < undone.lost_writes < undone.writes


@pytest.mark.parametrize("engine", sorted(CELLS))
def test_the_first_line_of_the_list_promises_everything(engine: str) -> None:
    first, *others = CELLS[engine]
    assert not first.warned
    assert {*first.settings.values()} <= {"on", "1"}
    assert len({each.title for each in (first, *others)}) == len(CELLS[engine])


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Labs on a disk, which is what these tests are about."""
    with scratch.directory("labs", within=Path("/var/tmp")) as root:
        if disk.in_memory(root):
            pytest.skip("there is no disk")
        root.chmod(0o755)
        monkeypatch.setenv("STOCKOPS_LABS", str(root / "labs"))
        yield


@pytest.mark.parametrize("engine", sorted(CELLS))
def test_a_plan_says_what_is_crashed_and_is_json_where_that_is_asked_for(engine: str) -> None:
    plan = MatrixPlan(engine=engine, cells=CELLS[engine], seconds=1, rounds=1, kinds=("kill",))
    assert "of each line by kill" in matrixview.planned(plan, "table")
    assert "crashes" not in matrixview.planned(replace(plan, kinds=()), "table")
    said = json.loads(matrixview.planned(plan, "json"))
    assert (said["engine"], said["kinds"], len(said["cells"])) == (
        engine, ["kill"], len(CELLS[engine]),
    )  # fmt: skip


def test_a_list_of_what_lies_in_memory_is_refused(all_labs: Labs) -> None:
    lab = all_labs.get("postgresql")
    if not disk.in_memory(lab.directory):
        pytest.skip("the labs lie on a disk")
    plan = MatrixPlan(engine="postgresql", cells=CELLS["postgresql"], seconds=1, rounds=1)
    with pytest.raises(ConfigError, match="lie in memory"):
        durability.run(plan, said=lambda _: None, told=lambda _: None)


@pytest.mark.usefixtures("on_disk")
def test_a_crash_that_cannot_be_made_is_told_before_the_load(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    plan = MatrixPlan(
        engine="postgresql", cells=CELLS["postgresql"], seconds=1, rounds=1, kinds=("power",)
    )
    said: list[str] = []
    with pytest.raises(Unsupported, match="there is no C compiler"):
        durability.run(plan, said=said.append, told=lambda _: None)
    assert said == []


@needs_compiler
@pytest.mark.soak
@pytest.mark.usefixtures("on_disk")
def test_the_list_is_kept_and_broken_where_it_must_be(engine: str, all_labs: Labs) -> None:
    all_labs.get(engine)  # skips where the engine is missing
    cells = (CELLS[engine][0], CELLS[engine][-1])
    plan = MatrixPlan(engine=engine, cells=cells, seconds=5, rounds=1, crashes=2)
    found = durability.run(plan, said=lambda _: None, told=lambda _: None)
    first, last = found.lines[0], found.lines[-1]
    assert [each.lost_max for each in first.losses] == [0, 0]
    assert all(each.acknowledged > 0 for line in found.lines for each in line.losses)
    by_power = last.losses[1]
    assert by_power.lost_max > 0 or by_power.not_back
    for line in found.lines:
        assert line.in_force.keys() == line.cell.settings.keys()


@pytest.mark.soak
def test_a_kill_takes_what_was_not_waited_for_and_nothing_else(all_labs: Labs) -> None:
    all_labs.get("postgresql")
    with stand.stand("postgresql", said=lambda _: None) as made:
        kept = crashing.crash(made, "kill", number=0, clients=4, seed=1)
        assert (kept.missing, kept.contradictory, kept.lost_s) == (0, 0, 0.0)
        made.apply(made.resolve({"synchronous_commit": "off", "wal_writer_delay": "10s"}))
        broken = crashing.crash(made, "kill", number=0, clients=4, seed=2)
        assert broken.missing > 0
        assert broken.lost_s > 0
        assert broken.back_s is not None
