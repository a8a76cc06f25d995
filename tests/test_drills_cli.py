"""``stockops drill list|show|due``: the book of drills as a person and a program read it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from test_drills_book import GOOD, record, written

from stockops.cli.main import main
from stockops.drills import history


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A drill of one's own beside ours, and a state that nobody else has."""
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path / "state"))
    (tmp_path / "mine").mkdir()
    written(tmp_path / "mine")
    file = tmp_path / "stockops.yaml"
    file.write_text("drills: {folder: mine}\n")
    monkeypatch.setenv("STOCKOPS_CONFIG", str(file))
    return file


def drill(*args: str) -> Result:
    return CliRunner().invoke(main, ["drill", *args])


def test_the_list_says_how_the_last_run_came_out() -> None:
    history.write(record(engine="mariadb"))
    said = drill("list", "--tag", "disk", "--format", "json", "disk-full")
    assert said.exit_code == 0
    line = {each["drill"]: each for each in json.loads(said.stdout)}["disk-full"]
    assert line["postgresql"] == "never"
    assert line["mariadb"].startswith("PASS ")
    assert "server-killed" in drill("list").stdout


def test_a_name_that_is_none_leads_to_the_nearest() -> None:
    for words in (["list", "disk-ful"], ["show", "disk-ful"], ["due", "disk-ful"]):
        said = drill(*words)
        assert said.exit_code == 2
        assert "Did you mean disk-full?" in said.output


def test_a_file_that_is_wrong_stops_the_list_with_its_line(config: Path) -> None:
    path = config.parent / "mine" / "disk-full.md"
    path.write_text(GOOD.replace("title:", "titel:"))
    said = drill("list")
    assert said.exit_code == 2
    assert f"{path}:3: unknown key 'titel'" in said.output


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "wraparound-near"], 4, "wraparound-near on mariadb: "),
        (["show", "wraparound-near"], 4, "wraparound-near on mariadb: "),
        (["run", "--tag", "upkeep"], 1, "no such drill is for mariadb: nothing was run"),
    ],
    ids=["run by name", "shown", "run by tag"],
)
def test_a_drill_that_is_not_for_the_engine_says_so(words: list[str], code: int, said: str) -> None:
    asked = CliRunner().invoke(main, ["drill", *words, "--engine", "mariadb"])
    assert (asked.exit_code, said in asked.stderr) == (code, True), asked.output


def test_a_sentence_whose_command_is_shown_below_it_ends_before_it() -> None:
    shown = CliRunner().invoke(main, ["drill", "show", "disk-full-data"]).stdout
    assert 'Whether it ended itself, and why. "Out of disk space' in shown


def test_what_is_shown_can_be_copied_line_by_line() -> None:
    said = drill("show", "disk-full", "--engine", "mariadb")
    assert said.exit_code == 0
    lines = said.stdout.splitlines()
    assert '     stockops health check -t "$TARGET"' in lines
    assert "   exits 1 while it is so" in lines
    assert (
        "     export TARGET=...  # the server that is in trouble, as stockops.yaml names it"
        in lines
    )
    assert "     release  # in a game; else do what this says" in lines
    assert '     stockops lab up --name "$LAB"  # a lab; else: systemctl start mariadb' in lines
    assert "psql" not in said.stdout
    assert "<!--" not in said.stdout
    assert "     psql \"$URL\" -c 'SELECT 1'" in drill("show", "disk-full").stdout


def test_a_program_gets_the_whole_drill() -> None:
    said = json.loads(drill("show", "disk-full", "--format", "json").stdout)
    assert said["terms"]["mariadb"]["expect"]["rto_s"] == 60
    assert [step["mark"] for step in said["steps"]] == [
        "check", "auto", "auto", "auto", "manual", "check",
    ]  # fmt: skip


def test_what_is_due_leaves_with_1_until_all_is_proven() -> None:
    said = drill("due", "disk-full")
    assert said.exit_code == 1
    assert "2 of 2 are due" in said.output
    assert "Next: stockops drill run disk-full --engine postgresql" in said.output
    for engine in ("postgresql", "mariadb"):
        history.write(record(engine=engine))
    said = drill("due", "disk-full", "--format", "json")
    assert (said.exit_code, json.loads(said.stdout)) == (0, [])
    every = json.loads(drill("due", "disk-full", "--all", "--format", "json").stdout)
    assert [each["verdict"] for each in every] == ["PASS", "PASS"]


def test_nothing_at_all_is_no_success() -> None:
    assert drill("due", "--tag", "disk", "server-killed", "--engine", "postgresql").exit_code == 1


def test_an_alert_leads_to_its_drills_or_to_the_reason_why_there_is_none() -> None:
    said = drill("list", "--tells", "MariadbDown", "--format", "json")
    assert "server-killed" in [each["drill"] for each in json.loads(said.stdout)]
    said = drill("list", "--tells", "certificate")
    assert said.exit_code == 1
    assert "no drill makes certificate tell: " in said.stderr
    said = drill("list", "--tells", "MariadbDwn")
    assert said.exit_code == 2
    assert "Did you mean MariadbDown?" in said.output
