"""Faults between a primary and its replica: each is seen, and is over when it is undone."""

from collections.abc import Iterator

import pytest
from conftest import eventually

from stockops import health, replication, scratch
from stockops.drills import pending, sandbox, standby
from stockops.drills.faults import FAULTS, Spot
from stockops.drills.faults.replicas import tell
from stockops.drills.undoing import Undo
from stockops.engine import connect
from stockops.errors import ConfigError, StockopsError
from stockops.health import State
from stockops.lab import ENGINES, Lab
from stockops.targets import Target

SEEN_S = 60.0


@pytest.fixture(scope="module", params=sorted(ENGINES))
def spot(request: pytest.FixtureRequest) -> Iterator[Spot]:
    """One sandbox with a replica for all of them."""
    engine = str(request.param)
    with scratch.directory("drill") as folder:
        folder.chmod(0o755)
        with Undo.begin(f"replicas-{engine}", folder=folder, within_s=600) as undo:
            needs = FAULTS["primary_lost"].needs(engine, {})
            with sandbox.opened(engine, needs, {}, undo=undo, folder=folder) as spot:
                yield spot


def write(spot: Spot) -> None:
    """Have the primary write something that its replica is to get."""
    with connect(spot.target) as server:
        server.execute("CREATE TABLE written (n INTEGER)")


def has_confirmed(replica: Lab) -> bool:
    try:
        with connect(replica.url()) as server:
            server.rows("SELECT n FROM confirmed")
    except StockopsError:
        return False
    return True


def undo(spot: Spot) -> None:
    """Undo what the faults armed, as a guardian does; the two labs, armed first, stay."""
    for each in reversed(pending.read(spot.undo.path).left[2:]):
        each.step.undo(spot.folder)
        spot.undo.undone(each.number)


def test_the_replica_is_a_lab_that_goes_with_the_sandbox(spot: Spot) -> None:
    assert spot.replica is not None
    assert spot.replica.temporary
    found = replication.status(replication.target_of(spot.now))
    assert [each.replica for each in found] == [standby.name_of(spot.lab)]
    assert spot.standing.name == spot.lab.name


def test_a_replica_that_applies_nothing_goes_on_after_the_undo(spot: Spot) -> None:
    fault = FAULTS["replica_lagging"]
    assert standby.follows(spot, within_s=SEEN_S)
    assert fault.bites(spot) is None
    fault.inject(spot, "sql")
    write(spot)
    eventually(lambda: fault.bites(spot) is not None, within_s=SEEN_S)
    assert not standby.follows(spot, within_s=0)
    undo(spot)
    assert standby.follows(spot, within_s=SEEN_S)
    assert fault.bites(spot) is None


def test_no_fault_of_a_replica_takes_what_it_does_not_know() -> None:
    with pytest.raises(ConfigError, match="takes no 'speed'"):
        FAULTS["replica_lagging"].needs("postgresql", {"speed": 1})
    with pytest.raises(ConfigError, match="synchronous cannot be 1"):
        FAULTS["primary_lost"].needs("postgresql", {"synchronous": 1})


def test_a_replica_whose_log_is_gone_says_so_until_it_is_made_anew(spot: Spot) -> None:
    fault, replica = FAULTS["replica_broken"], spot.replica
    assert replica is not None
    assert standby.follows(spot, within_s=SEEN_S)
    assert fault.bites(spot) is None
    fault.inject(spot, "sql")
    eventually(lambda: fault.bites(spot) is not None, within_s=SEEN_S)
    replication.rebuild(replica, replication.require_primary(spot.lab.name), outlives=True)
    assert standby.follows(spot, within_s=SEEN_S)
    assert fault.bites(spot) is None


def test_a_replica_that_was_promoted_beside_its_primary_is_told_and_led_back(spot: Spot) -> None:
    fault, replica = FAULTS["replica_promoted"], spot.replica
    assert replica is not None
    assert standby.follows(spot, within_s=SEEN_S)
    assert writable(replica) == (State.OK, "")
    assert fault.bites(spot) is None
    if spot.engine == "postgresql":  # the checkpoint before the two part is in a log that goes
        tell(spot.now, "SELECT pg_switch_wal()", "SELECT pg_create_restore_point('drill')")
        assert standby.follows(spot, within_s=SEEN_S)
    fault.inject(spot, "sql")
    assert replica.name in str(fault.bites(spot))
    assert writable(replica) == (
        State.WARNING,
        f"it takes writes, and is to follow {spot.lab.name}",
    )
    assert writable(spot.lab)[0] is State.OK
    if spot.engine == "postgresql":
        tell(replica, "CHECKPOINT")
    found = replication.plan_reattachment(replica.name)
    assert found.how == ("rewind" if spot.engine == "postgresql" else "rebuild")
    assert found.lost.transactions == 1
    assert replication.reattach(found, outlives=True).how == "rebuild"
    assert standby.follows(spot, within_s=SEEN_S)
    assert fault.bites(spot) is None
    assert writable(replica)[0] is State.OK


def writable(lab: Lab) -> tuple[State, str]:
    """What the check says of it, and the words where that is not well."""
    checks = health.chosen(health.load(lab.engine), names=["replica_writable"])
    target = Target(name=lab.name, url=lab.url(), lab=lab.name)
    outcome = health.run(target, checks).outcomes[-1]
    return outcome.state, outcome.message if outcome.state else ""


def test_clients_of_a_lost_primary_are_led_to_who_took_over(spot: Spot) -> None:
    fault, replica = FAULTS["primary_lost"], spot.replica
    assert replica is not None
    assert standby.follows(spot, within_s=SEEN_S)
    assert fault.bites(spot) is None
    with connect(spot.front) as server:
        server.execute("CREATE TABLE confirmed (n INTEGER)")
    eventually(lambda: has_confirmed(replica), within_s=SEEN_S)
    fault.inject(spot, "signal")
    assert "gone" in str(fault.bites(spot))
    with pytest.raises(StockopsError):
        write(spot)
    handover = replication.plan_promotion(replica.name)
    replication.check(handover, yes=False)
    assert replication.promote(handover).lost_transactions == 0
    assert spot.standing.name == replica.name
    fault.lift(spot)
    fault.lift(spot)  # twice is once
    with connect(spot.front) as server:
        server.execute("INSERT INTO confirmed VALUES (1)")
    assert not standby.follows(spot, within_s=0)
