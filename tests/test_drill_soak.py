"""
Drills in a row, drawn by a seed, some of them killed or interrupted: nothing of them stays.

STOCKOPS_SOAK_DRILLS says how many (100), STOCKOPS_SOAK_SEED which.
"""

import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from conftest import Labs, eventually
from test_drill_core import DRILLS

from stockops import lab as labs
from stockops.drills import history
from stockops.lab import place

COUNT = int(os.environ.get("STOCKOPS_SOAK_DRILLS", "100"))
SEED = int(os.environ.get("STOCKOPS_SOAK_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
EACH_S = 300.0  # no drill takes longer
GONE_S = 60.0  # promised is one second; a loaded machine may take longer
LOOK_S = 0.3
KILLED_MAX_S = 20.0
WHOLE, KILLED, CTRL_C = "whole", "killed", "Ctrl-C"
LIMITS = (resource.RLIMIT_AS, resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)
SHARED = Path("/dev/shm")
_SEGMENTS = Path("/proc/sysvipc/shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What is run, and how it ends."""

    number: int
    drill: str
    engine: str
    end: Literal["whole", "killed", "Ctrl-C"]
    after_s: float

    def __str__(self) -> str:
        when = "" if self.end == WHOLE else f" after {self.after_s:.1f} s"
        return f"{self.number}: {self.drill} on {self.engine}, {self.end}{when}"


@dataclass(slots=True)
class Memory:
    """The segments of shared memory that processes under a folder have had: System V's, POSIX's."""

    root: Path
    segments: set[str] = field(default_factory=set)
    _end: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        for process in processes(self.root):
            with suppress(OSError):
                for line in (Path("/proc") / str(process) / "maps").read_text().splitlines():
                    _, _, _, _, inode, *name = line.split(maxsplit=5)
                    if name and name[0].startswith("/SYSV"):
                        self.segments.add(inode)
                    elif name and Path(name[0]).parent == SHARED:
                        self.segments.add(name[0].split(" ")[0])

    @contextmanager
    def watched(self) -> Iterator[None]:
        def go_on() -> None:
            while not self._end.wait(LOOK_S):
                self.look()

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield
        finally:
            self._end.set()
            thread.join()

    def left(self) -> list[str]:
        there = {row.split()[1] for row in _SEGMENTS.read_text().splitlines()[1:]}
        return [
            f"shared memory {each}"
            for each in sorted(self.segments)
            if each in there or (each.startswith("/") and Path(each).exists())
        ]


def drawn(seed: int, count: int) -> list[Turn]:
    """The same turns for the same seed."""
    luck = random.Random(seed)
    runs = [(each.id, engine) for each in DRILLS.values() for engine in each.engines]
    return [
        Turn(
            number=number,
            drill=drill,
            engine=engine,
            end=luck.choices((WHOLE, KILLED, CTRL_C), (6, 2, 2))[0],  # type: ignore[arg-type]
            after_s=luck.uniform(0.5, KILLED_MAX_S),
        )
        for number, (drill, engine) in enumerate((luck.choice(runs) for _ in range(count)), 1)
    ]


def processes(root: Path) -> list[int]:
    """Processes, but for this one, that work under `root`, or have it in command or environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            said = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            if str(root).encode() in said or (entry / "cwd").readlink().is_relative_to(root):
                found.append(int(entry.name))
    return found


def left(root: Path) -> list[str]:
    """What is there of drills under `root` that must not be: processes, mounts, files."""
    found = [f"process {each}" for each in processes(root)]
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    found += [f"mount {each.split()[1]}" for each in mounts if str(root) in each]
    for folder in ("labs", "work"):
        found += [str(each) for each in (root / folder).iterdir()]
    found += [str(each) for each in (root / "state").rglob("*.jsonl")]
    found += [str(each) for each in (root / "state" / "drills").glob("no-chaos*")]
    return found


def settings() -> object:
    """What a drill could have changed of the process that runs it, and of those it starts."""
    limits = {each: resource.getrlimit(each) for each in LIMITS}
    mask = os.umask(0o022)
    os.umask(mask)
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    return limits, mask, handlers, dict(os.environ), Path.cwd(), os.nice(0)


def run(turn: Turn, root: Path) -> str:
    """Run it, and return what came of it."""
    words = ["drill", "run", turn.drill, "--engine", turn.engine]
    with (root / "said").open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "stockops", *words],
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        if turn.end != WHOLE:
            with suppress(subprocess.TimeoutExpired):
                process.wait(turn.after_s)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL if turn.end == KILLED else signal.SIGINT)
                process.wait(EACH_S)
                return turn.end
        code = process.wait(EACH_S)
    finally:
        process.kill()
        process.wait()
    record = history.last(turn.drill, turn.engine)
    if record is None:
        return f"left with {code}"
    return f"{record.verdict.value}{': ' if record.reasons else ''}{'; '.join(record.reasons)}"


@pytest.fixture
def root(all_labs: Labs, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in which all of it happens: short, and entered by whoever runs servers."""
    for engine in labs.ENGINES:
        all_labs.get(engine)  # skips where the engine is missing
    top = place.labs_root()
    monkeypatch.setenv("STOCKOPS_GOLDEN", str(top))  # made once, and not by each drill
    with tempfile.TemporaryDirectory(prefix="k", dir=top) as made:
        found = Path(made)
        found.chmod(0o755)
        for name in ("labs", "work", "state"):
            (found / name).mkdir(mode=0o755)
        monkeypatch.setenv("STOCKOPS_LABS", str(found / "labs"))
        monkeypatch.setenv("STOCKOPS_STATE", str(found / "state"))
        monkeypatch.setenv("TMPDIR", str(found / "work"))
        yield found


@pytest.mark.soak
@pytest.mark.timeout(COUNT * EACH_S)
def test_drills_in_a_row_leave_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong: list[str] = []
    came: Counter[str] = Counter()
    before = settings()
    for turn in drawn(SEED, COUNT):
        memory = Memory(root)
        with memory.watched():
            said = run(turn, root)
        with suppress(pytest.fail.Exception):
            eventually(lambda: not left(root), within_s=GONE_S)
        found = [*left(root), *memory.left()]
        assert memory.segments or turn.end != WHOLE or turn.engine == "mariadb"
        came[said.partition(":")[0]] += 1
        with capsys.disabled():
            what = f"{said}; LEFT: {', '.join(found)}" if found else said
            sys.stderr.write(f"STOCKOPS_SOAK_SEED={SEED} {turn}: {what}\n")
        wrong += [f"{turn}: {each}" for each in found]
    assert settings() == before
    assert not wrong, (root / "said").read_text()[-20_000:]
    assert came["PASS"] > 0 or COUNT < 5, came


def test_the_same_seed_draws_the_same_drills() -> None:
    assert drawn(7, 20) == drawn(7, 20) != drawn(8, 20)
    assert {each.end for each in drawn(7, 40)} == {WHOLE, KILLED, CTRL_C}
    assert len({each.drill for each in drawn(7, 200)}) > 10
