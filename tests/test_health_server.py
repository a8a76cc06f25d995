"""Every check of a server is seen to be not OK on a live one, or a line says why not here."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace

import pytest
from conftest import Labs, eventually, fresh_database

from stockops import health, sessions
from stockops.engine import ENGINES, open_server
from stockops.engine.base import Server
from stockops.errors import StockopsError
from stockops.health import Check, Outcome, State, judging, ranges, rates
from stockops.targets import Target

SERVER_PROBES = {
    "reachable",
    "blocking",
    "replica_threads",
    "replica_delay",
    "replica_gtid",
    "binlog_volume",
    "index_bloat",
    "sequences",
}

# The range that is broken by what the scenario of the engine does; the usual ones need hours.
MORE = "0"
ANY = "@0:"

BROKEN: Mapping[str, Mapping[str, str]] = {
    "postgresql": {
        "aborted_sessions": MORE,
        "autovacuum_workers": ANY,
        "blocking": MORE,
        "checkpoints": MORE,
        "connections": "1%",
        "database_growth": MORE,
        "dead_rows": "100%",
        "deadlocks": MORE,
        "durability": MORE,
        "freeze": MORE,
        "idle_in_transaction": MORE,
        "invalid_indexes": MORE,
        "lock_table": MORE,
        "lock_waits": MORE,
        "log_sync": MORE,
        "long_statements": MORE,
        "long_transactions": MORE,
        "partitions": "35:",
        "partitions_open": "1:",
        "reachable": MORE,
        "restarted": "999999999:",
        "role_connections": "80%",
        "rollbacks": MORE,
        "sequences": "70%",
        "settings_pending": MORE,
        "slots": MORE,
        "stale_statistics": "100%",
        "temp_files": MORE,
        "unprotected_tables": MORE,
        "wal_volume": MORE,
        "wraparound": MORE,
        "wraparound_multixact": ANY,
        "writable": MORE,
        "xmin_horizon": MORE,
    },
    "mariadb": {
        "aborted_sessions": MORE,
        "binlog_cache": MORE,
        "binlog_kept": MORE,
        "binlog_volume": MORE,
        "blocking": MORE,
        "connections": "1%",
        "database_growth": MORE,
        "deadlocks": MORE,
        "dirty_pages": MORE,
        "durability": MORE,
        "full_joins": MORE,
        "history_length": MORE,
        "idle_in_transaction": MORE,
        "lock_waits": MORE,
        "log_sync": MORE,
        "long_statements": MORE,
        "long_transactions": MORE,
        "open_files": MORE,
        "partitions": "35:",
        "partitions_open": "1:",
        "peak_connections": "1%",
        "prepared_transactions": MORE,
        "reachable": MORE,
        "redo_room": MORE,
        "replica_threads": MORE,
        "restarted": "999999999:",
        "rollbacks": MORE,
        "row_lock_time": MORE,
        "row_lock_waits": MORE,
        "sequences": "70%",
        "settings_pending": MORE,
        "slow_queries": MORE,
        "table_cache": MORE,
        "temp_tables": MORE,
        "unprotected_tables": MORE,
        "writable": MORE,
    },
}

NOT_HERE: Mapping[str, str] = {
    "archiver": "archive_mode wants a restart, and the lab is shared",
    "buffer_pool_waits": "a lab has room in its cache for all that a test writes",
    "cache_hit": "what is asked for is in memory; the share is looked at below",
    "checksum_failures": "a damaged page would stay in the shared lab",
    "galera_flow": "a lab is no node of Galera",
    "galera_size": "a lab is no node of Galera",
    "galera_state": "a lab is no node of Galera",
    "index_bloat": "an index of 16 MiB takes seconds to make",
    "prepared_statements": "statements are prepared by the text protocol, which is not counted",
    "redo_waits": "it takes more writers than a test has",
    "refused_connections": "the lab's limit is not for a test to use up",
    "replica_broken": "it takes a replica: see test_replication",
    "replica_delay": "how late a replica is that never ran is not known: UNKNOWN, looked at below",
    "replica_gtid": "it takes a replica: see test_replication",
    "replica_lag": "it takes a replica: see test_replication",
    "slots_lost": "it takes a replica: see test_replication",
    "standby_conflicts": "a standby takes seconds to make",
    "standby_delay": "it takes a replica: see test_replication",
    "standby_lag": "it takes a replica: see test_replication",
    "table_room": "a table of 64 MiB takes seconds to make",
    "wal_senders": "a stream takes seconds to begin",
}
NOT_HERE_ON = {"postgresql": {"prepared_transactions": "max_prepared_transactions is 0 in a lab"}}

PREPARE = {
    "postgresql": """
        CREATE TABLE things (id int, note text);
        INSERT INTO things
            SELECT n %% 2000, repeat('x', 100) FROM generate_series(1, 4000) AS g (n);
        CREATE TABLE worn (id int) WITH (autovacuum_enabled = false,
            autovacuum_vacuum_threshold = 9, autovacuum_vacuum_scale_factor = 0,
            autovacuum_analyze_threshold = 9, autovacuum_analyze_scale_factor = 0);
        INSERT INTO worn SELECT generate_series(1, 1500);
        DELETE FROM worn;
        SELECT pg_stat_force_next_flush();
        CREATE UNLOGGED TABLE lost (id int);
        CREATE SEQUENCE numbers AS smallint;
        SELECT setval('numbers', 32000);
        CREATE TABLE parts (at date) PARTITION BY RANGE (at);
        CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
        CREATE TABLE ends (at date) PARTITION BY RANGE (at);
        CREATE TABLE ends_1 PARTITION OF ends FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
        CREATE TABLE ends_after PARTITION OF ends FOR VALUES FROM ('2020-02-01') TO (MAXVALUE);
        CREATE TABLE holds (at date) PARTITION BY RANGE (at);
        CREATE TABLE holds_1 PARTITION OF holds FOR VALUES FROM ('2020-01-01') TO ('2900-01-01');
        CREATE TABLE holds_after PARTITION OF holds DEFAULT;
        CREATE TABLE waits (at date) PARTITION BY RANGE (at);
        CREATE TABLE waits_1 PARTITION OF waits FOR VALUES FROM ('2020-01-01') TO ('2900-01-01');
        CREATE TABLE waits_after PARTITION OF waits DEFAULT;
        INSERT INTO holds VALUES ('2950-01-01'), ('2950-01-02');
        SELECT pg_stat_force_next_flush();
        INSERT INTO waits VALUES ('2021-01-01')
    """,
    "mariadb": """
        CREATE TABLE things (id int PRIMARY KEY, n int, note longtext);
        INSERT INTO things SELECT seq, seq, repeat('x', 500) FROM seq_1_to_1000;
        CREATE TABLE lost (id int) ENGINE = MyISAM;
        CREATE TABLE numbers (id tinyint AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT = 120;
        CREATE TABLE parts (at date) PARTITION BY RANGE COLUMNS (at)
            (PARTITION p VALUES LESS THAN ('2020-02-01'));
        CREATE TABLE ends (at date) PARTITION BY RANGE COLUMNS (at)
            (PARTITION p VALUES LESS THAN ('2020-02-01'),
             PARTITION p_after VALUES LESS THAN (MAXVALUE));
        CREATE TABLE holds (at date) PARTITION BY RANGE (to_days(at))
            (PARTITION p VALUES LESS THAN (to_days('2900-01-01')),
             PARTITION p_after VALUES LESS THAN MAXVALUE);
        CREATE TABLE waits LIKE holds;
        INSERT INTO holds VALUES ('2950-01-01'), ('2950-01-02');
        INSERT INTO waits VALUES ('2021-01-01')
    """,
}


@contextmanager
def session(target: Target) -> Iterator[Server]:
    server = open_server(target, lock_timeout_s=30)
    try:
        yield server
    finally:
        with suppress(StockopsError):
            server.close()


def run_script(server: Server, script: str) -> None:
    for statement in script.split(";"):
        server.execute(statement, {})


def in_thread(work: Callable[[], object]) -> threading.Thread:
    def quietly() -> None:
        with suppress(StockopsError):
            work()

    thread = threading.Thread(target=quietly, daemon=True)
    thread.start()
    return thread


def deadlock(stack: ExitStack, target: Target) -> None:
    """Have two sessions wait for each other until the server ends one."""
    one, two = (stack.enter_context(session(target)) for _ in range(2))
    for server, number in ((one, 1), (two, 2)):
        if server.engine == "postgresql":
            server.execute("SET deadlock_timeout = '20ms'")
        server.execute("BEGIN")
        server.execute(f"UPDATE things SET note = 'y' WHERE id = {number}")
    thread = in_thread(lambda: one.execute("UPDATE things SET note = 'z' WHERE id = 2"))
    with suppress(StockopsError):
        two.execute("UPDATE things SET note = 'z' WHERE id = 1")
    with suppress(StockopsError):
        two.execute("ROLLBACK")
    thread.join(60)
    assert not thread.is_alive(), sessions.activity(two)
    with suppress(StockopsError):
        one.execute("ROLLBACK")
    for server in (two, one):
        if server.engine == "postgresql":  # what it counted is told when it says so, or much later
            run_script(server, "ROLLBACK; SELECT pg_stat_force_next_flush(); SELECT 1")


def stood_still(stack: ExitStack, target: Target) -> None:
    """Have a session idle in a transaction, with a snapshot and a lock, and another wait for it."""
    idle, waiting = (stack.enter_context(session(target)) for _ in range(2))
    if target.engine == "mariadb":
        idle.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        idle.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    else:
        idle.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    idle.execute("UPDATE things SET note = 'w' WHERE id = 5")
    thread = in_thread(lambda: waiting.execute("UPDATE things SET note = 'v' WHERE id = 5"))
    stack.callback(thread.join, 30)
    stack.callback(idle.execute, "ROLLBACK")


def killed(stack: ExitStack, target: Target, admin: Server) -> None:
    """Have a session of which the client never hears the end."""
    victim = stack.enter_context(session(target))
    ending = "SELECT pg_terminate_backend({})" if admin.engine == "postgresql" else "KILL {}"
    admin.execute(ending.format(victim.session_id))


def postgresql(stack: ExitStack, target: Target, admin: Server) -> None:
    with suppress(StockopsError):
        admin.execute("CREATE UNIQUE INDEX CONCURRENTLY things_ix ON things (id)")
    admin.execute("SET work_mem = '64kB'")
    admin.rows("SELECT n FROM generate_series(1, 60000) AS g (n) ORDER BY n %% 7, n LIMIT 1", {})
    for _ in range(9):
        run_script(admin, "BEGIN; SELECT 1; ROLLBACK")
    admin.execute("SELECT pg_create_physical_replication_slot('held', true)")
    stack.callback(admin.execute, "SELECT pg_drop_replication_slot('held')")
    admin.execute("CHECKPOINT")
    deadlock(stack, target)
    killed(stack, target, admin)
    stood_still(stack, target)
    admin.execute("UPDATE things SET note = 'late' WHERE id = 7")
    run_script(admin, "SELECT pg_stat_force_next_flush(); SELECT pg_switch_wal()")
    stack.callback(run_script, admin, "ALTER SYSTEM RESET max_connections; SELECT pg_reload_conf()")
    run_script(admin, "ALTER SYSTEM SET max_connections = 77; SELECT pg_reload_conf()")
    name = target.database
    admin.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 2")
    admin.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    pending = "SELECT count(*) AS n FROM pg_settings WHERE pending_restart"
    eventually(lambda: admin.rows(pending)[0]["n"])


def mariadb(stack: ExitStack, target: Target, admin: Server) -> None:
    change = {
        "binlog_expire_logs_seconds": 0,
        "innodb_flush_log_at_trx_commit": 2,
        "max_connect_errors": 101,
        "read_only": 1,
    }
    for name, value in change.items():
        before = admin.rows(f"SELECT @@GLOBAL.{name} AS v")[0]["v"]
        stack.callback(admin.execute, f"SET GLOBAL {name} = {before}")
        admin.execute(f"SET GLOBAL {name} = {value}")
    admin.execute("CHANGE MASTER 'held' TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 1")
    stack.callback(admin.execute, "RESET SLAVE 'held' ALL")
    with session(target) as other:
        run_script(other, "XA START 'held'; INSERT INTO things VALUES (0, 0, ''); XA END 'held'")
        other.execute("XA PREPARE 'held'")
    stack.callback(eventually, lambda: not attempt(admin, "XA ROLLBACK 'held'"))
    deadlock(stack, target)
    killed(stack, target, admin)
    stood_still(stack, target)
    with session(target) as other:
        run_script(other, "BEGIN; UPDATE things SET note = repeat('y', 5000) WHERE id > 10; COMMIT")
        run_script(other, "FLUSH TABLES lost; SELECT 1 FROM lost; SELECT 1 FROM numbers")
        for _ in range(9):
            run_script(other, "BEGIN; SELECT 1; ROLLBACK")
        other.rows("SELECT note, count(*) FROM things GROUP BY note")
        other.rows("SELECT count(*) FROM lost AS a JOIN parts AS b ON a.id = b.at")
        run_script(other, "SET SESSION long_query_time = 0; SELECT sleep(0.01)")
        other.execute("SET SESSION innodb_lock_wait_timeout = 1")
        attempt(other, "UPDATE things SET note = 'v' WHERE id = 5")  # a second, and it ends


def attempt(server: Server, sql: str) -> str:
    """Run `sql`, and return what the server has against it."""
    try:
        server.execute(sql)
    except StockopsError as exc:
        return str(exc)
    return ""


def checks(engine: str) -> list[Check]:
    """The checks that ask the server, with the ranges of the table."""
    found = [c for c in health.load(engine) if c.question or c.probe in SERVER_PROBES]
    broken = BROKEN[engine]
    return [
        replace(c, warning=ranges.parse(broken[c.name]), critical=None, least=1)
        if c.name in broken
        else c
        for c in found
    ]


@pytest.fixture(scope="module")
def looked(
    all_labs: Labs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], dict[str, Outcome]]]:
    """Outcomes of the checks of an engine, by name, of a server to which all has happened."""
    known: dict[str, dict[str, Outcome]] = {}

    def look(engine: str) -> dict[str, Outcome]:
        if engine not in known:
            known[engine] = outcomes(all_labs, engine)
        return known[engine]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STOCKOPS_STATE", str(tmp_path_factory.mktemp("state")))
        yield look


def outcomes(all_labs: Labs, engine: str) -> dict[str, Outcome]:
    with fresh_database(all_labs.get(engine)) as target, ExitStack() as stack:
        admin = stack.enter_context(session(target))
        health.run(target, checks(engine))
        run_script(admin, PREPARE[engine])
        {"postgresql": postgresql, "mariadb": mariadb}[engine](stack, target, admin)
        # Ages on MariaDB are whole seconds, and rates want a window.
        eventually(lambda: admin.rows(SINCE[engine])[0]["age"] > 1.2)
        report = health.run(target, checks(engine))
        return {outcome.check.name: outcome for outcome in report.outcomes}


SINCE = {
    "postgresql": "SELECT coalesce(max(extract(EPOCH FROM now() - xact_start)), 0)::float8 AS age"
    " FROM pg_stat_activity WHERE state LIKE 'idle in%'",
    "mariadb": "SELECT coalesce(max(timestampdiff(SECOND, trx_started, now())), 0) AS age"
    " FROM information_schema.innodb_trx WHERE trx_state = 'RUNNING'",
}


@pytest.mark.parametrize(
    ("engine", "name"), [(engine, name) for engine in sorted(BROKEN) for name in BROKEN[engine]]
)
def test_a_check_sees_what_it_is_for(
    looked: Callable[[str], dict[str, Outcome]], engine: str, name: str
) -> None:
    outcome = looked(engine)[name]
    assert outcome.state is State.WARNING, outcome.message
    assert outcome.readings[0].value is not None


@pytest.mark.parametrize("engine", ENGINES)
def test_every_check_of_a_server_is_broken_here_or_a_line_says_why_not(engine: str) -> None:
    asked = {check.name for check in checks(engine)}
    assert len(asked) >= 40
    excused = {*NOT_HERE, *NOT_HERE_ON.get(engine, {})}
    assert asked - set(BROKEN[engine]) <= excused
    assert not set(BROKEN[engine]) & excused
    assert excused <= {check.name for check in health.load(None)}


@pytest.mark.parametrize("engine", ENGINES)
def test_an_open_partition_is_told_of_when_it_is_used_or_soon_will_be(
    looked: Callable[[str], dict[str, Outcome]], engine: str
) -> None:
    found = looked(engine)["partitions_open"].readings
    seen = {each.subject.rpartition(".")[2]: each for each in found}
    assert {name: each.state for name, each in seen.items()} == {
        "ends": State.WARNING,
        "holds": State.WARNING,
        "waits": State.OK,
    }
    assert "rows are in" not in seen["ends"].detail
    assert seen["holds"].value == 0
    assert "about 2 rows are in" in seen["holds"].detail
    assert "2900-01-01" in seen["waits"].detail


def test_shares_are_of_a_hundred_and_what_cannot_be_known_is_unknown(
    looked: Callable[[str], dict[str, Outcome]],
) -> None:
    for engine in ENGINES:
        readings = looked(engine)["cache_hit"].readings
        assert all(0 < (reading.value or 0) <= 100 for reading in readings)
    late = looked("mariadb")["replica_delay"]
    assert (late.state, looked("mariadb")["replica_threads"].readings[0].value) == (
        State.UNKNOWN,
        2,
    )


def test_growth_by_the_hour_is_of_the_hour_and_not_made_up() -> None:
    check = next(c for c in health.load("mariadb") if c.name == "deadlocks")
    memory = rates.Memory()
    for minute in range(0, 121, 5):
        now = rates.Sample(60.0 * minute, {"": (float(minute), None)})  # one a minute
        before = memory.take(check, now)
        memory.before = dict(memory.taken)
        reading = health.Reading(value=float(minute))
        if before is not None:
            [grown] = rates.growth(check, [reading], before, now)
            assert grown.value == min(minute, 60)
    assert len(memory.before["deadlocks"]) <= 14
    reset = rates.Sample(60.0 * 121, {"": (0.0, None)})
    assert memory.take(check, reset) is None


@pytest.mark.parametrize("engine", ENGINES)
def test_a_database_that_became_smaller_did_not_grow_and_was_looked_at_before(engine: str) -> None:
    check = next(c for c in health.load(engine) if c.name == "database_growth")
    memory = rates.Memory()
    assert memory.take(check, rates.Sample(0.0, {"d": (9e9, 9e9)})) is None
    memory.before = dict(memory.taken)
    now = rates.Sample(60.0, {"d": (8e9, 8e9)})
    before = memory.take(check, now)
    assert before is not None
    [reading] = rates.growth(
        check, [health.Reading(subject="d", value=8e9, allowed=8e9)], before, now
    )
    outcome = judging.judge(check, [reading], took_s=0)
    assert (reading.value, outcome.state) == (0, State.OK)
