"""Checks that a user writes, what a run bears, and what it keeps."""

import re
import socket
import threading
from dataclasses import replace
from pathlib import Path

import click
import pytest
from test_health_server import session

from stockops import health, resources, targets
from stockops.cli.main import main
from stockops.errors import ConfigError
from stockops.health import State, rates, registry
from stockops.passwords import Secret
from stockops.targets import Target

HEAD = 'title: mine\ngroup: own\nmessage: "{value} {detail}"\nwarning: "3"\n'
SLOW = {"postgresql": "SELECT 1 AS value FROM pg_sleep(30)", "mariadb": "SELECT sleep(30) AS value"}
OWN = {
    "good": ("SELECT 5 AS value, 'a || b' AS detail", State.WARNING, "5 a"),
    "percent": ("SELECT 7 % 4 AS value", State.OK, "3"),
    "two": ("SELECT 1 AS value; SELECT 2 AS value", State.UNKNOWN, "2 statements"),
    "ending": ("SELECT 1 AS value; COMMIT; DELETE FROM kept", State.UNKNOWN, "3 statements"),
    "writing": ("DELETE FROM kept", State.UNKNOWN, "read.only"),
    "wrong": ("SELECT 1 AS valu", State.UNKNOWN, "no column 'value' but valu"),
    "absent": ("SELECT 1 AS value FROM nowhere", State.UNKNOWN, "nowhere"),
    "words": ("SELECT 'many' AS value", State.UNKNOWN, "is not a number"),
    "nothing": ("SELECT NULL AS value, 'nobody knows' AS detail", State.UNKNOWN, "nobody knows"),
    "locked": ("SELECT count(*) AS value FROM taken", State.UNKNOWN, "lock"),
    "slow": ("", State.UNKNOWN, "longer than 0.4 s"),
    "last": ("SELECT 1 AS value", State.OK, "1"),
}


@pytest.fixture(autouse=True)
def own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What checks remember is of this test alone."""
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path / "state"))


def test_what_a_user_writes_is_bounded_and_fails_alone(target: Target, tmp_path: Path) -> None:
    for name, (sql, _, _) in OWN.items():
        (tmp_path / f"{name}.yaml").write_text(HEAD)
        (tmp_path / f"{name}.sql").write_text(f"-- mine\n{sql or SLOW[target.engine]}\n")
    mine = registry.load(target.engine, registry.Settings(folders=(tmp_path,)))
    mine = registry.chosen(mine, groups=["own"])
    assert {check.name for check in mine} == OWN.keys()
    with session(target) as other:
        other.execute("CREATE TABLE kept (id int)")
        other.execute("INSERT INTO kept VALUES (1)")
        other.execute("CREATE TABLE taken (id int)")
        if target.engine == "postgresql":
            other.execute("BEGIN")
            other.execute("LOCK TABLE taken IN ACCESS EXCLUSIVE MODE")
        else:
            other.execute("LOCK TABLES taken WRITE, kept WRITE")
        bounds = health.Bounds(lock_s=0.1, fast_s=0.4 if target.engine == "postgresql" else 5)
        quick = replace(bounds, fast_s=0.4)
        found = {
            outcome.check.name: outcome
            for outcome in [
                *health.run(
                    target, [c for c in mine if c.name not in {"slow", "writing"}], bounds=bounds
                ).outcomes,
                *health.run(target, [c for c in mine if c.name == "slow"], bounds=quick).outcomes,
            ]
        }
        other.execute("ROLLBACK" if target.engine == "postgresql" else "UNLOCK TABLES")
        [_, writing] = health.run(target, [c for c in mine if c.name == "writing"]).outcomes
        found["writing"] = writing
        assert other.rows("SELECT count(*) AS n FROM kept")[0]["n"] == 1
    for name, (_, state, words) in OWN.items():
        assert found[name].state is state, (name, found[name])
        assert re.search(words, found[name].message, re.IGNORECASE), found[name]


def test_the_examples_are_checks_and_answer(market: Target) -> None:
    folder = resources.folder("ops") / "checks"
    found = registry.load(market.engine, registry.Settings(folders=(folder,)))
    report = health.run(market, registry.chosen(found, names=["prices_age"]))
    [_, price] = report.outcomes
    assert price.readings[0].value is not None, price.message


def test_stockops_yaml_changes_thresholds_and_leaves_checks_out(tmp_path: Path) -> None:
    path = tmp_path / "stockops.yaml"
    path.write_text(
        "health:\n  without: cache_hit, slots\n  thresholds:\n"
        "    connections: {warning: 10%, critical: none}\n    deadlocks: {critical: 7}\n"
    )
    found = {c.name: c for c in health.load("postgresql", health.settings(targets.load(path)))}
    assert not {"cache_hit", "slots"} & found.keys()
    assert (str(found["connections"].warning), found["connections"].critical) == ("10%", None)
    assert (str(found["deadlocks"].warning), str(found["deadlocks"].critical)) == ("10", "7")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("  thresholds: {conections: {warning: 9}}", "no check is called 'conections'"),
        ("  thresholds: {connections: {warning: x}}", "'x' is no range"),
        ("  thresholds: {connections: {warn: 9}}", "unknown key 'warn'"),
        ("  without: nothing", "no check is called 'nothing'"),
        ("  checks: ./nowhere", "there is no folder"),
        ("  check: ./here", "unknown key 'check'"),
    ],
    ids=lambda value: value.strip()[:24],
)
def test_a_mistake_in_stockops_yaml_is_told(tmp_path: Path, lines: str, said: str) -> None:
    path = tmp_path / "stockops.yaml"
    path.write_text(f"health:\n{lines}\n")
    with pytest.raises(ConfigError, match=said):
        health.load(None, health.settings(targets.load(path)))


def test_who_never_answers_is_a_timeout_and_no_password_is_told(engine: str) -> None:
    canary = "canary-Tr0ub4dor"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        target = Target(
            name="silent", url=f"{engine}://me@127.0.0.1:{port}/t", password=Secret(canary)
        )
        report = health.run(target, [], bounds=health.Bounds(connect_s=1))
    assert (report.reason, report.state) == ("timeout", State.CRITICAL)
    assert canary not in repr(report)


def test_runs_at_once_keep_what_each_has_counted() -> None:
    target = Target(name="shared/by 8", url="postgresql://me@127.0.0.1:1/t")

    def keep(number: int) -> None:
        memory = rates.Memory()
        memory.taken[f"check_{number}"] = [rates.Sample(1.0, {"": (float(number), None)})]
        assert rates.remember(memory, target, who="test")

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(rates.recall(target, who="test").before) == 8
    rates.path_of(target, "test").write_text("{spoiled")
    assert rates.recall(target, who="test").before == {}
    keep(9)
    assert [*rates.recall(target, who="test").before] == ["check_9"]


@pytest.mark.parametrize("check", health.load(None), ids=lambda check: check.name)
def test_what_a_check_says_to_do_next_is_there(check: health.Check) -> None:
    if check.runbook:
        assert (resources.folder("ops") / "runbooks" / f"{check.runbook}.md").is_file()
    words = check.next.replace("{target}", "lab").split()
    if words[0] != "stockops":
        assert words[0] in {"openssl", "timedatectl"}, check.next
        return
    command: click.Command | None = main
    context = click.Context(main)
    rest = words[1:]
    while isinstance(command, click.Group):
        command = command.get_command(context, rest.pop(0))
    assert command is not None, check.next
    known = {option for each in command.params for option in each.opts} | {"--help"}
    assert {word for word in rest if word.startswith("-")} <= known, check.next
