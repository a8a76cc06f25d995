"""The self-test proves something: it fails on blind invariants, and leaves nothing when killed."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import Labs, ending, eventually
from floor import FIRST_DAY, SECOND_DAY, Floor
from market import Markets

import stockops
from stockops import audit, books
from stockops.books.planting import corruptions
from stockops.cli import main
from stockops.engine import ENGINES, connect
from stockops.engine.base import Server
from stockops.targets import Target

KILLED_AFTER = 5  # corruptions, of more than 40

SESSIONS = {
    "postgresql": "SELECT count(*) AS n FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mariadb": "SELECT count(*) AS n FROM information_schema.processlist "
    "WHERE db = database() AND id <> connection_id()",
}
TABLES = {
    "postgresql": "SELECT relname AS name, relpersistence AS kept FROM pg_class "
    "WHERE relkind IN ('r', 'p', 'v', 't', 'i') ORDER BY 1, 2, oid",
    "mariadb": "SELECT table_name AS name, table_type AS kept FROM information_schema.tables "
    "WHERE table_schema = database() ORDER BY 1",
}


@pytest.fixture(scope="module", params=sorted(ENGINES))
def proven(request: pytest.FixtureRequest, all_labs: Labs, markets: Markets) -> Iterator[Target]:
    """A market whose books pass: shared, so only to be read."""
    with markets.open(all_labs.get(request.param)) as target:
        with connect(target) as server:
            floor = Floor(server)
            floor.trade(200, day=FIRST_DAY)
            audit.fold(server, FIRST_DAY)
            floor.trade(200, day=SECOND_DAY)
            audit.seal_all(server)
        yield target


def self_test(source: Path, target: Target, *more: str) -> subprocess.CompletedProcess[str]:
    """Run the self-test of the package that is in `source`, as a user does."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "stockops",
            "books",
            "check",
            "--self-test",
            "-t",
            target.url,
            *more,
        ],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(source), *sys.path])},
        check=False,
    )


def blinded(sql: str) -> str:
    """Return `sql` without what it holds: it looks at the same rows, and none violates it."""
    if "END AS is_wrong" in sql:
        return re.sub(r"CASE WHEN .* END AS is_wrong", "0 AS is_wrong", sql)
    return sql.replace("    FROM wrong\n", "    FROM wrong\n    WHERE 1 = 0\n")


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package in which no invariant sees anything."""
    folder = tmp_path_factory.mktemp("blind")
    shutil.copytree(Path(stockops.__file__).parent, folder / "stockops")
    for engine in ENGINES:
        for file in (folder / "stockops" / "sql" / engine / "books").iterdir():
            sql = file.read_text("utf-8")
            assert blinded(sql) != sql, file
            file.write_text(blinded(sql), "utf-8")
    return folder


def test_the_self_test_fails_on_invariants_without_their_predicates(
    proven: Target, blind: Path
) -> None:
    done = self_test(blind, proven)
    planted = sum(len([*corruptions(name)]) for name in books.NAMES)
    assert done.returncode == 1, done.stderr
    assert f"0 of {planted} corruptions caught" in done.stdout
    for name in books.NAMES:
        assert re.search(rf"^{name} .* no( |$)", done.stdout, re.MULTILINE), name


def test_one_blind_invariant_fails_the_self_test(
    proven: Target, blind: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "stockops"
    shutil.copytree(Path(stockops.__file__).parent, copy)
    one = Path("sql") / proven.engine / "books" / "fees.sql"
    shutil.copy(blind / "stockops" / one, copy / one)
    done = self_test(tmp_path, proven, "--only", "fees", "--only", "tax")
    assert done.returncode == 1, done.stderr
    assert "2 of 3 corruptions caught" in done.stdout


def test_a_self_test_that_is_killed_leaves_nothing(proven: Target) -> None:
    with connect(proven) as server:
        before = server.rows(TABLES[server.engine])

        def sessions() -> int:
            return int(server.rows(SESSIONS[server.engine])[0]["n"])

        with (
            subprocess.Popen(
                [sys.executable, "-c", _TELLING, proven.url],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            ) as child,
            ending(child),
        ):
            assert child.stdin
            assert child.stdout
            child.stdin.write("go on\n" * (KILLED_AFTER - 1))
            child.stdin.flush()
            told = [child.stdout.readline() for _ in range(KILLED_AFTER)]
            working = sessions()
            scratch = server.rows(TABLES[server.engine])
            child.kill()
        assert child.returncode == -9
        assert told == ["caught\n"] * KILLED_AFTER
        assert working
        # MariaDB shows the temporary tables of a session to nobody else.
        assert (scratch != before) == (server.engine == "postgresql")
        assert eventually(lambda: not sessions())
        assert eventually(lambda: server.rows(TABLES[server.engine]) == before)
        assert books.passed(books.check(server))
    again = books.self_test(proven, only=["cash", "cost"])
    assert again
    assert all(result.caught for result in again)


_TELLING = """
import sys
from stockops import books

def seen(result):
    print("caught" if result.caught else "missed", flush=True)
    sys.stdin.readline()

books.self_test(sys.argv[1], seen=seen)
"""


PARTITIONED = {
    "postgresql": "SELECT partrelid::regclass::text AS name FROM pg_partitioned_table",
    "mariadb": "SELECT DISTINCT table_name AS name FROM information_schema.partitions "
    "WHERE table_schema = database() AND partition_name IS NOT NULL",
}
COLUMNS = """
    SELECT table_name AS tab, column_name AS col FROM information_schema.columns
    WHERE table_schema = %(schema)s
"""
KEYS = """
    SELECT min(k.column_name) AS name
    FROM information_schema.table_constraints AS t
    JOIN information_schema.key_column_usage AS k
        ON k.constraint_schema = t.constraint_schema AND k.table_name = t.table_name
        AND k.constraint_name = t.constraint_name
    WHERE t.constraint_schema = %(schema)s AND t.constraint_type = 'PRIMARY KEY'
    GROUP BY t.table_name
    HAVING count(*) = 1
"""


def test_orphans_looks_at_every_reference_of_a_partitioned_table(market: Target) -> None:
    with connect(market) as server:
        [orphans] = books.load(server, ["orphans"])
        schema = "public" if server.engine == "postgresql" else market.database
        tables = {row["name"] for row in server.rows(PARTITIONED[server.engine])}
        keys = {row["name"] for row in server.rows(KEYS, {"schema": schema})} | {"asset"}
        columns = server.rows(COLUMNS, {"schema": schema})
    assert tables == {"stock_prices", "technical_indicators", "journal_entries", "audit_log"}
    named = {f"{c['tab']}.{c['col']}" for c in columns if c["tab"] in tables and c["col"] in keys}
    assert {"journal_entries.account_id", "journal_entries.asset"} < named
    assert set(re.findall(r"'(\w+\.\w+)'", orphans.sql)) == named


LAST_PARTITION = {
    "postgresql": "SELECT count(*) AS n FROM journal_entries_after",
    "mariadb": "SELECT count(*) AS n FROM journal_entries PARTITION (p_after)",
}


def entry(server: Server, account_id: int, asset: str) -> None:
    server.execute(
        "INSERT INTO journal_entries "
        "(journal_id, leg, business_date, account_id, asset, amount, kind) VALUES "
        f"({9_000_000 + account_id}, 1, DATE '2031-01-06', {account_id}, '{asset}', 1, 'deposit')"
    )


def test_rows_beyond_the_last_dated_partition_are_allowed_and_looked_at(market: Target) -> None:
    with connect(market) as server:
        entry(server, 1001, "KRW")
        assert server.rows(LAST_PARTITION[server.engine])[0]["n"] == 1
        [result] = books.check(server, only=["orphans"])
        assert result.state == "held"

        entry(server, 77, "KRW")
        entry(server, 1002, "9ZZZZZ")
        due = ["journal_entries.account_id 77", "journal_entries.asset 9ZZZZZ"]
        if server.engine == "mariadb":  # PostgreSQL has foreign keys for these
            server.execute(
                "INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, "
                "entity_id, detail) VALUES (1, DATE '2031-01-06', 7, 'note', 'desk', '1', 'x')"
            )
            server.execute(
                "INSERT INTO stock_prices (symbol, price_date, open_won, high_won, low_won, "
                "close_won, volume, value_won) "
                "VALUES ('9ZZZZZ', DATE '2031-01-06', 1, 1, 1, 1, 1, 1)"
            )
            due = ["audit_log.user_id 7", *due, "stock_prices.symbol 9ZZZZZ"]
        [result] = books.check(server, only=["orphans"])
    assert [each.entity for each in result.examples] == due


def test_a_protected_target_is_named_again_before_its_books_are_written(
    market: Target, tmp_path: Path
) -> None:
    config = tmp_path / "stockops.yaml"
    config.write_text(f"targets:\n  prod: {{url: '{market.url}', protected: true}}\n", "utf-8")
    words = ["--config", str(config), "-t", "prod"]
    for command in (["seal"], ["fold", "--through", "2025-01-02"]):
        plan = stockops_books(*command, *words, "--plan")
        assert plan.exit_code == 0, plan.stderr
        for consent in ([], ["--yes"], ["--i-mean", "test"]):
            refused = stockops_books(*command, *words, *consent)
            assert refused.exit_code == 5
            assert f"books {command[0]} writes to the protected target 'prod'" in refused.stderr
            assert "--i-mean prod" in refused.stderr
    with connect(market) as server:
        assert not server.rows("SELECT seal_no FROM audit_seals")
        assert not server.rows("SELECT account_id FROM house_balances")
    for command in (["seal"], ["fold", "--through", "2025-01-02"]):
        done = stockops_books(*command, *words, "--i-mean", "prod")
        assert done.exit_code == 0, done.stderr
    with connect(market) as server:
        assert server.rows("SELECT seal_no FROM audit_seals")
        [result] = books.check(server, only=["house_balances"])
    assert result.state == "held"


def test_nothing_folded_is_nothing_proved(market: Target) -> None:
    with connect(market) as server:
        Floor(server).trade(100)
        audit.seal_all(server)
        results = {result.name: result for result in books.check(server)}
        assert results["house_balances"].state == "inconclusive"
        assert results["house_balances"].note == "folded through no date yet"
        assert not books.passed(results.values())
        audit.fold(server, FIRST_DAY)
        assert books.passed(books.check(server))


def stockops_books(*words: str) -> Result:
    return CliRunner().invoke(main, ["books", *words])
