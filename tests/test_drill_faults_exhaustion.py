"""Numbers run out: the server refuses, a check says so, and what the runbook types gives more."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from conftest import Labs, eventually

from stockops import health, scratch
from stockops.drills import book, sandbox, steps
from stockops.drills.faults import FAULTS, Fault, Spot
from stockops.drills.runbook import RECOVER, Mark
from stockops.drills.undoing import Undo
from stockops.engine import connect
from stockops.errors import ConfigError
from stockops.health import State
from stockops.lab import ENGINES
from stockops.targets import Config

SEEN_S = 60.0


@contextmanager
def sandboxed(fault: Fault, engine: str) -> Iterator[Spot]:
    with scratch.directory("drill") as folder:
        folder.chmod(0o755)
        with Undo.begin(f"exhaustion-{engine}", folder=folder, within_s=600) as undo:
            needs = fault.needs(engine, {})
            with sandbox.opened(engine, needs, {}, undo=undo, folder=folder) as spot:
                yield spot


def states(spot: Spot, *names: str) -> set[State]:
    checks = health.chosen(health.load(spot.engine), names=names)
    outcomes = health.run(spot.target, checks).outcomes
    return {each.state for each in outcomes if each.check.name in names}


def recover(spot: Spot, drill: str) -> None:
    """Do what the runbook says."""
    [found] = [each for each in book.load(Config()) if each.id == drill]
    doing = steps.Doing(spot, FAULTS[found.fault], zero_ns=0)
    for step in found.runbook.of(spot.engine, RECOVER):
        assert step.mark is Mark.MANUAL or doing.do(step), doing.done[-1]


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_a_counter_at_its_end_is_put_behind_the_last_key(engine: str, all_labs: Labs) -> None:
    all_labs.get(engine)
    fault = FAULTS["keys_exhausted"]
    with sandboxed(fault, engine) as spot:
        assert fault.bites(spot) is None
        assert states(spot, "sequences") == {State.OK}
        fault.inject(spot, "sql")
        assert fault.bites(spot)
        assert states(spot, "sequences") == {State.CRITICAL}
        recover(spot, "keys-exhausted")
        assert fault.bites(spot) is None
        assert states(spot, "sequences") == {State.OK}
        with connect(spot.target) as server:
            draw = {"postgresql": "nextval('event_ids')", "mariadb": "nextval(event_ids)"}[engine]
            row = server.rows(f"SELECT {draw} AS next, (SELECT max(trade_id) FROM trades) AS last")
        assert row[0]["next"] > (row[0]["last"] or 0)
        assert row[0]["next"] < 2**62


def test_transaction_numbers_come_back_when_what_is_old_is_gone(all_labs: Labs) -> None:
    all_labs.get("postgresql")
    fault = FAULTS["wraparound_near"]
    names = ("wraparound", "freeze", "xmin_horizon")
    with sandboxed(fault, "postgresql") as spot:
        assert fault.bites(spot) is None
        assert states(spot, *names) == {State.OK}
        fault.inject(spot, "pg_resetwal")
        assert "wraparound data loss" in str(fault.bites(spot))
        assert states(spot, *names) == {State.CRITICAL}
        recover(spot, "wraparound-near")
        assert fault.bites(spot) is None
        eventually(lambda: states(spot, *names) == {State.OK}, SEEN_S)
        with connect(spot.target) as server:  # what was there before is seen
            assert server.rows("SELECT count(*) AS n FROM stocks")[0]["n"] > 0


def test_what_cannot_be_exhausted_is_said() -> None:
    assert "48 bits" in FAULTS["wraparound_near"].without["mariadb"]
    for name in ("wraparound_near", "keys_exhausted"):
        with pytest.raises(ConfigError, match="takes no 'left'"):
            FAULTS[name].needs("postgresql", {"left": 1})
