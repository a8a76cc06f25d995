"""Who waits for whom, and for what: real sessions in each other's way, on both engines."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result
from conftest import eventually
from crowd import Crowd, crowd_on

from stockops import sessions
from stockops.cli.main import main
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import StockopsError
from stockops.targets import Target

ADVISORY = {"postgresql": "SELECT pg_advisory_lock(42)", "mariadb": "SELECT get_lock('batch', 60)"}
ALTER = "ALTER TABLE held ADD COLUMN later INT"
MDL = (
    "UPDATE performance_schema.setup_instruments SET enabled = '{}' "
    "WHERE name = 'wait/lock/metadata/sql/mdl'"
)


@pytest.fixture
def crowd(target: Target) -> Iterator[Crowd]:
    with crowd_on(target) as crowd:
        yield crowd


def tree(target: Target, *args: str) -> Result:
    return CliRunner().invoke(main, ["locks", "tree", "-t", target.url, *args])


def drawn(crowd: Crowd, count: int) -> list[sessions.Standing]:
    """Return the tree when so many wait in it."""

    def whole() -> list[sessions.Standing]:
        found = sessions.locks(crowd.admin).standing
        ours = [each for each in found if each.database_name in {crowd.target.database, ""}]
        return ours if sum(each.depth > 0 for each in ours) == count else []

    return eventually(whole)


def let_alter(crowd: Crowd) -> None:
    """Let the user change the table, in sessions that begin from now on."""
    if crowd.admin.engine == "postgresql":
        crowd.admin.execute(f"ALTER TABLE held OWNER TO {crowd.login}")
    else:
        crowd.admin.execute(f"GRANT ALL ON {crowd.target.database}.* TO {crowd.login}@localhost")


def test_the_tree_says_what_each_holds_and_wants_and_what_ends_the_root(
    crowd: Crowd, target: Target
) -> None:
    idle = tree(target)
    assert (idle.exit_code, "nobody waits for a lock" in idle.stdout) == (0, True)
    root = crowd.hold(1)
    root.rows(ADVISORY[root.engine])
    row, called = crowd.want(1), crowd.sit()
    crowd.start(called, ADVISORY[root.engine])
    first, *waiting = drawn(crowd, 2)
    assert (first.session_id, first.depth, first.waiting) == (root.session_id, 0, 2)
    assert first.state == "idle in transaction"
    assert any("advisory lock" in each for each in first.holds)
    assert any("held" in each for each in first.holds)
    wants = {each.session_id: " ".join(each.wants) for each in waiting}
    changed = "what transaction" if root.engine == "postgresql" else "held (PRIMARY)"
    assert changed in wants[row.session_id]
    assert "advisory lock" in wants[called.session_id]
    eventually(lambda: tree(target).exit_code == 1)
    patient = tree(target, "--longer-than", "3600", "--format", "json")
    assert patient.exit_code == 0
    asked = json.loads(patient.stdout)[0]["next"]
    done = CliRunner().invoke(main, [*asked.split()[1:-1]])
    assert done.exit_code == 0, done.output
    eventually(lambda: tree(target).stdout.startswith("nobody"))
    crowd.settle()


def test_what_waits_behind_who_waits_stands_below_it(crowd: Crowd, target: Target) -> None:
    let_alter(crowd)
    root, owner, reader = crowd.hold(1), crowd.sit(), crowd.sit()
    crowd.start(owner, ALTER)
    crowd.start(reader, "SELECT n FROM held")
    found = drawn(crowd, 2)
    numbers = [(each.depth, each.session_id) for each in found]
    assert numbers == [(0, root.session_id), (1, owner.session_id), (2, reader.session_id)]
    text = tree(target).stdout
    assert text.index(f"{root.session_id} ") < text.index(f"  {owner.session_id} ")
    assert f"    {reader.session_id} " in text
    root.execute("ROLLBACK")
    crowd.settle()


@contextmanager
def blind(admin: Server) -> Iterator[None]:
    """Have MariaDB not say who holds the lock of a table, unless it is asked in another way."""
    with suppress(StockopsError):
        admin.execute("UNINSTALL SONAME 'metadata_lock_info'")
    admin.execute(MDL.format("NO"))
    try:
        yield
    finally:
        admin.execute(MDL.format("YES"))
        with suppress(StockopsError):
            admin.execute("UNINSTALL SONAME 'metadata_lock_info'")


@pytest.mark.parametrize("engine", ["mariadb"])
def test_a_holder_that_is_not_known_is_said_to_be_so_and_how_to_know_it(
    crowd: Crowd, target: Target
) -> None:
    with blind(crowd.admin):
        let_alter(crowd)
        root, owner = crowd.hold(1), crowd.sit()
        crowd.start(owner, ALTER)
        assert [each.session_id for each in drawn(crowd, 1)] == [None, owner.session_id]
        asked = tree(target)
        assert f"maybe session {root.session_id} of" in asked.stderr
        assert "INSTALL SONAME 'metadata_lock_info'" in asked.stderr
        ended = CliRunner().invoke(main, ["slow", "kill", "-t", target.url, "--blocking"])
        assert (ended.exit_code, "does not say who holds a lock" in ended.stderr) == (1, True)
        crowd.admin.execute("INSTALL SONAME 'metadata_lock_info'")
        assert [each.session_id for each in drawn(crowd, 1)] == [root.session_id, owner.session_id]
        root.execute("ROLLBACK")
        crowd.settle()


@pytest.mark.parametrize("engine", ["mariadb"])
def test_a_prepared_transaction_in_the_way_is_named(crowd: Crowd, target: Target) -> None:
    with connect(target) as gone:
        gone.execute("XA START 'left'")
        gone.execute("UPDATE held SET n = 9 WHERE id = 3")
        gone.execute("XA END 'left'")
        gone.execute("XA PREPARE 'left'")
    crowd.want(3)
    assert drawn(crowd, 1)[0].session_id == 0
    asked = tree(target)
    assert "a prepared transaction is in the way" in asked.stderr
    ended = CliRunner().invoke(main, ["slow", "kill", "-t", target.url, "--blocking"])
    assert (ended.exit_code, "XA RECOVER" in ended.stderr) == (1, True)
    crowd.admin.execute("XA ROLLBACK 'left'")
    crowd.settle()


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_role_that_may_not_see_is_told_so(crowd: Crowd) -> None:
    holder = crowd.hold(1)
    crowd.admin.execute("CREATE ROLE onlooker LOGIN")
    try:
        onlooker = replace(crowd.target, url=crowd.target.url.replace(crowd.login, "onlooker"))
        asked = tree(onlooker)
        assert (asked.exit_code, "hidden from this role" in asked.stderr) == (1, True)
    finally:
        crowd.admin.execute("DROP ROLE onlooker")
    holder.execute("ROLLBACK")
