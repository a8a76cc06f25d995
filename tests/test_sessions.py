"""Who blocks whom, and how sessions are ended by rule: real ones, on both engines."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import eventually
from crowd import PAUSE, Crowd, crowd_on

from stockops import sessions
from stockops.cli.main import main
from stockops.engine import connect
from stockops.errors import ServerError
from stockops.sessions import Rule, WaitRow
from stockops.targets import Target


@pytest.fixture
def crowd(target: Target) -> Iterator[Crowd]:
    with crowd_on(target) as crowd:
        yield crowd


def stockops(target: Target, *args: str) -> Result:
    return CliRunner().invoke(main, ["slow", "kill", "-t", target.url, *args])


def drawn(*pairs: tuple[int, int | None]) -> list[tuple[int, int | None, int]]:
    waits = [WaitRow(waiting_id=a, blocking_id=b, what="") for a, b in pairs]
    return [(each.depth, each.session_id, each.waiting) for each in sessions.forest(waits, [])]


def test_a_tree_has_each_session_once_below_what_it_waits_for() -> None:
    assert drawn((2, 1), (3, 2)) == [(0, 1, 2), (1, 2, 1), (2, 3, 0)]
    queue = [(waiting, ahead) for waiting in range(2, 60) for ahead in range(1, waiting)]
    assert [each[:2] for each in drawn(*queue)] == [(0, 1), *((1, n) for n in range(2, 60))]
    assert drawn((2, 1), (3, 2), (1, 3)) == [(0, 1, 2), (1, 2, 2), (2, 3, 2)]
    assert drawn((2, 0), (4, 3), (5, 3)) == [(0, 3, 2), (1, 4, 0), (1, 5, 0), (0, 0, 1), (1, 2, 0)]
    assert drawn((2, None)) == [(0, None, 1), (1, 2, 0)]


def test_a_root_is_whom_others_wait_for_and_who_waits_for_nobody(crowd: Crowd) -> None:
    root = crowd.hold(1)
    middle = crowd.hold(2)
    crowd.want(1, middle)
    last = crowd.want(2)
    eventually(lambda: len(crowd.admin.fetch(sessions.WAITS)) == 2)
    tree = sessions.forest(crowd.admin.fetch(sessions.WAITS), sessions.activity(crowd.admin))
    assert [(each.depth, each.session_id, each.waiting) for each in tree] == [
        (0, root.session_id, 2),
        (1, middle.session_id, 1),
        (2, last.session_id, 0),
    ]
    assert [each.session.state for each in tree if each.session] == [
        "idle in transaction",
        "active",
        "active",
    ]
    planned = sessions.plan(crowd.admin, Rule(blocking=True, users=(crowd.login,)))
    assert [(v.session.session_id, v.how, v.waiting) for v in planned.victims] == [
        (root.session_id, "terminate", 2)
    ]
    killed = sessions.carry_out(crowd.admin, planned.victims, within_s=10)
    assert [each.outcome for each in killed] == ["gone"]
    eventually(lambda: (now := crowd.at(middle)) and now.state == "idle in transaction")


@pytest.mark.parametrize("engine", ["mariadb"])
def test_the_lock_of_a_table_has_its_holder(crowd: Crowd, target: Target) -> None:
    holder = crowd.hold(1)
    with connect(target) as owner:
        crowd.start(owner, "ALTER TABLE held ADD COLUMN later INT")
        (wait,) = eventually(lambda: crowd.admin.fetch(sessions.WAITS))
        assert (wait.waiting_id, wait.blocking_id) == (owner.session_id, holder.session_id)
        assert ".held, EXCLUSIVE" in wait.what
        holder.execute("ROLLBACK")
        crowd.settle()


def test_a_rule_means_what_all_of_it_says(crowd: Crowd) -> None:
    running, holding, idle = crowd.sit(), crowd.hold(1), crowd.sit()
    idle.rows("SELECT 1 AS x")
    crowd.pause(running)
    eventually(lambda: (now := crowd.at(running)) and (now.statement_ms or 0) > 300)

    def meant(**said: object) -> set[int]:
        rule = Rule(**{"users": (crowd.login,), **said})  # type: ignore[arg-type]
        return {v.session.session_id for v in sessions.plan(crowd.admin, rule).victims}

    both = {running.session_id, holding.session_id}
    assert meant() == both
    assert meant(longer_than_s=0.2) == {running.session_id}
    assert meant(idle_s=0) == {holding.session_id}
    assert meant(longer_than_s=0.2, idle_s=0.0) == both
    assert meant(longer_than_s=60.0, idle_s=60.0) == set()
    assert meant(databases=(crowd.target.database,)) == both
    assert meant(databases=("another",)) == set()
    assert meant(users=("another",)) == set()
    assert meant(matching=re.compile("sleep")) == {running.session_id}
    assert meant(blocking=True) == set()


def test_only_the_statement_ends_that_was_chosen(crowd: Crowd) -> None:
    """The next statement of the same session is another one, and so is its next pause."""
    seat = crowd.sit()
    rule = Rule(users=(crowd.login,))
    crowd.pause(seat)
    first = sessions.plan(crowd.admin, rule).victims
    terminated = sessions.plan(crowd.admin, rule, how="terminate").victims
    sessions.carry_out(crowd.admin, first, within_s=10)
    crowd.settle()
    crowd.pause(seat)
    assert [(v.session.session_id, v.how) for v in first] == [(seat.session_id, "cancel")]
    for victims in (first, terminated):
        (killed,) = sessions.carry_out(crowd.admin, victims, within_s=1)
        assert killed.outcome == "moved on"
    now = sessions.plan(crowd.admin, rule).victims
    (killed,) = sessions.carry_out(crowd.admin, now, within_s=10)
    assert killed.outcome == "cancelled"
    crowd.settle()
    assert seat.rows("SELECT 1 AS still_here") == [{"still_here": 1}]
    crowd.hold(1, seat)
    pausing = sessions.plan(crowd.admin, rule).victims
    seat.execute("UPDATE held SET n = 7 WHERE id = 2")
    (killed,) = sessions.carry_out(crowd.admin, pausing, within_s=1)
    assert (killed.how, killed.outcome) == ("terminate", "moved on")


@pytest.mark.parametrize("engine", ["mariadb"])
def test_a_cancelled_statement_that_keeps_its_locks_still_blocks(
    crowd: Crowd, target: Target
) -> None:
    root = crowd.hold(1)
    crowd.want(1)
    crowd.pause(root)
    done = stockops(target, "--blocking", "--within", "0.5", "--format", "json")
    assert (done.exit_code, json.loads(done.stdout)[0]["outcome"]) == (1, "still blocks")


def test_a_plan_says_what_would_be_lost(crowd: Crowd, target: Target) -> None:
    changed, read, busy = crowd.hold(1), crowd.sit(), crowd.sit("stockops backup")
    changed.execute("UPDATE held SET n = n + 1 WHERE id IN (2, 3)")
    read.execute("BEGIN")
    read.rows("SELECT n FROM held")
    crowd.hold(4, busy)
    running = crowd.sit()
    crowd.pause(running)
    mariadb = crowd.admin.engine == "mariadb"

    def told() -> dict[int, dict[str, object]]:
        done = stockops(target, "--user", crowd.login, "--plan", "--format", "json")
        assert done.exit_code == 0
        assert "never ended: " in done.stderr
        assert " of replication, backups, migrations and the server itself" in done.stderr
        return {each["session_id"]: each for each in json.loads(done.stdout)}

    eventually(lambda: len(told()) == 3)
    found = told()
    first, second, third = (found[each.session_id] for each in (changed, read, running))
    assert first["rows_changed"] == (3 if mariadb else None)
    expected = r"3 rows changed" if mariadb else r"all that transaction \d+ changed in held "
    assert re.match(expected, str(first["lost"]))
    assert re.search(r"open for [\d.]+ s, idle for [\d.]+ s$", str(first["lost"]))
    held = f"{target.database}.held" if mariadb else "held"
    assert first["holds"] == [held]
    assert (first["destroys"], isinstance(first["idle_s"], float)) == (True, True)
    assert str(second["lost"]).startswith("no row changed; open for ")
    assert (
        third["lost"] == "the answer of its statement; no transaction is open"
        if mariadb
        else (str(third["lost"]).startswith("no row changed; open for "))
    )
    assert (third["destroys"], third["idle_s"]) == (False, None)
    crowd.pause(changed)
    cancelled = told()[changed.session_id]
    stays = "the transaction stays, with its locks: 3 rows changed"
    whole = "the whole transaction, not the statement alone: all that"
    assert (stays if mariadb else whole) in str(cancelled["lost"])
    assert cancelled["destroys"] is True
    table = stockops(target, "--user", crowd.login, "--plan")
    assert table.stdout.split()[:3] == ["action", "lost", "why"]


def test_backups_and_administrators_stay(crowd: Crowd, target: Target) -> None:
    backup = crowd.hold(1, crowd.sit("stockops backup"))
    with connect(target) as admin:
        crowd.hold(2, admin)
        every = sessions.plan(crowd.admin, Rule(databases=(target.database,)))
        assert every.victims == []
        stays = {each.session.session_id: each for each in every.spared}
        assert stays.keys() == {backup.session_id, admin.session_id}
        assert "it is a backup" in stays[backup.session_id].why
        assert "--user stockops" in stays[admin.session_id].why
        assert [each.stands for each in stays.values()] == [False, True]
        named = sessions.plan(crowd.admin, Rule(databases=(target.database,), users=("stockops",)))
        assert [v.session.session_id for v in named.victims] == [admin.session_id]


def test_without_a_right_it_says_which_one(crowd: Crowd) -> None:
    other = crowd.sit()
    crowd.pause(other)
    if crowd.admin.engine == "mariadb":
        with pytest.raises(ServerError, match="may not see the sessions of others") as caught:
            sessions.plan(crowd.sit(), Rule(longer_than_s=0))
        assert "GRANT PROCESS ON *.* TO 'crowd_" in str(caught.value.hint)
        return
    crowd.admin.execute("CREATE ROLE watcher LOGIN")
    try:
        watcher = replace(crowd.target, url=crowd.target.url.replace(crowd.login, "watcher"))
        done = stockops(watcher, "--longer-than", "0", "--plan")
        assert done.exit_code == 1
        assert "sessions are hidden from this role" in done.stderr
        assert "GRANT pg_read_all_stats TO watcher" in done.stderr
        crowd.admin.execute("GRANT pg_read_all_stats TO watcher")
        done = stockops(watcher, "--user", crowd.login)
        assert done.exit_code == 1
        assert "GRANT pg_signal_backend TO watcher" in done.stderr
    finally:
        crowd.admin.execute("DROP ROLE watcher")


def test_what_the_command_says_and_leaves_with(
    crowd: Crowd, target: Target, tmp_path: Path
) -> None:
    assert stockops(target).exit_code == 2
    assert stockops(target, "--matching", "(").exit_code == 2
    idle = stockops(target, "--user", "nobody_at_all")
    assert (idle.exit_code, idle.stdout.strip()) == (0, "(none)")
    assert "nothing to end: none of" in idle.stderr
    seat = crowd.sit()
    crowd.pause(seat)
    planned = stockops(target, "--user", crowd.login, "--plan", "--format", "json")
    (step,) = json.loads(planned.stdout)
    verb = "pg_cancel_backend" if crowd.admin.engine == "postgresql" else "KILL QUERY ID"
    assert (planned.exit_code, verb in step["action"], "runs for" in step["why"]) == (0, True, True)
    assert getattr(crowd.at(seat), "state", None) == "active"
    config = tmp_path / "stockops.yaml"
    config.write_text(f"targets:\n  prod: {{url: '{target.url}', protected: true}}\n")
    asked = ["slow", "kill", "--config", str(config), "-t", "prod", "--user", crowd.login]
    refused = CliRunner().invoke(main, asked)
    assert (refused.exit_code, "--i-mean prod" in refused.stderr) == (5, True)
    done = CliRunner().invoke(main, [*asked, "--i-mean", "prod", "--format", "json"])
    (killed,) = json.loads(done.stdout)
    assert (done.exit_code, killed["outcome"], killed["session_id"]) == (
        0,
        "cancelled",
        seat.session_id,
    )
    crowd.settle()
    assert killed["sql_text"] == PAUSE[crowd.admin.engine].format(30)
    left = stockops(target, "--user", crowd.login, "--cancel", "--idle-in-transaction", "0")
    assert left.exit_code == 0
    crowd.hold(1, seat)
    left = stockops(target, "--user", crowd.login, "--cancel", "--idle-in-transaction", "0")
    assert (left.exit_code, "use --terminate" in left.stderr) == (1, True)
