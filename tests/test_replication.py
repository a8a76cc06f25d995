"""Replicas: a pair of each engine that fails over, in one story, and what is refused on the way."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from conftest import eventually

from stockops import health, replication
from stockops import lab as labs
from stockops.engine import connect
from stockops.errors import Refused, StockopsError, Unsupported
from stockops.health import Outcome, State, ranges
from stockops.lab import Lab, proc
from stockops.settings.reloading import reload
from stockops.targets import Target

SOON_S = 90.0
ALL_ROWS = "SELECT n FROM kept ORDER BY n"


@dataclass(slots=True)
class Pair:
    """A primary and its replica; they change places."""

    primary: Lab
    replica: Lab

    def again(self) -> None:
        """Read both anew: a start may have given them other ports."""
        self.primary, self.replica = (
            labs.require(self.primary.name),
            labs.require(self.replica.name),
        )

    def swap(self) -> None:
        self.primary, self.replica = self.replica, self.primary
        self.again()


@contextmanager
def pair_of(engine: str) -> Iterator[Pair]:
    try:
        with ExitStack() as stack:
            first = stack.enter_context(labs.temporary(engine, port=engine == "mariadb"))
            write(first, "CREATE TABLE kept (n int PRIMARY KEY, said varchar(20))")
            write(first, "INSERT INTO kept VALUES (1, 'first')")
            yield Pair(first, stack.enter_context(replication.temporary(first)))
    except Unsupported as exc:
        if "CI" in os.environ:
            raise
        pytest.skip(f"no lab of {engine}: {exc}")


@pytest.fixture(scope="module")
def pg_pair() -> Iterator[Pair]:
    with pair_of("postgresql") as pair:
        yield pair


@pytest.fixture(scope="module")
def my_pair() -> Iterator[Pair]:
    with pair_of("mariadb") as pair:
        yield pair


@pytest.fixture
def pair(engine: str, request: pytest.FixtureRequest) -> Pair:
    found: Pair = request.getfixturevalue({"postgresql": "pg_pair", "mariadb": "my_pair"}[engine])
    found.again()
    return found


def write(lab: Lab, *statements: str) -> None:
    with connect(lab.url()) as server:
        for sql in statements:
            server.execute(sql)


def numbers(lab: Lab) -> list[int]:
    with connect(lab.url()) as server:
        return [int(row["n"]) for row in server.rows(ALL_ROWS)]


def state(lab: Lab) -> replication.Following:
    [found] = replication.status(replication.target_of(lab))
    return found


def cut(replica: Lab) -> None:
    """Have `replica` receive nothing more."""
    if replica.engine == "mariadb":
        write(replica, "STOP SLAVE IO_THREAD")
        return
    with connect(replica.url("postgres")) as server:
        server.execute("ALTER SYSTEM SET primary_conninfo = 'host=/nowhere'")
        server.rows("SELECT pg_reload_conf()")
        asked = "SELECT count(*) AS n FROM pg_stat_wal_receiver WHERE status = 'streaming'"
        eventually(lambda: server.rows(asked)[0]["n"] == 0, SOON_S)


def handed_over(pair: Pair, *, yes: bool = False) -> replication.Promoted:
    handover = replication.plan_promotion(pair.replica.name)
    replication.check(handover, yes=yes)
    return replication.promote(handover)


def led_back(pair: Pair) -> replication.Reattached:
    """Have the old primary follow the new one; they have changed places then."""
    done = replication.reattach(replication.plan_reattachment(pair.primary.name))
    pair.swap()
    return done


def outcomes(lab: Lab, **broken_by: str) -> dict[str, Outcome]:
    """Run the checks named, with a range that makes each not OK."""
    found = [
        replace(each, warning=ranges.parse(broken_by[each.name]), critical=None, least=1)
        for each in health.load(lab.engine)
        if each.name in broken_by
    ]
    target = Target(name=lab.name, url=lab.url(), lab=lab.name)
    return {
        each.check.name: each
        for each in health.run(target, found).outcomes
        if each.check.name in broken_by
    }


def stockops(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stockops", *words],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_replica_follows_and_its_primary_shows_it(pair: Pair) -> None:
    before = numbers(pair.primary)
    write(pair.primary, "INSERT INTO kept VALUES (2, 'second')")
    eventually(lambda: numbers(pair.replica) == sorted([*before, 2]), SOON_S)
    [row] = replication.status(replication.target_of(pair.primary))
    assert (row.replica, row.primary) == (pair.replica.name, pair.primary.name)
    assert (row.state, state(pair.replica).state) == ("following", "following")
    assert {each.name: each.replica_of for each in labs.status()}[row.replica] == row.primary
    with pytest.raises(Refused, match="is a replica of"):
        replication.require_primary(pair.replica.name)
    with pytest.raises(Refused, match="is no replica"):
        replication.plan_promotion(pair.primary.name)


def test_the_command_line_tells_a_replica_that_follows_from_one_that_does_not(pair: Pair) -> None:
    well = stockops("replica", "status", "-t", pair.replica.name, "--format", "json")
    assert (well.returncode, json.loads(well.stdout)[0]["state"]) == (0, "following"), well.stderr
    refused = stockops("replica", "promote", "--name", pair.replica.name)
    assert refused.returncode == 5
    assert "answers" in refused.stderr
    assert "--yes" in refused.stderr
    assert state(pair.replica).state == "following", state(pair.replica)


def test_who_does_not_follow_is_not_planned_to_take_over_from_a_primary_that_answers(
    pair: Pair,
) -> None:
    apply_nothing, go_on = {
        "postgresql": ("SELECT pg_wal_replay_pause()", "SELECT pg_wal_replay_resume()"),
        "mariadb": ("STOP SLAVE SQL_THREAD", "START SLAVE SQL_THREAD"),
    }[pair.replica.engine]
    write(pair.replica, apply_nothing)
    try:
        eventually(lambda: state(pair.replica).state != "following", SOON_S)
        for words in ((), ("--plan",), ("--yes",)):
            refused = stockops("replica", "promote", "--name", pair.replica.name, *words)
            assert (refused.returncode, refused.stdout) == (5, "")
            assert "does not follow" in refused.stderr
            assert "--yes" not in refused.stderr
    finally:
        write(pair.replica, go_on)
    eventually(lambda: state(pair.replica).state == "following", SOON_S)


def test_what_a_restarted_replica_has_applied_counts_as_received(pg_pair: Pair) -> None:
    """It begins to receive at the start of a segment, and its primary is away."""
    pg_pair.again()
    labs.stop(pg_pair.primary)
    labs.stop(pg_pair.replica)
    pg_pair.replica = labs.start(pg_pair.replica)
    found = state(pg_pair.replica)
    assert _lsn(found.received) >= _lsn(found.applied), found
    assert found.behind_bytes == 0
    pg_pair.primary = labs.start(pg_pair.primary)
    eventually(lambda: state(pg_pair.replica).state == "following", SOON_S)


def _lsn(text: str) -> int:
    high, low = text.split("/")
    return int(high, 16) << 32 | int(low, 16)


def test_a_primary_that_works_hands_over_without_a_loss(pair: Pair) -> None:
    before = numbers(pair.primary)
    write(pair.primary, "INSERT INTO kept VALUES (3, 'handed over')")
    with pytest.raises(Refused, match="answers"):
        handed_over(pair)
    promoted = handed_over(pair, yes=True)
    assert (promoted.lost_transactions, promoted.lost_rows) == (0, 0), promoted.lost
    assert numbers(pair.replica) == sorted([*before, 3])
    with pytest.raises(Refused, match="took over"):
        labs.start(pair.primary)  # who holds the lab as it was, does not make two of it
    done = led_back(pair)
    assert (done.how, done.dropped_transactions) == ("follow", 0)
    write(pair.primary, "INSERT INTO kept VALUES (4, 'by the new one')")
    eventually(lambda: numbers(pair.replica) == sorted([*before, 3, 4]), SOON_S)


def test_what_a_dead_primary_confirmed_alone_is_counted_and_dropped(pair: Pair) -> None:
    before = numbers(pair.primary)
    cut(pair.replica)
    write(
        pair.primary,
        "INSERT INTO kept VALUES (100, 'lost'), (101, 'lost'), (102, 'lost')",
        "UPDATE kept SET said = 'gone' WHERE n IN (100, 101)",
        "DELETE FROM kept WHERE n = 102",
    )
    labs.crash(pair.primary)
    table = "public.kept" if pair.primary.engine == "postgresql" else "trading.kept"
    promoted = handed_over(pair)
    assert (promoted.lost_transactions, promoted.lost_rows) == (3, 6), promoted.lost
    assert f"{table} 6 (3 new)" in promoted.lost
    said = replication.told(pair.replica)
    assert said is not None
    assert (str(said), said.new_rows) == (promoted.lost, {table: 3})
    write(pair.replica, "INSERT INTO kept VALUES (5, 'after it')")

    found = replication.plan_reattachment(pair.primary.name)
    assert (found.lost.transactions, dict(found.lost.rows)) == (3, {table: 6})
    assert [step for step in found.steps if step.destroys and "6" in step.why]
    done = led_back(pair)
    if pair.primary.engine == "postgresql":
        assert (done.how, done.kept) == ("rewind", "")
    else:
        assert done.how == "rebuild"
        assert "(100, 'lost')" in Path(done.kept).read_text("utf-8")
    assert (done.dropped_transactions, done.dropped_rows) == (3, 6)
    eventually(lambda: numbers(pair.replica) == sorted([*before, 5]), SOON_S)
    assert state(pair.replica).state == "following", state(pair.replica)


def test_a_frozen_primary_is_killed_before_another_one_takes_writes(pair: Pair) -> None:
    for pid in proc.inside(pair.primary.data):
        os.kill(pid, signal.SIGSTOP)
    handover = replication.plan_promotion(pair.replica.name)
    assert handover.found == "silent"
    assert [step for step in handover.steps if step.action.startswith("kill -9")]
    replication.promote(handover)
    assert proc.inside(pair.primary.data) == []
    assert led_back(pair).dropped_transactions == 0
    assert state(pair.replica).state == "following", state(pair.replica)


def test_a_promotion_that_was_never_finished_is_taken_back(pair: Pair) -> None:
    labs.note(replace(pair.primary, replaced_by=pair.replica.name))
    found = replication.plan_reattachment(pair.primary.name)
    assert found.how == "go on"
    replication.reattach(found)
    assert labs.require(pair.primary.name).replaced_by is None
    assert state(pair.replica).state == "following", state(pair.replica)


def test_a_replica_whose_log_is_gone_on_its_primary_is_made_anew(pair: Pair) -> None:
    if pair.primary.engine == "postgresql":
        labs.stop(pair.replica)
        with connect(pair.primary.url()) as server:
            write(pair.primary, "INSERT INTO kept VALUES (6, 'held back')")
            assert all_warn(pair.primary, {"slots": "0"})
            server.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
            reload(server)
            for _ in range(3):
                server.rows("SELECT pg_logical_emit_message(true, 'x', 'x')::text AS lsn")
                server.rows("SELECT pg_switch_wal()::text AS lsn")
                server.execute("CHECKPOINT")
            server.execute("ALTER SYSTEM RESET max_slot_wal_keep_size")
            reload(server)
        assert all_warn(pair.primary, {"slots_lost": "0"})
        labs.start(pair.replica)
    else:
        cut(pair.replica)
        write(pair.primary, "INSERT INTO kept VALUES (6, 'purged')", "FLUSH BINARY LOGS")
        with connect(pair.primary.url()) as server:
            last = server.rows("SHOW MASTER STATUS")[0]["File"]
            server.execute(f"PURGE BINARY LOGS TO '{last}'")
            # Which may keep a file that a checkpoint still needs, or a reader has open.
            eventually(
                lambda: (
                    server.execute(f"PURGE BINARY LOGS TO '{last}'") == 0
                    and len(server.rows("SHOW BINARY LOGS")) == 1
                ),
                SOON_S,
            )
        write(pair.replica, "START SLAVE")
    eventually(lambda: "rebuild" in state(pair.replica).next, SOON_S)
    assert stockops("replica", "status", "-t", pair.primary.name).returncode == 1
    if pair.primary.engine == "postgresql":
        assert all_warn(pair.replica, {"replica_broken": "0"})
    else:
        assert all_warn(pair.replica, {"replica_threads": "0"})

    replication.rebuild(pair.replica, pair.primary)
    pair.again()
    assert state(pair.replica).state == "following", state(pair.replica)
    eventually(lambda: numbers(pair.replica) == numbers(pair.primary), SOON_S)


def test_a_mariadb_replica_that_was_written_to_is_broken_though_it_follows(my_pair: Pair) -> None:
    my_pair.again()
    write(my_pair.replica, "INSERT INTO kept VALUES (900, 'its own')")
    found = state(my_pair.replica)
    assert (found.state, "written to" in found.reason) == ("broken", True), found
    replication.rebuild(my_pair.replica, my_pair.primary)
    my_pair.again()
    assert 900 not in numbers(my_pair.replica)


def test_checks_of_replication_see_a_replica_that_applies_nothing(pair: Pair) -> None:
    primary, replica = pair.primary, pair.replica
    pause, resume = (
        ("SELECT pg_wal_replay_pause()", "SELECT pg_wal_replay_resume()")
        if primary.engine == "postgresql"
        else ("STOP SLAVE SQL_THREAD", "START SLAVE SQL_THREAD")
    )
    write(primary, "INSERT INTO kept VALUES (799, 'applied')")
    eventually(lambda: 799 in numbers(replica), SOON_S)
    write(replica, pause)
    write(primary, "INSERT INTO kept VALUES (800, 'unapplied')")
    eventually(lambda: state(replica).behind_bytes, SOON_S)
    assert state(replica).state == "paused"
    if primary.engine == "postgresql":
        wanted = {"standby_lag": "0", "standby_delay": "0"}
        eventually(lambda: all_warn(primary, wanted), SOON_S)
        eventually(lambda: all_warn(replica, {"replica_lag": "0"}), SOON_S)
    else:
        eventually(lambda: all_warn(replica, {"replica_gtid": "0", "replica_threads": "0"}), SOON_S)
        assert outcomes(replica, replica_delay="0")["replica_delay"].state is State.UNKNOWN
    write(replica, resume)
    eventually(lambda: 800 in numbers(replica), SOON_S)
    eventually(lambda: state(replica).state == "following", SOON_S)


def all_warn(lab: Lab, broken_by: dict[str, str]) -> bool:
    return {each.state for each in outcomes(lab, **broken_by).values()} == {State.WARNING}


def test_a_replica_of_a_lab_that_stays_is_added_and_when_it_is_destroyed_nobody_follows(
    pair: Pair,
) -> None:
    before = len(replication.status(replication.target_of(pair.primary)))
    made = stockops("replica", "add", "--of", pair.primary.name, "--name", "another")
    assert made.returncode == 0, made.stderr
    found = replication.status(replication.target_of(pair.primary))
    assert len(found) == before + 1
    twice = stockops("replica", "add", "--of", pair.primary.name, "--name", "another")
    assert twice.returncode == 5, twice.stderr
    assert stockops("lab", "destroy", "--name", "another", "--yes").returncode == 0
    with pytest.raises(StockopsError):
        labs.require("another")
    assert len(replication.status(replication.target_of(pair.primary))) == before
