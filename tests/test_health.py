"""The registry of checks, and how they are run: bounded, each by itself, judged by ranges."""

import json
import math
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockops import health
from stockops.errors import ConfigError
from stockops.health import State, check, ranges, registry
from stockops.health.ranges import Range
from stockops.targets import Target

EDGES = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6).map(lambda edge: round(edge, 3))


@pytest.fixture(autouse=True)
def own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What checks remember is of this test alone."""
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path / "state"))


@pytest.mark.parametrize(
    ("text", "fine", "bad"),
    [
        ("10", [0, 5, 10], [-0.1, 10.1]),
        ("10:", [10, 1e9], [9.99, -5]),
        ("~:10", [-1e9, 10], [10.5]),
        ("10:20", [10, 15, 20], [9, 21]),
        ("@10:20", [9, 21], [10, 15, 20]),
        ("-5:5", [-5, 0, 5], [-6, 6]),
        ("@0", [-1, 0.5], [0]),
    ],
)
def test_a_range_alerts_as_nagios_says(text: str, fine: list[float], bad: list[float]) -> None:
    parsed = ranges.parse(text)
    assert [value for value in [*fine, *bad] if parsed.alerts(value)] == bad


@given(st.none() | EDGES, st.none() | EDGES, EDGES, st.booleans())
def test_a_range_says_what_its_words_say(
    low: float | None, high: float | None, value: float, inside: bool
) -> None:
    bottom = -math.inf if low is None else low
    top = math.inf if high is None else high
    text = f"{'@' if inside else ''}{'~' if low is None else low}:{'' if high is None else high}"
    if bottom > top:
        with pytest.raises(ConfigError, match="begins after its end"):
            ranges.parse(text)
        return
    parsed = ranges.parse(text)
    assert parsed.alerts(value) == ((value < bottom or value > top) != inside)
    assert ranges.parse(str(parsed)) == parsed


@given(st.text("0123456789.:@~%-+e ", max_size=9))
def test_what_is_no_range_is_said_and_nothing_else_happens(text: str) -> None:
    with suppress(ConfigError):
        parsed = ranges.parse(text)
        assert ranges.parse(str(parsed)) == parsed


def test_percent_is_of_what_the_server_allows() -> None:
    assert ranges.parse("80%").scaled(200) == Range(high=160)
    assert ranges.parse("20%:").scaled(50) == Range(low=10)
    for text in ("10:20%", "~%:5", "%", "5:%"):
        with pytest.raises(ConfigError):
            ranges.parse(text)


def test_the_worst_of_states_is_not_their_number() -> None:
    assert health.worst([State.OK, State.UNKNOWN, State.WARNING]) is State.WARNING
    assert health.worst([State.OK, State.UNKNOWN]) is State.UNKNOWN
    assert health.worst([State.CRITICAL, State.UNKNOWN]) is State.CRITICAL
    assert health.worst([]) is State.UNKNOWN


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("warnin: 80", "unknown key 'warnin'"),
        ("warning: 9:5", "begins after its end"),
        ("critical: many", "is no range"),
        ("unit: kg", "unit cannot be 'kg'"),
        ("message2: x", "unknown key 'message2'"),
        ("interval: often", "is no length of time"),
        ("rate: year", "rate cannot be 'year'"),
        ("engine: oracle", "engine cannot be 'oracle'"),
        ("probe: rust", "no probe is called"),
    ],
    ids=lambda value: value.split(":")[0],
)
def test_a_mistake_in_a_check_is_told_with_its_file(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "mine.yaml").write_text(f"title: x\ngroup: y\nmessage: z\n{line}\n")
    (tmp_path / "mine.sql").write_text("SELECT 1 AS value\n")
    with pytest.raises(ConfigError, match=said) as told:
        registry.load(None, registry.Settings(folders=(tmp_path,)))
    assert "mine.yaml" in str(told.value)


def test_a_message_may_speak_of_what_there_is_only(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    for text, said in (
        ("{vale}", "knows no {vale}"),
        ("{value", "braces"),
        ("{0}", "knows no {0}"),
    ):
        path.write_text(f'title: x\ngroup: y\nmessage: "{text}"\n')
        with pytest.raises(ConfigError, match=said):
            check.read(path)


def test_every_question_is_asked_and_answered(target: Target) -> None:
    checks = [each for each in health.load(target.engine) if each.question]
    report = health.run(target, checks)
    assert report.reason == "ok"
    asked = {each.name for each in checks} | {health.REACHABLE}
    assert {outcome.check.name for outcome in report.outcomes} == asked
    unknown = [each for each in report.outcomes if each.state is State.UNKNOWN]
    assert not [(each.check.name, each.message) for each in unknown]


def test_a_server_that_is_down_is_critical_with_a_reason(engine: str) -> None:
    gone = Target(name="gone", url=f"{engine}://nobody@127.0.0.1:1/trading")
    report = health.run(gone, health.load(engine))
    assert (report.reason, report.state) == ("refused", State.CRITICAL)
    assert [outcome.check.name for outcome in report.outcomes][:1] == [health.REACHABLE]


def stockops(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stockops", *args],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip


def test_the_command_speaks_to_nagios_too(target: Target) -> None:
    fine = stockops("health", "check", "-t", target.url, "connections", "--format", "nagios")
    assert fine.returncode == 0, fine.stdout + fine.stderr
    first, *rest = fine.stdout.splitlines()
    assert first.startswith("STOCKOPS OK: ")
    assert len(first) <= 80
    assert "'connections'=" in " ".join(rest)
    down = stockops(
        "health", "check", "-t", f"{target.engine}://x@127.0.0.1:1/t", "--format", "nagios"
    )
    assert (down.returncode, down.stdout.startswith("STOCKOPS CRITICAL: ")) == (2, True)
    for wrong in (["--nope"], ["nonsense"], ["--only", "nothing"], ["-t", "nowhere"]):
        done = stockops("health", "check", "-t", target.url, "--format", "nagios", *wrong)
        assert (done.returncode, done.stdout.startswith("STOCKOPS UNKNOWN: ")) == (3, True)


def test_the_list_and_the_json_are_for_programs(target: Target) -> None:
    listed = json.loads(stockops("health", "list", "--format", "json").stdout)
    assert {"connections", "deadlocks"} <= {each["name"] for each in listed}
    done = stockops(
        "health", "check", "-t", target.url, "--only", "connections", "--format", "json"
    )
    assert done.returncode == 0
    first, *rest = json.loads(done.stdout)
    assert first["check"] == "reachable"
    assert {each["group"] for each in rest} == {"connections"}
    told = stockops("health", "check", "-t", target.url, "connections", "--format", "prometheus")
    assert 'stockops_check_state{check="connections"} 0\n' in told.stdout
