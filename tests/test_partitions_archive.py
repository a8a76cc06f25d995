"""Partitions past their time: archived, proven, detached, dropped when said, and brought back."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import eventually

from stockops.cli.main import main
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.market import KST
from stockops.partitions import NEEDED, archives
from stockops.partitions import PARTS as PARTITIONS
from stockops.partitions.detaching import lines
from stockops.targets import Target

# What a text can hold stands in the rows; the second partition is past its time as well.
TABLES = {
    "postgresql": """
CREATE TABLE old (id int NOT NULL, day date NOT NULL, said varchar(40), won numeric(12, 3),
    CONSTRAINT old_pk PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE old_first PARTITION OF old FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE old_2024 PARTITION OF old FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE old_after PARTITION OF old FOR VALUES FROM ('2025-01-01') TO (MAXVALUE);
GRANT SELECT ON old_first TO PUBLIC;
""",
    "mariadb": """
CREATE TABLE old (id INT NOT NULL, day DATE NOT NULL, said VARCHAR(40) CHARACTER SET utf8mb4,
    won DECIMAL(12, 3), PRIMARY KEY (id, day)) PARTITION BY RANGE COLUMNS (day) (
    PARTITION p_first VALUES LESS THAN ('2024-01-01'),
    PARTITION p_2024 VALUES LESS THAN ('2025-01-01'),
    PARTITION p_after VALUES LESS THAN (MAXVALUE));
""",
}
PARTS = {"postgresql": ("old_first", "old_2024"), "mariadb": ("p_first", "p_2024")}
ROWS = (
    b"1\t2020-02-29\ttab \\t line \\n back \\\\ slash\t-0.500\n"
    b"2\t2023-12-31\t\xed\x95\x9c\xea\xb8\x80 \\r\t\\N\n"
    b"3\t2023-06-01\t\\N\t123456789.125\n"
    b"4\t2024-06-01\t\t1.000\n"
    b"5\t2025-06-01\tstays\t2.000\n"
)


@pytest.fixture
def old(server: Server) -> Server:
    """A table with three partitions, the last one without an end."""
    for statement in TABLES[server.engine].strip().removesuffix(";").split(";\n"):
        server.execute(statement)
    server.load("old", ("id", "day", "said", "won"), [ROWS])
    return server


def stockops(target: Target, *args: object) -> Result:
    asked = ["partitions", str(args[0]), "-t", target.url, *map(str, args[1:])]
    return CliRunner().invoke(main, asked)


def detach(target: Target, folder: Path, *args: object) -> Result:
    return stockops(target, "detach", "--table", "old", "--keep", 12, "--to", folder, *args)


def held(server: Server, table: str = "old") -> list[tuple[object, ...]]:
    found = server.rows(f"SELECT id, day, said, won FROM {table} ORDER BY id")
    return [tuple(row.values()) for row in found]


def tables(server: Server) -> set[str]:
    here = "database()" if server.engine == "mariadb" else "'public'"
    found = server.rows(
        "SELECT table_name AS name FROM information_schema.tables "
        f"WHERE table_schema = {here} AND table_name LIKE 'old%%'"
    )
    return {str(row["name"]) for row in found}


def ends(server: Server, table: str) -> list[str]:
    return [str(part.ends_on) for part in server.fetch(PARTITIONS) if part.table_name == table]


def archive(server: Server, folder: Path, number: int = 0) -> Path:
    return archives.path_in(folder, "old", PARTS[server.engine][number])


def test_what_is_past_its_time_is_detached_proven_and_brought_back(
    old: Server, target: Target, tmp_path: Path
) -> None:
    whole = held(old)
    planned = detach(target, tmp_path, "--plan", "--format", "json")
    assert planned.exit_code == 0, planned.stderr
    assert len(json.loads(planned.stdout)) == 4
    assert [*tmp_path.iterdir()] == []
    done = detach(target, tmp_path, "--format", "json")
    assert done.exit_code == 0, done.stderr
    assert [(each["rows"], each["outcome"]) for each in json.loads(done.stdout)] == [
        (3, "detached"),
        (1, "detached"),
    ]
    assert {each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {0o600}
    assert held(old) == whole[4:]
    assert held(old, "old_first") == whole[:3]
    assert b"".join(sorted(archives.read(archive(old, tmp_path)))).count(b"\n") == 3
    refused = stockops(target, "attach", archive(old, tmp_path))
    assert (refused.exit_code, "old_first is still there" in refused.stderr) == (5, True)
    refused = detach(target, tmp_path, "--drop")
    assert (refused.exit_code, "--yes" in refused.stderr) == (5, True)
    assert "old_first" in tables(old)
    dropped = detach(target, tmp_path, "--drop", "--yes", "--format", "json")
    assert [each["outcome"] for each in json.loads(dropped.stdout)] == ["dropped"] * 2
    assert not {"old_first", "old_2024"} & tables(old)
    if old.engine == "mariadb":  # a KILL loses rows where they are reorganized
        planned = stockops(
            target, "attach", archive(old, tmp_path, 1), "--plan", "--format", "json"
        )
        assert "PARTITION BY RANGE" in json.loads(planned.stdout)[1]["action"]
    for number in (1, 0):
        back = stockops(target, "attach", archive(old, tmp_path, number), "--yes")
        assert back.exit_code == 0, back.stderr
    assert held(old) == whole
    again = stockops(target, "attach", archive(old, tmp_path))
    assert (again.exit_code, held(old)) == (5, whole)
    assert ends(old, "old") == ["2024-01-01", "2025-01-01", "None"]


def test_a_run_that_was_killed_is_ended_by_the_next(
    old: Server, target: Target, tmp_path: Path
) -> None:
    """It waits for a table that somebody reads; the server may do its statement afterwards."""
    whole = held(old)
    with connect(target) as reader, reader.transaction():
        reader.rows("SELECT count(*) AS n FROM old")
        asked = ["partitions", "detach", "-t", target.url, "--table", "old", "--keep", "12"]
        run = subprocess.Popen(
            [sys.executable, "-m", "stockops", *asked, "--to", str(tmp_path), "--tries", "20"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        eventually(archives.beside(archive(old, tmp_path)).exists)
        os.kill(run.pid, signal.SIGKILL)
        run.wait(timeout=10)
    done = eventually(lambda: ended(target, tmp_path))
    assert {each["outcome"] for each in done} <= {"dropped", "detached and dropped"}
    assert [each["rows"] for each in done] == [3, 1]
    assert held(old) == whole[4:]
    assert not {"old_first", "old_2024"} & tables(old)
    for number in (1, 0):
        assert stockops(target, "attach", archive(old, tmp_path, number), "--yes").exit_code == 0
    assert held(old) == whole


def ended(target: Target, folder: Path) -> list[dict[str, object]]:
    """The answer of a run; nothing while the lock of the killed one is not free yet."""
    said = detach(target, folder, "--drop", "--yes", "--format", "json")
    assert said.exit_code in {0, 6}, said.stderr
    found: list[dict[str, object]] = json.loads(said.stdout) if said.exit_code == 0 else []
    return found


def test_an_archive_that_holds_other_rows_is_not_written_over(
    old: Server, target: Target, tmp_path: Path
) -> None:
    path = archive(old, tmp_path)
    assert detach(target, tmp_path, "--drop", "--yes").exit_code == 0
    assert stockops(target, "attach", path, "--yes").exit_code == 0
    before = path.read_bytes()
    old.execute("UPDATE old SET won = 7 WHERE id = 3")
    said = detach(target, tmp_path, "--format", "json")
    assert said.exit_code == 1
    assert "does not hold what" in json.loads(said.stdout)[0]["note"]
    assert (path.read_bytes(), len(held(old))) == (before, 4)


def test_a_damaged_archive_drops_nothing_and_brings_nothing_back(
    old: Server, target: Target, tmp_path: Path
) -> None:
    path = archive(old, tmp_path)
    assert detach(target, tmp_path).exit_code == 0
    whole = path.read_bytes()
    path.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    said = detach(target, tmp_path, "--drop", "--yes", "--format", "json")
    assert [each["outcome"] for each in json.loads(said.stdout)] == ["failed"]
    assert said.exit_code == 1
    assert "old_first" in tables(old)
    path.write_bytes(whole)
    old.execute("UPDATE old_first SET said = 'later' WHERE id = 1")
    said = detach(target, tmp_path, "--drop", "--yes", "--format", "json")
    assert "does not hold what" in json.loads(said.stdout)[0]["note"]
    old.execute("DROP TABLE old_first")
    path.write_bytes(whole[:-3])
    said = stockops(target, "attach", path)
    assert (said.exit_code, len(held(old))) == (1, 1)
    archives.beside(path).unlink()
    assert stockops(target, "attach", path).exit_code == 2


def test_a_table_of_other_columns_takes_no_archive(
    old: Server, target: Target, tmp_path: Path
) -> None:
    assert detach(target, tmp_path, "--drop", "--yes").exit_code == 0
    old.execute("ALTER TABLE old ADD COLUMN more int")
    said = stockops(target, "attach", archive(old, tmp_path))
    assert (said.exit_code, "has other columns" in said.stderr) == (5, True)


def test_a_folder_without_room_detaches_nothing(old: Server, target: Target) -> None:
    """/dev/full refuses every byte; a folder of the system takes no name."""
    said = detach(target, Path("/proc"), "--format", "json")
    assert said.exit_code == 1
    assert json.loads(said.stdout)[0]["outcome"] == "failed"
    assert len(held(old)) == 5


@contextmanager
def small_folder(place: Path, kib: int) -> Iterator[Callable[[int], bool]]:
    """Give `place` a disk of its own of `kib`, and what makes it larger."""

    def mounted(*words: str) -> bool:
        done = subprocess.run(["mount", *words, place], capture_output=True, check=False)
        return done.returncode == 0

    place.mkdir()
    if os.geteuid() != 0 or not mounted("-t", "tmpfs", "-o", f"size={kib}k", "tmpfs"):
        pytest.skip("this machine lets nobody mount")
    try:
        yield lambda kib: mounted("-o", f"remount,size={kib}k") or pytest.fail("no larger disk")
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_a_disk_that_is_full_loses_nothing_and_the_next_run_goes_on(
    old: Server, target: Target, tmp_path: Path
) -> None:
    """Full while the rows are written, and then with room for them, but not for the manifest."""
    draw = random.Random(7)
    words = [
        bytes(draw.choices(b"abcdefghijklmnopqrstuvwxyz0123456789", k=40)) for _ in range(9000)
    ]
    rows = [
        b"%d\t2023-05-05\t%s\t1.000\n" % (number, word) for number, word in enumerate(words, 10)
    ]
    old.load("old", ("id", "day", "said", "won"), rows)
    whole, folder = held(old), tmp_path / "small"
    source = {"postgresql": "old_first", "mariadb": "old PARTITION (p_first)"}[old.engine]
    measured = archives.path_in(tmp_path, "old", "measured")
    archives.write(measured, lines(old, ["id", "day", "said", "won"], source))
    pages = -(-measured.stat().st_size // 4096)
    with small_folder(folder, 64) as grow:
        for room_kib in (64, 4 * pages):
            grow(room_kib)
            said = detach(target, folder, "--drop", "--yes", "--format", "json")
            assert said.exit_code == 1
            [found] = json.loads(said.stdout)
            assert (found["outcome"], found["rows"]) == ("failed", 0)
            assert "No space left on device" in found["note"]
            assert ([*folder.iterdir()], held(old)) == ([], whole)
        grow(4 * pages + 64)
        done = detach(target, folder, "--drop", "--yes", "--format", "json")
        assert [each["rows"] for each in json.loads(done.stdout)] == [3 + len(words), 1]
        for number in (1, 0):
            back = stockops(target, "attach", archive(old, folder, number), "--yes")
            assert back.exit_code == 0, back.stderr
        assert held(old) == whole


def test_what_the_books_need_whole_is_refused(migrated: Target, tmp_path: Path) -> None:
    for name in NEEDED:
        said = stockops(migrated, "detach", "--table", name, "--keep", 0, "--to", tmp_path)
        assert (said.exit_code, f"no partition of {name} is detached" in said.stderr) == (5, True)
    said = stockops(migrated, "detach", "--table", "users", "--keep", 0, "--to", tmp_path)
    assert (said.exit_code, "no table 'users' is partitioned by date" in said.stderr) == (2, True)


def test_prices_go_and_come_back(migrated: Target, tmp_path: Path) -> None:
    detached = stockops(
        migrated, "detach", "--table", "technical_indicators", "--table", "stock_prices",
        "--keep", 12, "--to", tmp_path, "--drop", "--yes", "--format", "json",
    )  # fmt: skip
    assert detached.exit_code == 0, detached.stderr
    found = json.loads(detached.stdout)
    assert {each["outcome"] for each in found} == {"detached and dropped"}
    for each in found:
        back = stockops(migrated, "attach", each["archive"], "--yes", "--format", "json")
        assert back.exit_code == 0, back.stderr
        assert json.loads(back.stdout)[0]["migration"].startswith("V")


def test_prices_that_the_books_work_with_stay(market: Target, tmp_path: Path) -> None:
    """Without the closes before the first trades, the limits of these days are unknown."""
    words = ["detach", "--table", "stock_prices", "--keep", "1", "--to", tmp_path]
    refused = stockops(market, *words)
    assert refused.exit_code == 5
    assert "holds prices that the books need" in refused.stderr
    assert not list(tmp_path.iterdir())


def test_apply_detaches_what_a_retention_says_and_makes_what_is_missing(
    old: Server, target: Target, tmp_path: Path
) -> None:
    whole, today = held(old), datetime.now(KST)
    keep = 12 * (today.year - 2025) + today.month - 1  # the open partition begins there
    asked = stockops(target, "plan", "--retention", keep, "--format", "json")
    assert (asked.exit_code, json.loads(asked.stdout)[0]["past"]) == (1, [*PARTS[old.engine]])
    assert stockops(target, "plan", "--retention", "=12").exit_code == 2
    nowhere = stockops(target, "apply", "--retention", "12")
    assert (nowhere.exit_code, "nothing says where" in nowhere.stderr) == (2, True)
    words = ["apply", "--retention", f"old={keep}", "--to", tmp_path, "--format", "json"]
    planned = stockops(target, *words, "--plan")
    assert planned.exit_code == 0, planned.stderr
    assert sum(each["action"].startswith("write ") for each in json.loads(planned.stdout)) == 2
    assert ([*tmp_path.iterdir()], held(old)) == ([], whole)
    done = stockops(target, *words, "--yes")
    assert done.exit_code == 0, done.stderr
    found = [(each["outcome"], each["rows_moved"]) for each in json.loads(done.stdout)]
    assert found == [("made", 1), ("detached", 3), ("detached", 1)]
    assert held(old) == whole[4:]
    again = stockops(target, *words)
    assert [each["outcome"] for each in json.loads(again.stdout)] == ["nothing was missing"]
    assert stockops(target, "plan", "--retention", keep).exit_code == 0
    words = ["--table", "old", "--keep", keep, "--to", tmp_path, "--drop", "--yes"]
    dropped = stockops(target, "detach", *words)
    assert dropped.exit_code == 0, dropped.stderr
    for number in (1, 0):
        back = stockops(target, "attach", archive(old, tmp_path, number), "--yes")
        assert back.exit_code == 0, back.stderr
    assert held(old) == whole


def test_a_retention_may_stand_in_the_file_of_targets(
    old: Server, target: Target, tmp_path: Path
) -> None:
    file = tmp_path / "stockops.yaml"

    def told(text: str, *args: str) -> Result:
        file.write_text(f"partitions: {text}\n", "utf-8")
        return stockops(target, "plan", "--config", str(file), "--format", "json", *args)

    told_of_it = told(f"{{archive: {tmp_path}, retention: {{old: 24}}}}")
    assert json.loads(told_of_it.stdout)[0]["past"][:1] == [PARTS[old.engine][0]]
    other = told("{retention: {old: 12}}", "--retention", "old=1200")
    assert json.loads(other.stdout)[0]["past"] == []
    for wrong in ("{retention: {old: -1}}", "{retention: {gone: 1}}", "{kept: 1}"):
        assert told(wrong).exit_code == 2, wrong
    assert told("{}", "--retention", "old").exit_code == 2


def test_a_retention_never_takes_what_the_books_need(migrated: Target, tmp_path: Path) -> None:
    """What has to stay does not keep the rest from being done."""
    words = ["--retention", "journal_entries=1", "--retention", "technical_indicators=12"]
    done = stockops(migrated, "apply", *words, "--to", tmp_path, "--format", "json")
    assert done.exit_code == 5, done.stderr
    found = {each["outcome"]: each for each in json.loads(done.stdout)}
    assert "sum of the whole journal" in found["refused"]["note"]
    assert found["detached"]["table_name"] == "technical_indicators"
    usual = stockops(migrated, "plan", "--retention", "12", "--format", "json")
    past = {each["table_name"].rpartition(".")[2]: each for each in json.loads(usual.stdout)}
    assert past["stock_prices"]["past"]
    for name in NEEDED:
        assert (past[name]["past"], past[name]["note"]) == ([], "")


def test_a_retention_tells_which_prices_the_books_work_with(market: Target) -> None:
    said = stockops(market, "plan", "--retention", "1", "--format", "json")
    notes = {
        each["table_name"].rpartition(".")[2]: each["note"] for each in json.loads(said.stdout)
    }
    assert "holds prices that the books need" in notes["stock_prices"]
    assert notes["technical_indicators"] == ""
