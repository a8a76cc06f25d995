"""Drills are run: what they break is mended by the runbook, and nothing acknowledged is lost."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from alerting import require
from conftest import Labs, eventually

from stockops import disk
from stockops import lab as labs
from stockops.drills import book, choosing, controls, guard, history, load, running
from stockops.drills.faults import FAULTS
from stockops.drills.going import AS_WRITTEN, Manner
from stockops.drills.head import Drill, Load, Terms
from stockops.drills.history import Record, Verdict
from stockops.drills.undoing import Undo
from stockops.errors import Busy, ConfigError, Unsupported
from stockops.lab import place
from stockops.targets import Config, Target

SLACK = 5  # of every limit of time: the machine of a test has other work
DRILLS: Mapping[str, Drill] = {each.id: each for each in book.load(Config())}
CORE = [
    (each.id, engine) for each in DRILLS.values() if "core" in each.tags for engine in each.engines
]
REST = [
    (each.id, engine)
    for each in DRILLS.values()
    if "core" not in each.tags
    for engine in each.engines
]


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of its own for what is kept of runs."""
    folder = tmp_path / "state"
    monkeypatch.setenv("STOCKOPS_STATE", str(folder))
    return folder


def patient(terms: Terms) -> Terms:
    """The same terms with limits of time that a loaded machine keeps."""
    steady, detect, expect = terms.steady, terms.detect, terms.expect
    return replace(
        terms,
        steady=replace(
            steady,
            gap_ms=steady.gap_ms * SLACK,
            p99_ms=steady.p99_ms * SLACK,
            converge_s=min(steady.converge_s * 2, 120),
        ),
        detect=replace(detect, within_s=detect.within_s * 3),
        abort=replace(terms.abort, elapsed_s=terms.abort.elapsed_s * 3),
        expect=replace(expect, rto_s=expect.rto_s * SLACK),
    )


def run(name: str, engine: str, all_labs: Labs, manner: Manner = AS_WRITTEN) -> Record:
    all_labs.get(engine)  # skips where the engine is missing
    drill = DRILLS[name]
    drill = replace(drill, terms={each: patient(drill.on(each)) for each in drill.engines})
    told: list[str] = []
    try:
        return running.run(
            drill,
            engine,
            tell=lambda state, said: told.append(f"{state} {said}"),
            batch="test",
            manner=manner,
        )
    finally:
        assert nothing_is_left(), told


def nothing_is_left() -> bool:
    root = place.labs_root()
    return not list(root.glob(f"{labs.SANDBOX}*")) and not list(root.glob(f".*{labs.SANDBOX}*"))


@pytest.mark.parametrize(("name", "engine"), CORE)
def test_a_drill_of_the_core_passes(name: str, engine: str, all_labs: Labs) -> None:
    record = run(name, engine, all_labs)
    assert record.verdict is Verdict.PASS, record.reasons
    assert record.measured.acknowledged > 0
    assert record.measured.books_held == record.measured.books_checked
    assert history.last(name, engine) == record


@pytest.mark.soak
@pytest.mark.parametrize(("name", "engine"), REST)
def test_every_other_drill_passes(name: str, engine: str, all_labs: Labs) -> None:
    record = run(name, engine, all_labs)
    assert record.verdict is Verdict.PASS, record.reasons


@pytest.mark.soak
@pytest.mark.parametrize(
    ("name", "engine"),
    [each for each in CORE if DRILLS[each[0]].on(each[1]).detect.alerts],
)
def test_the_alerts_that_a_drill_of_the_core_expects_are_pending(
    name: str, engine: str, all_labs: Labs
) -> None:
    require("prometheus")
    record = run(name, engine, all_labs, Manner(prometheus=True))
    assert record.verdict is Verdict.PASS, record.reasons
    assert [each.alert for each in record.alarms] == [*DRILLS[name].on(engine).detect.alerts]
    for each in record.alarms:
        assert each.pending_s is not None
        assert each.lasts != "0s" or each.firing_s is not None


def test_every_control_goes_red(engine: str, all_labs: Labs) -> None:
    all_labs.get(engine)
    found = controls.run(engine)
    mapped = engine == "mariadb" and disk.in_memory(place.labs_root())
    assert len(found) == (1 if mapped else 2)
    assert controls.all_red(found), found
    assert nothing_is_left()


@contextmanager
def started(
    engine: str, *, name: str = "lock-storm", driver: str | None = None
) -> Iterator["subprocess.Popen[str]"]:
    words = [sys.executable, "-m", "stockops", "drill", "run", name, "--engine", engine]
    words += ["--driver", driver] if driver else []
    process = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(process: "subprocess.Popen[str]", state: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if f"  {state}" in line:
            return
    pytest.fail(f"the run ended before {state}")


STATES = [
    each if each == "OBSERVE" else pytest.param(each, marks=pytest.mark.soak)
    for each in (
        "PLAN: a server", "GUARD", "BASELINE", "INJECT", "OBSERVE", "RECOVER", "CONVERGE", "CHECK",
        "UNDO",
    )
]  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_a_tool_that_is_killed_leaves_nothing(
    state: str, engine: str, all_labs: Labs, kept: Path
) -> None:
    is_killed("lock-storm", state, engine, all_labs, kept)


@pytest.mark.soak
@pytest.mark.parametrize(("name", "engine"), [*CORE, *REST])
def test_a_tool_that_is_killed_in_any_drill_leaves_nothing(
    name: str, engine: str, all_labs: Labs, kept: Path
) -> None:
    is_killed(name, "OBSERVE", engine, all_labs, kept)


def is_killed(
    name: str,
    state: str,
    engine: str,
    all_labs: Labs,
    kept: Path,
    *,
    driver: str | None = None,
) -> None:
    """Kill a run of the drill in a state, and look for what it leaves."""
    all_labs.get(engine)
    with started(engine, name=name, driver=driver) as process:
        until(process, state)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        eventually(nothing_is_left)
        eventually(lambda: not named(str(kept)))
    assert not list((kept / "drills" / "undo").glob("*.jsonl"))


def named(text: str) -> list[int]:
    """The processes, but for this one, whose environment or command has `text` in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            said = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if text.encode() in said:
            found.append(int(entry.name))
    return found


@pytest.mark.parametrize("state", STATES)
def test_ctrl_c_undoes_everything_and_is_kept_as_aborted(
    state: str, engine: str, all_labs: Labs
) -> None:
    all_labs.get(engine)
    with started(engine) as process:
        until(process, state)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=90)
        assert process.returncode == 130
    assert nothing_is_left()
    last = history.last("lock-storm", engine)
    assert last is not None
    assert last.verdict is Verdict.ABORTED
    assert last.reasons == ("it was interrupted",)


def test_orders_end_though_a_background_job_does_not_hear_ctrl_c(
    market: Target, tmp_path: Path
) -> None:
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell starts what ends with &
    try:
        with (
            Undo.begin("load", folder=tmp_path, within_s=120) as undo,
            load.running(market, Load(), tmp_path / "load", undo) as orders,
        ):

            def answered() -> bool:
                orders.look()
                return bool(orders.answered)

            eventually(answered)
            began = time.monotonic()
            assert orders.end() is None
            assert time.monotonic() - began < load.END_S / 2
    finally:
        signal.signal(signal.SIGINT, usual)


def test_two_drills_at_once_are_one(engine: str, all_labs: Labs) -> None:
    all_labs.get(engine)
    with started(engine) as first:
        until(first, "PLAN")
        with started(engine) as second:
            _, said = second.communicate(timeout=60)
        assert second.returncode == Busy.exit_code
        assert "another drill" in said
        os.killpg(first.pid, signal.SIGINT)
        first.communicate(timeout=90)


def test_the_kill_switch_stops_a_drill_before_it_begins(
    engine: str, all_labs: Labs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(guard.SWITCH, "1")
    record = run("lock-storm", engine, all_labs)
    assert record.verdict is Verdict.ABORTED
    assert "the kill switch was thrown" in record.reasons[0]


def test_a_disk_that_has_no_room_for_a_sandbox_is_said_before_one_is_made(
    engine: str, all_labs: Labs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_labs.get(engine)
    monkeypatch.setenv("STOCKOPS_LABS", str(tmp_path / "not" / "there"))
    usual, asked = shutil.disk_usage, []

    def full(path: Path) -> object:
        asked.append(Path(path))
        return usual(path)._replace(free=5 * 2**20 if path == tmp_path else 2**40)

    monkeypatch.setattr(shutil, "disk_usage", full)
    record = running.run(DRILLS["lock-storm"], engine, tell=lambda *_: None, batch="test")
    assert record.verdict is Verdict.ABORTED
    assert record.reasons == (f"5 MiB are free for {str(tmp_path)!r} (1024 must be)",)
    assert len(asked) == 2  # where it works, and where labs would lie
    assert not (tmp_path / "not").exists()


def test_what_cannot_be_run_is_said_before_anything_is_made(all_labs: Labs) -> None:
    drill = DRILLS["lock-storm"]
    with pytest.raises(Unsupported, match="is for postgresql"):
        choosing.fault_of(replace(drill, engines=("postgresql",)), "mariadb")
    with pytest.raises(ConfigError, match="names the fault 'no_such', which there is not"):
        choosing.fault_of(replace(drill, fault="no_such"), "mariadb")
    with pytest.raises(ConfigError, match="has no driver 'magic'"):
        choosing.chosen_driver(FAULTS[drill.fault], "magic")
