"""A server's clock jumps back while it works: what it says, who tells, and what goes on."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import eventually

from stockops import health, scratch
from stockops.drills import pending, sandbox
from stockops.drills.faults import FAULTS, Spot
from stockops.drills.faults.clock import by_library
from stockops.drills.undoing import Undo
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import ConfigError, ServerError
from stockops.health import State
from stockops.lab import ENGINES

FAULT = FAULTS["clock_jump"]
SEEN_S = 60.0
SLEEP = {"postgresql": "SELECT pg_sleep({s})", "mariadb": "SELECT sleep({s})"}


@pytest.fixture(params=sorted(ENGINES))
def spot(request: pytest.FixtureRequest) -> Iterator[Spot]:
    """A sandbox whose server has its clock from a file."""
    if why_not := by_library():
        pytest.skip(why_not)
    engine = str(request.param)
    with scratch.directory("drill") as folder:
        folder.chmod(0o755)
        with Undo.begin(f"clock-{engine}", folder=folder, within_s=600) as undo:
            needs = FAULT.needs(engine, {})
            with sandbox.opened(engine, needs, {}, undo=undo, folder=folder) as spot:
                yield spot


def state(spot: Spot) -> tuple[State, str]:
    checks = health.chosen(health.load(spot.engine), names=["clock_skew"])
    outcome = health.run(spot.target, checks).outcomes[-1]
    return outcome.state, outcome.message


def shared(spot: Spot) -> str:
    """How the names of the memory end that the library shares."""
    return f"_{spot.now.pid}"


def slept_s(server: Server, seconds: float) -> float:
    began = time.monotonic()
    server.rows(SLEEP[server.engine].format(s=seconds))
    return time.monotonic() - began


def test_the_clock_jumps_back_and_forth_while_what_waits_is_not_hurt(spot: Spot) -> None:
    assert state(spot)[0] is State.OK
    assert FAULT.bites(spot) is None
    assert [each for each in Path("/dev/shm").iterdir() if each.name.endswith(shared(spot))] == []
    with connect(spot.target, statement_timeout_s=1.0) as before:
        before.rows("SELECT 1 AS one")
        FAULT.inject(spot, "libfaketime")
        eventually(lambda: FAULT.bites(spot) is not None, SEEN_S)
        found, said = state(spot)
        assert found is State.CRITICAL
        assert "behind" in said
        assert 0.3 <= slept_s(before, 0.3) < SEEN_S
        with connect(spot.target, statement_timeout_s=1.0) as after:
            assert 0.3 <= slept_s(after, 0.3) < SEEN_S
            with pytest.raises(ServerError):
                slept_s(after, 300)
        [clock] = pending.read(spot.undo.path).left[1:]  # the sandbox, armed first, stays
        clock.step.undo(spot.folder)
        eventually(lambda: state(spot)[0] is State.OK, SEEN_S)
        assert 0.3 <= slept_s(before, 0.3) < SEEN_S
    assert FAULT.bites(spot) is None
    FAULT.lift(spot)
    FAULT.lift(spot)  # twice is once


def test_a_clock_jumps_by_seconds_that_make_sense() -> None:
    with pytest.raises(ConfigError, match="takes no 'forward_s'"):
        FAULT.needs("mariadb", {"forward_s": 60})
    for odd in (True, 59, "3600", 30 * 86_400 + 1):
        with pytest.raises(ConfigError, match="back_s cannot be"):
            FAULT.needs("mariadb", {"back_s": odd})
