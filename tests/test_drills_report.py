"""``stockops drill report``: what runs came to, for a person, for CI and for Prometheus."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from browsing import PHONE, SCHEMES, browse, find_chromium
from click.testing import CliRunner, Result
from test_drills_book import record

from stockops.cli.main import main
from stockops.drills import history
from stockops.drills.history import Alarm, Measured, Moment, StepRun, Verdict
from stockops.drills.junit import junit
from stockops.report import drillruns

SLOW = Measured(
    detected_s=0.4, detected_by="blocking: <b>5</b> wait", act_s=8.3, rto_s=15.3, gap_s=15.2,
    acknowledged=1628, lost=0, books_held=27, books_checked=27,
)  # fmt: skip
TIMELINE = tuple(
    Moment(at_s=at / 2, per_s=0 if 0 < at < 30 else 60, p99_ms=4.0, errors=2 * (at == 3))
    for at in range(-6, 40)
)


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path / "state"))


def report(*args: str) -> Result:
    return CliRunner().invoke(main, ["drill", "report", *args])


def kept(number: int, **said: Any) -> history.Record:
    drill, engine = said.get("drill", "lock-storm"), said.get("engine", "postgresql")
    run = f"2026110{number}T000000-{drill}-{engine}-000{number}"
    found = record(**{"drill": drill, "engine": engine, "run": run, "measured": SLOW} | said)
    history.write(found)
    return found


def test_a_table_compares_the_runs_of_both_engines() -> None:
    for number, rto_s in enumerate((3.0, 9.0, 4.0), 1):
        kept(number, measured=Measured(rto_s=rto_s, lost=0, books_held=27, books_checked=27))
    kept(4, engine="mariadb")
    said = report()
    assert said.exit_code == 0
    [postgresql, mariadb] = [line.split() for line in said.stdout.splitlines()[2:]]
    assert postgresql[:7] == ["lock-storm", "postgresql", "3", "PASS", "-", "4.0", "9.0"]
    assert mariadb[1:7] == ["mariadb", "1", "PASS", "0.4", "15.3", "15.3"]


def test_the_last_run_decides_the_exit_code_and_no_run_is_no_success() -> None:
    assert report().exit_code == 1
    kept(1, verdict=Verdict.FAIL)
    assert report().exit_code == 1
    kept(2)
    assert report().exit_code == 0
    kept(3, engine="mariadb", verdict=Verdict.NOT_INJECTED)
    assert report().exit_code == 1
    assert report("--engine", "postgresql").exit_code == 0
    newest = json.loads(report("--last", "1", "--format", "json").stdout)
    assert [each["run"][:8] for each in newest] == ["20261102", "20261103"]


def test_a_name_chooses_and_a_wrong_one_leads_to_the_nearest() -> None:
    kept(1)
    kept(2, drill="server-killed")
    found = json.loads(report("server-killed", "--format", "json").stdout)
    assert [each["drill"] for each in found] == ["server-killed"]
    said = report("server-kiled")
    assert said.exit_code == 2
    assert "Did you mean server-killed?" in said.output


def test_the_page_says_the_verdict_in_one_line_and_draws_the_time(tmp_path: Path) -> None:
    step = StepRun(
        text="End <i>it</i>", section="Recover", mark="auto", at_s=8.3, took_s=1.0, exit_code=1,
        said="it </pre> stays",
    )  # fmt: skip
    told = (
        Alarm(alert="PostgresqlDown", pending_s=1.0, lasts="1m"),
        Alarm(alert="PostgresqlRestarted", here="> 3 instead of 600"),
    )
    kept(
        1, timeline=TIMELINE, steps=(step,), verdict=Verdict.FAIL, reasons=("<script>",),
        alarms=told,
    )  # fmt: skip
    kept(2, engine="mariadb", timeline=())
    path = tmp_path / "out" / "drills.html"
    assert report("--html", str(path)).exit_code == 1
    text = path.read_text()
    assert "1 of 2 runs passed; 0 of 3,256 acknowledged orders lost." in text
    assert not re.search(r"<script|<b>|<i>|</pre> stays|https?://", text)
    assert text.count("<svg") == 1
    assert "PostgresqlDown: pending at 1.0 s; fires when it has lasted 1m<" in text
    assert "PostgresqlRestarted: not even pending" in text
    assert "(here: &gt; 3 instead of 600)" in text
    for label in ("fault", "detected 0.4 s", "recovery 8.3 s", "orders again 15.3 s"):
        assert f">{label}</text>" in text


def test_the_picture_has_the_places_of_what_happened() -> None:
    found = drillruns.timeline(kept(1, timeline=TIMELINE))
    assert found is not None
    at = {mark.label.split(" ")[0]: mark.x for mark in found.marks}
    assert at["fault"] < at["detected"] < at["recovery"] < at["orders"]
    quiet = [each for each in found.stretches if at["fault"] + 5 < each.x < at["orders"] - 10]
    assert quiet
    assert all(each.height == 0 for each in quiet)
    assert [each for each in found.stretches if each.errors_height > 0]
    many = tuple(Moment(at_s=at, per_s=1, p99_ms=None) for at in range(1000))
    long = drillruns.timeline(kept(2, timeline=many))
    assert long is not None
    assert len(long.stretches) <= 120


def test_ci_sees_what_is_no_pass() -> None:
    records = [
        kept(1),
        kept(2, verdict=Verdict.FAIL, reasons=("3 orders \x01 lost", "and more")),
        kept(3, engine="mariadb", verdict=Verdict.NOT_INJECTED),
    ]
    [suite] = ElementTree.fromstring(junit(records))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    [failure] = suite.iter("failure")
    assert failure.get("message") == "3 orders  lost"
    [error] = suite.iter("error")
    assert error.get("type") == error.get("message") == "NOT_INJECTED"


def test_the_files_are_whole_and_a_place_that_is_none_is_told(tmp_path: Path) -> None:
    kept(1, verdict=Verdict.FAIL)
    kept(2)
    said = report("--junit", str(tmp_path / "a" / "x.xml"), "--textfile", str(tmp_path / "a"))
    assert said.exit_code == 0
    text = (tmp_path / "a" / "stockops_drills.prom").read_text()
    assert 'stockops_drill_rto_seconds{drill="lock-storm",engine="postgresql"} 15.3' in text
    assert 'verdict="PASS"} 1' in text
    assert ElementTree.parse(tmp_path / "a" / "x.xml").getroot().tag == "testsuites"
    said = report("--junit", "/proc/none/x.xml")
    assert said.exit_code == 1
    assert "cannot be written" in said.output


@pytest.mark.soak
def test_a_browser_draws_the_page_light_and_dark_and_asks_nobody(tmp_path: Path) -> None:
    kept(1, timeline=TIMELINE)
    path = tmp_path / "drills.html"
    drillruns.write(history.every(), path)
    for scheme, number in SCHEMES.items():
        done = browse(
            find_chromium(), tmp_path / scheme, f"--window-size={PHONE},2000",
            f"--blink-settings=preferredColorScheme={number}", "--dump-dom", path.as_uri(),
        )  # fmt: skip
        assert "<svg" in done.stdout
        assert "Refused to" not in done.stderr
