"""`index advise`: the planted good indexes are found, the planted bad ones refused."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import indexed_workload as planted
import pytest
from click.testing import CliRunner
from conftest import eventually, fresh_database
from indexed_workload import BAD, QUERIES, Query
from onacopy import copies, started

from stockops.cli.main import main
from stockops.engine import connect
from stockops.errors import ConfigError
from stockops.experiments import advising, choosing, workloads
from stockops.experiments.advice import Advice, Advised, Budget
from stockops.experiments.choosing import Option
from stockops.experiments.copying import Copy
from stockops.experiments.workloads import Logged
from stockops.indexes import catalogue
from stockops.indexes.candidates import Key, Shape
from stockops.lab import Lab
from stockops.slow import reading

_FEW = ("fills WHERE account_id", "FROM jobs WHERE state =", "order_no", "side = 'B'", "busy")
FEW = tuple(
    query
    for query in QUERIES
    if any(word in query.sql for word in (*_FEW, "served WHERE owner_id = {account} AND"))
)
FEW_ROWS = 12_000
MANY_ROWS = 60_000
END_S = 60.0


@pytest.fixture
def copy(lab: Lab) -> Iterator[Copy]:
    """A database of the shared lab, which stands for a copy."""
    with fresh_database(lab) as target:
        yield Copy(lab=lab, database=target.database, source="a test")


def logged(folder: Path, engine: str, queries: tuple[Query, ...], rows: int) -> Logged:
    path = folder / "slow.log"
    planted.log(path, engine, queries, rows=rows)
    return workloads.read(reading.prepare([str(path)]), engine=engine)


def judge(found: Advised, queries: tuple[Query, ...]) -> None:
    """Fail where a planted good index is missing, and where a planted bad one is advised."""
    advised = {each.columns: each for each in found.advice}
    leading = [
        (each.table_name, tuple(_plain(key) for key in _keys(each.columns)))
        for each in found.advice
    ]
    for query in queries:
        if query.good:
            assert any(
                table == query.table and (_begins(keys, query) or _is_partial(each, query))
                for (table, keys), each in zip(leading, found.advice, strict=True)
            ), (query, sorted(advised))
    for table, keys in leading:
        assert keys[0] not in BAD.get(table, set()), (table, keys)
    assert all(each.saved.mean > max(0.0, each.lost.mean) for each in found.advice)
    assert {each.table_name for each in found.advice} == {q.table for q in queries if q.good}


def _begins(keys: tuple[str, ...], query: Query) -> bool:
    return any(
        wanted and set(keys[: len(wanted)]) == set(wanted) for wanted in (query.good, query.also)
    )


def _keys(columns: str) -> list[str]:
    return columns.partition(")")[0].lstrip("(").split(", ") if "(" in columns else []


def _plain(key: str) -> str:
    return key.split("(")[0].split(" ")[0]


def _is_partial(each: Advice, query: Query) -> bool:
    """A partial index has what is equal in its WHERE."""
    where = each.columns.partition(" WHERE ")[2]
    left = {word for word in query.good if word not in where}
    keys = _keys(each.columns)[: max(1, len(left))]
    return bool(where) and {_plain(key) for key in keys} <= set(query.good)


def test_good_indexes_are_found_and_bad_ones_refused(copy: Copy, tmp_path: Path) -> None:
    tables = frozenset({"fills", "jobs", "ladder", "served", "busy"})
    with connect(copy.target) as server:
        planted.make(server, FEW_ROWS, only=tables)
    log = logged(tmp_path, copy.engine, FEW, FEW_ROWS)
    found = advising.advise(copy, log, budget=Budget(seconds=60))
    judge(found, FEW)
    assert found.left_out == []
    busy = [each for each in found.refused if each.table_name == "busy"]
    assert busy
    assert any("writes lose" in each.why for each in busy), busy
    with connect(copy.target) as server:  # the copy is as it was
        names = {each.row.index_name for each in catalogue.read(server).indexes}
        assert not {each.index_name for each in found.advice} & names
        for each in found.advice:
            server.execute(each.statement)
            server.execute(each.undo)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_in_thirty_queries_all_good_indexes_are_found_and_no_bad_one(
    copy: Copy, tmp_path: Path
) -> None:
    assert len(QUERIES) == 30
    with connect(copy.target) as server:
        planted.make(server, MANY_ROWS)
    log = logged(tmp_path, copy.engine, QUERIES, MANY_ROWS)
    judge(advising.advise(copy, log, budget=Budget(seconds=900)), QUERIES)


def _shape(*columns: str, table: str = "t") -> Shape:
    return Shape(("s", table), tuple(map(Key, columns)))


def test_the_best_set_is_chosen_and_not_the_best_indexes_one_by_one() -> None:
    both, one, other = _shape("a", "b"), _shape("a"), _shape("b")
    options = [
        Option(query="1", shapes=frozenset([one]), saved_s=10),
        Option(query="1", shapes=frozenset([both]), saved_s=9),
        Option(query="2", shapes=frozenset([other]), saved_s=10),
        Option(query="2", shapes=frozenset([both]), saved_s=9),
    ]
    sizes = dict.fromkeys([both, one, other], 100)
    free = choosing.choose(options, lost_s={}, sizes=sizes)
    assert free == {one, other}
    taxed = choosing.choose(options, lost_s=dict.fromkeys(sizes, 3.0), sizes=sizes)
    assert taxed == {both}
    small = choosing.choose(options, lost_s={}, sizes=sizes, max_bytes=150)
    assert small == {both}
    assert choosing.choose(options, lost_s=dict.fromkeys(sizes, 30.0), sizes=sizes) == set()


def test_two_indexes_that_help_only_together_are_chosen_together() -> None:
    left, right = _shape("a"), _shape("b", table="u")
    options = [Option(query="1", shapes=frozenset([left, right]), saved_s=5)]
    sizes = {left: 1, right: 1}
    assert choosing.choose(options, lost_s={}, sizes=sizes) == {left, right}
    assert choosing.choose(options, lost_s={left: 6.0}, sizes=sizes) == set()


def test_what_cannot_be_considered_is_named_with_its_share(copy: Copy, tmp_path: Path) -> None:
    with connect(copy.target) as server:
        planted.make(server, 2_000, only=frozenset({"small"}))
    odd = (
        Query(sql="SELECT name FROM small WHERE name = 'name1'", calls=3),
        Query(sql="CALL trade({account})", calls=2),
        Query(sql="SELECT nothing FROM small", calls=1),
    )
    found = advising.advise(copy, logged(tmp_path, copy.engine, odd, 2_000))
    assert [(round(each.share, 2), each.calls) for each in found.left_out] == [(0.33, 2), (0.17, 1)]
    assert "CALL" in found.left_out[0].why
    assert "cannot be resolved" in found.left_out[1].why
    assert found.advice == []


@pytest.fixture
def jobs(lab: Lab, tmp_path: Path) -> Iterator[Path]:
    """Jobs in the database that a lab's name stands for, and a log of what asks for them."""
    with connect(lab.url()) as server:
        server.execute("DROP TABLE IF EXISTS jobs")
        planted.make(server, 20_000, only=frozenset({"jobs"}))
    path = tmp_path / "slow.log"
    asked = tuple(each for each in QUERIES if "FROM jobs" in each.sql)
    planted.log(path, lab.engine, asked, rows=20_000)
    yield path
    with connect(lab.url()) as server:
        server.execute("DROP TABLE jobs")


def names(lab: Lab) -> list[str]:
    with connect(lab.url()) as server:
        return [each.row.index_name for each in catalogue.read(server).indexes]


@pytest.mark.parametrize("engine", ["postgresql"])
def test_the_advice_is_json_on_stdout_and_the_lab_is_as_it_was(lab: Lab, jobs: Path) -> None:
    before = (copies(), names(lab))
    process = started(
        lab, "advise", str(jobs), "--seconds", "30", "--max-size", "50", "--format", "json"
    )
    out, err = process.communicate(timeout=END_S)
    assert process.returncode == 1, err
    told = json.loads(out)
    assert [each["table_name"] for each in told["advice"]] == ["jobs"]
    assert told["advice"][0]["columns"].startswith(("(state", "(due_at)"))
    assert told["changes"][0]["before_s"] > told["changes"][0]["after_s"]
    assert (copies(), names(lab)) == before


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_plan_names_what_would_be_built_and_builds_nothing(lab: Lab, jobs: Path) -> None:
    before = names(lab)
    done = CliRunner().invoke(main, ["index", "advise", "-t", lab.name, "--plan", str(jobs)])
    assert done.exit_code == 0, done.output
    assert "jobs (state, due_at)" in done.stdout
    assert "would be built on a copy of the lab" in done.stdout
    assert names(lab) == before


@pytest.mark.parametrize("engine", ["postgresql"])
def test_interrupted_it_leaves_no_copy(lab: Lab, jobs: Path) -> None:
    before = copies()
    process = started(lab, "advise", str(jobs))
    try:
        eventually(lambda: len(copies()) > len(before))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=END_S)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "interrupted" in err
    assert copies() == before


def test_a_log_of_the_other_engine_is_refused(engine: str, tmp_path: Path) -> None:
    path = tmp_path / "slow.log"
    other = "mariadb" if engine == "postgresql" else "postgresql"
    planted.log(path, other, FEW, rows=2_000)
    with pytest.raises(ConfigError, match=f"the log is of {other}"):
        workloads.read(reading.prepare([str(path)]), engine=engine)
