"""Syncs that a library of ours slows or refuses: where it is built, and how it ends."""

import os
import subprocess
import time
from pathlib import Path

import pytest
from conftest import Labs, eventually
from test_drill_core import run

from stockops import scratch
from stockops.drills import choosing, pending, preloading, sandbox
from stockops.drills.faults import FAULTS
from stockops.drills.going import Manner
from stockops.drills.history import Verdict
from stockops.drills.undoing import Undo
from stockops.errors import StockopsError
from stockops.lab import ENGINES

BITES_S = 60.0
SLOW, FAILING = FAULTS["slow_fsync"], FAULTS["failing_fsync"]


def buildable() -> None:
    why = preloading.why_not()
    if why is not None:
        pytest.skip(why)


def test_a_program_that_syncs_is_late_or_fails_as_the_file_says(tmp_path: Path) -> None:
    buildable()
    words = preloading.built(tmp_path)
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


def test_where_nothing_compiles_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said = preloading.why_not()
    assert said is not None
    assert "there is no C compiler (cc, gcc, clang)" in said
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\necho 'dlfcn.h: No such file' >&2\nexit 1\n")
    broken.chmod(0o755)
    said = preloading.why_not()
    assert said is not None
    assert "does not build syncs.c: dlfcn.h: No such file" in said
    with pytest.raises(StockopsError, match="does not build"):
        preloading.built(tmp_path)


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
    assert choosing.needs_of(SLOW, "mariadb", {}, "preload").preloaded
    assert not choosing.needs_of(SLOW, "mariadb", {}, "strace").preloaded


@pytest.mark.soak
@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("name", ["slow-fsync", "failing-fsync"])
def test_a_drill_passes_with_it(name: str, engine: str, all_labs: Labs) -> None:
    buildable()
    record = run(name, engine, all_labs, Manner(driver="preload"))
    assert record.verdict is Verdict.PASS, record.reasons
