"""What we export is what dashboards made for the community's exporters ask for."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import yaml
from community import OurScrapes, Series, our_scrapes, scraped, summed, theirs
from conftest import eventually

from stockops.engine import connect
from stockops.engine.base import Server
from stockops.exporter import Names
from stockops.exporter.naming import older_names
from stockops.lab import Lab
from stockops.passwords import Secret
from stockops.targets import Target

DIFFERENCES = yaml.safe_load((Path(__file__).parent / "community_differences.yaml").read_text())
TRIES = 3
THEIR_SESSIONS = 2  # the older half of postgres_exporter has one of its own
KINDS = ("absent", "series", "labels", "itself", "moving")

# What dashboards and rules that are used widely ask for, with the labels that they tell apart by.
WANTED = {
    "postgresql": {
        "datid datname": """pg_stat_database_xact_commit pg_stat_database_xact_rollback
            pg_stat_database_deadlocks pg_stat_database_conflicts pg_stat_database_blks_hit
            pg_stat_database_blks_read pg_stat_database_tup_fetched pg_stat_database_tup_returned
            pg_stat_database_tup_inserted pg_stat_database_tup_updated pg_stat_database_tup_deleted
            pg_stat_database_temp_bytes pg_stat_database_temp_files pg_stat_database_numbackends
            pg_stat_database_active_time_seconds_total""",
        "datname state usename application_name backend_type": """pg_stat_activity_count
            pg_stat_activity_max_tx_duration""",
        "datname mode": "pg_locks_count",
        "": """pg_settings_max_connections pg_settings_shared_buffers_bytes
            pg_settings_work_mem_bytes pg_settings_max_wal_size_bytes
            pg_settings_maintenance_work_mem_bytes pg_settings_effective_cache_size_bytes
            pg_settings_random_page_cost pg_settings_max_worker_processes
            pg_settings_autovacuum_vacuum_threshold pg_settings_max_locks_per_transaction
            pg_settings_superuser_reserved_connections pg_replication_is_replica
            pg_replication_lag_seconds pg_postmaster_start_time_seconds
            pg_stat_bgwriter_buffers_alloc_total pg_stat_bgwriter_buffers_clean_total
            pg_stat_bgwriter_buffers_checkpoint_total pg_stat_bgwriter_buffers_backend_total
            pg_stat_bgwriter_checkpoints_timed_total pg_stat_bgwriter_checkpoints_req_total
            pg_stat_bgwriter_checkpoint_write_time_total pg_stat_bgwriter_checkpoint_sync_time_total
            pg_stat_checkpointer_num_timed_total pg_stat_checkpointer_num_requested_total
            pg_stat_checkpointer_write_time_total pg_stat_checkpointer_sync_time_total
            pg_stat_checkpointer_buffers_written_total pg_stat_archiver_archived_count
            pg_stat_archiver_failed_count pg_wal_size_bytes pg_long_running_transactions""",
        "slot_name": "pg_replication_slots_active pg_replication_slots_pg_wal_lsn_diff",
        "application_name state slot_name": "pg_stat_replication_pg_wal_lsn_diff",
        "datname schemaname relname": """pg_stat_user_tables_n_dead_tup
            pg_stat_user_tables_n_live_tup pg_stat_user_tables_last_analyze
            pg_stat_user_tables_n_tup_ins pg_stat_user_tables_seq_scan
            pg_stat_user_tables_idx_scan""",
        "datname": "pg_database_size_bytes pg_database_wraparound_age_datfrozenxid_seconds",
        "version short_version": "pg_static",
        "user datname queryid": "pg_stat_statements_calls_total pg_stat_statements_seconds_total",
    },
    "mariadb": {
        "version version_comment": "mysql_version_info",
        "": """mysql_global_status_uptime mysql_global_status_queries mysql_global_status_questions
            mysql_global_status_slow_queries mysql_global_status_threads_connected
            mysql_global_status_threads_running mysql_global_status_threads_cached
            mysql_global_status_threads_created mysql_global_status_max_used_connections
            mysql_global_status_aborted_connects mysql_global_status_aborted_clients
            mysql_global_status_bytes_received mysql_global_status_bytes_sent
            mysql_global_status_created_tmp_tables mysql_global_status_created_tmp_disk_tables
            mysql_global_status_created_tmp_files mysql_global_status_select_full_join
            mysql_global_status_select_scan mysql_global_status_select_range
            mysql_global_status_sort_merge_passes mysql_global_status_sort_rows
            mysql_global_status_table_open_cache_hits mysql_global_status_table_open_cache_misses
            mysql_global_status_table_open_cache_overflows mysql_global_status_open_tables
            mysql_global_status_opened_tables mysql_global_status_open_files
            mysql_global_status_table_locks_waited mysql_global_status_buffer_pool_dirty_pages
            mysql_global_status_innodb_page_size mysql_global_status_innodb_log_waits
            mysql_global_status_innodb_row_lock_time mysql_global_status_innodb_row_lock_waits
            mysql_global_status_innodb_num_open_files mysql_global_status_innodb_data_fsyncs
            mysql_info_schema_innodb_metrics_transaction_trx_rseg_history_len
            mysql_global_variables_max_connections mysql_global_variables_innodb_buffer_pool_size
            mysql_global_variables_open_files_limit mysql_global_variables_table_open_cache
            mysql_global_variables_innodb_log_buffer_size mysql_global_variables_key_buffer_size
            mysql_global_variables_read_only mysql_global_status_wsrep_ready
            mysql_global_status_wsrep_cluster_size mysql_global_variables_wsrep_desync
            mysql_binlog_size_bytes""",
        "error": "mysql_global_status_connection_errors_total",
        "command": "mysql_global_status_commands_total",
        "handler": "mysql_global_status_handlers_total",
        "state": "mysql_global_status_buffer_pool_pages",
        "operation": "mysql_global_status_buffer_pool_page_changes_total",
        "master_host connection_name": """mysql_slave_status_slave_io_running
            mysql_slave_status_slave_sql_running mysql_slave_status_sql_delay
            mysql_slave_status_master_server_id""",
        "command state": """mysql_info_schema_processlist_threads
            mysql_info_schema_processlist_seconds""",
        "wsrep_cluster_name": "mysql_galera_variables_info",
        "schema digest": """mysql_perf_schema_events_statements_total
            mysql_perf_schema_events_statements_seconds_total
            mysql_perf_schema_events_statements_rows_examined_total""",
        "schema table component": "mysql_info_schema_table_size",
    },
}


@pytest.fixture
def busy(lab: Lab, target: Target, tmp_path: Path) -> Iterator[Target]:
    """A database with a table and a session at work, on a server with a follower or a primary."""
    with ExitStack() as stack:
        server = stack.enter_context(connect(target, application="somebody"))
        server.execute("CREATE TABLE noted (n INT PRIMARY KEY)")
        server.execute("INSERT INTO noted VALUES (1), (2)")
        if lab.engine == "postgresql":
            server.execute("CREATE EXTENSION pg_stat_statements")
            server.execute("ANALYZE")
            stack.enter_context(follower(lab, server, tmp_path))
        else:
            server.execute("CHANGE MASTER 'probe' TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 1")
            stack.callback(server.execute, "RESET SLAVE 'probe' ALL")
        stack.enter_context(server.transaction())
        server.rows("SELECT n FROM noted FOR UPDATE")
        yield target


def follower(lab: Lab, server: Server, folder: Path) -> ExitStack:
    """Have somebody receive the WAL through a slot, until the stack is closed."""
    stack = ExitStack()
    server.rows("SELECT pg_create_physical_replication_slot('probe')")
    stack.callback(server.rows, "SELECT pg_drop_replication_slot('probe')")
    program: Path = lab.programs / "pg_receivewal"
    words: list[str | Path] = [program, "-w", "-d", lab.url(), "-S", "probe", "-D", folder]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end() -> None:
        process.terminate()
        process.wait(60)
        eventually(
            lambda: not server.rows("SELECT 1 AS one FROM pg_replication_slots WHERE active")
        )

    stack.callback(end)
    eventually(lambda: server.rows("SELECT 1 AS one FROM pg_stat_replication"))
    return stack


@pytest.fixture
def ours(busy: Target) -> Iterator[OurScrapes]:
    with our_scrapes(busy) as ours:
        yield ours


def test_names_labels_and_values_are_those_of_the_communitys_exporter(
    busy: Target, ours: OurScrapes, lab: Lab, tmp_path: Path
) -> None:
    target = busy
    if busy.engine == "mariadb":
        secret = lab.tcp_password_file.read_text("utf-8").strip()
        target = replace(busy, url=lab.url(busy.database, tcp=True), password=Secret(secret))
    entries = DIFFERENCES[busy.engine]
    expected = {(kind, each[kind]) for each in entries for kind in KINDS if kind in each}
    with theirs(target, tmp_path) as address:
        scraped(address)  # the first one connects
        for _ in range(TRIES):  # what vacuum did meanwhile it does not do again
            before, said, after = ours.series(), scraped(address), ours.series()
            found = set(differing(before, said, after, entries))
            if found == expected:
                break
    assert "\n".join(sorted(map(str, found - expected))) == ""
    assert sorted(expected - found) == [], "these no longer differ"


def test_every_name_that_dashboards_ask_for_is_there_with_its_labels(ours: OurScrapes) -> None:
    found = ours.series()
    for labels, names in WANTED[ours.engine].items():
        for name in names.split():
            assert name in found, name
            there = {label for series in found[name] for label, _ in series}
            assert set(labels.split()) <= there, (name, there)


def differing(
    before: Series, said: Series, after: Series, entries: list[dict[str, str]]
) -> Iterator[tuple[str, str]]:
    """Give what differs: the entry that says so, or what it is."""

    def entry(kind: str, name: str) -> str | None:
        patterns = [each[kind] for each in entries if kind in each]
        return next((each for each in patterns if re.fullmatch(each, name)), None)

    for name, series in said.items():
        if name not in after:
            yield "absent", entry("absent", name) or name
            continue
        ours_before, ours_after, values = before[name], after[name], series
        if not series.keys() <= after[name].keys() and (known := entry("labels", name)):
            yield "labels", known
            both = frozenset(label for labels in series for label, _ in labels) & frozenset(
                label for labels in after[name] for label, _ in labels
            )
            ours_before, ours_after, values = (
                summed(each, both) for each in (ours_before, ours_after, series)
            )
        if missing := values.keys() - ours_after.keys():
            yield "series", entry("series", name) or f"{name}{sorted(map(sorted, missing))}"
        if known := entry("moving", name):
            yield "moving", known
            continue
        for labels in values.keys() & ours_after.keys():
            low, high = sorted((ours_before.get(labels, 0), ours_after[labels]))
            margin = 1e-9 * max(abs(low), abs(high))
            if low - margin <= values[labels] <= high + margin:
                continue
            if (known := entry("itself", name)) and values[labels] <= high + THEIR_SESSIONS:
                yield "itself", known
            else:
                yield "value", f"{name}{sorted(labels)}: {values[labels]} is not in {low}..{high}"


def test_each_profile_gives_a_fact_under_the_names_it_promises(busy: Target) -> None:
    given = {}
    for names in get_args(Names):
        with our_scrapes(busy, names) as ours:
            given[names] = ours.body().decode()
    compat, both, strict = (
        set(re.findall(r"^# TYPE (\S+)", given[names], re.MULTILINE))
        for names in ("compat", "both", "strict")
    )
    assert both - compat == {older for name in compat for older in older_names(name)}
    assert compat <= both
    for kind_of in (given["compat"], given["both"]):
        for name, kind in re.findall(r"^# TYPE (\S+) (\S+)", kind_of, re.MULTILINE):
            assert kind != "counter" or name.endswith("_total"), name
    assert len(strict) == len(compat)
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)", given["strict"], re.MULTILINE):
        assert (kind == "counter") == name.endswith("_total"), name


def test_promtool_finds_nothing_but_the_names_that_the_community_fixed(busy: Target) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    with our_scrapes(busy) as ours:
        checked = subprocess.run(
            [promtool, "check", "metrics"], input=ours.body(), capture_output=True, check=False
        )
    said = checked.stderr.decode().splitlines()
    assert [line for line in said if not PROMTOOL_KNOWN.match(line)] == []


# Their names: no unit that is a base unit, or a suffix that is kept for something else.
PROMTOOL_KNOWN = re.compile(
    r"(pg|mysql)_\S+ (non-histogram and non-summary metrics should not have \"_count\" suffix|"
    r"non-counter metrics should not have \"_total\" suffix|"
    r"use base unit|metric name should not|metric names should not)"
)
