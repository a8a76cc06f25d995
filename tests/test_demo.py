"""The demo tells the whole story on either engine, and leaves nothing behind, however it ends."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import eventually
from market import small_plan
from test_report import sample

from stockops import lab as labs
from stockops.cli import demo as command
from stockops.cli import main
from stockops.errors import Finding, StockopsError
from stockops.report import Latency

SMALL = ("--users", "20", "--accounts", "40", "--days", "5", "--seconds", "1", "--clients", "2")
# On a busy machine one second has no order for some invariant; the live line changes each second.
LONGER = ("--seconds", "2")
STEPS = ("Start a private server", "Build the schema", "Seed the market", "Trade")
RUN_S = 150.0
END_S = 60.0


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a directory of labs that the server's user can enter; nothing runs in it at the end."""
    with tempfile.TemporaryDirectory(prefix="labs-") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("STOCKOPS_LABS", str(Path(folder) / "labs"))
        yield Path(folder) / "labs"
        for each in labs.status():
            if each.pid is not None:
                labs.down(each.name)


@pytest.fixture
def few(tmp_path: Path) -> tuple[str, ...]:
    """What makes a demo of few issues, which is seeded in a third of the time."""
    return (*SMALL, *LONGER, "--listing", small_plan(tmp_path).listing)


@contextmanager
def started(
    *arguments: str, stderr: int | None = None, **environment: str
) -> Iterator["subprocess.Popen[str]"]:
    """Start the demo in a session of its own; whatever is left of that at the end is killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "stockops", "demo", *arguments],
        env={**os.environ, "PGPASSFILE": "/no/such/file", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if stderr is None else stderr,
        text=True,
        start_new_session=True,
    )
    try:
        with process:
            yield process
    finally:
        for pid in of_session(process.pid):
            os.kill(pid, signal.SIGKILL)


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    with started(*arguments, stderr=None, **environment) as process:
        out, err = process.communicate(timeout=RUN_S)
        assert not of_session(process.pid), "the demo left processes behind"
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def wait_for(process: "subprocess.Popen[str]", step: str) -> None:
    """Return when the demo says that it has done `step`."""
    assert process.stderr
    for line in process.stderr:
        if line.startswith(step):
            return
    pytest.fail(f"the demo ended before {step!r}")


def of_session(session: int) -> list[int]:
    """Return the processes of a session, those that are dead and not yet buried left out."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, sid = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(sid) == session and state != "Z":
            found.append(int(folder.name))
    return found


def working_in(root: Path) -> list[str]:
    """
    Return the commands of all processes whose command line or directory is inside `root`.

    Who watches a server sleeps half a second at a time, and may do so when it is gone.
    """
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            inside = str((folder / "cwd").readlink()).startswith(str(root))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if inside or str(root) in line:
            found.append(line)
    return found


@pytest.fixture
def installed(engine: str) -> str:
    """The name of an engine that this machine has; the demo makes its own lab of it."""
    try:
        labs.ENGINES[engine].find(version=None, directory=None)
    except StockopsError as exc:
        if "CI" in os.environ:
            pytest.fail(str(exc))
        pytest.skip(str(exc))
    return engine


def test_the_story_on_either_engine(installed: str, root: Path, tmp_path: Path) -> None:
    page = tmp_path / "deep" / "demo.html"
    done = run("--engine", installed, "--report", str(page), *SMALL, *LONGER)
    assert done.returncode == 0, done.stderr
    said = dict(re.findall(r"^(\w+) +(.*)$", done.stdout, re.MULTILINE))
    assert said["seeded"].startswith("961 issues, 20 users, 40 accounts, 4,805 daily prices")
    assert re.fullmatch(r"sha256 [0-9a-f]{64}", said["content"])
    assert re.fullmatch(r"[\d,]+ in 2\.\d s: [\d,]+ orders/s", said["orders"])
    assert re.fullmatch(r"p50 [\d.]+ ms, p95 [\d.]+ ms, p99 [\d.]+ m?s", said["latency"])
    assert re.fullmatch(r"[\d,]+, worth [\d,]+ won", said["trades"])
    held = re.fullmatch(r"(\d+) of (\d+) invariants held, (\d+) were checked", said["books"])
    assert held
    assert held[1] == held[2] == held[3]
    assert re.fullmatch(r"a report in .* without one, .* with it; the same rows", said["index"])
    assert said["report"] == str(page)
    assert len(done.stdout.splitlines()) <= 24
    assert len(done.stderr.splitlines()) == 8  # a line for each step
    assert "The books balance" in page.read_text("utf-8")
    assert [*root.iterdir()] == []
    assert eventually(lambda: not working_in(root))


def on_a_terminal(coding: str, *arguments: str) -> tuple[str, str]:
    """Run the demo to its end on a terminal of `coding`; return its answer and what was shown."""
    ours, theirs = pty.openpty()
    surroundings = {"PYTHONIOENCODING": coding, "LC_ALL": "C", "TERM": "xterm", "COLUMNS": "90"}
    with started(*arguments, stderr=theirs, **surroundings) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                shown += os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
        out = process.communicate(timeout=RUN_S)[0]
        assert not of_session(process.pid), "the demo left processes behind"
    os.close(ours)
    assert process.returncode == 0
    text = shown.decode(coding)
    for step in STEPS:
        assert step in text
    assert "answers" in text  # the live line
    assert out.isascii()
    return out, text


def test_json_on_a_terminal_holds_the_same_and_more(few: tuple[str, ...], root: Path) -> None:
    told = json.loads(on_a_terminal("utf-8", "--format", "json", *few)[0])
    assert told["balanced"]
    assert told["held"] == told["checked"] == len(told["books"]) > 20
    assert told["orders"] == sum(each["orders"] for each in told["outcomes"])
    assert told["trades"] > 0
    assert told["report"] is None
    assert [step["name"] for step in told["steps"]] == [
        "lab", "migrate", "seed", "trade", "seal", "books", "index", "stop",
    ]  # fmt: skip
    assert told["index"]["same_rows"]
    assert told["index"]["before_us"] > 0


def test_a_lab_kept_on_a_terminal_of_ascii_can_be_brought_up_and_gives_way_to_the_next_demo(
    few: tuple[str, ...], root: Path
) -> None:
    out, _ = on_a_terminal("ascii", "--keep", *few)
    assert "stockops lab up --name demo" in out
    assert [each.state for each in labs.status()] == ["down"]
    assert eventually(lambda: not working_in(root))

    labs.up("demo")
    busy = run(*few)
    assert busy.returncode == 5
    assert "hint: Stop it when nobody needs it: stockops lab down --name demo" in busy.stderr
    assert labs.find("demo")

    labs.down("demo")
    with started(*few) as process:
        wait_for(process, STEPS[0])
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=END_S)
    assert process.returncode == 130
    assert labs.status() == []


def test_a_lab_that_somebody_made_is_not_touched(root: Path) -> None:
    labs.up("demo")
    labs.down("demo")
    refused = run(*SMALL)
    assert refused.returncode == 5
    assert "stockops lab destroy --name demo --yes" in refused.stderr
    assert [each.state for each in labs.status()] == ["down"]


def test_one_demo_at_a_time(root: Path) -> None:
    with started("--seconds", "30", *SMALL[:-4]) as first:
        assert eventually((root / "demo").exists, within_s=END_S)
        second = run(*SMALL)
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=END_S)
    assert second.returncode == 6
    assert "in use by process" in second.stderr


@pytest.mark.parametrize(
    ("number", "code", "after"),
    [
        (signal.SIGINT, 130, None),
        (signal.SIGTERM, 143, STEPS[0]),
        (signal.SIGINT, 130, STEPS[1]),
        (signal.SIGTERM, 143, STEPS[2]),
        (signal.SIGKILL, -9, None),
        (signal.SIGKILL, -9, STEPS[2]),
    ],
)
def test_nothing_runs_on_after_a_signal(
    few: tuple[str, ...], root: Path, number: signal.Signals, code: int, after: str | None
) -> None:
    """In the making of the lab, the migrations, the seed, and the trading."""
    seeds = SMALL if after == STEPS[1] else few
    with started(*seeds, "--seconds", "60", "--clients", "4") as process:
        if after is None:
            eventually(lambda: working_in(root), within_s=END_S)
        else:
            wait_for(process, after)
        process.send_signal(number)
        _, err = process.communicate(timeout=END_S)
        assert process.returncode == code, err
        assert "Traceback" not in err
        assert eventually(lambda: not of_session(process.pid), within_s=END_S)
    assert eventually(lambda: not working_in(root), within_s=END_S)
    if number != signal.SIGKILL:
        assert labs.status() == []
        assert [*root.glob("[!.]*")] == []


def test_ctrl_c_in_a_terminal_reaches_every_process_and_is_one_line(
    few: tuple[str, ...], root: Path
) -> None:
    with started(*few, "--seconds", "60", "--clients", "4") as process:
        wait_for(process, "Seed the market")
        eventually(lambda: len(of_session(process.pid)) > 3, within_s=END_S)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=END_S)
    assert process.returncode == 130
    assert err.strip() == "error: interrupted"
    assert eventually(lambda: not working_in(root))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--users", "0"), "--users is 0"),
        (("--accounts", "-1"), "--accounts is -1"),
        (("--days", "0"), "--days is 0"),
        (("--clients", "500"), "500 clients cannot be run"),
        (("--seconds", "0"), "a run of 0.0 seconds does nothing"),
        (("--listing", "no/such.csv"), "no/such.csv"),
        (("--report", "/proc/no/such.html"), "cannot write the report '/proc/no/such.html'"),
        (("--engine", "oracle"), "'oracle' is not one of"),
    ],
)
def test_what_cannot_be_run_is_told_before_anything_is_made(
    root: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = CliRunner().invoke(main, ["demo", *arguments])
    assert done.exit_code == 2
    assert said in done.stderr
    assert not root.exists() or not [*root.iterdir()]


def test_books_that_do_not_hold_are_a_finding() -> None:
    good = sample()
    command._judge(good)
    broken = replace(good.books[3], state="violated", violations=2)
    with pytest.raises(Finding, match="1 of 20 invariants did not hold: invariant_3") as caught:
        command._judge(replace(good, books=(*good.books[:3], broken, *good.books[4:])))
    assert "--keep" in (caught.value.hint or "")


def test_books_with_nothing_to_check_are_a_finding() -> None:
    good = sample()
    empty = tuple(replace(line, state="inconclusive", looked_at=0) for line in good.books)
    for books in ((), empty):
        with pytest.raises(Finding, match="nothing was checked"):
            command._judge(replace(good, books=books))


def test_the_summary_fits_one_screen_and_any_terminal() -> None:
    text = command.summary(replace(sample(), report=Path("out/demo.html")))
    assert text.isascii()
    assert len(text.splitlines()) <= 24
    assert max(map(len, text.splitlines())) <= 80
    assert "rejected insufficient_shares 1,030, halted 85" in text


def test_the_summary_of_nothing_is_a_summary() -> None:
    empty = Latency(p50_us=0, p95_us=0, p99_us=0, max_us=0, buckets=())
    text = command.summary(
        replace(sample(), seeded=(), orders=0, outcomes=(), books=(), steps=(), latency=empty)
    )
    assert "ended    none" in text
