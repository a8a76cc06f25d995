"""The audit of indexes: uses, sizes, rights, several servers, what it prints and leaves with."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result
from conftest import eventually

from stockops import indexes
from stockops.cli.main import main
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import ConfigError, Finding
from stockops.indexes import KINDS, Limits, Verdict
from stockops.targets import Target

AT_ONCE = Limits(min_age_days=0)


@pytest.fixture
def used(server: Server) -> Server:
    """A table with three indexes: `seen` is read, `idle` is not, `only` keeps rows unique."""
    numbers = (
        "generate_series(1, 2000) AS s(seq)" if server.engine == "postgresql" else "seq_1_to_2000"
    )
    server.execute("CREATE TABLE q (a int, b int, c int)")
    server.execute(f"INSERT INTO q SELECT seq, seq, seq FROM {numbers}")
    server.execute("CREATE INDEX seen ON q (a)")
    server.execute("CREATE INDEX idle ON q (b)")
    server.execute("CREATE UNIQUE INDEX only_one ON q (c)")
    server.execute("ANALYZE q" if server.engine == "postgresql" else "ANALYZE TABLE q")
    read(server)
    return server


def read(server: Server) -> None:
    server.rows("SELECT b FROM q WHERE a = 7")
    if server.engine == "postgresql":
        server.rows("SELECT pg_stat_force_next_flush()")
        server.rows("SELECT 1 AS x")


def unused(*servers: Server, limits: Limits = AT_ONCE) -> list[Verdict]:
    return indexes.audit(servers, limits=limits, only=["unused"]).verdicts


def test_what_no_query_read_is_unused_and_what_keeps_a_rule_is_not(used: Server) -> None:
    found = eventually(lambda: [v for v in [unused(used)] if len(v) == 1])[0]
    assert [(v.state, v.index_name, v.scans) for v in found] == [("found", "idle", 0)]


@pytest.mark.parametrize("engine", ["mariadb"])
def test_what_the_server_does_not_count_or_cannot_miss_is_not_unused(server: Server) -> None:
    """MariaDB counts no search of a full text, and a counter must have an index."""
    server.execute(
        "CREATE TABLE q (n int AUTO_INCREMENT, c text, a int, KEY (n), FULLTEXT (c), KEY (a))"
    )
    assert [v.index_name for v in unused(server)] == ["a"]


def test_young_counters_prove_nothing(used: Server) -> None:
    found = unused(used, limits=Limits())
    assert [(v.state, v.index_name) for v in found] == [("unknown", None)]
    assert "less than 30 days" in found[0].reason


def test_what_a_replica_reads_is_used(used: Server, target: Target) -> None:
    """The same server twice stands for a primary and a replica: what is added up is no secret."""
    alone = next(v for v in indexes.audit([used], limits=AT_ONCE).verdicts)
    with connect(target) as other:
        both = next(v for v in indexes.audit([used, other], limits=AT_ONCE).verdicts)
        assert (both.index_name, both.scans) == (alone.index_name, alone.scans)
        used.rows("SELECT a FROM q WHERE b = 7")
        if used.engine == "postgresql":
            used.rows("SELECT pg_stat_force_next_flush()")
            used.rows("SELECT 1 AS x")
        assert eventually(lambda: not unused(used, other))


def test_a_server_with_other_tables_is_no_replica(used: Server, lab_home: Target) -> None:
    with connect(lab_home) as other, pytest.raises((ConfigError, Finding)) as caught:
        indexes.audit([used, other])
    assert caught.value.hint


@pytest.fixture
def lab_home(target: Target) -> Target:
    """The lab's own database, which holds nothing of a test."""
    return replace(target, url=target.url.replace(target.database, "trading"))


@contextmanager
def not_counting(server: Server) -> Iterator[str]:
    """Have `server` count no uses for a while; gives what it says then."""
    if server.engine == "postgresql":
        server.execute("SET track_counts = off")
        yield "track_counts is off"
        server.execute("SET track_counts = on")
        return
    switch = (
        "UPDATE performance_schema.setup_instruments SET enabled = '{}' "
        "WHERE name = 'wait/io/table/sql/handler'"
    )
    server.execute(switch.format("NO"))
    try:
        yield "the instrument wait/io/table/sql/handler of performance_schema is off"
    finally:
        server.execute(switch.format("YES"))


def test_a_server_that_does_not_count_knows_nothing_of_use(used: Server) -> None:
    with not_counting(used) as words:
        done = indexes.audit([used], limits=AT_ONCE)
    assert done.counted_s is None
    verdict = done.verdicts[0]
    assert [(v.state, v.kind) for v in done.verdicts] == [("unknown", "unused")]
    assert verdict.reason.startswith(f"{words}; no use is known of idle")
    assert verdict.steps


def test_an_index_full_of_room_is_bloated(server: Server, target: Target) -> None:
    numbers = (
        "generate_series(1, 40000) AS s(seq)" if server.engine == "postgresql" else "seq_1_to_99999"
    )
    analyze = "VACUUM ANALYZE q" if server.engine == "postgresql" else "ANALYZE TABLE q"
    limits = Limits(bloat_bytes=256 * 1024)
    server.execute("CREATE TABLE q (id int PRIMARY KEY, a int, c varchar(40))")
    server.execute(f"INSERT INTO q SELECT seq, seq * 7, NULL FROM {numbers}")
    server.execute("CREATE INDEX room ON q (a)")
    server.execute(analyze)
    assert indexes.audit([server], limits=limits, only=["bloated"]).verdicts == []

    def bloated() -> list[Verdict]:
        server.execute(analyze)
        found = indexes.audit([server], limits=limits, only=["bloated"]).verdicts
        return [each for each in found if each.index_name == "room"]

    # InnoDB gives the room back as it clears away what nobody can see any more: here somebody can.
    with connect(target) as reader, reader.transaction(isolation="repeatable read"):
        server.execute("DELETE FROM q WHERE id % 20 <> 0")
        verdict = bloated()[0]
    assert verdict.state == "found"
    assert (verdict.size_bytes or 0) > limits.bloat_bytes
    server.execute(verdict.steps[0])
    assert eventually(lambda: not bloated())


@pytest.mark.parametrize("engine", ["postgresql"])  # MariaDB does not measure its indexes
def test_pgstattuple_has_the_last_word(server: Server) -> None:
    server.execute("CREATE TABLE q (a int)")
    server.execute("INSERT INTO q SELECT generate_series(1, 40000)")
    server.execute("CREATE INDEX room ON q (a)")
    server.execute("ANALYZE q")
    server.execute("UPDATE pg_class SET reltuples = 100 WHERE relname = 'room'")

    def reasons() -> list[str]:
        limits = Limits(bloat_bytes=1024)
        done = indexes.audit([server], limits=limits, only=["bloated"], measure=True)
        return [each.reason for each in done.verdicts]

    assert "could not be measured" in reasons()[0]
    server.execute("CREATE EXTENSION pgstattuple")
    assert reasons() == []


@pytest.mark.parametrize("engine", ["postgresql"])
def test_what_may_be_built_just_now_is_not_called_a_failed_build(
    server: Server, target: Target
) -> None:
    server.execute("CREATE TABLE q (a int)")
    server.execute("CREATE INDEX half ON q (a)")
    server.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'half'::regclass")

    def state() -> str:
        return indexes.audit([server], only=["invalid"]).verdicts[0].state

    with connect(target) as builder, builder.transaction():
        builder.execute("LOCK TABLE q IN SHARE UPDATE EXCLUSIVE MODE")  # as a build takes it
        assert state() == "unknown"
    assert state() == "found"


@pytest.mark.parametrize("engine", ["mariadb"])
def test_what_userstat_saw_is_used(used: Server) -> None:
    """It proves a use, and never that there was none: nobody knows since when it counts."""
    used.execute("SET GLOBAL userstat = 1")
    try:
        with not_counting(used):
            used.rows("SELECT a FROM q WHERE b = 7")
            done = indexes.audit([used], limits=AT_ONCE)
            assert (done.counted_s, done.verdicts) == (None, [])
    finally:
        used.execute("SET GLOBAL userstat = 0")


@pytest.fixture
def poor(server: Server, target: Target) -> Iterator[Target]:
    """Somebody who may read the tables, and nothing of the server's own."""
    server.execute("CREATE TABLE q (id int PRIMARY KEY, a int, b int)")
    server.execute("CREATE INDEX ka ON q (a)")
    server.execute("CREATE INDEX kab ON q (a, b)")
    if server.engine == "postgresql":
        server.execute("CREATE ROLE poor LOGIN")
    else:
        server.execute("CREATE USER poor@localhost")
        server.execute(f"GRANT SELECT ON {target.database}.* TO poor@localhost")
    yield replace(target, url=target.url.replace("//stockops@", "//poor@"))
    server.execute(
        "DROP ROLE poor" if server.engine == "postgresql" else "DROP USER poor@localhost"
    )


def test_a_role_without_rights_is_told_what_it_does_not_see(poor: Target) -> None:
    with connect(poor) as server:
        found = indexes.audit([server], limits=AT_ONCE).verdicts
    assert ("found", "redundant", "ka") in {(v.state, v.kind, v.index_name) for v in found}
    unknown = {v.kind: v for v in found if v.state == "unknown"}
    if poor.engine == "postgresql":
        assert unknown == {}  # the counters and the shapes are everybody's to see
    else:
        assert set(unknown) == {"unused", "bloated"}
        assert "GRANT SELECT ON performance_schema.* TO 'poor'@'l" in unknown["unused"].steps[0]
        grants = unknown["bloated"].steps[0].partition(": ")[2].split("; ")
        with connect(poor.url.replace("//poor@", "//stockops@")) as admin:
            for grant in grants:
                admin.execute(grant)
        with connect(poor) as server:
            again = indexes.audit([server], only=["bloated"]).verdicts
        assert not any("may not read" in each.reason for each in again)


@pytest.mark.parametrize("engine", ["mariadb"])
def test_a_role_that_sees_no_table_is_told_what_it_cannot_bring_back(
    server: Server, poor: Target
) -> None:
    """A right on some columns shows the indexes, and not the table that they are of."""
    server.execute(f"REVOKE SELECT ON {poor.database}.* FROM poor@localhost")
    server.execute(f"GRANT SELECT (a, b) ON {poor.database}.q TO poor@localhost")
    with connect(poor) as session:
        found = indexes.audit([session], only=["redundant"]).verdicts
    assert [each.index_name for each in found] == ["ka"]
    assert "SHOW CREATE TABLE" in found[0].restore[0]


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_partitioned_index_is_used_where_a_part_of_it_is(server: Server) -> None:
    server.execute("CREATE TABLE q (a int, b int, c int) PARTITION BY RANGE (a)")
    server.execute("CREATE TABLE q_1 PARTITION OF q DEFAULT PARTITION BY RANGE (b)")
    server.execute("CREATE TABLE q_2 PARTITION OF q_1 DEFAULT")
    server.execute("CREATE INDEX seen ON q (b)")
    server.execute("CREATE INDEX idle ON q (c)")
    server.execute("INSERT INTO q SELECT n, n, n FROM generate_series(1, 2000) AS s(n)")
    server.execute("ANALYZE q")
    server.rows("SELECT a FROM q WHERE b = 7")
    server.rows("SELECT pg_stat_force_next_flush()")
    found = eventually(lambda: [v for v in [unused(server)] if len(v) == 1])[0]
    assert [(v.table_name, v.index_name) for v in found] == [("q", "idle")]


def stockops(*args: str) -> Result:
    return CliRunner().invoke(main, ["index", "audit", *args])


def test_what_the_command_prints_and_leaves_with(server: Server, target: Target) -> None:
    empty = stockops("-t", target.url)
    assert (empty.exit_code, empty.stdout) == (1, "")
    assert "nothing was audited" in empty.stderr
    server.execute("CREATE TABLE q (id int PRIMARY KEY, a int, b int)")
    server.execute("CREATE INDEX kab ON q (a, b)")
    shape = [word for kind in KINDS if kind != "unused" for word in ("--only", kind)]
    clean = stockops("-t", target.url, *shape)
    assert (clean.exit_code, clean.stdout.split(",")[0]) == (0, "0 findings; 2 indexes of 1 table")
    server.execute("CREATE INDEX ka ON q (a)")
    found = stockops("-t", target.url, *shape, "--sql")
    assert found.exit_code == 1
    assert found.stdout.startswith("redundant         q.ka (a)")
    assert "DROP INDEX" in found.stdout
    assert "-- back again:" in found.stdout
    assert max(map(len, stockops("-t", target.url).stdout.splitlines())) <= 100
    answer = json.loads(stockops("-t", target.url, *shape, "--format", "json").stdout)
    assert [(row["index_name"], row["covered_by"]) for row in answer] == [("ka", "kab")]
    assert set(answer[0]) == set(Verdict.__dataclass_fields__)


def test_a_target_counts_once(target: Target) -> None:
    done = stockops("-t", target.url, "-t", target.url)
    assert done.exit_code == 2
    assert "named twice" in done.stderr


# What only queries use, and no rule of the schema needs: statements of an account, what a user did
# (on PostgreSQL a foreign key needs that one), the runs of a migration, what waits for customers,
# predictions of an issue by date and by what conditions ask for, tokens under a key that goes. Idle
# until they are asked.
FOR_QUERIES = {
    "journal_entries_account_ix",
    "audit_log_user_ix",
    "stockops_migrations_migration_ix",
    "notifications_queued_ix",
    "predictions_symbol_ix",
    "predictions_match_ix",
    "broker_tokens_key_ix",
    "patterns_date_ix",
    "settlements_account_ix",
}


def test_the_indexes_of_the_schema_are_in_order(market: Target) -> None:
    with connect(market) as server:
        found = indexes.audit([server], limits=AT_ONCE).verdicts
    assert [(v.kind, v.table_name, v.index_name) for v in found if v.kind != "unused"] == []
    assert {v.index_name for v in found} <= FOR_QUERIES
