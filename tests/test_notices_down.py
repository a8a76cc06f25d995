"""A lab that is down is told like any server that does not answer, and so is its return."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import Labs

from stockops.cli.main import main
from stockops.lab import ENGINES, marker


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, all_labs: Labs) -> Path:
    """Targets that are labs which nobody has started, and a file that notices go to."""
    for engine in ENGINES:
        all_labs.get(engine)  # they are to stand where those of this session do
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("STOCKOPS_LABS", str(tmp_path / "labs"))
    file = tmp_path / "stockops.yaml"
    file.write_text(
        json.dumps(
            {
                "targets": {engine: {"lab": engine} for engine in ENGINES},
                "notify": {
                    "channels": {"file": {"type": "log", "path": str(tmp_path / "notices.log")}}
                },
            }
        )
    )
    return file


def stockops(config: Path, *args: str) -> Result:
    return CliRunner().invoke(main, [*args, "--config", str(config)])


def told(config: Path) -> list[tuple[str, str, str, str]]:
    lines = (config.parent / "notices.log").read_text("utf-8").splitlines()
    said = [json.loads(line) for line in lines]
    return [(each["target"], each["name"], each["kind"], each["state"]) for each in said]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_lab_that_is_down_is_told_by_the_checks_and_by_the_books(
    config: Path, engine: str
) -> None:
    checked = stockops(config, "health", "check", "-t", engine, "--notify")
    assert checked.exit_code == 3
    assert f"no session (refused): the lab '{engine}' is not up" in checked.output
    assert told(config)[0] == (engine, "reachable", "problem", "CRITICAL")
    books = stockops(config, "books", "check", "-t", engine, "--notify")
    assert books.exit_code == 3
    assert told(config)[-1] == (engine, "books_check", "problem", "CRITICAL")
    before = told(config)
    stockops(config, "health", "check", "-t", engine, "reachable", "--notify")
    assert told(config) == before, "what lasts is not told again at once"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_lab_that_is_down_is_critical_to_nagios_and_a_target_that_there_is_not_unknown(
    config: Path, engine: str
) -> None:
    down = stockops(config, "health", "check", "-t", engine, "--format", "nagios")
    assert (down.exit_code, down.output.split(":")[0]) == (2, "STOCKOPS CRITICAL")
    none = stockops(config, "health", "check", "-t", "nobody", "--format", "nagios")
    assert (none.exit_code, none.output.split(":")[0]) == (3, "STOCKOPS UNKNOWN")


def test_a_lab_that_comes_up_is_told_as_recovered(config: Path, all_labs: Labs) -> None:
    stockops(config, "health", "check", "-t", "postgresql", "reachable", "--notify")
    content = json.loads(config.read_text())
    content["targets"]["postgresql"] = {"url": all_labs.get("postgresql").url()}
    config.write_text(json.dumps(content))
    stockops(config, "health", "check", "-t", "postgresql", "reachable", "--notify")
    assert [each[2] for each in told(config)] == ["problem", "recovered"]


def test_a_lab_that_was_stopped_and_stands_in_no_file_is_known_by_its_name(
    config: Path, all_labs: Labs
) -> None:
    mine = config.parent / "labs" / "mine"
    mine.mkdir(parents=True)
    shutil.copy(all_labs.get("mariadb").directory / marker.NAME, mine)
    done = stockops(config, "health", "check", "-t", "mine", "--notify")
    assert (done.exit_code, told(config)[0][:2]) == (3, ("mine", "reachable"))
    asked = stockops(config, "slow", "top", "-t", "mine", "--count", "1")
    assert asked.exit_code == 3
    assert "the lab 'mine' is not up" in asked.output
