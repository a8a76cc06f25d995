"""A plan is the same tree from whatever form it comes in, and its mistakes are named."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockops import plans
from stockops.engine.base import Server
from stockops.errors import ConfigError
from stockops.plans import Plan

TABLES = {
    "postgresql": [
        "CREATE TABLE o (id int PRIMARY KEY, s int, st text, q int)",
        "INSERT INTO o SELECT g, g % 100, CASE WHEN g % 50 = 0 THEN 'open' ELSE 'done' END, g % 13"
        " FROM generate_series(1, 8000) g",
        "CREATE INDEX o_s ON o (s)",
        'CREATE TABLE i (s int PRIMARY KEY, "from" text)',
        "INSERT INTO i SELECT g, 'n' || g FROM generate_series(0, 99) g",
        "ANALYZE",
    ],
    "mariadb": [
        "CREATE TABLE o (id int PRIMARY KEY, s int, st varchar(10), q int, KEY o_s (s))",
        "INSERT INTO o SELECT seq, seq % 100, IF(seq % 50 = 0, 'open', 'done'), seq % 13"
        " FROM seq_1_to_8000",
        "CREATE TABLE i (s int PRIMARY KEY, `from` varchar(10))",
        "INSERT INTO i SELECT seq - 1, concat('n', seq - 1) FROM seq_1_to_100",
        "ANALYZE TABLE o, i",
    ],
}
QUERIES = [
    "SELECT * FROM o WHERE id = 5",
    "SELECT i.s, sum(q) x FROM o JOIN i USING (s) WHERE st = 'open' GROUP BY i.s ORDER BY x",
    "SELECT count(*) FROM o a WHERE q > (SELECT avg(q) FROM o b WHERE b.s = a.s) AND a.id < 50",
    "WITH c AS (SELECT s, count(*) k FROM o GROUP BY s) SELECT * FROM c JOIN i USING (s)",
    "SELECT * FROM o WHERE s IN (SELECT s FROM i WHERE s < 20) AND q = 3",
    "SELECT 1 FROM o WHERE s = 1 UNION SELECT 2 FROM i UNION ALL SELECT 3 FROM i",
    "SELECT id, row_number() OVER (PARTITION BY s ORDER BY q) FROM o WHERE id < 300",
    "SELECT * FROM o WHERE 1 = 0",
    "SELECT * FROM o WHERE s = 1 OR id = 77 ORDER BY q",
    "SELECT a.id FROM o a JOIN o b ON a.q = b.q WHERE a.id < 50 AND b.id < 90",
    "SELECT EXISTS (SELECT 1 FROM o WHERE q = 99)",
    "UPDATE o SET q = q + 1 WHERE st = 'open' AND id < 200",
    "DELETE FROM o WHERE id BETWEEN 5 AND 20",
    "INSERT INTO i SELECT s + 1000, st FROM o WHERE id < 10",
]


@pytest.fixture
def tables(server: Server) -> Server:
    for sql in TABLES[server.engine]:
        server.execute(sql)
    return server


class _Undone(Exception):
    pass


@contextmanager
def undone(server: Server) -> Iterator[None]:
    try:
        with server.transaction():
            yield
            raise _Undone
    except _Undone:
        pass


def explained(server: Server, sql: str) -> Any:
    how = "EXPLAIN (ANALYZE, BUFFERS, VERBOSE, FORMAT JSON)"
    how = how if server.engine == "postgresql" else "ANALYZE FORMAT=JSON"
    with undone(server):
        [answer] = server.rows(f"{how} {sql}")[0].values()
    return answer


def logged(server: Server, sql: str) -> str:
    """Return the plan of `sql` as the engine writes it into a log."""
    with undone(server):
        if server.engine == "postgresql":
            rows = server.rows(f"EXPLAIN (ANALYZE, BUFFERS, VERBOSE) {sql}")
            return "\n".join(row["QUERY PLAN"] for row in rows)
        rows = server.rows(f"ANALYZE {sql}")
    lines = ["\t".join(rows[0])]
    lines += ["\t".join("NULL" if v is None else str(v) for v in row.values()) for row in rows]
    return "\n".join(lines)


def test_a_plan_has_one_shape_in_every_form(tables: Server) -> None:
    seen = set()
    # Of window functions MariaDB's log says nothing.
    told_by_both = [sql for sql in QUERIES if "OVER" not in sql or tables.engine == "postgresql"]
    for sql in told_by_both:
        told = [plans.parse(explained(tables, sql)), plans.parse(logged(tables, sql))]
        trees = ["\n".join(plans.lines(each, details=False)) for each in told]
        assert plans.shape(told[0]) == plans.shape(told[1]), "\n".join([sql, *trees])
        assert plans.lines(told[0])
        seen.add(plans.shape(told[0]))
    assert len(seen) >= len(told_by_both) - 2  # what MariaDB updates and deletes it finds alike


def test_numbers_and_literals_are_no_part_of_the_shape(tables: Server) -> None:
    for number in (3, 4):
        sql = f"SELECT * FROM o WHERE id = {number}"
        assert plans.shape(plans.parse(explained(tables, sql))) == plans.shape(
            plans.parse(explained(tables, QUERIES[0]))
        )


def test_what_was_misjudged_is_named(tables: Server) -> None:
    # Neither engine knows that the two columns go together.
    plan = plans.parse(
        explained(tables, "SELECT count(*) FROM o WHERE id % 50 = 0 AND st = 'open' AND id > 0")
    )
    worst = plans.worst_error(plan)
    assert worst is not None
    assert worst.node.relation == "o"
    assert worst.node.rows_actual == pytest.approx(160, abs=1)
    assert worst.factor > 10
    assert worst.too_few == (tables.engine == "postgresql")
    assert any("worst estimate" in line for line in plans.lines(plan))
    slow = plans.slowest(plan)
    assert slow is not None
    assert slow.relation == "o"
    assert plans.share(plan, slow) == pytest.approx(1.0, abs=0.5)


def test_what_a_limit_cut_short_is_no_error(tables: Server) -> None:
    plan = plans.parse(explained(tables, "SELECT * FROM o LIMIT 3"), limited=True)
    worst = plans.worst_error(plan)
    assert worst is None or worst.factor < 2
    # A sort reads all that is below it, LIMIT or not.
    plan = plans.parse(
        explained(tables, "SELECT * FROM o WHERE st = 'open' AND id % 50 = 0 ORDER BY q LIMIT 3"),
        limited=True,
    )
    worst = plans.worst_error(plan)
    assert worst is not None
    assert worst.factor > 9


def test_the_times_of_the_steps_add_up(tables: Server) -> None:
    for sql in QUERIES[:5]:
        plan = plans.parse(explained(tables, sql))
        own_ms = sum(node.own_ms or 0.0 for _, node in plans.walk(plan.root))
        assert plan.execution_ms is not None
        assert own_ms == pytest.approx(plan.execution_ms, rel=0.5, abs=0.2)


def test_a_literal_in_a_condition_spoils_no_json(tables: Server) -> None:
    for literal in ("it''s", 'a"b', "a\\\\b", "a\nb\tc", '한"글', 'x\\\\"y', "\x01", '", "k": "'):
        answer = explained(tables, f"SELECT * FROM o WHERE st <> '{literal}'")
        [scan] = [node for _, node in plans.walk(plans.parse(answer).root) if node.relation]
        assert scan.relation == "o"
        assert any("<>" in value for _, value in scan.details)


def test_two_plans_stand_side_by_side(tables: Server) -> None:
    left, right = (
        plans.parse(explained(tables, sql))
        for sql in ("SELECT * FROM o WHERE id = 5", "SELECT * FROM o WHERE q = 5")
    )
    text = plans.beside(left, right, width=120)
    assert all(len(line) <= 120 for line in text)
    assert any("≠" in line for line in text)
    assert not any("≠" in line for line in plans.beside(left, left, width=120))


def test_a_literal_that_looks_like_a_step_is_none() -> None:
    text = (
        "Seq Scan on t  (cost=0.00..1.01 rows=1 width=4) (actual time=0.1..0.2 rows=0 loops=1)\n"
        "  Filter: (a = 'x\n"
        "  ->  Index Scan using i on u  (cost=0.00..9.00 rows=900 width=4)\n"
        "y'::text)\n"
        "  Rows Removed by Filter: 7"
    )
    plan = plans.parse(text)
    assert not plan.root.children
    assert dict(plan.root.details)["Rows Removed by Filter"] == "7"


def test_a_limit_reaches_through_what_streams_and_stops_at_what_does_not() -> None:
    def step(kind: str, *below: dict[str, Any]) -> dict[str, Any]:
        rows = {"Plan Rows": 9000, "Actual Rows": 3, "Actual Loops": 1}
        return {"Node Type": kind, "Plans": list(below), **rows}

    scan = step("Seq Scan")
    for kinds, wrong in (
        (["Limit", "Gather Merge", "Sort"], "Seq Scan"),
        (["Limit", "Nested Loop", "Materialize"], ""),
        (["Limit", "Hash Join"], ""),
        (["Limit", "Hash Join", "Hash"], "Seq Scan"),
        (["Limit", "Sort"], "Seq Scan"),
    ):
        tree = scan
        for kind in reversed(kinds):
            tree = step(kind, tree)
        tree["Plan Rows"] = 3
        worst = plans.worst_error(plans.parse({"Plan": tree}))
        found = worst.node.label if worst and worst.factor > 2 else ""
        assert found == wrong, kinds


def test_what_several_processes_did_at_once_is_counted_once() -> None:
    scan = {
        "Node Type": "Seq Scan", "Parallel Aware": True, "Relation Name": "t", "Plan Rows": 100,
        "Actual Rows": 100, "Actual Loops": 3, "Actual Total Time": 10.0,
    }  # fmt: skip
    gather = {
        "Node Type": "Gather", "Plan Rows": 300, "Actual Rows": 300, "Actual Loops": 1,
        "Actual Total Time": 12.0, "Workers Launched": 2, "Plans": [scan],
    }  # fmt: skip
    plan = plans.parse([{"Plan": gather}])
    below = plan.root.children[0]
    assert (below.total_ms, plan.root.own_ms) == (10.0, 2.0)
    assert below.label == "Parallel Seq Scan on t"


@pytest.mark.parametrize(
    "said",
    ["", "hello", "[]", "{}", "[1, 2]", "null", '{"Plan": 1}', '{"query_block": []}',
     "id\tselect_type\t", "[" * 100_000, '{"Plan":{"Node Type":"Seq Scan","Plans":7}}'],
)  # fmt: skip
def test_what_is_no_plan_is_one_sentence(said: str) -> None:
    with pytest.raises(ConfigError, match="no plan"):
        plans.parse(said)


@settings(max_examples=150, deadline=None)
@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from([
            "Plan", "Plans", "Node Type", "Plan Rows", "Actual Rows", "Actual Loops", "query_block",
            "table", "table_name", "nested_loop", "filesort", "rows", "r_rows", "block-nl-join",
        ]), inner, max_size=4),
    max_leaves=15,
))  # fmt: skip
def test_no_json_brings_it_down(said: Any) -> None:
    for root in ("Plan", "query_block"):
        try:
            plan: Plan = plans.parse(json.dumps({root: said}))
        except ConfigError:
            continue
        assert plans.lines(plan)
