"""An index tried on a copy: what it saves, and what is refused."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from conftest import Labs, fresh_database

from stockops.engine import connect
from stockops.errors import ConfigError, Refused, ServerError
from stockops.experiments import drawing, samples
from stockops.experiments.copying import Copy
from stockops.experiments.index_trial import Budget, Read, measure
from stockops.experiments.samples import Sample
from stockops.indexes.questions import LIST

QUICK = Budget(seconds=1, cold=False, writes=False)
ROWS = 20_000
MARKS = {"postgresql": "$1", "mariadb": "?"}
FILL = {
    "postgresql": "INSERT INTO deals SELECT n, n % 500, repeat('x', 40)"
    f" FROM generate_series(1, {ROWS}) AS n",
    "mariadb": f"INSERT INTO deals SELECT seq, seq % 500, repeat('x', 40) FROM seq_1_to_{ROWS}",
}


class Deals(dict[str, Copy]):
    """A table of deals for each engine, made when it is asked for; tests leave it as it was."""

    def __init__(self, all_labs: Labs, stack: ExitStack) -> None:
        super().__init__()
        self._labs, self._stack = all_labs, stack

    def __missing__(self, engine: str) -> Copy:
        lab = self._labs.get(engine)
        target = self._stack.enter_context(fresh_database(lab))
        with connect(target) as server:
            server.execute(
                "CREATE TABLE deals (deal_id bigint PRIMARY KEY, account_id bigint NOT NULL,"
                " said varchar(80) NOT NULL)"
            )
            server.execute(FILL[engine])
        self[engine] = Copy(lab=lab, database=target.database, source="a test")
        return self[engine]


@pytest.fixture(scope="module")
def deals(all_labs: Labs) -> Iterator[Deals]:
    with ExitStack() as stack:
        yield Deals(all_labs, stack)


@pytest.fixture
def copy(engine: str, deals: Deals) -> Copy:
    return deals[engine]


def read(copy: Copy, sql: str, index: str, budget: Budget = QUICK) -> Read:
    query = samples.asked(sql, engine=copy.engine)
    return measure(copy, [query], [index], budget=budget).reads[0]


def indexes(copy: Copy) -> list[str]:
    with connect(copy.target) as server:
        return [row.index_name for row in server.fetch(LIST)]


def test_an_index_that_helps_is_used_and_much_faster(copy: Copy) -> None:
    before = indexes(copy)
    query = samples.asked("SELECT * FROM deals WHERE account_id = 7", engine=copy.engine)
    for _ in range(3):  # MariaDB counts the pages that its purge reads, too
        done = measure(copy, [query], ["CREATE INDEX a_ix ON deals (account_id);"], budget=QUICK)
        [found], [built] = done.reads, done.built
        if found.plans["after"].hit_pages < found.plans["before"].hit_pages:
            break
    assert found.is_used
    assert (found.rows, found.differences) == (ROWS / 500, ())
    assert found.warm.ratio.high is not None
    assert found.warm.ratio.high < 0.7
    assert found.plans["after"].hit_pages < found.plans["before"].hit_pages
    assert built.size_bytes > 50_000
    assert built.live.waiting == "nobody"
    assert indexes(copy) == before


def test_postgresql_says_who_waits_for_a_build_as_it_was_written(deals: Deals) -> None:
    done = measure(
        deals["postgresql"], [], ["CREATE INDEX a_ix ON deals (account_id)"], budget=QUICK
    )
    [built] = done.built
    assert built.plain is not None
    assert (built.plain.lock, built.plain.waiting) == ("ShareLock", "writers")
    assert built.live.lock == "ShareUpdateExclusiveLock"


def test_parameters_are_drawn_from_the_columns_they_are_compared_with(copy: Copy) -> None:
    sql = f"SELECT count(*) FROM deals AS d WHERE d.account_id = {MARKS[copy.engine]}"
    found = read(copy, sql, "CREATE INDEX a_ix ON deals (account_id)")
    values = [sample.parameters for sample in found.query.samples]
    assert len(set(values)) > 4
    assert all(0 <= int(value.strip("'")) < 500 for [value] in values)
    assert found.query.source == "drawn from the data"
    assert (found.generic is not None) == (copy.engine == "postgresql")


def test_a_table_is_known_behind_a_list_of_columns(copy: Copy) -> None:
    mark = MARKS[copy.engine]
    with connect(copy.target) as server:
        for read in ("deal_id, said", "deal_id, d.said", "deal_id AS a, said AS b", "1, count(*)"):
            sql = f"SELECT {read} FROM deals d WHERE account_id = {mark}"
            found = drawing.draw(server, samples.asked(sql, engine=copy.engine))
            assert len(found.samples) == samples.SAMPLES


def test_a_range_gets_its_ends_in_order_and_a_limit_a_number(copy: Copy) -> None:
    one, two, three, four = (
        ("?", "?", "?", "?") if copy.engine == "mariadb" else ("$1", "$2", "$3", "$4")
    )
    sql = (
        f"SELECT said, '? $9' FROM deals d WHERE account_id BETWEEN {one} AND {two}"
        f" AND d.deal_id IN (1, {three}) AND said <> 'it''s ?' LIMIT {four}"
    )
    with connect(copy.target) as server:
        found = drawing.draw(server, samples.asked(sql, engine=copy.engine))
    assert len(found.samples) == samples.SAMPLES
    for sample in found.samples:
        low, high, deal, limit = (int(value.strip("'")) for value in sample.parameters)
        assert low <= high < 500
        assert 1 <= deal <= ROWS
        assert limit == 20


def test_executions_of_one_class_may_have_lists_of_other_lengths(copy: Copy) -> None:
    marks = ("?", "?, ?") if copy.engine == "mariadb" else ("$1", "$1, $2")
    values = (("7",), ("7", "8"))
    query = samples.Asked(
        name="lists",
        text="lists",
        samples=tuple(
            Sample(f"SELECT * FROM deals WHERE account_id IN ({mark})", value)
            for mark, value in zip(marks, values, strict=True)
        ),
    )
    done = measure(copy, [query], ["CREATE INDEX a_ix ON deals (account_id)"], budget=QUICK)
    assert done.reads[0].rows == 3 * ROWS / 500


def test_a_parameter_that_is_compared_with_no_column_is_named(copy: Copy) -> None:
    query = samples.asked(f"SELECT {MARKS[copy.engine]} FROM deals", engine=copy.engine)
    with connect(copy.target) as server, pytest.raises(ConfigError, match="parameter 1"):
        drawing.draw(server, query)


def test_an_index_that_no_plan_reads_is_found_out(copy: Copy) -> None:
    found = read(
        copy, "SELECT count(*) FROM deals WHERE deal_id < 50", "CREATE INDEX a_ix ON deals (said)"
    )
    assert not found.is_used


def test_rows_that_differ_are_said(copy: Copy) -> None:
    sql = {"postgresql": "SELECT random()", "mariadb": "SELECT rand()"}[copy.engine]
    found = read(copy, sql, "CREATE INDEX a_ix ON deals (account_id)")
    assert found.differences == ("the query: 1 row each, and they differ",)


def test_a_query_that_writes_is_refused_unless_it_is_rolled_back(copy: Copy) -> None:
    sql, index = (
        "UPDATE deals SET said = '' WHERE account_id = 3",
        "CREATE INDEX a_ix ON deals (account_id)",
    )
    with pytest.raises(Refused, match="the query writes"):
        read(copy, sql, index)
    found = read(copy, sql, index, Budget(seconds=1, cold=False, writes=False, rolled_back=True))
    assert found.rows == ROWS / 500
    with connect(copy.target) as server:
        [row] = server.rows("SELECT count(*) AS n FROM deals WHERE said = ''")
    assert row["n"] == 0


def test_a_function_that_writes_is_found_out_as_it_runs(deals: Deals) -> None:
    copy = deals["postgresql"]
    with connect(copy.target) as server:
        server.execute("CREATE SEQUENCE IF NOT EXISTS numbers")
    with pytest.raises(Refused, match="writes"):
        read(copy, "SELECT nextval('numbers')", "CREATE INDEX a_ix ON deals (account_id)")
    assert "a_ix" not in indexes(copy)


@pytest.mark.parametrize(
    "index",
    [
        "DROP TABLE deals",
        "CREATE TABLE x (y int)",
        "CREATE INDEX a ON deals (said); DROP TABLE deals",
        "",
    ],
)
def test_what_is_no_create_index_is_refused(copy: Copy, index: str) -> None:
    with pytest.raises(ConfigError, match="is no CREATE INDEX"):
        read(copy, "SELECT 1", index)


def test_a_missing_column_is_told_in_the_words_of_the_server(copy: Copy) -> None:
    with pytest.raises(ServerError, match="nowhere"):
        read(copy, "SELECT 1", "CREATE INDEX a_ix ON deals (nowhere)")


def test_a_statement_that_is_no_query_is_refused(copy: Copy) -> None:
    with pytest.raises(Refused, match="no query"):
        read(copy, "DROP TABLE deals", "CREATE INDEX a_ix ON deals (account_id)")
