"""What a library of ours slows or refuses, syncs and memory: where it is built, how it ends."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import Labs, ending, eventually
from test_drill_core import is_killed, kept, run

from stockops import limits, scratch
from stockops.drills import choosing, pending, preloading, sandbox, steps
from stockops.drills.faults import FAULTS
from stockops.drills.going import Manner
from stockops.drills.history import Verdict
from stockops.drills.undoing import Undo
from stockops.engine import connect
from stockops.errors import StockopsError
from stockops.lab import ENGINES
from stockops.processes import Process

__all__ = ["kept"]  # a place of its own for what is kept of runs
BITES_S = 60.0
TAKES_S = 60.0
SLOW, FAILING = FAULTS["slow_fsync"], FAULTS["failing_fsync"]
MEMORY = FAULTS["memory_refused"]
MIB = 1 << 20

# Takes 64 MiB for each line that it reads, gives them back, and says what its limit is.
TAKES = """
import resource, sys
for line in sys.stdin:
    try:
        said = len(bytearray(64 << 20)) and "given"
    except MemoryError:
        said = "refused"
    print(said, resource.getrlimit(resource.RLIMIT_AS)[0], flush=True)
"""


def buildable() -> None:
    """Skip where nothing can be built; that what was built does nothing is no reason."""
    for why in (preloading.syncs_why_not(), preloading.memory_why_not()):
        if why is not None and ("no C compiler" in why or "does not build" in why):
            pytest.skip(why)
        assert why is None


def test_a_program_that_syncs_is_late_or_fails_as_the_file_says(tmp_path: Path) -> None:
    buildable()
    words = preloading.built(preloading.SYNCS, tmp_path)
    environment = {**os.environ, **dict(each.split("=", 1) for each in words)}
    control = Path(environment["STOCKOPS_SYNCS"])

    def synced() -> tuple[int, float]:
        began = time.monotonic()
        code = subprocess.run(
            ["sync", tmp_path], env=environment, capture_output=True, timeout=60, check=False
        ).returncode
        return code, time.monotonic() - began

    assert synced()[0] == 0
    control.write_text("700000 0\n")
    code, took_s = synced()
    assert (code, took_s >= 0.7) == (0, True)
    control.write_text("0 5\n")
    assert synced()[0] != 0
    for nothing in ("", "soon", "900000"):
        control.write_text(nothing)
        assert synced()[0] == 0
    control.unlink()
    assert synced()[0] == 0


def test_a_program_gets_memory_as_the_file_says_and_has_its_limit_back(tmp_path: Path) -> None:
    buildable()
    words = preloading.built(preloading.MEMORY, tmp_path)
    environment = {**os.environ, **dict(each.split("=", 1) for each in words)}
    control = Path(environment["STOCKOPS_MEMORY"])
    with (
        subprocess.Popen(
            [sys.executable, "-c", TAKES],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        ) as taker,
        ending(taker),
    ):

        def takes() -> tuple[str, int]:
            assert taker.stdin
            assert taker.stdout
            taker.stdin.write("\n")
            said, limit = taker.stdout.readline().split()
            return said, int(limit)

        def require(says: str, expected: tuple[str, int]) -> None:
            control.write_text(says)
            eventually(lambda: takes() == expected, TAKES_S)

        own, parent = taker.pid, os.getpid()
        usual = takes()
        assert usual[0] == "given"
        for who in (own, parent):
            require(preloading.limiting({who: 48 * MIB}), ("refused", 48 * MIB))
            require(preloading.limiting({1: MIB}), usual)
        require(preloading.limiting({parent: 48 * MIB, own: 900 * MIB}), ("given", 900 * MIB))
        require(f"{own} {MIB}", usual)  # a line that is not whole
        control.unlink()
        assert takes() == usual
        assert taker.stdin
        taker.stdin.close()


def test_where_nothing_compiles_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said = preloading.syncs_why_not()
    assert said is not None
    assert "there is no C compiler (cc, gcc, clang)" in said
    assert preloading.memory_why_not() == said
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\necho 'dlfcn.h: No such file' >&2\nexit 1\n")
    broken.chmod(0o755)
    said = preloading.syncs_why_not()
    assert said is not None
    assert "does not build syncs.c: dlfcn.h: No such file" in said
    with pytest.raises(StockopsError, match="does not build"):
        preloading.built(preloading.SYNCS, tmp_path)


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_a_server_that_was_started_with_it_is_slow_and_then_fails(
    engine: str, all_labs: Labs
) -> None:
    all_labs.get(engine)
    buildable()
    needs = choosing.needs_of(SLOW, engine, {}, "preload")
    with (
        scratch.directory("drill") as folder,
        Undo.begin(f"preload-{engine}", folder=folder, within_s=600) as undo,
    ):
        folder.chmod(0o755)
        with sandbox.opened(engine, needs, {}, undo=undo, folder=folder) as spot:
            SLOW.inject(spot, "preload")
            eventually(lambda: SLOW.bites(spot) is not None, BITES_S)
            [control] = pending.read(undo.path).left[1:]  # the sandbox, armed first, stays
            control.step.undo(folder)  # as the guardian does
            assert SLOW.bites(spot) is None
            SLOW.lift(spot)
            SLOW.lift(spot)  # twice is once
            assert len(pending.read(undo.path).left) == 1
            FAILING.inject(spot, "preload")
            with pytest.raises(StockopsError):
                SLOW.bites(spot)  # it commits
            assert eventually(lambda: FAILING.bites(spot), BITES_S)
            FAILING.lift(spot)


def test_a_driver_says_what_it_wants_of_the_server() -> None:
    assert choosing.needs_of(SLOW, "mariadb", {}, "preload").preloaded is preloading.SYNCS
    assert choosing.needs_of(MEMORY, "mariadb", {}, "preload").preloaded is preloading.MEMORY
    assert not choosing.needs_of(SLOW, "mariadb", {}, "strace").preloaded


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_a_server_that_was_started_with_it_gets_no_more_memory(engine: str, all_labs: Labs) -> None:
    all_labs.get(engine)
    buildable()
    needs = choosing.needs_of(MEMORY, engine, {}, "preload")
    with (
        scratch.directory("drill") as folder,
        Undo.begin(f"memory-{engine}", folder=folder, within_s=600) as undo,
    ):
        folder.chmod(0o755)
        with sandbox.opened(engine, needs, {}, undo=undo, folder=folder) as spot:
            server = Process.of(spot.now.pid or 0)
            usual = limits.soft(server, "AS")
            MEMORY.inject(spot, "preload")
            eventually(lambda: MEMORY.bites(spot) is not None, BITES_S)
            [control] = pending.read(undo.path).left[1:]  # the sandbox, armed first, stays
            control.step.undo(folder)  # as the guardian does
            steps.start(spot)  # MariaDB may have ended by it

            def answers() -> bool:
                with suppress(StockopsError), connect(spot.target) as session:
                    return session.rows("SELECT 1 AS one") == [{"one": 1}]
                return False

            eventually(answers, BITES_S)
            server = Process.of(spot.now.pid or 0)
            eventually(lambda: answers() and limits.soft(server, "AS") == usual, BITES_S)
            MEMORY.lift(spot)
            MEMORY.lift(spot)  # twice is once
            assert len(pending.read(undo.path).left) == 1


@pytest.mark.soak
@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("name", ["slow-fsync", "failing-fsync", "memory-refused"])
def test_a_drill_passes_with_it(name: str, engine: str, all_labs: Labs) -> None:
    buildable()
    record = run(name, engine, all_labs, Manner(driver="preload"))
    assert record.verdict is Verdict.PASS, record.reasons


@pytest.mark.soak
def test_a_tool_that_is_killed_leaves_nothing(engine: str, all_labs: Labs, kept: Path) -> None:
    buildable()
    is_killed("memory-refused", "OBSERVE", engine, all_labs, kept, driver="preload")
