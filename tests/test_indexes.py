"""Indexes: what an audit says of each case of the truth table, and that its way out is one."""

from collections.abc import Iterator
from dataclasses import dataclass

import index_cases
import pytest
from conftest import Labs, fresh_database
from index_cases import Case, Found

from stockops import indexes
from stockops.engine import ENGINES, connect
from stockops.engine.base import Server
from stockops.indexes import Audit, Verdict, questions

SHAPE = ("invalid", "duplicate", "redundant", "fk_without_index")


@dataclass(slots=True)
class Truth:
    """A database with every case of an engine, and what was found there."""

    server: Server
    cases: list[Case]
    found: Audit


@pytest.fixture(scope="module", params=sorted(ENGINES))
def truth(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Truth]:
    engine = str(request.param)
    cases = index_cases.read(engine)
    with fresh_database(all_labs.get(engine)) as target, connect(target) as server:
        for case in cases:
            for statement in case.sql:
                server.execute(statement)
        yield Truth(server, cases, indexes.audit([server], only=SHAPE))


def said(found: Audit, case: Case) -> Found:
    """Return what was found of `case`, in the words of the cases."""
    return {
        (each.index_name or each.columns or "").removeprefix(case.table): (
            each.kind,
            each.covered_by.removeprefix(case.table) if each.covered_by else None,
        )
        for each in found.verdicts
        if each.table_name and each.table_name.startswith(case.table)
    }


def test_every_case_is_judged_as_it_is(truth: Truth) -> None:
    assert len(truth.cases) >= 40
    assert len({case.words for case in truth.cases}) == len(truth.cases)
    wrong = {
        case.words: said(truth.found, case)
        for case in truth.cases
        if said(truth.found, case) != case.found
    }
    assert wrong == {}


def test_a_verdict_says_why_and_what_to_do(truth: Truth) -> None:
    for each in truth.found.verdicts:
        assert each.state == "found"
        assert len(each.reason) > 20
        assert "\n" not in each.reason
        assert each.steps
        assert bool(each.restore) == (each.index_name is not None)
        assert (each.covered_by is not None) == (each.kind in {"duplicate", "redundant"})


def catalogue(server: Server) -> list[object]:
    return [*server.fetch(questions.LIST), *server.fetch(questions.COLUMNS)]


def run(server: Server, statements: tuple[str, ...]) -> None:
    for statement in statements:
        if not statement.startswith("--"):
            server.execute(statement)


def can_go(verdict: Verdict) -> bool:
    """Tell what a test can drop and build again: a build that failed would come back whole."""
    return verdict.index_name is not None and not (
        verdict.kind == "invalid" and "IGNORED" not in verdict.reason
    )


def test_what_is_advised_can_be_done_and_undone(truth: Truth) -> None:
    """Every drop is done, nothing is found then that was not before, and all of it comes back."""
    before = catalogue(truth.server)
    going = [each for each in truth.found.verdicts if can_go(each)]
    for verdict in going:
        run(truth.server, verdict.steps)
    left = {row.index_name for row in truth.server.fetch(questions.LIST)}
    rest = [each for each in truth.found.verdicts if not can_go(each)]
    try:
        again = indexes.audit([truth.server], only=SHAPE).verdicts
        assert [(e.kind, e.table_name, e.index_name) for e in again] == [
            (e.kind, e.table_name, e.index_name) for e in rest
        ]
    finally:
        for verdict in going:
            run(truth.server, verdict.restore)
    assert len(left) < len({row.index_name for row in truth.server.fetch(questions.LIST)})
    assert catalogue(truth.server) == before


# What the index that goes was used for, by the words of its case.
PLANS = {
    "a left prefix": "SELECT b FROM {t} WHERE a = 77",
    "wholly reversed": "SELECT a, b FROM {t} ORDER BY a DESC, b DESC LIMIT 5",
    "one key reversed, before another": "SELECT a FROM {t} ORDER BY a DESC LIMIT 5",
    "plain beside unique": "SELECT a FROM {t} WHERE a = 77",
}


def plan(server: Server, sql: str) -> str:
    return " ".join(str(value) for row in server.rows(f"EXPLAIN {sql}") for value in row.values())


def test_a_plan_keeps_an_index_when_the_advised_one_is_gone(truth: Truth) -> None:
    numbers = (
        "generate_series(1, 3000) AS s(n)"
        if truth.server.engine == "postgresql"
        else "(SELECT seq AS n FROM seq_1_to_3000) AS s"
    )
    for case in truth.cases:
        if case.words not in PLANS:
            continue
        sql = PLANS[case.words].format(t=case.table)
        truth.server.execute(f"INSERT INTO {case.table} (id, a, b) SELECT n, n, n FROM {numbers}")
        truth.server.execute(f"ANALYZE {'TABLE ' * (numbers[0] == '(')}{case.table}")
        verdict = next(e for e in truth.found.verdicts if e.table_name == case.table)
        whole = plan(truth.server, sql)
        run(truth.server, verdict.steps)
        kept = plan(truth.server, sql)
        run(truth.server, verdict.restore)
        assert str(verdict.covered_by) in kept, (case.words, whole, kept)
        assert "filesort" not in kept
        assert "Sort" not in kept
