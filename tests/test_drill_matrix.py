"""A drill under several combinations of settings: what is tried, what it costs, what is kept."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import Labs, fresh_database
from test_drill_core import nothing_is_left, until
from test_drills_book import record

from stockops.cli.main import main
from stockops.drills import book, comparing, history, matrix
from stockops.drills.history import Measured, Record, Verdict
from stockops.errors import ConfigError, StockopsError
from stockops.experiments import stand
from stockops.experiments.stand import Stand
from stockops.targets import Config

SETTING = {"postgresql": "synchronous_commit", "mariadb": "innodb_flush_log_at_trx_commit"}
VALUES = {"postgresql": ("on", "off"), "mariadb": ("1", "2")}
REFUSED = {"postgresql": "maybe", "mariadb": "seven"}
WORDS = {each: f"{SETTING[each]}={','.join(VALUES[each])}" for each in SETTING}


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of its own for what is kept of runs."""
    folder = tmp_path / "state"
    monkeypatch.setenv("STOCKOPS_STATE", str(folder))
    return folder


def drill(*words: str) -> Result:
    return CliRunner().invoke(main, ["drill", *words])


def tried(engine: str, value: str, **measured: Any) -> Record:
    settings = {SETTING[engine]: value}
    return record(
        engine=engine,
        run=history.new_run("disk-full", engine, settings=settings),
        settings=settings,
        verdict=Verdict.FAIL if measured.get("lost") else Verdict.PASS,
        measured=Measured(books_held=27, books_checked=27, **measured),
    )


def test_every_combination_is_tried_and_the_last_setting_changes_fastest() -> None:
    found = matrix.parsed(["Fsync=on, off", "wal_writer_delay=10ms,200ms"])
    assert [tuple(each.values()) for each in found] == [
        ("on", "10ms"),
        ("on", "200ms"),
        ("off", "10ms"),
        ("off", "200ms"),
    ]
    assert [*found[0]] == ["fsync", "wal_writer_delay"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fsync"], "'fsync' is not a setting and its value"),
        (["fsync=on,,off"], "fsync has a value that is empty"),
        (["fsync=on,off,on"], "fsync has 'on' twice"),
        (["fsync=on", "FSYNC=off"], "fsync is set twice"),
        ([f"{name}=1,2,3,4" for name in ("a", "b", "c", "d")], "more than 64 combinations"),
    ],
    ids=["no value", "an empty one", "one twice", "a setting twice", "too many"],
)
def test_what_is_no_matrix_is_told(words: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        matrix.parsed(words)


def test_the_price_list_has_a_line_for_each_combination() -> None:
    runs = [
        tried("postgresql", "on", capacity_per_s=400.0, capacity_p99_ms=9.0, rto_s=2.0, lost=0),
        tried("postgresql", "off", capacity_per_s=900.0, capacity_p99_ms=4.0, rto_s=3.0, lost=12),
        tried("postgresql", "on", capacity_per_s=500.0, capacity_p99_ms=7.0, rto_s=4.0, lost=0),
        tried("postgresql", "off", capacity_per_s=800.0, capacity_p99_ms=5.0, rto_s=1.0, lost=0),
    ]
    safe, fast = comparing.price(runs)
    assert (safe.settings, safe.runs) == ("synchronous_commit=on", 2)
    assert (safe.capacity_per_s, safe.p99_ms, safe.p99_ms_max) == (450.0, 8.0, 9.0)
    assert (safe.rto_s, safe.rto_s_max, safe.lost_max) == (3.0, 4.0, 0)
    assert (fast.lost, fast.lost_max, fast.verdict) == (6.0, 12, Verdict.FAIL)
    assert safe.books == "27/27"


def test_a_run_that_tries_settings_proves_nothing_of_the_drill() -> None:
    proven = record()
    history.write(proven)
    risky = tried("postgresql", "off", capacity_per_s=900.0, lost=12)
    path = history.write(risky)
    assert history.last("disk-full", "postgresql") == proven
    assert [each.run for each in history.names()] == [proven.run]
    assert history.read(path) == risky
    said = drill("report")
    assert said.exit_code == 0
    assert "synchronous_commit=off" in said.stdout
    assert [each["lost"] for each in measured(drill("report", "--format", "json"))] == [0, 12]


def measured(said: Result) -> list[dict[str, Any]]:
    return [each["measured"] for each in json.loads(said.stdout)]


def test_as_many_runs_are_kept_of_each_combination(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "KEPT_MAX", 1)
    history.write(record())
    for value in ("on", "off", "off"):
        history.write(tried("postgresql", value))
    assert len(history.names()) == 1
    assert len(history.names(tried=True)) == 3


def test_how_long_a_run_takes_is_known_from_those_that_are_kept() -> None:
    drill_of = {each.id: each for each in book.load(Config())}["server-killed"]
    unknown_s = matrix.expected_s(drill_of, "postgresql")
    history.write(record(drill="server-killed"))  # of 40 seconds
    assert 40 < matrix.expected_s(drill_of, "postgresql") != unknown_s


@contextmanager
def stands(all_labs: Labs, *engines: str) -> Iterator[Mapping[str, Stand]]:
    """Servers to be asked: the labs of this session, as they were before afterwards."""
    found: dict[str, Stand] = {}
    with ExitStack() as stack:
        for engine in engines:
            lab = all_labs.get(engine)
            found[engine] = stand.on(lab, stack.enter_context(fresh_database(lab)))
        try:
            yield found
        finally:
            for each in found.values():
                each.apply(())


def test_a_server_has_each_combination_in_force(engine: str, all_labs: Labs) -> None:
    name = SETTING[engine]
    with stands(all_labs, engine) as servers:
        before = servers[engine].in_force([name])
        found = matrix.tried_on(servers, matrix.parsed([WORDS[engine]]))
    assert [each.in_force[name] for each in found[engine]] == [*VALUES[engine]]
    assert [each.wanted[name] for each in found[engine]] == [*VALUES[engine]]
    with stands(all_labs, engine) as servers:
        assert servers[engine].in_force([name]) == before


def test_what_no_server_takes_is_one_sentence(engine: str, all_labs: Labs) -> None:
    name = SETTING[engine]
    wrong = {
        f"{name}={REFUSED[engine]}": name,
        f"{name}x=1": f"{engine} has no setting '{name}x'",
        # Sessions of stockops set it themselves: whatever is tried, it stays as it is.
        {"postgresql": "lock_timeout=1s,2s", "mariadb": "lock_wait_timeout=1,2"}[engine]: "same",
    }
    with stands(all_labs, engine) as servers:
        for word, said in wrong.items():
            with pytest.raises(ConfigError, match=said):
                matrix.tried_on(servers, matrix.parsed([word]))


def test_a_setting_of_one_engine_is_not_for_both(all_labs: Labs) -> None:
    with stands(all_labs, "postgresql", "mariadb") as servers:
        for engine, word in WORDS.items():
            with pytest.raises(ConfigError, match=f"is a setting of {engine} alone"):
                matrix.tried_on(servers, matrix.parsed([word]))


def test_what_the_drill_sets_itself_is_not_tried() -> None:
    drill_of = {each.id: each for each in book.load(Config())}["server-killed"]
    with pytest.raises(ConfigError, match="'server-killed' sets wal_log_hints itself: on"):
        matrix.require_free(drill_of, "postgresql", ["wal_log_hints"])
    matrix.require_free(drill_of, "mariadb", ["wal_log_hints"])


def test_a_sandbox_with_other_settings_is_not_measured(engine: str, all_labs: Labs) -> None:
    name, value = SETTING[engine], VALUES[engine][1]
    combination = matrix.Combination(wanted={name: value}, in_force={name: value})
    with (
        stands(all_labs, engine) as servers,
        pytest.raises(StockopsError, match=f"in the sandbox, not {value}"),
    ):
        matrix.measured(servers[engine].target, combination)


@pytest.mark.soak
def test_a_price_list_is_made_of_real_runs(engine: str, all_labs: Labs) -> None:
    all_labs.get(engine)
    words = ["run", "server-killed", "--engine", engine, "--matrix", WORDS[engine]]
    plan = drill(*words, "--plan")
    assert plan.exit_code == 0
    assert "2 combinations" in plan.stdout
    assert not history.names(tried=True)
    said = drill(*words)
    found = [history.read(each.path) for each in history.names(tried=True)]
    settings = [each.settings[SETTING[engine]] for each in found if each]
    assert settings == [*VALUES[engine]], said.output
    for value in VALUES[engine]:
        assert f"{SETTING[engine]}={value}" in said.stdout
    safe, fast = (each.measured for each in found if each)
    assert safe.lost == 0
    assert safe.books_held == safe.books_checked
    assert (safe.capacity_per_s or 0) > 10
    assert fast.capacity_p99_ms
    passed = all(each.passed for each in found if each)
    assert said.exit_code == (0 if passed else 1)
    assert nothing_is_left()


@pytest.mark.soak
def test_ctrl_c_ends_the_whole_list(engine: str, all_labs: Labs) -> None:
    all_labs.get(engine)
    command = [sys.executable, "-m", "stockops", "drill", "run", "server-killed"]
    process = subprocess.Popen(
        [*command, "--engine", engine, "--matrix", WORDS[engine]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        until(process, "MEASURE")
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=90)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert nothing_is_left()
    [one] = history.names(tried=True)
    last = history.read(one.path)
    assert last is not None
    assert last.verdict is Verdict.ABORTED
