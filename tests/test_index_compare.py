"""`index compare`: a copy that goes again, what the orders pay, and the verdict."""

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import Labs, eventually
from onacopy import copies, started
from test_index_trial import FILL, MARKS

from stockops.cli.main import main
from stockops.engine import connect
from stockops.errors import ConfigError, Refused
from stockops.experiments import copying, index_writes, indexing, samples, verdict
from stockops.experiments.copying import Copy
from stockops.experiments.index_trial import Budget, Measured, measure
from stockops.experiments.index_writes import Side, Writes
from stockops.indexes.questions import LIST
from stockops.lab import Lab
from stockops.settings import reloading
from stockops.slow import reading
from stockops.statements import classify
from stockops.targets import Target
from stockops.trials import Difference

END_S = 60.0
INDEX = "CREATE INDEX a_ix ON deals (account_id)"
QUERY = "SELECT * FROM deals WHERE account_id = 7"


@pytest.fixture
def deals(lab: Lab) -> Iterator[Lab]:
    """The lab with a table of deals in the database that a lab's name stands for."""
    with connect(lab.url()) as server:
        server.execute("DROP TABLE IF EXISTS deals")
        server.execute(
            "CREATE TABLE deals (deal_id bigint PRIMARY KEY, account_id bigint NOT NULL,"
            " said varchar(80) NOT NULL)"
        )
        server.execute(FILL[lab.engine])
    yield lab
    with connect(lab.url()) as server:
        server.execute("DROP TABLE deals")


def test_a_good_index_is_kept_and_nothing_of_it_stays(deals: Lab, tmp_path: Path) -> None:
    before = copies()
    page = tmp_path / "out.html"
    process = started(
        deals, "compare", "--query", QUERY, "--index", INDEX, "--seconds", "6",
        "--calls-per-day", "1000", "--no-orders", "--format", "json", "--report", str(page),
    )  # fmt: skip
    out, err = process.communicate(timeout=END_S)
    assert process.returncode == 0, (out, err)
    said = json.loads(out)
    assert said["verdict"]["decision"] == "keep"
    assert said["verdict"]["net"]["low"] > 0
    assert said["queries"][0]["cold"]["ratio"]["pairs"] >= 1
    assert "Keep it" in page.read_text("utf-8")
    assert copies() == before
    with connect(deals.url()) as server:
        assert [row.index_name for row in server.fetch(LIST) if row.table_name == "deals"] in (
            ["deals_pkey"],
            ["PRIMARY"],
        )


def test_ctrl_c_leaves_nothing(deals: Lab) -> None:
    before = set(copies())
    process = started(deals, "compare", "--query", QUERY, "--index", INDEX, "--seconds", "120")
    try:
        eventually(lambda: set(copies()) - before, within_s=END_S)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=END_S)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert set(copies()) == before


NAMED_WRONGLY = {
    "a table that is not there": ("CREATE INDEX a_ix ON dials (said)", "no table dials"),
    "a column that is not there": (
        "CREATE INDEX a_ix ON deals (account_id, acount_id DESC)",
        "'deals' has no column 'acount_id' for the index hint: Did you mean account_id?",
    ),
    "a name that is taken": ("CREATE INDEX taken_ix ON deals (said)", "an index 'taken_ix' of"),
    "a name that is taken, and would be passed over": (
        "CREATE INDEX IF NOT EXISTS taken_ix ON deals (account_id)",
        "an index 'taken_ix' of",
    ),
}


@pytest.mark.parametrize("wrong", sorted(NAMED_WRONGLY))
def test_an_index_that_names_what_is_not_there_is_told_before_the_copy(
    deals: Lab, wrong: str
) -> None:
    statement, said = NAMED_WRONGLY[wrong]
    with connect(deals.url()) as server:
        server.execute("CREATE INDEX taken_ix ON deals (said)")
    done = compared(deals, "--query", QUERY, "--index", statement)
    assert (done.exit_code, said in " ".join(done.stderr.split())) == (2, True), done.output


def test_a_query_that_no_server_takes_is_told_before_the_copy(deals: Lab) -> None:
    done = compared(deals, "--query", "SELECT * FROM dials", "--index", INDEX)
    assert (done.exit_code, "dials" in done.stderr) == (1, True), done.output


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX a_ix ON deals (account_id DESC, said)",
        "CREATE UNIQUE INDEX a_ix ON trading.deals (deal_id, account_id)",
        {
            "postgresql": 'CREATE INDEX ON "deals" (lower(said) text_pattern_ops, ACCOUNT_ID) '
            "INCLUDE (deal_id) WHERE account_id > 7",
            "mariadb": "CREATE INDEX a_ix ON `deals` (said(10), ACCOUNT_ID) ALGORITHM=NOCOPY",
        },
        {
            "postgresql": 'CREATE INDEX a_ix ON deals USING btree (said COLLATE "C" NULLS FIRST)',
            "mariadb": "CREATE FULLTEXT INDEX a_ix ON deals (said)",
        },
    ],
    ids=["plain", "with a schema", "in the engine's own words", "of another kind"],
)
def test_an_index_that_can_be_built_is_not_refused(
    deals: Lab, statement: str | dict[str, str]
) -> None:
    sql = statement if isinstance(statement, str) else statement[deals.engine]
    if deals.engine == "postgresql":
        sql = sql.replace("trading.", "public.")
    done = compared(deals, "--query", QUERY, "--index", sql)
    assert done.exit_code == 0, done.output


def compared(lab: Lab, *words: str) -> Result:
    """What `index compare --plan` says, which makes no copy."""
    return CliRunner().invoke(main, ["index", "compare", "-t", lab.name, *words, "--plan"])


def test_a_target_that_is_no_lab_is_not_copied() -> None:
    target = Target(name="prod", url="postgresql://ops@nowhere/trading")
    with pytest.raises(Refused, match="'prod' is no lab"), copying.of_lab(target):
        pass


def test_the_planner_of_the_copy_decides_by_the_settings_of_its_source(all_labs: Labs) -> None:
    lab = all_labs.get("postgresql")
    target = Target(name=lab.name, url=lab.url(), lab=lab.name)
    with connect(target) as server:
        server.execute("ALTER SYSTEM SET random_page_cost = 1.25")
        reloading.reload(server)
    try:
        with copying.of_lab(target) as copy:
            found = {each.name: each.value for each in copying.planner(copy.target)}
    finally:
        with connect(target) as server:
            server.execute("ALTER SYSTEM RESET random_page_cost")
            reloading.reload(server)
    assert found["random_page_cost"] == "1.25"


def test_the_orders_pay_for_an_index_on_what_they_update(market: Target, lab: Lab) -> None:
    copy = Copy(lab=lab, database=market.database, source="a test")
    built = indexing.build(copy, "CREATE INDEX hot_ix ON stock_inventory (available_shares)")
    paid = index_writes.measure(copy, [built], seconds=8, clients=2, rounds=1)
    with connect(market) as server:
        assert index_writes.is_there(server, built)
        indexing.drop(server, built)
    assert paid.missing == ""
    assert paid.is_written
    assert paid.before is not None
    assert paid.after is not None
    if lab.engine == "postgresql":
        assert paid.before.hot_share is not None
        assert paid.after.hot_share is not None
        assert paid.after.hot_share < paid.before.hot_share - 0.1


def test_a_database_without_orders_says_that_they_were_not_measured(deals: Lab) -> None:
    copy = Copy(lab=deals, database="trading", source="a test")
    budget = Budget(seconds=1, cold=False)
    query = replace(samples.asked(QUERY, engine=deals.engine), calls_per_day=10.0)
    done = measure(copy, [query], [INDEX], budget=budget)
    assert done.writes is not None
    assert "not traded" in done.writes.missing
    judged = verdict.judge(done)
    assert judged.lost is None
    assert "not measured" in judged.why


def test_the_executions_of_a_class_come_from_the_log(engine: str, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("".join(LINES[engine](n) for n in range(40)), "utf-8")
    logs = replace(reading.prepare([str(log)]), full=True)
    text = f"SELECT * FROM deals WHERE account_id = {MARKS[engine]}"
    class_id = classify(text, dialect=samples.dialect_of(engine)).class_id
    found = samples.from_log(class_id[:8], logs, engine=engine)
    assert len(found.samples) == samples.SAMPLES
    assert found.calls_per_day == pytest.approx(40 * 1440 / 39)
    asked = {(sample.sql, sample.parameters) for sample in found.samples}
    assert len(asked) == samples.SAMPLES
    if engine == "postgresql":
        assert {sql for sql, _ in asked} == {text}
        assert {len(values) for _, values in asked} == {1}
    with pytest.raises(ConfigError, match="no query of the class"):
        samples.from_log("00000000", logs, engine=engine)


LINES = {
    "postgresql": lambda n: (
        f"2026-01-05 09:{n:02}:00.000 UTC [7] app@trading LOG:  duration: 5.000 ms"
        "  execute <unnamed>: SELECT * FROM deals WHERE account_id = $1\n"
        f"2026-01-05 09:{n:02}:00.000 UTC [7] app@trading DETAIL:  Parameters: $1 = '{n}'\n"
    ),
    "mariadb": lambda n: (
        f"# Time: 260105  9:{n:02}:00\n# User@Host: app[app] @ localhost []\n"
        "# Thread_id: 7  Schema: trading  QC_hit: No\n"
        "# Query_time: 0.005000  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 9\n"
        f"SET timestamp={1767603600 + 60 * n};\nSELECT * FROM deals WHERE account_id = {n};\n"
    ),
}


@pytest.fixture(scope="module")
def measured(all_labs: Labs) -> Measured:
    """What a real measurement gave; the tests below change its numbers."""
    lab = all_labs.get("postgresql")
    with connect(lab.url()) as server:
        server.execute("CREATE TABLE many AS SELECT n FROM generate_series(1, 20000) AS n")
    copy = Copy(lab=lab, database="trading", source="a test")
    query = samples.asked("SELECT n FROM many WHERE n = 5", engine=lab.engine)
    budget = Budget(seconds=1, cold=False, writes=False)
    try:
        return measure(copy, [query], ["CREATE INDEX n_ix ON many (n)"], budget=budget)
    finally:
        with connect(lab.url()) as server:
            server.execute("DROP TABLE many")


@pytest.mark.parametrize(
    ("index", "is_used"),
    [("CREATE INDEX n_ix ON many (n)", True), ("CREATE INDEX m_ix ON many (m)", False)],
    ids=["what it reads by", "another column"],
)
def test_what_a_function_reads_counts_though_no_plan_shows_it(
    all_labs: Labs, index: str, is_used: bool
) -> None:
    lab = all_labs.get("postgresql")
    copy = Copy(lab=lab, database="trading", source="a test")
    query = samples.asked("SELECT * FROM found_of(5)", engine=lab.engine)
    budget = Budget(seconds=1, cold=False, writes=False)
    with connect(lab.url()) as server:
        server.execute("CREATE TABLE many AS SELECT n, n AS m FROM generate_series(1, 20000) AS n")
        server.execute(
            "CREATE FUNCTION found_of(p integer) RETURNS integer LANGUAGE plpgsql STABLE AS "
            "'BEGIN RETURN (SELECT n FROM many WHERE n = p); END'"
        )
        try:
            [read] = measure(copy, [query], [index], budget=budget).reads
        finally:
            server.execute("DROP FUNCTION found_of")
            server.execute("DROP TABLE many")
    assert read.is_used == is_used


def having(
    measured: Measured,
    *,
    saved: tuple[float, float, float],
    lost: tuple[float, float, float],
    calls: float | None = 100.0,
    **read: object,
) -> Measured:
    """Return `measured` with these seconds a call and an order: mean, low, high."""
    [one] = measured.reads
    warm = replace(one.warm, saved=Difference(pairs=8, mean=saved[0], low=saved[1], high=saved[2]))
    side = Side(
        orders_per_s=1.0,
        p95_ms=1.0,
        log_bytes_per_order=1.0,
        hot_share=None,
        rows_changed_per_order=1.0,
    )
    paid = Writes(
        before=side,
        after=side,
        lost=Difference(pairs=4, mean=lost[0], low=lost[1], high=lost[2]),
        is_written=True,
    )
    asked = replace(one.query, calls_per_day=calls)
    changed = replace(one, warm=warm, query=asked, **read)  # type: ignore[arg-type]
    return replace(measured, reads=(changed,), writes=paid)


SURE, UNSURE = (0.1, 0.08, 0.12), (0.001, -0.2, 0.202)


@pytest.mark.parametrize(
    ("changes", "orders", "decision", "why"),
    [
        ({"saved": SURE, "lost": (0.001, 0.0, 0.002)}, 1000, "keep", "saves more"),
        ({"saved": SURE, "lost": (0.1, 0.09, 0.11)}, 1000, "drop", "costs more"),
        ({"saved": SURE, "lost": UNSURE}, 1000, "unknown", "gains and losses"),
        ({"saved": SURE, "lost": UNSURE}, None, "unknown", "orders pay"),
        ({"saved": SURE, "lost": UNSURE, "calls": None}, 1000, "unknown", "orders pay"),
        (
            {"saved": (-0.1, -0.2, -0.05), "lost": UNSURE, "calls": None}, None,
            "drop", "no query faster",
        ),
        ({"saved": SURE, "lost": UNSURE, "is_used": False}, 1000, "drop", "no plan reads it"),
        ({"saved": SURE, "lost": UNSURE, "differences": ("x",)}, 1000, "unknown", "rows are not"),
    ],
)  # fmt: skip
def test_the_verdict_follows_the_interval(
    measured: Measured,
    changes: dict[str, object],
    orders: float | None,
    decision: str,
    why: str,
) -> None:
    judged = verdict.judge(having(measured, **changes), orders_per_day=orders)  # type: ignore[arg-type]
    assert (judged.decision, why in judged.why) == (decision, True)


def test_the_verdict_is_calls_times_saved_less_orders_times_lost(measured: Measured) -> None:
    done = having(measured, saved=SURE, lost=(0.001, 0.0, 0.002))
    judged = verdict.judge(done, orders_per_day=1000)
    assert judged.net is not None
    assert judged.net.mean == pytest.approx(100 * 0.1 - 1000 * 0.001)
    assert judged.net.low == pytest.approx(9 - (2**2 + 1**2) ** 0.5)
    assert judged.break_even_calls == pytest.approx(10)
