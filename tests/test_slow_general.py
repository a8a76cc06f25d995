"""The general log of MySQL and MariaDB: calls, and no times."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from stockops import lab as labs
from stockops.cli.main import main
from stockops.engine import connect
from stockops.slow import formats, reading, report
from stockops.slow.accounting import Account
from stockops.slow.digest import Digest
from stockops.slow.reading import Filter, Reading

MYSQL = (
    b"/usr/sbin/mysqld, Version: 8.0.36 (MySQL Community Server - GPL). started with:\n"
    b"Tcp port: 3306  Unix socket: /run/mysqld/mysqld.sock\n"
    b"Time                 Id Command    Argument\n"
    b"2026-01-05T00:00:00.000001Z\t    8 Connect\tkim@10.0.0.5 on shop using TCP/IP\n"
    b"2026-01-05T00:00:00.500000Z\t    8 Prepare\tSELECT a FROM t WHERE id = ?\n"
    b"2026-01-05T00:00:01.000000Z\t    8 Execute\tSELECT a FROM t WHERE id = 1\n"
    b"2026-01-05T00:00:01.000000Z\t    9 Connect\tlee@10.0.0.6 on  using TCP/IP\n"
    b"2026-01-05T00:00:01.000000Z\t    9 Init DB\ttrading\n"
    b"2026-01-05T00:00:02.000000Z\t    9 Query\tINSERT INTO t VALUES (1,\n'two\n\nlines')\n"
    b"2026-01-05T00:00:02.500000+09:00\t    8 Execute\tSELECT a FROM t WHERE id = 2\n"
    b"2026-01-05T00:00:03.000000Z\t    9 Query\tUSE `shop`;\n"
    b"2026-01-05T00:00:03.000000Z\t    9 Query\tselect a from t where id = 3\n"
    b"2026-01-05T00:00:03.000000Z\t    9 Quit\t\n"
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "general.log"
    path.write_bytes(MYSQL)
    return path


def digest_of(path: Path, *, piece: int = 1 << 22) -> Digest:
    return reading.digest(Reading(files=(str(path),), piece_bytes=piece, range_bytes=1000))


def test_each_call_is_counted_with_who_asked_and_where(log: Path) -> None:
    read = Reading(files=(str(log),))
    told = [
        (each.sql, each.user, each.host, each.database, each.at_us, each.timed)
        for each, _ in reading.events(read, Account())
        if each.source == "execution" and not each.admin
    ]
    second = 1_767_571_200_000_000
    kim, lee = ("kim", "10.0.0.5", "shop"), ("lee", "10.0.0.6")
    assert told == [
        ("SELECT a FROM t WHERE id = 1", *kim, second + 1_000_000, False),
        ("INSERT INTO t VALUES (1,\n'two\n\nlines')", *lee, "trading", second + 2_000_000, False),
        ("SELECT a FROM t WHERE id = 2", *kim, second + 2_500_000 - 9 * 3_600_000_000, False),
        ("USE `shop`", *lee, "trading", second + 3_000_000, False),
        ("select a from t where id = 3", *lee, "shop", second + 3_000_000, False),
    ]


def test_a_log_without_times_ranks_by_calls_and_says_so(log: Path) -> None:
    ran = CliRunner().invoke(main, ["slow", "digest", str(log)])
    assert ran.exit_code == 0, ran.output
    assert "the log has no times, so classes are ranked by calls" in ran.output
    assert "0.000" not in ran.output
    rows = ran.output.splitlines()
    assert "SELECT" in next(row for row in rows if " 3 " in row)
    ran = CliRunner().invoke(main, ["slow", "digest", "--by", "p99", "--format=json", str(log)])
    assert ran.exit_code == 1
    assert "ranked by calls, not by p99" in ran.stderr
    said = json.loads(ran.stdout)
    assert (said["ranked_by"], said["untimed"]) == ("calls", 5)
    assert {row["total_s"] for row in said["classes"]} == {None}
    assert said["classes"][0]["calls"] == said["classes"][0]["untimed"] == 3
    ran = CliRunner().invoke(main, ["slow", "snapshot", str(log.with_suffix(".json")), str(log)])
    assert (ran.exit_code, "no times" in ran.stderr) == (1, True)
    ran = CliRunner().invoke(main, ["slow", "events", str(log)])
    assert {json.loads(line)["duration_s"] for line in ran.stdout.splitlines()} == {None}


def test_no_cut_of_a_general_log_loses_who_asked(log: Path) -> None:
    log.write_bytes(MYSQL * 20)
    whole = [repr(row) for row in report.classes(digest_of(log), by="calls")]
    draw = random.Random(6)
    for _ in range(5):
        cut = digest_of(log, piece=draw.randrange(50, 900))
        assert [repr(row) for row in report.classes(cut, by="calls")] == whole
        assert cut.account.understood == 1.0


def test_a_slow_log_and_a_general_log_together_mix_no_times(log: Path, tmp_path: Path) -> None:
    """Means and quantiles are of those calls that have a time."""
    slow = tmp_path / "slow.log"
    slow.write_bytes(
        b"# Time: 260105 00:00:00\n# User@Host: kim[kim] @ localhost []\n"
        b"# Query_time: 2.000000  Lock_time: 0.000002  Rows_sent: 1  Rows_examined: 2\n"
        b"SET timestamp=1767571200;\nSELECT a FROM t WHERE id = 7;\n"
    )
    for files in ((log, slow), (slow, log)):
        found = reading.digest(Reading(files=tuple(map(str, files))))
        row = report.classes(found, by="total")[0]
        assert (row.calls, row.untimed, row.mean_ms, row.min_ms) == (4, 3, 2000.0, 2000.0)


SETTINGS = {
    "general_log": "1", "general_log_file": "general.log", "log_output": "FILE,TABLE",
    "slow_query_log": "1", "slow_query_log_file": "slow.log", "long_query_time": "0",
}  # fmt: skip


def test_what_a_real_mariadb_logs_in_three_places_is_the_same(tmp_path: Path) -> None:
    """Its slow log as a file and as a table, and its general log: the same calls of each class."""
    with labs.temporary("mariadb", settings=SETTINGS) as lab:
        with connect(lab.url()) as server:
            server.execute("CREATE TABLE t AS SELECT seq AS id FROM seq_1_to_20")
            for n in range(7):
                server.rows(f"SELECT id FROM t\nWHERE id = {n} OR 'it''s' = '{n}'")
            server.execute("PREPARE p FROM 'SELECT count(*) FROM t WHERE id < ?'")
            server.execute("SET @a = 3")
            server.execute("EXECUTE p USING @a")
            table = server.rows(
                "SELECT CAST(sql_text AS CHAR) AS said, db, CAST(query_time AS CHAR) AS took "
                "FROM mysql.slow_log WHERE CAST(sql_text AS CHAR) LIKE 'SELECT id%%'"
            )
        for name in ("general.log", "slow.log"):
            (tmp_path / name).write_bytes((lab.data / name).read_bytes())
    asked: dict[str, Counter[str]] = {}
    for name in ("general.log", "slow.log"):
        found = digest_of(tmp_path / name)
        assert found.account.understood == 1.0
        asked[name] = Counter(
            {e.text: e.calls for e in found.classes.values() if "FROM t" in e.text and e.entries}
        )
    assert asked["general.log"] == asked["slow.log"]
    assert sorted(asked["slow.log"].values()) == [1, 7]
    keep = Filter(databases=frozenset({"trading"}))
    files = (str(tmp_path / "slow.log"),)
    executed = [
        (each.sql, each.database, each.duration_us)
        for each, _ in reading.events(Reading(files=files, keep=keep), Account())
        if each.sql.startswith("SELECT id")
    ]
    rows = [
        (row["said"], row["db"], round(float(str(row["took"]).rpartition(":")[2]) * 1e6))
        for row in table
    ]
    assert sorted(rows) == sorted(executed)


def test_a_banner_alone_is_that_of_a_slow_log() -> None:
    """Both logs begin so; what follows tells them apart."""
    banner = MYSQL[: MYSQL.index(b"2026")]
    assert formats.detect(banner, file="x").name == "mysql slow log"
    assert formats.detect(MYSQL, file="x").name == "mysql general log"
