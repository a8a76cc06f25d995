"""What fills the disk, and what is freed of it: nothing that is not proven to be of no use."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stockops.cli.main import main
from stockops.engine.base import Server
from stockops.targets import Target


def stockops(target: Target, verb: str, *args: str) -> Result:
    return CliRunner().invoke(main, ["storage", verb, "-t", target.url, *args])


def status(target: Target) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(stockops(target, "status", "--format", "json").stdout)
    return found


@pytest.fixture
def slot(server: Server) -> Iterator[str]:
    """A slot that keeps log and that nobody uses, as a replica leaves one that is gone."""
    name = f"stockops_test_{secrets.token_hex(4)}"
    sql = "SELECT pg_create_physical_replication_slot(%(name)s, true)"
    server.execute(sql, {"name": name})
    try:
        yield name
    finally:
        server.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
            "WHERE slot_name = %(name)s",
            {"name": name},
        )


def test_the_log_the_tables_and_the_databases_are_told_in_bytes(
    server: Server, target: Target
) -> None:
    server.execute("CREATE TABLE filling (id INT PRIMARY KEY, pad CHAR(200))")
    before = {each["kind"] for each in status(target)}
    assert {"database"} | {"postgresql": {"wal"}, "mariadb": {"binlog", "redo"}}[
        server.engine
    ] <= before
    rows = {
        "postgresql": "SELECT n, 'x' FROM generate_series(1, 5000) AS n",
        "mariadb": "SELECT seq, 'x' FROM seq_1_to_5000",
    }[server.engine]
    server.execute(f"INSERT INTO filling {rows}")
    server.execute("ANALYZE TABLE filling" if server.engine == "mariadb" else "ANALYZE filling")
    found = next(each for each in status(target) if "filling" in each["name"])
    assert found["kind"] == "table"
    assert found["size_bytes"] > 1_000_000
    table = stockops(target, "status").stdout
    assert "size_mb" in table


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_slot_nobody_uses_goes_only_when_it_is_named(
    server: Server, target: Target, slot: str
) -> None:
    (found,) = [each for each in status(target) if each["name"] == slot]
    assert (found["kind"], found["note"]) == ("slot", "nobody uses it")
    left = stockops(target, "free", "--plan", "--format", "json")
    assert f"slot {slot} keeps" in left.stderr
    assert slot not in left.stdout
    refused = stockops(target, "free", "--slot", slot)
    assert (refused.exit_code, "--yes" in refused.stderr) == (5, True)
    assert [each for each in status(target) if each["name"] == slot]
    done = stockops(target, "free", "--slot", slot, "--yes", "--format", "json")
    freed = json.loads(done.stdout)
    assert (done.exit_code, [each["outcome"] for each in freed]) == (0, ["done", "done"])
    assert [each["action"].partition("(")[0] for each in freed] == [
        "SELECT pg_drop_replication_slot",
        "CHECKPOINT",
    ]
    gone = stockops(target, "free", "--slot", slot, "--yes")
    assert (gone.exit_code, "there is no replication slot" in gone.stderr) == (5, True)


@pytest.mark.parametrize("engine", ["postgresql"])
def test_the_slot_of_somebody_else_stays(server: Server, target: Target) -> None:
    name = f"theirs_{secrets.token_hex(4)}"
    server.execute("SELECT pg_create_physical_replication_slot(%(n)s, true)", {"n": name})
    try:
        refused = stockops(target, "free", "--slot", name, "--yes")
        assert (refused.exit_code, "was not made by stockops" in refused.stderr) == (5, True)
        assert f"pg_drop_replication_slot('{name}')" in stockops(target, "free", "--plan").stderr
        assert [each for each in status(target) if each["name"] == name]
    finally:
        server.execute("SELECT pg_drop_replication_slot(%(n)s)", {"n": name})


@pytest.mark.parametrize("engine", ["postgresql"])
def test_temporary_files_are_told_with_their_session(server: Server, target: Target) -> None:
    server.execute("SET work_mem = '64kB'")
    with server.transaction():
        server.execute(
            "DECLARE sorted CURSOR FOR "
            "SELECT n, repeat('x', 100) FROM generate_series(1, 50000) AS n ORDER BY -n"
        )
        server.rows("FETCH 1 FROM sorted")
        found = {each["name"]: each for each in status(target) if each["kind"] == "temp"}
        mine = found[f"of session {server.session_id}"]
        assert (mine["note"], mine["size_bytes"] > 1_000_000) == ("it is there", True)


@pytest.mark.parametrize("engine", ["mariadb"])
def test_without_an_archive_no_binary_log_goes(server: Server, target: Target) -> None:
    server.execute("FLUSH BINARY LOGS")
    before = server.rows("SHOW BINARY LOGS")
    done = stockops(target, "free", "--yes")
    assert (done.exit_code, "no archive is named" in done.stderr) == (1, True)
    assert server.rows("SHOW BINARY LOGS")[0] == before[0]
    assert stockops(target, "free", "--slot", "x", "--plan").exit_code == 2
