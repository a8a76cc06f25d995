"""Indexes built again beside readers and writers: what is chosen, what it leaves, what stops it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import ending, eventually

from stockops import sessions
from stockops.cli.main import main
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.indexes import rebuilding
from stockops.targets import Target


def stockops(target: Target, *args: str) -> Result:
    return CliRunner().invoke(main, ["index", "rebuild", "-t", target.url, *args])


@pytest.fixture
def held(server: Server, target: Target) -> Server:
    """A table with an index ``room``, which is full, and another table ``other``."""
    rows = "generate_series(1, 40000) AS s(seq)" if is_postgresql(server) else "seq_1_to_40000"
    server.execute("CREATE TABLE held (id int PRIMARY KEY, a int)")
    server.execute(f"INSERT INTO held SELECT seq, seq * 7 FROM {rows}")
    server.execute("CREATE INDEX room ON held (a)")
    server.execute("CREATE TABLE other (id int PRIMARY KEY)")
    server.execute("INSERT INTO other VALUES (1), (2)")
    analyze(server)
    return server


def is_postgresql(server: Server) -> bool:
    return server.engine == "postgresql"


def analyze(server: Server) -> None:
    how = "VACUUM ANALYZE" if is_postgresql(server) else "ANALYZE TABLE"
    server.execute(f"{how} held, other")


@contextmanager
def in_the_way(target: Target) -> Iterator[Server]:
    """Have a session that a rebuild waits for: an old snapshot, or a transaction on the table."""
    with (
        connect(target, application="in the way") as other,
        other.transaction(isolation="repeatable read"),
    ):
        table = "other" if is_postgresql(other) else "held"
        other.rows(f"SELECT count(*) AS n FROM {table}")
        yield other


def test_what_is_bloated_is_built_again_and_smaller(held: Server, target: Target) -> None:
    whole = stockops(target)
    assert (whole.exit_code, "nothing to build again" in whole.stderr) == (0, True)
    # InnoDB gives the room back as it clears away what nobody can see any more: here somebody can.
    with in_the_way(target):
        held.execute("DELETE FROM held WHERE id % 20 <> 0")
        analyze(held)
    limits = ("--min-bloat", "0") if is_postgresql(held) else ("room",)
    wanted = [["held_pkey"], ["room"]] if is_postgresql(held) else [["room"]]
    steps = json.loads(stockops(target, *limits, "--plan", "--format", "json").stdout)
    assert all("readers and writers go on" in step["why"] for step in steps)
    done = stockops(target, *limits, "--format", "json")
    rows = json.loads(done.stdout)
    assert [row["index_names"] for row in rows] == wanted
    assert (done.exit_code, {row["outcome"] for row in rows}) == (0, {"rebuilt"})
    assert all(row["after_bytes"] < row["before_bytes"] for row in rows)
    assert [each["n"] for each in held.rows("SELECT count(*) AS n FROM held")] == [2000]


@pytest.mark.parametrize("engine", ["postgresql"])
def test_what_a_failed_build_left_is_dropped_and_what_is_invalid_works_again(
    held: Server, target: Target
) -> None:
    held.execute("CREATE INDEX room_ccnew1 ON held (a)")
    held.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid IN "
        "('room'::regclass, 'room_ccnew1'::regclass)"
    )
    done = stockops(target, "--format", "json")
    found = {tuple(row["index_names"]): row["outcome"] for row in json.loads(done.stdout)}
    assert found == {("room_ccnew1",): "dropped", ("room",): "rebuilt"}
    assert done.exit_code == 0
    assert held.rows("SELECT count(*) AS n FROM pg_index WHERE NOT indisvalid") == [{"n": 0}]


@pytest.mark.parametrize("engine", ["postgresql"])
def test_what_cannot_be_built_says_why_and_leaves_nothing(held: Server, target: Target) -> None:
    held.execute("CREATE TABLE twice (a int)")
    held.execute("INSERT INTO twice VALUES (1), (1)")
    with pytest.raises(Exception, match="could not create unique index"):
        held.execute("CREATE UNIQUE INDEX CONCURRENTLY one ON twice (a)")
    done = stockops(target, "--format", "json")
    (row,) = json.loads(done.stdout)
    assert (done.exit_code, row["outcome"]) == (1, "failed")
    assert "could not create unique index" in row["note"]
    assert rebuilding.left_behind(held) == []


def test_who_stands_in_the_way_is_named_and_nothing_is_left(held: Server, target: Target) -> None:
    with in_the_way(target) as other:
        done = stockops(target, "room", "--lock-timeout", "1", "--tries", "2", "--format", "json")
        (row,) = json.loads(done.stdout)
        assert (done.exit_code, row["outcome"]) == (1, "failed")
        assert f"tried 2 times, in the way: session {other.session_id}" in row["note"]
        assert "no lock on try 1 of 2" in done.stderr
        assert rebuilding.left_behind(held) == []
    assert stockops(target, "room").exit_code == 0


def test_ctrl_c_stops_the_server_and_leaves_nothing(held: Server, target: Target) -> None:
    words = [sys.executable, "-m", "stockops", "index", "rebuild", "-t", target.url, "room"]

    def at_work() -> list[str]:
        found = sessions.activity(held)
        return [
            each.sql_text
            for each in found
            if each.state == "active" and each.sql_text.startswith(("REINDEX", "ALTER TABLE"))
        ]

    with (
        in_the_way(target),
        subprocess.Popen(
            [*words, "--lock-timeout", "60"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as run,
        ending(run),
    ):
        eventually(at_work)
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=60)
        assert (run.returncode, b"Traceback" in errors) == (130, False)
        assert b"nothing of it is left behind" in errors
        assert at_work() == []
        assert rebuilding.left_behind(held) == []


def test_what_the_command_refuses(held: Server, target: Target, tmp_path: Path) -> None:
    assert stockops(target, "nothing").exit_code == 2
    config = tmp_path / "stockops.yaml"
    config.write_text(f"targets:\n  prod: {{url: '{target.url}', protected: true}}\n")
    asked = ["index", "rebuild", "--config", str(config), "-t", "prod", "held.room"]
    refused = CliRunner().invoke(main, asked)
    assert (refused.exit_code, "--i-mean prod" in refused.stderr) == (5, True)
    assert CliRunner().invoke(main, [*asked, "--plan"]).exit_code == 0
    assert CliRunner().invoke(main, [*asked, "--i-mean", "prod"]).exit_code == 0
    held.execute("CREATE INDEX same ON other (id)")
    held.execute("CREATE INDEX same_too ON held (a)")
    assert stockops(target, "other.same", "same_too", "--plan").exit_code == 0
