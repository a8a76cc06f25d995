"""A sample that the log does not name: scaled as it is stated, and the report says so."""

import json
from pathlib import Path
from typing import Any

import pgrows
import pytest
import slowlogs
from click.testing import CliRunner

from stockops.cli.main import main

TRUTH = slowlogs.made_up(100)
BELOW_MS = 5


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "server.log"
    path.write_bytes(slowlogs.stderr(TRUTH))
    return path


def said(*args: str) -> dict[str, Any]:
    ran = CliRunner().invoke(main, ["slow", "digest", "--format=json", *args])
    assert ran.exit_code == 0, ran.output
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def test_calls_and_times_are_scaled_as_stated(log: Path) -> None:
    whole, scaled = said(str(log)), said("--sample-rate", "0.1", str(log))
    assert scaled["calls"] == 10 * whole["calls"] == 1000
    assert scaled["total_s"] == pytest.approx(10 * whole["total_s"])
    assert (whole["scaled"], whole["sampled"], scaled["sampled"]) == ("", False, True)
    ran = CliRunner().invoke(main, ["slow", "digest", "--sample-rate", "0.1", str(log)])
    assert "calls and times are scaled by 10, as --sample-rate says." in ran.output


def test_from_a_duration_on_all_are_logged_and_none_is_scaled(log: Path) -> None:
    few = [each for each in TRUTH if each.duration_us < BELOW_MS * 1000]
    assert 0 < len(few) < len(TRUTH)
    told = said("--sample-rate", "0.01", "--sampled-below", str(BELOW_MS), str(log))
    assert told["calls"] == 100 * len(few) + len(TRUTH) - len(few)
    assert str(told["scaled"]).endswith("of executions below 5 ms")
    ran = CliRunner().invoke(main, ["slow", "events", "--sample-rate", "0.01", str(log)])
    assert {json.loads(line)["weight"] for line in ran.stdout.splitlines()} == {100}


def test_a_statement_and_a_duration_apart_are_scaled_once(tmp_path: Path) -> None:
    path = tmp_path / "server.csv"
    path.write_bytes(pgrows.csvlog(pgrows.apart(TRUTH)))
    ended = sum(not pgrows.failed(each) for each in TRUTH)
    assert said("--sample-rate", "0.5", str(path))["calls"] == 2 * ended


def test_a_log_that_names_its_rate_is_not_scaled_twice(tmp_path: Path) -> None:
    path = tmp_path / "slow.log"
    head = (
        b"# User@Host: a[a] @ b []\n# Query_time: 1.0  Lock_time: 0.0 Rows_sent: 1  Rows_examined"
    )
    rate = b": 1\n# Log_slow_rate_type: query  Log_slow_rate_limit: 7\n"
    path.write_bytes(head + rate + b"SET timestamp=1767571200;\nSELECT 1;\n")
    assert said("--sample-rate", "0.1", str(path))["calls"] == 7


@pytest.mark.parametrize(
    "args",
    [
        ["--sample-rate", "0"],
        ["--sample-rate", "1.5"],
        ["--sample-rate", "-0.1"],
        ["--sample-rate", "nan"],
        ["--sample-rate", "1e-320"],
        ["--sample-rate", "0.1", "--sampled-below", "inf"],
        ["--sample-rate", "0.3"],
        ["--sample-rate", "0.1", "--sampled-below", "0"],
        ["--sampled-below", "100"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_a_sample_is_refused(log: Path, args: list[str]) -> None:
    ran = CliRunner().invoke(main, ["slow", "digest", *args, str(log)])
    assert ran.exit_code == 2
    assert "error:" in ran.output.lower()
