"""What Prometheus makes of a fault: the rules as a drill has them, and when an alert began."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from alerting import require
from click.testing import CliRunner
from test_drill_judging import GOOD, TERMS
from test_drills_book import record
from watched import RULES

from stockops.cli.main import main
from stockops.drills import alarms, book, comparing, history, judging
from stockops.drills.head import Detect
from stockops.drills.history import Alarm, Verdict
from stockops.errors import ConfigError
from stockops.health import ranges
from stockops.targets import Config


def written(folder: Path, **detect: object) -> tuple[Alarm, ...]:
    return alarms.rules(Detect(**detect), folder)  # type: ignore[arg-type]


def rule(folder: Path, alert: str) -> dict[str, str]:
    for path in folder.glob("*.yml"):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for each in group["rules"]:
                if each.get("alert") == alert:
                    found: dict[str, str] = each
                    return found
    raise AssertionError(alert)


def test_the_rules_are_ours_with_short_looks_back_and_the_limits_of_the_drill(
    tmp_path: Path,
) -> None:
    names = ("PostgresqlDown", "PostgresqlIdleInTransaction", "MariadbRowLockWaits")
    limits = {"PostgresqlIdleInTransaction": ranges.parse("3"), names[2]: ranges.parse("0.5")}
    down, idle, waits = written(tmp_path, alerts=names, thresholds=limits)
    assert (down.alert, down.lasts, down.here) == ("PostgresqlDown", "1m", "")
    assert (idle.lasts, idle.here) == ("2m", "> 3 instead of 600")
    assert waits.here == "rates over 15s, > 0.5 instead of 5"
    assert rule(tmp_path, names[1])["expr"].endswith("> 3")
    assert "[15s]) / 1000 > 0.5" in rule(tmp_path, names[2])["expr"]
    assert rule(tmp_path, names[1])["for"] == "2m"
    assert sorted(path.name for path in tmp_path.iterdir()) == [path.name for path in RULES]


def test_prometheus_reads_the_rules_of_every_drill_with_limits_of_its_own(tmp_path: Path) -> None:
    every = [drill.on(engine).detect for drill in book.load(Config()) for engine in drill.engines]
    limited = [each for each in every if {*each.thresholds} & {*each.alerts}]
    assert limited
    for number, detect in enumerate(limited):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = alarms.rules(detect, folder)
        assert [each.alert for each in found] == [*detect.alerts]
    require("promtool")
    said = subprocess.run(
        ["promtool", "check", "rules", *tmp_path.glob("*/*.yml")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr


def test_a_threshold_is_for_a_rule_with_one_number(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="MariadbSlowQueries compares with 2 numbers"):
        written(tmp_path, thresholds={"MariadbSlowQueries": ranges.parse("1")})


def test_an_alert_that_was_there_before_tells_nothing_of_the_fault() -> None:
    there = {98.0, 98.5, 99.0, 99.5, 100.0, 100.5, 101.0}
    assert alarms.begun(there, 100.0) == []
    assert alarms.begun(there | {104.0, 104.5}, 100.0) == [104.0]
    assert alarms.begun({101.5, 102.0}, 100.0) == [101.5]


def test_an_alert_that_is_not_even_pending_fails_the_drill() -> None:
    silent = replace(GOOD, silent=("PostgresqlDown",))
    verdict, reasons = judging.judge(TERMS, silent)
    assert verdict is Verdict.FAIL
    assert reasons == ("the alert PostgresqlDown was not even pending",)


def test_what_alerts_came_to_is_kept_and_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path))
    runs = [
        record(alarms=(Alarm(alert="PostgresqlDown", pending_s=pending_s, lasts="1m"),))
        for pending_s in (1.0, 2.0, None)
    ]
    assert history.read(history.write(runs[0])) == runs[0]
    [line] = comparing.alerts(runs)
    assert (line.runs, line.silent, line.pending_s, line.firing_s) == (3, 1, 1.5, None)


def test_without_prometheus_it_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    said = CliRunner().invoke(main, ["drill", "run", "server-killed", "--prometheus"])
    assert said.exit_code == ConfigError.exit_code
    assert "there is no prometheus on the PATH" in said.output


def test_the_plan_names_the_alerts_that_are_expected() -> None:
    words = ["drill", "run", "server-killed", "--prometheus", "--plan", "--format", "json"]
    require("prometheus")
    said = CliRunner().invoke(main, words)
    steps = [each["why"] for each in json.loads(said.stdout)]
    assert "expected: PostgresqlDown, PostgresqlRestarted" in steps
