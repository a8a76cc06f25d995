"""A job runs alone, in bounded time, is written down however it ends, and is missed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import eventually
from prometheus_client.parser import text_string_to_metric_families

from stockops import children, filelock
from stockops.cli.main import main
from stockops.exporter import Context, plain
from stockops.exporter.collectors import jobs as jobs_collector
from stockops.jobs import following, records, running
from stockops.jobs.records import Begun, Record, Run
from stockops.targets import Target

DAY_S = 86_400


def job(*args: str) -> Result:
    return CliRunner().invoke(main, ["job", *args])


def started(*args: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "stockops", "job", "run", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def listed(*names: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(job("list", *names, "--format", "json").stdout)
    return found


def runs(name: str) -> Sequence[Run]:
    found = records.read(name)
    return found.runs if found else ()


def written(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_success_is_silent_and_written_down() -> None:
    before_s = time.time()
    result = job("run", "quiet", "--every", "1d", "--", "sh", "-c", "echo words; echo more >&2")
    assert (result.exit_code, result.output) == (0, "")
    (seen,) = listed()
    assert (seen["job"], seen["state"], seen["last_exit_code"]) == ("quiet", "succeeded", 0)
    assert (seen["every_s"], seen["overdue"], seen["said"]) == (DAY_S, False, "")
    found = records.read("quiet")
    assert found
    assert found.last_success_s
    assert before_s <= found.last_success_s <= time.time()
    assert job("list").exit_code == 0


def test_failure_says_the_end_of_what_was_said_and_leaves_with_its_code() -> None:
    result = job("run", "bad", "--", "sh", "-c", "echo one; echo two >&2; exit 7")
    assert (result.exit_code, result.stdout) == (7, "")
    assert result.stderr.startswith("error: the job 'bad' left with code 7 after ")
    assert result.stderr.endswith("the end of what it said:\none\ntwo\n")
    (seen,) = listed("bad")
    assert (seen["state"], seen["last_success_at"], seen["said"]) == ("failed", None, "one\ntwo\n")
    assert job("list").exit_code == 1
    assert "bad said at its end:\n    one\n    two" in job("list").stdout


def test_a_code_may_be_called_good() -> None:
    args = ("--good", "1", "--", "sh", "-c", "echo found something; exit 1")
    result = job("run", "check", *args)
    assert (result.exit_code, result.output) == (0, "")
    assert (runs("check")[-1].outcome, runs("check")[-1].exit_code) == ("succeeded", 1)


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["/no/such/program"], 127, "not found"),
        (["/etc/passwd"], 126, "ermission denied"),
        (["sh", "-c", "kill -9 $$"], 137, "left with code 137"),
    ],
    ids=["no such program", "no program", "killed"],
)
def test_what_cannot_start_or_is_killed_has_the_codes_of_a_shell(
    argv: list[str], code: int, words: str
) -> None:
    result = job("run", "bad", "--", *argv)
    assert result.exit_code == code
    assert words in result.stderr


def test_of_a_flood_the_end_is_kept() -> None:
    result = job("run", "flood", "--", "sh", "-c", "seq 0 699999; exit 1")
    (cut,) = [line for line in result.stderr.splitlines() if "left out" in line]
    text = "".join(f"{n}\n" for n in range(700_000))
    assert cut == f"[{len(text) - 100_000:,} bytes before this are left out]"
    assert result.stderr.endswith(text[-100_000:])
    assert records.file_of("flood").stat().st_size < 10_000


def test_the_end_of_a_flood_takes_bounded_memory() -> None:
    tail = following.Tail()
    for _ in range(20):
        tail.add(b"x" * 65_536)
        assert len(tail.kept) <= 2 * following.TAIL_BYTES
    tail.add(b"y")
    assert tail.end == b"x" * (following.TAIL_BYTES - 1) + b"y"
    assert tail.cut_bytes == 20 * 65_536 + 1 - following.TAIL_BYTES


def test_its_output_is_shown_to_who_asks_and_no_reader_is_no_fault(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["job", "run", "-v", "loud", "--", "sh", "-c", "echo 안녕; exit 3"])
    shown = capfd.readouterr()
    assert shown.out == "안녕\n"
    assert shown.err.count("\n") == 1
    words = [sys.executable, "-m", "stockops", "job", "run", "-v", "loud", "--", "sh", "-c"]
    for script in ("echo words", "for n in $(seq 2000); do echo words; done"):
        for unbuffered in ("", "1"):
            read, write = os.pipe()
            os.close(read)
            done = subprocess.run(
                [*words, script],
                env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
                stdout=write,
                stderr=subprocess.PIPE,
                timeout=60,
                check=False,
            )
            os.close(write)
            assert (done.returncode, done.stderr) == (0, b""), (script, unbuffered)


def test_it_runs_as_it_would_by_itself(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = f"umask; pwd; cat; echo $STOCKOPS_JOB; echo ${{#STOCKOPS_JOB_RUN}}; tty >>{out}"
    before = os.umask(0o027)
    try:
        job("run", "plain", "--", "sh", "-c", f"({script}) >{out}")
    finally:
        os.umask(before)
    assert written(out).split("\n")[:5] == ["0027", str(Path.cwd()), "plain", "36", "not a tty"]


def test_too_long_ends_all_of_its_process_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "GRACE_S", 0.3)
    pids = tmp_path / "pids"
    stubborn = f"trap '' TERM; sleep 600 & echo $! $$ >{pids}; echo begun; wait; wait"
    result = job("run", "long", "--timeout", "1s", "--", "sh", "-c", stubborn)
    assert result.exit_code == 124
    assert "took longer than 1s, and was ended; the end of what it said:\nbegun" in result.stderr
    assert runs("long")[-1].outcome == "timed out"
    assert not any(is_alive(int(pid)) for pid in written(pids).split())


def test_what_it_leaves_behind_ends_with_it_and_holds_nobody_up(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    result = job("run", "leaves", "--", "sh", "-c", f"sleep 600 & echo $! >{pid}; exit 0")
    assert (result.exit_code, result.output) == (0, "")
    assert not is_alive(int(written(pid)))


def is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
    return "State:\tZ" not in status


def test_one_run_at_a_time(tmp_path: Path) -> None:
    go, ran = tmp_path / "go", tmp_path / "ran"
    first = started("one", "--", "sh", "-c", f"until [ -e {go} ]; do sleep 0.05; done")
    try:
        eventually(lambda: (found := records.read("one")) and found.begun)
        result = job("run", "one", "--", "touch", str(ran))
        assert (result.exit_code, ran.exists()) == (6, False)
        assert result.stderr.startswith("error: the job 'one' is in use by process ")
        assert [each["state"] for each in listed()] == ["running"]
        assert job("list").exit_code == 0
        assert job("forget", "one").exit_code == 6
        second = started("one", "--lock-wait", "60s", "--", "touch", str(ran))
        go.touch()
        assert second.wait(60) == 0
        second.communicate()
    finally:
        go.touch()
        first.communicate(timeout=60)
    assert ran.exists()
    assert [run.outcome for run in runs("one")] == ["succeeded", "succeeded"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_passed_on_and_is_a_failure(number: signal.Signals, tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = f"trap 'echo tidied >>{out}; exit 0' TERM; echo begun >{out}; sleep 600 & wait"
    wrapper = started("told", "--", "sh", "-c", script)
    eventually(lambda: "begun" in written(out))
    wrapper.send_signal(number)
    _, said = wrapper.communicate(timeout=60)
    assert wrapper.returncode == 128 + number
    assert f"was ended by signal {number.value} after".encode() in said
    assert written(out) == "begun\ntidied\n"
    assert (runs("told")[-1].outcome, runs("told")[-1].exit_code) == ("interrupted", 128 + number)


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = f"trap 'echo told >>{out}' TERM; echo $$ >{out}; while :; do sleep 600 & wait; done"
    wrapper = started("told", "--", "sh", "-c", script)
    pid = int(eventually(lambda: written(out)))
    wrapper.send_signal(signal.SIGTERM)
    eventually(lambda: "told" in written(out))
    wrapper.send_signal(signal.SIGTERM)
    wrapper.communicate(timeout=60)
    assert (wrapper.returncode, is_alive(pid)) == (143, False)


def test_a_wrapper_that_is_killed_leaves_no_orphan_and_a_lost_run(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = f"trap '' TERM; sleep 600 & echo $! $$ >{out}; wait; wait"
    wrapper = started("lost", "--every", "1d", "--", "sh", "-c", script)
    pids = eventually(lambda: written(out).split())
    eventually(lambda: (found := records.read("lost")) and found.begun)
    wrapper.kill()
    wrapper.communicate(timeout=60)
    (seen,) = listed()
    assert (seen["state"], seen["last_exit_code"], seen["last_duration_s"]) == ("lost", -1, None)
    assert job("list").exit_code == 1
    eventually(lambda: not any(is_alive(int(pid)) for pid in pids))
    assert job("run", "lost", "--", "true").exit_code == 0
    assert [run.outcome for run in runs("lost")] == ["lost", "succeeded"]


def test_what_a_killed_run_left_ends_before_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """No leash held it: it ended with neither its wrapper nor anybody else."""
    monkeypatch.setattr(running, "LEFTOVER_S", 0.3)
    orphans = {
        run_id: subprocess.Popen(
            ["sleep", "600"],
            env={**os.environ, running.RUN_VARIABLE: run_id},
            start_new_session=True,
        )
        for run_id in ("mine", "another")
    }
    try:
        eventually(lambda: all(children.members(each.pid) for each in orphans.values()))
        for run_id in ("another", "mine"):
            begun = Begun(run_id="mine", group=orphans[run_id].pid, started_s=time.time())
            records.write(Record(job="left", known_since_s=0, begun=begun))
            assert job("run", "left", "--", "true").exit_code == 0
        assert orphans["mine"].wait(60) == -signal.SIGKILL
        assert orphans["another"].poll() is None  # the number of the group is used again
    finally:
        for orphan in orphans.values():
            orphan.kill()
            orphan.wait(60)


def test_a_job_runs_although_nothing_can_be_read_or_written_down(tmp_path: Path) -> None:
    records.file_of("hurt").write_text("{")
    result = job("run", "hurt", "--textfile", str(tmp_path / "none"), "--", "true")
    assert result.exit_code == 0
    assert result.stderr.count("warning: ") == result.stderr.count("\n") > 0
    assert "No such file" in result.stderr
    assert runs("hurt")[-1].outcome == "succeeded"


def test_where_no_lock_can_be_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path / "file" / "state"))
    result = job("run", "none", "--", "touch", str(tmp_path / "ran"))
    assert (result.exit_code, "STOCKOPS_STATE" in result.stderr) == (2, True)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "args",
    [
        ["run", "No Name", "--", "true"],
        ["run", "../up", "--", "true"],
        ["run", "name"],
        ["run", "name", "--timeout", "soon", "--", "true"],
        ["run", "name", "--good", "256", "--", "true"],
        ["list", "nobody"],
        ["forget", "nobody"],
    ],
    ids=" ".join,
)
def test_wrong_words_are_usage_errors(args: list[str]) -> None:
    assert job(*args).exit_code == 2


def test_it_is_missed_after_two_runs_and_not_before() -> None:
    now_s = time.time()
    every = {"every_s": 4 * 3600, "known_since_s": now_s - 30 * DAY_S}
    took = Run(started_s=now_s - 3600, duration_s=3600, exit_code=0, outcome="succeeded")
    record = Record(job="x", **every, runs=(took,))  # type: ignore[arg-type]
    for hours, overdue in ((0, False), (9.9, False), (10.1, True)):
        seen = replace(record, last_success_s=now_s - hours * 3600)
        missed_s = records.missed_at_s(seen)
        assert missed_s
        assert (now_s > missed_s) is overdue, hours
    never = replace(record, last_success_s=None)
    assert records.missed_at_s(never) == never.known_since_s + 2 * (4 + 1) * 3600
    assert records.missed_at_s(replace(record, every_s=None)) is None


def test_the_list_exits_1_where_anything_is_not_well() -> None:
    nothing = job("list")
    assert (nothing.exit_code, nothing.stdout) == (1, "(none)\n")
    assert job("list", "--format", "json").stdout == "[]\n"
    job("run", "good", "--every", "1h", "--", "true")
    assert job("list").exit_code == 0
    records.expect("installed", every_s=DAY_S)
    assert [each["state"] for each in listed()] == ["succeeded", "never ran"]
    assert job("list").exit_code == 1
    assert job("list", "good").exit_code == 0
    assert job("forget", "installed").exit_code == 0
    assert job("list").exit_code == 0
    found = records.read("good")
    assert found
    assert found.last_success_s
    records.write(replace(found, last_success_s=found.last_success_s - DAY_S))
    assert listed()[0]["overdue"] is True
    assert "succeeded, overdue" in job("list").stdout
    assert job("list").exit_code == 1


def test_an_interval_stays_until_another_is_said() -> None:
    job("run", "x", "--every", "1h", "--", "true")
    job("run", "x", "--", "true")
    assert listed()[0]["every_s"] == 3600
    with filelock.hold(records.lock_of("x"), what="it"):
        records.expect("x", every_s=60)
    assert listed()[0]["every_s"] == 3600
    records.expect("x", every_s=60)
    assert listed()[0]["every_s"] == 60


def test_no_more_runs_are_kept_than_there_is_room_for() -> None:
    run = Run(started_s=1.0, duration_s=1.0, exit_code=0, outcome="failed")
    records.write(Record(job="x", known_since_s=0, runs=(run,) * records.RUNS_KEPT))
    job("run", "x", "--", "true")
    assert [each.outcome for each in runs("x")].count("failed") == records.RUNS_KEPT - 1


def test_metrics_for_the_textfile_collector(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        watch = f"cat {tmp_path}/*.prom >{tmp_path}/during; exit 4"
        args = ("--every", "1d", "--textfile", str(tmp_path), "--", "sh", "-c", watch)
        assert job("run", "nightly", *args).exit_code == 4
        eventually(lambda: (tmp_path / "during").exists())
    finally:
        os.umask(before)
    path = tmp_path / "stockops_job_nightly.prom"
    assert path.stat().st_mode & 0o777 == 0o644
    assert sorted(each.name for each in tmp_path.iterdir()) == ["during", path.name]
    found = {
        sample.name.removeprefix("stockops_job_"): sample
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }
    assert {(*sample.labels.items(),) for sample in found.values()} == {(("job", "nightly"),)}
    assert not any(sample.timestamp for sample in found.values())
    values = {name: sample.value for name, sample in found.items()}
    assert values.keys() == {
        "last_start_timestamp_seconds", "last_completion_timestamp_seconds",
        "last_duration_seconds", "last_exit_code", "expected_interval_seconds",
        "missed_timestamp_seconds",
    }  # fmt: skip
    assert (values["last_exit_code"], values["expected_interval_seconds"]) == (4, DAY_S)
    job("run", "nightly", "--textfile", str(tmp_path), "--", "true")
    assert "stockops_job_last_success_timestamp_seconds{" in path.read_text()


def test_the_exporter_gives_what_the_file_says(tmp_path: Path) -> None:
    job("run", "nightly", "--every", "1d", "--textfile", str(tmp_path), "--", "true")
    target = Target(name="test", url="postgresql://h/d")
    given = plain(jobs_collector.read(Context(target=target)))
    assert given.decode() == (tmp_path / "stockops_job_nightly.prom").read_text()
    records.expect("weekly", every_s=7 * DAY_S)
    assert b'expected_interval_seconds{job="weekly"} 604800\n' in plain(
        jobs_collector.read(Context(target=target))
    )
