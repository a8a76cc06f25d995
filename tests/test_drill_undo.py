"""What a drill broke is mended, however the tool that broke it ends."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import eventually

from stockops.drills import guardian, pending
from stockops.drills.inverse import Continue, Remove
from stockops.drills.undoing import Undo
from stockops.errors import StockopsError
from stockops.processes import Process

DEATH_S = 60.0  # promised is one; a loaded machine may take longer

# Breaks one thing of each kind, each after its inverse was written down, and is killed.
BREAKS = """
import os, resource, signal, sys, time
from pathlib import Path
from stockops.drills.inverse import Continue, Detach, Kill, Limit, PutBack, Remove, Write
from stockops.drills.undoing import Undo
from stockops.processes import Process

run, folder = sys.argv[1], Path(sys.argv[2])
sleeper, helper, tracer = (Process.of(int(each)) for each in sys.argv[3:])
undo = Undo.begin(run, folder=folder, within_s=60)
undo.arm(Kill(process=helper))
undo.arm(Detach(tracer=tracer))
undo.arm(Continue(process=sleeper))
sleeper.tell(signal.SIGSTOP)
undo.arm(Limit.of(sleeper, "NOFILE"))
_, hard = resource.prlimit(sleeper.pid, resource.RLIMIT_NOFILE)
resource.prlimit(sleeper.pid, resource.RLIMIT_NOFILE, (5, hard))
undo.arm(Remove(path=folder / "ballast"))
(folder / "ballast").write_bytes(b"x" * 4096)
undo.arm(Write.of(folder / "settings"))
(folder / "settings").write_text("broken")
undo.arm(Write.of(folder / "not-there"))
(folder / "not-there").write_text("left")
undo.arm(PutBack(path=folder / "wal", aside=folder / "wal.aside"))
(folder / "wal").rename(folder / "wal.aside")
child = os.fork()  # what the tool started may outlive it, and must not keep the guardian waiting
if child == 0:
    os.closerange(0, 3)
    time.sleep(60)
print(time.time(), child, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@contextmanager
def sleeping(*words: str) -> Iterator[Process]:
    child = subprocess.Popen(words or ["sleep", "120"], start_new_session=True)
    try:
        yield Process.of(child.pid)
    finally:
        child.kill()
        child.wait()


def account(run: str) -> dict[str, Any]:
    """What the guardian of `run` says that it did, once it does."""
    path = guardian.account_of(pending.path_of(run))
    eventually(path.exists, DEATH_S)
    said: dict[str, Any] = json.loads(path.read_bytes())
    return said


def broken(folder: Path) -> None:
    """What stands in a folder that a drill may break."""
    folder.mkdir(exist_ok=True)
    (folder / "settings").write_text("as it was")
    (folder / "settings").chmod(0o640)
    (folder / "wal").write_text("log")


def test_a_killed_tool_leaves_nothing_broken(tmp_path: Path) -> None:
    broken(tmp_path)
    with sleeping() as sleeper, sleeping() as helper, sleeping() as tracer:
        limit = resource.prlimit(sleeper.pid, resource.RLIMIT_NOFILE)
        ids = [str(each.pid) for each in (sleeper, helper, tracer)]
        ran = subprocess.run(
            [sys.executable, "-c", BREAKS, "killed", str(tmp_path), *ids],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == -signal.SIGKILL, ran.stderr
        killed_at, orphan = ran.stdout.split()
        done = account("killed")["done"]
        assert [each["outcome"] for each in done] == ["undone"] * 8
        eventually(lambda: sleeper.state == "S")  # it was told to go on, and sleeps once it has run
        assert not helper.lives
        assert not tracer.lives
        assert resource.prlimit(sleeper.pid, resource.RLIMIT_NOFILE) == limit
        os.kill(int(orphan), signal.SIGKILL)
    assert {each.name for each in tmp_path.iterdir()} == {"settings", "wal"}
    assert (tmp_path / "settings").read_text() == "as it was"
    assert (tmp_path / "settings").stat().st_mode & 0o777 == 0o640
    assert not pending.runs()
    took_s = guardian.account_of(pending.path_of("killed")).stat().st_mtime - float(killed_at)
    assert took_s < DEATH_S


DIES = """
import os, signal, sys
from stockops import scratch
from stockops.drills import undoing

with scratch.directory("drill") as folder:
    print(folder, flush=True)
    undoing._hears = lambda guardian: os.kill(os.getpid(), signal.SIGKILL)
    undoing.Undo.begin("early", folder=folder, within_s=60)
"""


def test_a_tool_that_dies_while_its_guardian_starts_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    words = [sys.executable, "-c", DIES]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    assert Path(ran.stdout.strip()).parent == tmp_path
    assert account("early")["why"] == "the tool ended"
    assert eventually(lambda: not list(tmp_path.iterdir()), DEATH_S)
    assert not pending.runs()


WRITES_ON = """
import os, signal, subprocess, sys
from stockops import scratch
from stockops.drills.undoing import Undo

with scratch.directory("drill") as folder:
    undo = Undo.begin("late", folder=folder, within_s=60)
    loop = "for n in $(seq 300); do mkdir $0/$n 2>/dev/null; sleep 0.005; done"
    subprocess.Popen(["sh", "-c", loop, folder])
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_folder_into_which_somebody_still_writes_goes_when_he_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    words = [sys.executable, "-c", WRITES_ON]
    ran = subprocess.run(words, timeout=60, check=False)
    assert ran.returncode == -signal.SIGKILL
    account("late")
    assert eventually(lambda: not list(tmp_path.iterdir()), DEATH_S)


LOADED = """
import sys
from importlib import import_module
from stockops.drills import guardian
for name in guardian.NEEDED:
    import_module(name)
before = set(sys.modules)
from stockops import proxy
from stockops.engine import connect
from stockops.errors import StockopsError
for url in sys.argv[1:]:
    try:
        with connect(url, connect_timeout_s=1):
            pass
    except StockopsError:
        pass
print(*(each for each in set(sys.modules) - before if each.startswith(("stockops", "p"))))
"""


def test_a_guardian_has_loaded_what_it_may_need_before_it_is_needed() -> None:
    """A driver that is loaded when the tool is gone takes most of the second that is promised."""
    urls = ["postgresql://x@127.0.0.1:1/x", "mariadb://x@127.0.0.1:1/x"]
    ran = subprocess.run(
        [sys.executable, "-c", LOADED, *urls],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stdout.split() == []


def test_a_run_that_ends_well_leaves_neither_journal_nor_guardian(tmp_path: Path) -> None:
    with Undo.begin("well", folder=tmp_path, within_s=60) as undo:
        token = undo.arm(Remove(path=tmp_path / "ballast"))
        undo.undone(token)
        undo.arm(Remove(path=tmp_path / "more"))
        (tmp_path / "more").mkdir()
        guard = undo.guardian
        assert guard.lives
    assert not guard.lives
    assert not (tmp_path / "more").exists()
    assert not list(pending.folder().iterdir())


def test_nothing_is_broken_without_a_guardian(tmp_path: Path) -> None:
    with Undo.begin("alone", folder=tmp_path, within_s=60) as undo:
        undo.guardian.tell(signal.SIGKILL)
        eventually(lambda: not undo.guarded)
        with pytest.raises(StockopsError, match="guardian"):
            undo.arm(Remove(path=tmp_path / "ballast"))


def test_a_run_that_takes_too_long_is_undone_while_it_hangs(tmp_path: Path) -> None:
    with sleeping() as sleeper, Undo.begin("slow", folder=tmp_path, within_s=1.0) as undo:
        undo.arm(Continue(process=sleeper))
        sleeper.tell(signal.SIGSTOP)
        assert account("slow")["why"] == "the time was over"
        eventually(lambda: sleeper.state == "S")
        with pytest.raises(StockopsError, match="time is over"):
            undo.arm(Remove(path=tmp_path / "ballast"))
