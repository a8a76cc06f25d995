"""A workload without a log: what the server has counted, with values drawn from the rows."""

from collections.abc import Iterator

import pytest
from conftest import fresh_database

from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import ConfigError
from stockops.experiments import advising, counted
from stockops.experiments.samples import dialect_of, filled, placeholders
from stockops.experiments.workloads import Logged
from stockops.lab import Lab
from stockops.targets import Target

ROWS = 4_000
ASKED = (
    "SELECT * FROM deals WHERE account_no = {0}",
    "SELECT count(DISTINCT id) FROM deals WHERE symbol IN ('S1', 'S{0}') LIMIT 5",
    "SELECT d.id FROM deals AS d WHERE d.price BETWEEN {0} AND 90 ORDER BY d.id",
    "UPDATE deals SET memo = 'x{0}' WHERE account_no = {0} AND symbol = 'S3'",
    "INSERT INTO deals VALUES (1000{0}, 1, 'S1', 5, 'new'),(2000{0}, 1, 'S1', 5, 'new')",
    "SELECT id FROM deals WHERE id + {0} = 5",  # compared with no column alone
)


@pytest.fixture
def worked(lab: Lab) -> Iterator[tuple[Target, Server]]:
    """A server that has worked, and has counted what."""
    with fresh_database(lab) as target, connect(target) as server:
        if lab.engine == "postgresql":
            server.execute("CREATE EXTENSION pg_stat_statements")
        server.execute(
            "CREATE TABLE deals (id bigint PRIMARY KEY, account_no bigint, symbol varchar(8), "
            "price bigint, memo varchar(60))"
        )
        rows = ",".join(f"({n}, {n % 40}, 'S{n % 9}', {n % 100}, 'm')" for n in range(ROWS))
        server.execute(f"INSERT INTO deals VALUES {rows}")
        server.execute("ANALYZE deals" if lab.engine == "postgresql" else "ANALYZE TABLE deals")
        for turn in range(1, 4):
            for sql in ASKED:
                server.execute(sql.format(turn))
        yield target, server


def by_text(logged: Logged, word: str) -> list[str]:
    """The classes whose text has `word`, which is in one of them."""
    return [each.class_id for each in logged.classes if word in each.text]


def test_what_was_counted_is_a_workload_with_values_that_the_rows_have(
    worked: tuple[Target, Server],
) -> None:
    target, server = worked
    logged = counted.read(server, databases=(target.database,))
    assert "it keeps no parameters" in logged.note
    calls = {each.verb: each.calls for each in logged.classes if "deals" in each.text}
    assert calls["UPDATE"] == 3
    assert {each.verb for each in logged.classes} <= {"SELECT", "UPDATE", "INSERT", "WITH"}
    drawn = {each.class_id: each for each in counted.drawn(server, logged).classes}
    dialect = dialect_of(server.engine)
    for word in ("account_no = ?", "symbol IN", "BETWEEN", "memo = ?"):
        [class_id] = [
            each.class_id
            for each in drawn.values()
            if word in each.text and ("memo" in word or each.verb == "SELECT")
        ]
        found = drawn[class_id].samples
        assert len(found) >= 2, drawn[class_id].why
        for sample in found:  # the server takes what is drawn
            sql = (
                filled(sample.sql, sample.parameters, dialect) if sample.parameters else sample.sql
            )
            assert not placeholders(sql, dialect)
            server.execute(sql)
    [odd] = by_text(logged, "id +")
    assert not drawn[odd].samples
    assert "compared with no column" in drawn[odd].why
    assert all(each.source == "drawn from the data" for each in drawn.values())


def test_indexes_are_thought_of_for_what_was_counted(worked: tuple[Target, Server]) -> None:
    target, server = worked
    logged = counted.read(server, databases=(target.database,))
    planned = advising.plan(server, logged)
    keys = {tuple(key.column for key in each.shape.keys) for each in planned.offers}
    assert {("account_no",), ("symbol",)} <= keys
    left = {each.class_id: each.why for each in planned.left_out}
    assert "compared with no column" in left[by_text(logged, "id +")[0]]
    [inserts] = [each for each in logged.classes if each.verb == "INSERT"]
    assert (inserts.calls, inserts.rows_changed) == (4, ROWS + 6)
    assert inserts.class_id not in left


def test_a_database_of_which_nothing_is_counted_is_named(worked: tuple[Target, Server]) -> None:
    _, server = worked
    with pytest.raises(ConfigError, match="has counted no statement of nobodys"):
        counted.read(server, databases=("nobodys",))
