"""A migration that is killed half-way: what stands, what goes on, and who tells of it."""

from collections.abc import Iterator

import pytest
from conftest import eventually

from stockops import health, migrations, scratch
from stockops.catalog import COLUMNS
from stockops.drills import pending, sandbox
from stockops.drills.faults import FAULTS, Spot
from stockops.drills.faults.deploying import VERSION
from stockops.drills.undoing import Undo
from stockops.engine import connect
from stockops.errors import Finding
from stockops.health import State
from stockops.lab import ENGINES

FAULT = FAULTS["migration_killed"]


@pytest.fixture(params=sorted(ENGINES))
def spot(request: pytest.FixtureRequest) -> Iterator[Spot]:
    """A sandbox."""
    engine = str(request.param)
    with scratch.directory("drill") as folder:
        folder.chmod(0o755)
        with Undo.begin(f"deploying-{engine}", folder=folder, within_s=600) as undo:
            needs = FAULT.needs(engine, {})
            with sandbox.opened(engine, needs, {}, undo=undo, folder=folder) as spot:
                yield spot


def has_column(spot: Spot) -> bool:
    with connect(spot.target) as server:
        return any(each.column_name == "drill_note" for each in server.fetch(COLUMNS))


def stands(spot: Spot) -> str:
    with connect(spot.target) as server:
        found = migrations.status(server, folder=spot.migrations)
    return next(each.state for each in found if each.migration == VERSION)


def test_a_migration_that_is_killed_leaves_what_each_engine_leaves(spot: Spot) -> None:
    FAULT.inject(spot, "signal")
    assert FAULT.bites(spot)
    [kill] = pending.read(spot.undo.path).left[1:]  # the sandbox, armed first, stays
    assert kill.step.undo(spot.folder) is False  # it is gone, with all it started
    checks = health.chosen(health.load(spot.engine), names=["migrations_drifted"])
    told = health.run(spot.target, checks).outcomes[-1].state
    if spot.engine == "postgresql":
        assert (stands(spot), told) == ("pending", State.OK)
    else:
        assert (stands(spot), told) == ("half applied", State.CRITICAL)
        assert has_column(spot)
        with pytest.raises(Finding, match="stopped in statement 2"):
            migrations.up(spot.target, folder=spot.migrations)
    FAULT.lift(spot)
    FAULT.lift(spot)  # twice is once
    if spot.engine == "postgresql":
        eventually(lambda: FAULT.bites(spot) is None)
        assert not has_column(spot)
        assert stands(spot) == "pending"
