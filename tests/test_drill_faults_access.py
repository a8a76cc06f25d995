"""Who is not let in any more: refused by the server, told by a check, let in again by the undo."""

from collections.abc import Iterator

import pytest

from stockops import health, scratch
from stockops.drills import pending, sandbox
from stockops.drills.faults import FAULTS, Spot
from stockops.drills.undoing import Undo
from stockops.engine import connect, open_server
from stockops.errors import ConfigError, Fault, ServerError
from stockops.health import State
from stockops.lab import ENGINES

FAULT = FAULTS["password_expired"]


@pytest.fixture(params=sorted(ENGINES))
def spot(request: pytest.FixtureRequest) -> Iterator[Spot]:
    """A sandbox whose applications have a password."""
    engine = str(request.param)
    with scratch.directory("drill") as folder:
        folder.chmod(0o755)
        with Undo.begin(f"access-{engine}", folder=folder, within_s=600) as undo:
            needs = FAULT.needs(engine, {})
            with sandbox.opened(engine, needs, {}, undo=undo, folder=folder) as spot:
                yield spot


def state(spot: Spot) -> tuple[State, str]:
    checks = health.chosen(health.load(spot.engine), names=["password_expiry"])
    outcome = health.run(spot.target, checks).outcomes[-1]
    return outcome.state, outcome.message


def test_an_expired_password_ends_every_session_until_it_is_renewed(spot: Spot) -> None:
    assert spot.login is not None
    assert FAULT.bites(spot) is None
    assert state(spot) == (State.OK, "no password of a login expires")
    before = open_server(spot.login, application="stockops trade")
    assert before.rows("SELECT current_user AS me")[0]["me"] in {"app", "app@localhost"}
    FAULT.inject(spot, "sql")
    with pytest.raises(ServerError) as ended:
        before.rows("SELECT 1 AS one")
    assert ended.value.fault is Fault.LOST
    assert FAULT.bites(spot)
    found, said = state(spot)
    assert found is State.CRITICAL
    assert "app" in said
    assert "has expired" in said
    [left] = pending.read(spot.undo.path).left[1:]  # the sandbox, armed first, stays
    left.step.undo(spot.folder)
    assert FAULT.bites(spot) is None
    assert state(spot)[0] is State.OK
    with connect(spot.login) as server:  # by the same password
        server.rows("SELECT count(*) AS n FROM orders")
    FAULT.lift(spot)
    FAULT.lift(spot)  # twice is once


def test_the_days_that_a_password_has_left_are_told(spot: Spot) -> None:
    lapses = {
        "postgresql": "ALTER ROLE app VALID UNTIL '{day}'",
        "mariadb": "ALTER USER app@localhost PASSWORD EXPIRE INTERVAL {days} DAY",
    }[spot.engine]
    with connect(spot.target) as server:
        for days, expected in ((30, State.OK), (10, State.WARNING), (2, State.CRITICAL)):
            day = server.rows(f"SELECT CURRENT_DATE + INTERVAL '{days}' DAY AS day")[0]["day"]
            server.execute(lapses.format(day=day, days=days))
            found, said = state(spot)
            assert found is expected, said
            assert expected is State.OK or "is valid until 2" in said


def test_the_fault_takes_no_argument() -> None:
    with pytest.raises(ConfigError, match="takes no 'speed'"):
        FAULT.needs("postgresql", {"speed": 1})
