"""The ready jobs: for cron, for systemd, and that every one of them runs."""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from stockops.cli.main import main
from stockops.errors import ConfigError
from stockops.jobs import crontab, entries, records, schedules, units
from stockops.jobs.entries import Place, Planned

FOREIGN = "MAILTO=dba\n# mine\n17 3 * * * /usr/local/bin/mine 50\\%\n@reboot x"
CONFIG = """
default: prod
targets:
  prod: {url: "postgresql://h/d", protected: true}
  my: {url: "mariadb://h/d"}
notify:
  channels:
    log: {type: log, path: /tmp/x.log}
    hook: {type: webhook, url: "http://127.0.0.1:1/x"}
  messages: {push: hook}
"""


def job(*args: str) -> Result:
    return CliRunner().invoke(main, ["job", *args])


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "it's 100% mine.yaml"
    file.write_text(CONFIG)
    return str(file)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The crontab of a user, kept by a program that takes and gives it as cron's does."""
    kept = tmp_path / "crontab"
    program = tmp_path / "bin" / "crontab"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\ncase $1 in\n-l) [ -e {kept} ] && exec cat {kept}; "
        f"echo no crontab for $USER >&2; exit 1;;\n-) exec cat >{kept};;\nesac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return kept


def planned(argv: tuple[str, ...]) -> Planned:
    return Planned(
        name="x", title="T", at="* * * * *", every_s=60, timeout_s=60, argv=argv, environment=()
    )


def parsed(argv: tuple[str, ...]) -> click.Context:
    """Have click take `argv` apart, without running it."""
    words = [*argv[len(entries.program()) :]]
    assert argv == (*entries.program(), *words)
    context, command = click.Context(main), main.get_command(click.Context(main), words.pop(0))
    while isinstance(command, click.Group):
        command = command.get_command(context, words.pop(0))
    assert command
    return command.make_context("it", words, parent=context)


def test_every_ready_job_is_a_command_that_parses(
    config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOCKOPS_REPOSITORY", "/x")
    monkeypatch.setenv("STOCKOPS_CONFIG", config)
    place = Place(
        targets=("prod",),
        protected=frozenset({"prod"}),
        config=Path(config),
        has=frozenset(entries.NEEDS),
    )
    jobs = entries.plan(entries.load(), place)
    assert {each.name for each in jobs} == {
        "backup-prod", "books-prod", "drill", "health-prod", "jobs", "messages-prod",
        "partitions-prod", "settlement-prod",
    }  # fmt: skip
    for each in jobs:
        context = parsed(each.argv)
        assert context.command.name == "run"
        assert context.params["name"] == each.name
        assert (context.params["every_s"], context.params["timeout_s"]) == (
            each.every_s,
            each.timeout_s,
        )
        assert not isinstance(parsed(context.params["argv"]).command, click.Group), each.name
        assert each.timeout_s <= each.every_s


def test_what_stockops_yaml_does_not_name_is_left_out(config: str) -> None:
    bare = job("crontab")
    assert "messages is left out" in bare.stderr
    assert "--notify" not in bare.stdout
    full = job("crontab", "-t", "prod", "-t", "my", "--config", config)
    assert (full.exit_code, full.stderr) == (0, "")
    for words in ("--good 1 --", "--i-mean prod", "run health-my ", "run backup-prod "):
        assert words in full.stdout
    assert "--i-mean my" not in full.stdout
    assert full.stdout.count("run drill ") == 1
    line = next(line for line in full.stdout.splitlines() if "run drill " in line)
    assert shlex.split(line.split(" ", 5)[5].replace(r"\%", "%"))[-1] == config


def test_the_crontab_keeps_the_lines_of_others(table: Path, config: str) -> None:
    table.write_text(FOREIGN)
    args = ("crontab", "-t", "prod", "--config", config)
    plan = job(*args, "--install", "--plan")
    assert (plan.exit_code, table.read_text()) == (0, FOREIGN)
    assert plan.stdout.count("\n+") == job(*args).stdout.count("\n") + 1
    assert records.names() == []
    assert job(*args, "--install").stdout == "8 jobs are in the crontab\n"
    assert table.read_text() == f"{FOREIGN}\n{job(*args).stdout}"
    assert len(records.names()) == 8
    assert job("list").exit_code == 1  # none of them ever ran
    first = table.read_text()
    table.write_text(first + "5 5 * * * another\n")
    assert job(*args, "--install").stdout == "the crontab is as it was\n"
    assert job("crontab", "--install", "--config", config).exit_code == 0  # no target named
    assert "health-prod" not in table.read_text()
    assert job("crontab", "--remove").exit_code == 0
    assert table.read_text() == f"{FOREIGN}\n5 5 * * * another\n"


def test_a_crontab_that_is_not_there_yet(table: Path) -> None:
    assert job("crontab", "--remove").stdout == "the crontab is as it was\n"
    assert job("crontab", "--install").exit_code == 0
    assert table.read_text() == job("crontab").stdout


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace(crontab.END + "\n", ""),
        lambda text: text.replace(crontab.BEGIN + "\n", ""),
        lambda text: text + text,
        lambda text: f"{crontab.END}\n{text.replace(crontab.END, '')}",
    ],
    ids=["no end", "no beginning", "twice", "turned around"],
)
def test_a_damaged_block_is_left_alone(damage: Callable[[str], str], table: Path) -> None:
    job("crontab", "--install")
    table.write_text(damage(table.read_text()))
    before = table.read_text()
    result = job("crontab", "--install")
    assert (result.exit_code, table.read_text()) == (2, before)
    assert "crontab -e" in result.stderr


def test_a_line_that_cron_would_cut_is_refused(table: Path, tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*(name * 200 for name in "abcde"))
    deep.mkdir(parents=True)
    (deep / "stockops.yaml").write_text(CONFIG)
    result = job("crontab", "--install", "--config", str(deep / "stockops.yaml"))
    assert (result.exit_code, table.exists()) == (2, False)
    assert "is too long for cron" in result.stderr
    exact = crontab.COMMAND_CHARACTERS_MAX - len(f"PATH={crontab.PATH} ")
    assert crontab.lines([planned(("x" * exact,))])
    with pytest.raises(ConfigError):
        crontab.lines([planned(("x" * (exact + 1),))])


def test_without_cron_the_next_step_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = job("crontab", "--install")
    assert (result.exit_code, "apt-get install cron" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("at", "calendar"),
    [
        ("30 1 * * *", "*-*-* 01:30:00"),
        ("*/15 * * * *", "*-*-* *:00/15:00"),
        ("10,40 8-18 * * 1-5", "Mon..Fri *-*-* 08..18:10,40:00"),
        ("0 4 * * 0,7", "Sun,Sun *-*-* 04:00:00"),
        ("0 5 25 */2 *", "*-01/2-25 05:00:00"),
        ("0-30/10 * 1 * *", "*-*-01 *:00..30/10:00"),
    ],
)
def test_the_five_fields_are_a_calendar(at: str, calendar: str) -> None:
    assert schedules.calendar(schedules.check(at.replace(" ", "  "), where="x")) == calendar


@pytest.mark.parametrize(
    "at",
    ["", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *",
     "* * * * 8", "5-1 * * * *", "*/0 * * * *", "5/2 * * * *", "x * * * *", "1, * * * *",
     "1 1 1 * 1", "* * * * */2", "@daily", "-1 * * * *", "* * * JAN *"],
)  # fmt: skip
def test_what_is_no_time_is_refused(at: str) -> None:
    with pytest.raises(ConfigError):
        schedules.check(at, where="x")


def test_systemd_finds_no_fault_with_the_units(config: str, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("there is no systemd-analyze here")
    folder = tmp_path / "units"
    args = ("timers", "-t", "prod", "-t", "my", "--config", config, "--folder", str(folder))
    plan = job(*args, "--install", "--plan")
    assert (plan.exit_code, folder.exists(), "\n+OnCalendar=" in plan.stdout) == (0, False, True)
    done = job(*args, "--install")
    assert done.exit_code == 0
    assert "daemon-reload && " in done.stderr
    found = sorted(folder.iterdir())
    assert len(found) == 29
    said = subprocess.run(
        [program, "verify", "--recursive-errors=yes", *map(str, found)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (said.returncode, said.stdout + said.stderr) == (0, "")
    again = job(*args, "--install", "--plan")
    assert again.stdout.count("is as it would be") == 29
    (folder / "stockops-job-foreign.timer").write_text("# mine\n")
    assert job("timers", "--remove", "--folder", str(folder)).exit_code == 0
    assert [each.name for each in folder.iterdir()] == ["stockops-job-foreign.timer"]


def test_what_systemd_would_read_otherwise_is_quoted() -> None:
    words = ("a b", "50%", "$HOME", 'say "x"', "back\\slash", "", "it's", "a;b")
    unit = units.files([planned(words)], Place())["stockops-job-x.service"]
    (line,) = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    assert line == ('ExecStart="a b" 50%% $$HOME "say \\"x\\"" "back\\\\slash" "" "it\'s" "a;b"')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x: {at: '* * * * *'}", "every wants one line"),
        ("x: {title: t, at: '* *', every: 1d, timeout: 1h, command: c}", "has 2 fields"),
        ("x: {title: t, at: '* * * * *', every: 1d, timeout: soon, command: c}", "no length of"),
        ("x: {title: t, at: '* * * * *', every: 1d, timeout: 0, command: c}", "empty word"),
        ("x: {title: t, at: '* * * * *', every: 1d, timeout: 1h, command: \"c 'd\"}", "quotation"),
        ("x: {title: t, evry: 1d}", "unknown key 'evry'"),
        ("x: {title: t, at: '* * * * *', every: 1d, timeout: 1h, command: c, needs: it}", "'it'"),
        ("Bad Name: {title: t, at: '* * * * *', every: 1d, timeout: 1h, command: c}", "Bad Name"),
        ("", "no job stands in"),
    ],
)
def test_a_list_with_a_mistake_names_its_place(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "jobs.yaml"
    file.write_text(f"{text}\n")
    result = job("crontab", "--jobs", str(file))
    assert result.exit_code == 2
    assert words in result.stderr
    assert "jobs.yaml" in result.stderr


def test_a_target_that_cron_could_not_name_is_refused() -> None:
    assert job("crontab", "-t", "postgresql://h/d").exit_code == 2


def test_who_must_know_is_told_of_a_job_that_fails_and_that_it_is_well(tmp_path: Path) -> None:
    told = tmp_path / "told.log"
    file = tmp_path / "stockops.yaml"
    file.write_text(f"notify:\n  channels: {{log: {{type: log, path: {told}}}}}\n")
    args = ("list", "--notify", "--config", str(file))
    job("run", "nightly", "--", "sh", "-c", "exit 3")
    for _ in range(2):
        assert job(*args).exit_code == 1
    job("run", "nightly", "--", "true")
    assert job(*args).exit_code == 0
    lines = [json.loads(line) for line in told.read_text().splitlines()]
    assert [(line["name"], line["kind"]) for line in lines] == [
        ("job:nightly", "problem"),
        ("job:nightly", "recovered"),
    ]
