"""What a session says in several entries, and others between, is put together; never wrongly."""

import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pgrows
import pytest
import slowlogs

from stockops.errors import ConfigError
from stockops.slow import reading, report
from stockops.slow.accounting import Account
from stockops.slow.digest import Digest
from stockops.slow.reading import Reading

TRUTH = slowlogs.made_up(200)
ROWS = pgrows.apart(TRUTH)


@pytest.fixture(params=list(pgrows.FORMATS))
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "server.log"
    path.write_bytes(pgrows.FORMATS[request.param](ROWS))
    return path


def digest_of(path: Path, *, jobs: int = 1, piece: int = 1 << 22, part: int = 1 << 25) -> Digest:
    read = Reading(files=(str(path),), piece_bytes=piece, range_bytes=part)
    return reading.digest(read, jobs=jobs)


def shown(digest: Digest) -> str:
    rows = report.classes(digest, by="total")
    return json.dumps([report.summary(digest), list(map(repr, rows))])


def test_a_statement_and_its_duration_are_one_execution(log: Path) -> None:
    found = digest_of(log)
    ended = [each for each in TRUTH if not pgrows.failed(each)]
    sums: Counter[int] = Counter()
    for each in ended:
        sums[each.which] += each.duration_us
    assert found.account.understood == 1.0
    assert sum(each.calls for each in found.classes.values()) == len(ended)
    assert sorted(each.total_us for each in found.classes.values()) == sorted(sums.values())
    # Parse and bind stand alone, and so does a statement that an error ended.
    assert found.notices["duration"] == 2 * sum(map(pgrows.extended, TRUTH))
    assert found.notices["statement"] == found.notices["error"] == len(TRUTH) - len(ended)


def test_every_execution_has_its_own_duration_and_parameters(log: Path) -> None:
    account = Account()
    told = [
        (event.sql, event.duration_us, event.user, event.parameters)
        for event, _ in reading.events(Reading(files=(str(log),)), account)
        if event.source == "execution"
    ]
    expected = [
        (
            each.sql, each.duration_us, each.user,
            f"$1 = '{each.rows}'" if pgrows.extended(each) else "",
        )
        for each in TRUTH
        if not pgrows.failed(each)
    ]  # fmt: skip
    assert sorted(told) == sorted(expected)


def test_no_cut_loses_what_belongs_together(log: Path) -> None:
    """Not a line of a statement, not its duration: stretches that are put together are whole."""
    whole = shown(digest_of(log))
    draw = random.Random(5)
    for _ in range(2):
        piece, part = draw.randrange(100, 3000), draw.randrange(20_000, 40_000)
        assert shown(digest_of(log, piece=piece, part=part)) == whole
    assert shown(digest_of(log, jobs=2, piece=700, part=25_000)) == whole


def test_lines_without_a_session_are_not_put_together(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_bytes(b"LOG:  statement: SELECT 1\nLOG:  duration: 1.000 ms\n" * 3)
    found = digest_of(path)
    assert not found.classes
    assert found.notices == {"statement": 3, "duration": 3}


def test_a_process_of_the_same_number_is_another_session(tmp_path: Path) -> None:
    """A backend that was killed says nothing more; the next of its number has its own durations."""
    row = {"timestamp": "2026-01-05 00:00:00.000 UTC", "error_severity": "LOG"}
    path = tmp_path / "server.json"
    said = [("65a1b2c3", "statement: SELECT 1"), ("65a1b2ff", "duration: 9.000 ms")]
    rows = [{**row, "session_id": f"{start}.64", "message": text} for start, text in said]
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    assert digest_of(path).notices == {"statement": 1, "duration": 1}


def test_a_line_far_from_its_entry_is_skipped_wherever_the_file_is_cut(tmp_path: Path) -> None:
    """So that what has to be kept in memory is bounded."""
    at = "2026-01-05 00:00:00.000 UTC"
    other = f"{at} [2] a@b LOG:  checkpoint {'x' * 980}\n".encode()
    path = tmp_path / "server.log"
    detail = f"{at} [1] a@b DETAIL:  parameters: $1 = 1\n".encode()
    path.write_bytes(f"{at} [1] a@b LOG:  statement: SELECT 1\n".encode() + other * 1100 + detail)
    for part in (1 << 25, 1 << 19, 123_456):
        found = digest_of(path, part=part)
        assert (found.account.skipped_bytes, found.notices["statement"]) == (len(detail), 1)


FORGED = "2026-01-05 00:00:00.000 UTC [9] kim@shop LOG:  duration: 9999999.000 ms  statement: y"


@pytest.mark.parametrize("name", ["syslog", "syslog, iso, whole", "syslog, rfc5424", "journal"])
def test_what_syslog_cuts_is_put_together_and_what_it_forges_is_not_believed(
    name: str, tmp_path: Path
) -> None:
    """A piece of a statement may begin anywhere, even with what looks like an entry."""
    sql = "SELECT '" + "한글 " * 400 + "x" * 2000 + FORGED + "'\n\tFROM t\n\nWHERE #012" + FORGED
    row = ROWS[0]
    said = [
        replace(row, pid=pid, message=f"duration: {pid}.000 ms  statement: {sql}") for pid in (1, 2)
    ]
    path = tmp_path / "syslog"
    path.write_bytes(pgrows.FORMATS[name](said))
    events = [each for each, _ in reading.events(Reading(files=(str(path),)), Account())]
    assert sorted(each.duration_us for each in events) == [1000, 2000]
    for each in events:
        if name == "journal":
            assert " ".join(each.sql.split()) == " ".join(sql.split())
        assert each.sql.startswith(sql[: 1200 + 2000])
        assert " ".join(each.sql.split()).count("LOG: duration") == 2


def test_a_syslog_says_whose_lines_it_reads_and_knows_no_year(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    path.write_bytes(
        b"Jan  5 09:00:00 db1 sshd[1]: Accepted publickey\n"
        b"Jan  5 09:00:01 db1 pg-main[2]: [1] LOG:  duration: 1.000 ms  statement: SELECT 1\n"
    )
    found = digest_of(path)
    assert found.formats[str(path)] == "postgresql syslog, of pg-main; log_line_prefix ''"
    assert (found.account.entries, found.account.understood, found.first_us) == (1, 1.0, None)
    assert sum(each.calls for each in found.classes.values()) == 1


def test_a_syslog_without_postgresql_is_no_log_that_is_known(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    path.write_bytes(b"Jan  5 09:00:00 db1 sshd[1]: Accepted publickey\n")
    with pytest.raises(ConfigError, match="no log in a format that is known"):
        digest_of(path)
