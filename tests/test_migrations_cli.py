"""`stockops migrate`: what it prints, where, and the exit code it leaves with."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_migrations import BROKEN, TABLES
from test_migrations_files import write

from stockops.cli import main
from stockops.engine.base import Server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "schema", TABLES)


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["migrate", *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_from_pending_to_applied(server: Server, url: str, folder: Path) -> None:
    here = ("-t", url, "--folder", str(folder))
    assert run("status", *here)[0] == 1
    code, _, stderr = run("verify", *here)
    assert (code, stderr.splitlines()[-2:]) == (
        1,
        ["error: nothing was checked: no migration is applied", "hint: Run: stockops migrate up"],
    )
    code, stdout, _ = run("plan", *here)
    assert code == 0
    commits = {
        "postgresql": "one transaction",
        "mariadb": "each statement commits by itself",
    }[server.engine]
    assert stdout.startswith(
        f"-- V0001__first.sql: {commits}\n-- V0001__first.sql:1\nCREATE TABLE a"
    )
    code, stdout, stderr = run("up", *here)
    assert code == 0
    assert "V0001__first.sql" in stdout
    assert "3 of 3: R__view.sql" in stderr
    assert run("up", *here)[:2] == (0, "nothing to do: every migration is applied\n")
    assert run("plan", *here)[:2] == (0, "nothing to do: every migration is applied\n")
    assert run("status", *here)[0] == 0
    assert run("verify", *here)[0] == 0


def test_every_answer_comes_as_json(url: str, folder: Path) -> None:
    here = ("-t", url, "--folder", str(folder), "--format", "json")
    fields = {
        "plan": {"file", "statement_no", "line", "transaction", "lock", "destroys", "sql"},
        "up": {"migration", "file", "kind", "statements", "ms"},
        "status": {
            *("migration", "file", "kind", "state", "note"),
            *("installed_at", "installed_by", "host", "ms"),
        },
        "verify": {"migration", "file", "finding"},
    }
    for verb, names in fields.items():
        code, stdout, _ = run(verb, *here)
        assert code == 0
        assert [set(row) for row in json.loads(stdout)] == [names] * (4 if verb == "plan" else 3)
    assert json.loads(run("up", *here)[1]) == []
    for row in json.loads(run("status", *here)[1]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", row["installed_at"])


def test_a_difference_is_shown_before_the_error(url: str, folder: Path) -> None:
    here = ("-t", url, "--folder", str(folder))
    run("up", *here)
    write(folder, {"V0001__first.sql": TABLES["V0001__first.sql"] + "SELECT 1;\n"})
    for verb in ("up", "plan"):
        code, stdout, stderr = run(verb, *here)
        assert (code, stdout) == (1, "")
        assert "\n+SELECT 1;\nerror: " in stderr
        assert stderr.splitlines()[-1].startswith("hint: Put the old text back")
    assert run("status", *here)[0] == 1
    assert run("verify", *here)[0] == 1


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        pytest.param({"V0003__third.sql": BROKEN}, 1, id="a statement that fails"),
        pytest.param({"V3__third.sql": "SELECT 1"}, 2, id="a file with a bad name"),
        pytest.param({"V0002__twin.sql": "SELECT 1"}, 2, id="a version twice"),
        pytest.param({"V0003__third.sql": "SELECT 'a"}, 2, id="a string without end"),
        pytest.param({"V0003__third.sql": "DROP TABLE a"}, 0, id="a table of this very run"),
    ],
)
def test_exit_codes(url: str, folder: Path, texts: dict[str, str], code: int) -> None:
    (folder / "R__view.sql").unlink()
    write(folder, texts)
    found, _, stderr = run("up", "-t", url, "--folder", str(folder))
    assert found == code, stderr
    assert "Traceback" not in stderr
    assert code == 0 or stderr.splitlines()[-1].startswith("hint: ")


def test_a_step_that_destroys_exits_5(url: str, folder: Path) -> None:
    here = ("-t", url, "--folder", str(folder))
    run("up", *here)
    write(folder, {"V0003__third.sql": "DROP TABLE b;"})
    code, _, stderr = run("up", *here)
    assert (code, stderr.splitlines()[-1]) == (
        5,
        "hint: Read them with --plan, then run again with --yes.",
    )
    for verb in (("plan",), ("up", "--plan")):
        assert run(*verb, *here)[1].endswith(
            "-- V0003__third.sql:1: blocks others, destroys data\nDROP TABLE b;\n"
        )
    assert run("up", *here, "--yes")[0] == 0


def test_a_folder_that_is_not_there_exits_2(url: str, tmp_path: Path) -> None:
    code, _, stderr = run("up", "-t", url, "--folder", str(tmp_path / "nowhere"))
    assert code == 2
    assert "there is no migration folder" in stderr


def test_no_server_exits_3() -> None:
    code, _, stderr = run("status", "-t", "postgresql://127.0.0.1:1/none")
    assert code == 3
    assert "Traceback" not in stderr
