"""The journal of a drill, and ``drill undo``: what is left, and what may be touched."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import eventually
from test_drill_undo import sleeping

import stockops
from stockops import processes, scratch
from stockops.cli.main import main
from stockops.drills import guardian, inverse, pending
from stockops.drills.inverse import Continue, Destroy, Kill, PutBack, Remove, Sql, Step, Write
from stockops.drills.pending import Armed, Head
from stockops.engine import connect
from stockops.errors import Busy, Refused
from stockops.lab import Lab, marker
from stockops.processes import Process
from stockops.targets import Target


@pytest.fixture
def dead() -> Process:
    """The tool that broke something: it is gone."""
    with sleeping() as process:
        return process


def left(run: str, folder: Path, tool: Process, *steps: Step) -> Path:
    """Leave the journal of a run whose guardian was killed with its tool."""
    head = Head(run=run, folder=folder, tool=tool, began=pending.now())
    handle = pending.create(pending.path_of(run), head)
    for number, step in enumerate(steps, start=1):
        pending.arm(handle, Armed(number=number, step=step))
    os.close(handle)
    return pending.path_of(run)


def undo(*words: str) -> Result:
    return CliRunner().invoke(main, ["drill", "undo", *words])


def outcomes(said: Result) -> list[str]:
    return [each["outcome"] for each in json.loads(said.stdout)]


def test_every_step_comes_back_from_the_journal_as_it_was(tmp_path: Path, dead: Process) -> None:
    (tmp_path / "x").write_text("old")
    steps: list[Step] = [
        Continue(process=dead, tree=False),
        Kill(process=dead, whom="group"),
        inverse.Detach(tracer=dead),
        inverse.Limit(process=dead, what="AS", soft=-1),
        Remove(path=tmp_path / "a b", seen_by=dead),
        PutBack(path=tmp_path / "x", aside=tmp_path / "y", over=True),
        Write.of(tmp_path / "x"),
        Sql(url="postgresql://x@localhost/y", statement="SELECT '한'", lab=tmp_path, lasts=True),
        inverse.ClearProxy(control=tmp_path / "proxy" / "control"),
        Destroy(directory=tmp_path / "lab"),
    ]
    path = left("all", tmp_path, dead, *steps)
    assert [each.step for each in pending.read(path).left] == steps
    assert {type(step) for step in steps} == set(pending.KINDS.values())


def test_undo_goes_from_the_last_step_to_the_first(tmp_path: Path, dead: Process) -> None:
    log = tmp_path / "wal"
    log.write_text("broken")
    aside = tmp_path / "aside"
    aside.write_text("log")
    left("order", tmp_path, dead, PutBack(path=log, aside=aside), Remove(path=log))
    plan = undo("--plan", "--format", "json")
    assert [each["number"] for each in json.loads(plan.stdout)] == [2, 1]
    assert aside.exists()
    assert undo().exit_code == 0
    assert log.read_text() == "log"
    assert outcomes(undo("--format", "json")) == []


def test_a_process_that_is_another_one_by_now_is_left_alone(tmp_path: Path, dead: Process) -> None:
    with sleeping() as innocent:
        before = replace(innocent, began=innocent.began - 1)
        left(
            "again",
            tmp_path,
            dead,
            Kill(process=before),
            Kill(process=before, whom="group"),
            Continue(process=before),
            inverse.Detach(tracer=before),
            inverse.Limit(process=before, what="AS", soft=1 << 30),
        )
        assert set(outcomes(undo("--format", "json"))) == {"nothing to do"}
        assert innocent.lives


def test_after_a_reboot_files_come_back_and_no_process_is_touched(
    tmp_path: Path, dead: Process
) -> None:
    (tmp_path / "ballast").write_bytes(b"x")
    with sleeping() as innocent:
        before = replace(innocent, boot="another boot")
        left("boot", tmp_path, dead, Kill(process=before), Remove(path=tmp_path / "ballast"))
        assert outcomes(undo("boot", "--format", "json")) == ["undone", "nothing to do"]
        assert innocent.lives
    assert not (tmp_path / "ballast").exists()


def test_a_half_written_line_is_of_a_fault_that_was_never_made(
    tmp_path: Path, dead: Process
) -> None:
    keep, go = tmp_path / "keep", tmp_path / "go"
    for each in (keep, go):
        each.touch()
    path = left("half", tmp_path, dead, Remove(path=go), Remove(path=keep))
    path.write_bytes(path.read_bytes()[:-7])
    assert outcomes(undo("--format", "json")) == ["undone"]
    assert keep.exists()
    assert not go.exists()
    assert not path.exists()


def test_a_line_nobody_can_read_is_said_and_the_others_are_done(
    tmp_path: Path, dead: Process
) -> None:
    go = tmp_path / "go"
    go.touch()
    path = left("torn", tmp_path, dead, Remove(path=tmp_path / "x"), Remove(path=go))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"\0\0\0\n" + lines[2])
    said = undo()
    assert said.exit_code == 1
    assert "line 2" in said.stdout
    assert not go.exists()
    assert path.exists()


def test_a_step_that_fails_stays_and_hinders_no_other(tmp_path: Path, dead: Process) -> None:
    go, wal, aside = (tmp_path / name for name in ("go", "wal", "aside"))
    for each in (go, wal, aside):
        each.touch()
    too_long = tmp_path / ("n" * 250)  # its draft cannot be made
    too_long.write_text("new")
    left(
        "fails",
        tmp_path,
        dead,
        Remove(path=go),
        PutBack(path=wal, aside=aside),
        replace(Write.of(too_long), content="b2xk"),
    )
    said = undo()
    assert said.exit_code == 1
    assert f"mv -T {aside} {wal}" in said.stderr
    assert not go.exists()
    wal.unlink()
    too_long.write_text("old")
    assert outcomes(undo("--format", "json")) == ["nothing to do", "undone"]
    assert not pending.runs()


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """How to run a program as somebody without rights, whose state this is."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    switch: dict[str, Any] = {"user": 65534, "cwd": "/"}  # the group may read our Python
    with scratch.directory("nobody") as state:
        monkeypatch.setenv("STOCKOPS_STATE", str(state))
        monkeypatch.setenv("PYTHONPATH", str(Path(stockops.__file__).parents[1]))
        words = [sys.executable, "-m", "stockops", "--version"]
        try:
            subprocess.run(words, capture_output=True, check=True, **switch)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("nobody else can run this Python")
        yield {**switch, "capture_output": True, "text": True, "check": False}


def test_who_has_no_right_is_told_and_the_step_stays(
    tmp_path: Path, dead: Process, nobody: dict[str, Any]
) -> None:
    with sleeping() as process:
        process.tell(signal.SIGSTOP)
        path = left("rights", tmp_path, dead, Continue(process=process))
        for each in (path, *path.parents[:3]):
            os.chown(each, nobody["user"], -1)
        said = subprocess.run([sys.executable, "-m", "stockops", "drill", "undo"], **nobody)
        assert said.returncode == 1, said.stderr
        assert f"by hand: kill -CONT {process.pid}" in said.stderr
        assert process.state == "T"
        assert outcomes(undo("--format", "json")) == ["undone"]


def test_two_runs_are_undone_and_a_named_one_leaves_the_other(
    tmp_path: Path, dead: Process
) -> None:
    for run in ("one", "two"):
        (tmp_path / run).touch()
        left(run, tmp_path, dead, Remove(path=tmp_path / run))
    assert undo("two").exit_code == 0
    assert (tmp_path / "one").exists()
    assert not (tmp_path / "two").exists()
    assert undo("three").exit_code == 2
    assert undo().exit_code == 0
    assert not (tmp_path / "one").exists()


def test_a_run_at_work_is_not_touched_from_outside(tmp_path: Path) -> None:
    (tmp_path / "ballast").touch()
    tool = Process.of(os.getpid())
    left("alive", tmp_path, tool, Remove(path=tmp_path / "ballast"))
    assert undo("alive").exit_code == Busy.exit_code
    said = undo()
    assert (said.exit_code, f"at work, process {tool.pid}" in said.stderr) == (0, True)
    assert (tmp_path / "ballast").exists()
    with pytest.raises(Busy, match="journal already"):
        left("alive", tmp_path, tool)


def test_what_a_guardian_did_is_told_once(tmp_path: Path, dead: Process) -> None:
    (tmp_path / "ballast").touch()
    path = left("told", tmp_path, dead, Remove(path=tmp_path / "ballast"))
    words = [sys.executable, "-m", "stockops.drills.guardian", str(path), "60"]
    ran = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert ran.stdout == b"ready\n"
    assert "the guardian undid 1 of 1 step in" in undo().stderr
    assert "guardian" not in undo().stderr
    assert not guardian.accounts()


@pytest.mark.parametrize("outside", ["/etc/stockops-x", "{}/../x", "relative", "{}/link/x", "{}"])
def test_what_is_not_the_drills_is_refused(tmp_path: Path, outside: str) -> None:
    (tmp_path / "link").symlink_to("/var")
    path = Path(outside.format(tmp_path))
    for step in (
        Remove(path=path),
        PutBack(path=path, aside=tmp_path / "y"),
        PutBack(path=tmp_path / "y", aside=path),
        Write(path=path, content=None),
    ):
        with pytest.raises(Refused):
            step.check(tmp_path)


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path: Path) -> None:
    drill, precious = tmp_path / "drill", tmp_path / "precious"
    for each in (drill, precious):
        each.mkdir()
    (drill / "link").symlink_to(precious)
    assert Remove(path=drill / "link").undo(drill)
    assert precious.is_dir()
    assert not (drill / "link").is_symlink()


def sandbox(root: Path, *, temporary: bool) -> Lab:
    """A lab without a server, but for a process that works in its data."""
    made = Lab(
        name="temporary-x",
        engine="postgresql",
        version="18.1",
        directory=root / "temporary-x",
        programs=Path("/usr/bin"),
        user="nobody",
        sockets=root / "temporary-x" / "run",
        temporary=temporary,
    )
    made.data.mkdir(parents=True)
    marker.write(made)
    return made


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[tuple[Lab, Process]]:
    made = sandbox(tmp_path, temporary=True)
    with sleeping("/bin/sh", "-c", 'cd "$1" && sleep 120', "sh", str(made.data)) as shell:
        eventually(lambda: processes.below(shell.pid))
        yield made, shell


def test_a_sandbox_goes_with_all_that_works_in_it(
    worker: tuple[Lab, Process], dead: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, shell = worker
    shell.tell(signal.SIGSTOP)
    monkeypatch.setenv("STOCKOPS_LABS", "/nowhere")  # the reboot took the environment with it
    left("sandbox", made.directory.parent, dead, Destroy(directory=made.directory))
    assert outcomes(undo("--format", "json")) == ["undone"]
    assert not shell.lives
    assert not [each for each in made.directory.parent.iterdir() if each.name != "state"]


def test_a_lab_that_is_meant_to_stay_is_never_removed(tmp_path: Path) -> None:
    made = sandbox(tmp_path, temporary=False)
    step = Destroy(directory=made.directory)
    for act in (step.check, step.undo):
        with pytest.raises(Refused, match="meant to stay"):
            act(tmp_path)
    assert made.data.is_dir()


def test_a_statement_is_run_on_a_server_that_is_there(
    lab: Lab, target: Target, dead: Process
) -> None:
    with connect(target) as server:
        server.execute("CREATE TABLE pause (at integer)")
        step = Sql(url=target.url, statement="DELETE FROM pause", lab=lab.directory)
        server.execute("INSERT INTO pause VALUES (1)")
        left("sql", Path("/nowhere"), dead, step)
        assert outcomes(undo("--format", "json")) == ["undone"]
        assert server.rows("SELECT at FROM pause") == []
    gone = replace(step, lab=lab.directory.with_name("gone"))
    assert not gone.undo(Path("/nowhere"))
