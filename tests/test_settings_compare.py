"""Settings tried: what a change takes, what is refused, what is measured and what is said of it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import Labs, eventually

from stockops import disk, report, settings
from stockops.cli import trialview
from stockops.cli.main import main
from stockops.engine import connect
from stockops.errors import ConfigError, Finding
from stockops.experiments import changes, settings_trial, stand
from stockops.experiments.advised import LeftOut, Tryable, tryable
from stockops.experiments.load import Load
from stockops.experiments.moments import Moment
from stockops.experiments.settings_trial import Trial, TrialPlan, Turn
from stockops.experiments.stand import Stand
from stockops.lab import Lab
from stockops.targets import Target
from stockops.trials import Variant

# A setting of each kind: what it takes, a value it does not have.
KINDS = {
    "postgresql": [
        ("synchronous_commit", "off", "new sessions"),
        ("wal_writer_delay", "10ms", "reload"),
        ("shared_buffers", "64MB", "restart"),
    ],
    "mariadb": [
        ("tmp_table_size", "1M", "new sessions"),
        ("sync_binlog", "7", "reload"),
        ("innodb_buffer_pool_size", "64M", "restart"),
    ],
}
# A setting that a server has otherwise than a lab has, and one that the sessions of a load set.
NOW = {
    "postgresql": ("synchronous_commit", "off", "local"),
    "mariadb": ("tmp_table_size", "2097152", "1048576"),
}
SAME = {"postgresql": {"lock_timeout": "30s"}, "mariadb": {"lock_wait_timeout": "300"}}
REFUSED = {"postgresql": ("synchronous_commit", "maybe"), "mariadb": ("max_connections", "-3")}
FATAL = {"postgresql": ("shared_buffers", "999TB"), "mariadb": ("innodb_flush_method", "nonsense")}


@pytest.fixture
def shared(lab: Lab, target: Target) -> Stand:
    return stand.on(lab, target)


def test_settings_without_a_restart_are_put_and_taken_back(shared: Stand) -> None:
    wanted = {name: value for name, value, takes in KINDS[shared.lab.engine] if takes != "restart"}
    before = shared.in_force([*wanted])
    found = shared.resolve(wanted)
    assert [each.takes for each in found] == ["new sessions", "reload"]
    try:
        shared.apply(found)
        assert all(now != before[name] for name, now in shared.in_force([*wanted]).items())
    finally:
        shared.apply(())
    assert shared.in_force([*wanted]) == before


def test_where_a_server_is_is_not_tried(shared: Stand) -> None:
    name = {"postgresql": "data_directory", "mariadb": "datadir"}[shared.lab.engine]
    with pytest.raises(ConfigError, match=f"{name} says where the server is"):
        shared.resolve({name: "/nowhere"})


def test_a_plan_is_json_where_that_is_asked_for(shared: Stand) -> None:
    name, value, _ = KINDS[shared.lab.engine][0]
    plan = TrialPlan(seconds=1.0, rounds=1)
    said = json.loads(trialview.planned(shared, {name: value}, plan, "json"))
    assert [(each["name"], each["value"]) for each in said["changes"]] == [(name, value)]
    assert (said["engine"], said["turns"]) == (shared.lab.engine, "ABBA")


def test_a_refused_value_leaves_nothing_of_the_others(shared: Stand) -> None:
    _, (first, value, _), *_ = KINDS[shared.lab.engine]
    second, bad = REFUSED[shared.lab.engine]
    before = shared.in_force([first, second])
    with pytest.raises(ConfigError, match=f"refuses {second}={bad}"):
        shared.apply(shared.resolve({first: value, second: bad}))
    assert shared.in_force([first, second]) == before


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"max_conections": "9"}, "has no setting 'max_conections'"),
        ({"server_version_num": "9"}, "server_version_num"),
    ],
    ids=["a misspelt name", "what nobody can set"],
)
def test_what_no_server_can_be_told_is_said(
    shared: Stand, wanted: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        shared.resolve(wanted)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no setting is named"),
        (["--matrix", "--set", "fsync=off"], "exclude each other"),
        (["--set", "fsync=off", "--crash", "kill"], "--crash is for --matrix"),
        (["--advised", "--set", "fsync=off"], "exclude each other"),
        (["--set", "fsync=off", "--rule", "fsync"], "--rule is for --advised"),
        (["--set", "fsync=off", "-t", "prod"], "-t is for --advised"),
        (["--set", "fsync=off", "--clients", "0", "--plan"], "--clients is 1 to 128"),
        (["--matrix", "--lab", "pg"], "--lab is for --set and --advised"),
        (["--set", "fsync=off", "--lab", "nobodys"], "there is no lab 'nobodys'"),
        (["--set", "fsync=off", "--report", "/proc/x/report.html"], "cannot write the report"),
    ],
    ids=[
        "nothing",
        "both",
        "a crash of a trial",
        "advice and settings",
        "a rule of no advice",
        "a target of no advice",
        "nobody sends",
        "a price list on a copy",
        "a lab that is not there",
        "a report that cannot be written",
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(words: list[str], said: str) -> None:
    command = [sys.executable, "-m", "stockops", "settings", "compare", *words]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 2
    assert said in ran.stderr


@pytest.mark.parametrize("words", ["off", "=off", "fsync=", "fsync"])
def test_words_that_are_no_setting_are_refused(words: str) -> None:
    with pytest.raises(ConfigError, match="is not a setting and its value"):
        changes.parsed([words])


def test_a_setting_is_given_once() -> None:
    assert changes.parsed(["A=1", "b = x=y"]) == {"a": "1", "b": "x=y"}
    with pytest.raises(ConfigError, match="set twice"):
        changes.parsed(["a=1", "A=2"])


def test_a_restart_has_it_in_force_and_a_bad_value_is_one_sentence(
    engine: str, all_labs: Labs
) -> None:
    all_labs.get(engine)  # skips where the engine is missing
    name, value, takes = KINDS[engine][2]
    with stand.bare(engine) as bare:
        found = bare.resolve({name: value})
        assert [each.takes for each in found] == [takes]
        before = bare.in_force([name])
        bare.apply(found)
        assert bare.in_force([name]) != before
        fatal, bad = FATAL[engine]
        with pytest.raises(ConfigError, match=f"{engine} (does not start with|refuses) {fatal}"):
            bare.apply(bare.resolve({fatal: bad}))
        directory = bare.lab.directory
    assert not directory.exists()


def test_what_cannot_be_set_is_told_before_the_market_is_made(engine: str) -> None:
    said: list[str] = []
    name, value = REFUSED[engine]

    def look(bare: Stand) -> None:
        with pytest.raises(ConfigError, match="has no setting 'max_conections'"):
            settings_trial.rehearse(bare, {"max_conections": "9"})
        settings_trial.rehearse(bare, {name: value})

    with (
        pytest.raises(ConfigError, match=f"{engine} refuses {name}={value}"),
        stand.stand(engine, said=said.append, first=look),
    ):
        pass
    assert said == ["start a private server"]


def test_a_setting_that_is_not_there_is_told_before_a_lab_is_copied(shared: Stand) -> None:
    words = ["settings", "compare", "--lab", shared.lab.name, "--set", "max_conections=9"]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, "Did you mean max_connections?" in done.stderr) == (2, True)
    assert "make a copy" not in done.stderr


def test_a_copy_of_a_lab_is_set_as_the_lab_is(shared: Stand) -> None:
    _, (name, value, _), _ = KINDS[shared.lab.engine]
    with connect(shared.target) as server:
        server.execute("CREATE TABLE of_the_lab (kept int PRIMARY KEY)")
        server.execute("INSERT INTO of_the_lab VALUES (7)")
    shared.apply(shared.resolve({name: value}))
    try:
        with stand.copied(shared.target, said=lambda _: None) as copy:
            assert copy.in_force([name]) == {name: value} == shared.in_force([name])
            assert copy.source == f"a copy of the lab {shared.lab.name}"
            with connect(copy.target) as server:
                assert server.rows("SELECT kept FROM of_the_lab") == [{"kept": 7}]
    finally:
        shared.apply(())


def test_all_advice_is_tried_or_left_out_with_a_reason(shared: Stand) -> None:
    with connect(shared.target) as server:
        facts, held = settings.read(shared.target, server), changes.held(server)
    facts = settings.said(facts, memory_bytes=2**36, cpus=16, disk="ssd")
    advice = [each for each in settings.advise(facts) if each.state == "advised"]
    found = tryable(facts, advice, held)
    assert [*found.wanted, *(each.name for each in found.left_out)]
    assert {*found.wanted} | {each.name for each in found.left_out} == {x.setting for x in advice}
    assert found.wanted.keys() == found.now.keys()
    assert all(each.why for each in found.left_out)
    assert len(shared.resolve(found.wanted)) == len(found.wanted)
    by_hand = replace(advice[0], setting="restart pending")
    assert not tryable(facts, [by_hand], held).wanted


def test_advice_that_the_server_follows_already_is_nothing_to_try(shared: Stand) -> None:
    name, value, _ = KINDS[shared.lab.engine][0]
    advice = Tryable(wanted={name: value}, now={name: value}, left_out=())
    try:
        with pytest.raises(Finding, match=f"no advice that can be tried: {name}: it is"):
            settings_trial.run(shared, advice, TrialPlan(rounds=1), told=lambda _: None)
    finally:
        shared.base = ()
        shared.apply(())


def tried(ground: Stand, wanted: Tryable, heard: list[Moment]) -> Trial:
    """A trial of one round: the shortest in which this machine answers anything."""
    for seconds in (0.6, 2.0, 8.0):
        plan = TrialPlan(seconds=seconds, warmup_s=0.05, rounds=1, clients=2)
        heard.clear()
        try:
            return settings_trial.run(ground, wanted, plan, told=heard.append)
        except Finding:
            continue
        finally:
            ground.base = ()
            ground.apply(())
    pytest.fail("no order was answered in 8 s")


def test_turns_alternate_and_each_says_what_was_in_force(
    lab: Lab, market: Target, tmp_path: Path
) -> None:
    ground = stand.on(lab, market)
    name, value, now = NOW[lab.engine]
    wanted = Tryable(
        wanted={name: value, **SAME[lab.engine]},
        now={name: now},
        left_out=(LeftOut("restart pending", "it is done by hand"),),
    )
    heard: list[Moment] = []
    trial = tried(ground, wanted, heard)
    assert [turn.variant for turn in trial.turns] == ["before", "after", "after", "before"]
    seen = {
        variant: {t.in_force[name] for t in trial.turns if t.variant == variant}
        for variant in ("before", "after")
    }
    assert seen == {"before": {now}, "after": {value}}
    assert [each.name for each in trial.left_out] == ["restart pending", *SAME[lab.engine]]
    assert all(turn.load.orders > 0 for turn in trial.turns)
    assert trial.says_nothing  # two pairs carry no interval
    assert [(each.number, each.of) for each in heard if each.tick is None][-1] == (6, 6)
    assert "2 pairs are too few" in trialview.table(trial)
    report.write_settings(trialview.page(trial), tmp_path / "trial.html")
    page = (tmp_path / "trial.html").read_text("utf-8")
    assert page.count("turn 4, without") == 3  # in the bar, its title and the description
    assert "<script" not in page


def test_a_value_that_is_there_already_is_no_trial(lab: Lab, market: Target) -> None:
    ground = stand.on(lab, market)
    now = ground.in_force(["max_connections"])["max_connections"]
    wanted = {"postgresql": {"work_mem": "4096kB"}, "mariadb": {"max_connections": now}}
    with pytest.raises(ConfigError, match="and without it"):
        settings_trial.run(ground, wanted[lab.engine], TrialPlan(rounds=1), told=lambda _: None)
    ground.apply(())


def loads(rate: float, slower: float) -> Load:
    return Load(
        seconds=5,
        answers=5000,
        orders=5000,
        accepted=4000,
        cancels=500,
        retries=0,
        orders_per_s=rate,
        p50_ms=1 * slower,
        p95_ms=2 * slower,
        p99_ms=3 * slower,
        log_bytes_per_order=1000,
        counters={},
    )


def test_verdicts_follow_the_direction_that_is_better() -> None:
    taken: list[tuple[Variant, float, float]] = [
        ("before", 100, 1.0),
        ("after", 151, 1.5),
        ("after", 149, 1.51),
        ("before", 101, 1.01),
        ("after", 150, 1.49),
        ("before", 99, 0.99),
    ]
    turns = [Turn(variant=v, in_force={}, load=loads(rate, slower)) for v, rate, slower in taken]
    lines = settings_trial.judged(turns, margin=0.05)
    assert [(line.measure, line.verdict) for line in lines] == [
        ("orders/s", "better"),
        ("p50 ms", "worse"),
        ("p95 ms", "worse"),
        ("p99 ms", "worse"),
        ("log bytes/order", "no difference"),
    ]


@pytest.mark.parametrize("asked", [["--set", "synchronous_commit=off"], ["--matrix"]], ids=str)
def test_an_interrupted_trial_leaves_no_server_and_no_directory(asked: list[str]) -> None:
    # A price of durability is measured on a disk alone, and the other labs lie in memory.
    within = "/var/tmp" if "--matrix" in asked else None
    if within and disk.in_memory(Path(within)):
        pytest.skip("/var/tmp lies in memory, too")
    with tempfile.TemporaryDirectory(prefix="trial-", dir=within) as folder:
        Path(folder).chmod(0o711)
        root = Path(folder) / "labs"
        command = [sys.executable, "-m", "stockops", "settings", "compare"]
        command += asked
        environment = {**os.environ, "STOCKOPS_LABS": str(root)}
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        try:
            eventually(lambda: any(root.glob("temporary-*/run/.s.*")))
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == 130, said
        assert not [*root.glob("temporary-*")]
