"""Advice on settings: what rules say of any facts, and what real servers say of the advice."""

import json
import os
import runpy
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import Labs, eventually
from hypothesis import HealthCheck, given
from hypothesis import settings as hypotheses
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from stockops import lab as labs
from stockops import settings
from stockops.cli.main import main
from stockops.engine import ENGINES, connect
from stockops.engine.base import Server
from stockops.errors import ConfigError
from stockops.lab import Lab
from stockops.settings import RULES, Advice, Counter, Facts, Machine, Missing, Setting, machine
from stockops.settings.facts import PENDING, UNSAVED, Kind, Value
from stockops.settings.reading import GROUPS
from stockops.settings.words import difference, mariadb, option, postgresql, shown
from stockops.targets import Target

MIB, GIB = 1024**2, 1024**3
UNSEEN = Missing("it may not be read", "Let it be read.")

# Any value that a server would take, for each setting that a rule looks at.
Drawn = tuple[Kind, SearchStrategy[Value]]


def among(*values: Value) -> Drawn:
    kind: Kind = "flag" if isinstance(values[0], bool) else "text"
    return kind, st.sampled_from(values)


def bytes_of(low: int, high: int, *also: int) -> Drawn:
    whole = st.integers(low // 1024, high // 1024).map(lambda each: each * 1024)
    small = st.integers(low // 1024, min(high, 256 * MIB) // 1024).map(lambda each: each * 1024)
    return "bytes", st.one_of(whole, small, *(st.just(each) for each in also))


def seconds(low: float, high: float, *also: float) -> Drawn:
    return "seconds", st.one_of(st.floats(low, high), *(st.just(each) for each in also))


def numbers(low: int, high: int, *also: int) -> Drawn:
    return "number", st.one_of(
        st.integers(low, high),
        st.integers(low, min(high, low + 500)),
        st.sampled_from([low, *also]),
    )


def reals(low: float, high: float) -> Drawn:
    return "number", st.floats(low, high)


FLAG: Drawn = ("flag", st.booleans())
POSTGRESQL: Mapping[str, Drawn] = {
    "shared_buffers": bytes_of(128 * 1024, 2**41),
    "superuser_reserved_connections": numbers(0, 1000),
    "max_connections": numbers(1, 262_143),
    "temp_buffers": bytes_of(800 * 1024, 2**41),
    "hash_mem_multiplier": reals(1, 1000),
    "work_mem": bytes_of(64 * 1024, 2**41),
    "autovacuum_max_workers": numbers(1, 262_143),
    "autovacuum_work_mem": bytes_of(64 * 1024, 2**41, -1),
    "maintenance_work_mem": bytes_of(64 * 1024, 2**41),
    "effective_cache_size": bytes_of(8192, 2**44),
    "fsync": FLAG,
    "full_page_writes": FLAG,
    "synchronous_commit": among("on", "off", "local", "remote_write", "remote_apply"),
    "data_checksums": FLAG,
    "wal_level": among("minimal", "replica", "logical"),
    "max_wal_senders": numbers(0, 262_143),
    "archive_mode": among("on", "off", "always"),
    "archive_command": among("", "(disabled)", "cp %p /a/%f"),
    "archive_library": among("", "basic_archive"),
    "checkpoint_timeout": seconds(30, 86_400),
    "checkpoint_completion_target": reals(0, 1),
    "max_wal_size": bytes_of(2 * MIB, 2**42),
    "min_wal_size": bytes_of(2 * MIB, 2**42),
    "wal_segment_size": bytes_of(MIB, GIB),
    "wal_compression": among("off", "on", "pglz", "lz4", "zstd"),
    "max_slot_wal_keep_size": bytes_of(0, 2**42, -1),
    "autovacuum": FLAG,
    "track_counts": FLAG,
    "autovacuum_naptime": seconds(1, 2e6),
    "autovacuum_vacuum_cost_delay": seconds(0, 0.1, -1),
    "autovacuum_vacuum_cost_limit": numbers(1, 10_000, -1),
    "vacuum_cost_limit": numbers(1, 10_000),
    "autovacuum_vacuum_scale_factor": reals(0, 100),
    "autovacuum_freeze_max_age": numbers(100_000, 2_000_000_000),
    "statement_timeout": seconds(0, 2e6),
    "lock_timeout": seconds(0, 2e6),
    "idle_in_transaction_session_timeout": seconds(0, 2e6),
    "tcp_keepalives_idle": seconds(0, 2e6),
    "password_encryption": among("md5", "scram-sha-256"),
    "random_page_cost": reals(0, 100),
    "effective_io_concurrency": numbers(0, 1000),
    "jit": FLAG,
    "log_min_duration_statement": seconds(0, 2e6, -1),
    "log_lock_waits": FLAG,
    "log_checkpoints": FLAG,
    "log_autovacuum_min_duration": seconds(0, 2e6, -1),
    "log_temp_files": bytes_of(0, 2**40, -1),
    "log_line_prefix": among("", "%m [%p] ", "%t %p %u %d ", "%n"),
    "log_timezone": among("UTC", "Asia/Seoul"),
    "TimeZone": among("UTC", "Asia/Seoul"),
    "track_io_timing": FLAG,
    "compute_query_id": among("auto", "on", "off", "regress"),
    "shared_preload_libraries": among("", "auto_explain", "pg_stat_statements, auto_explain"),
    PENDING: numbers(0, 9),
}
MARIADB: Mapping[str, Drawn] = {
    "innodb_buffer_pool_size": bytes_of(5 * MIB, 2**42),
    "key_buffer_size": bytes_of(0, 2**42),
    "aria_pagecache_buffer_size": bytes_of(131_072, 2**42),
    "query_cache_type": among(True, False, "DEMAND"),
    "query_cache_size": bytes_of(0, 2**40),
    "innodb_log_buffer_size": bytes_of(262_144, 2**32),
    "performance_schema": FLAG,
    "table_open_cache": numbers(10, 1_048_576),
    "innodb_buffer_pool_dump_at_shutdown": FLAG,
    "max_connections": numbers(10, 100_000),
    "thread_cache_size": numbers(0, 16_384),
    "tmp_table_size": bytes_of(0, 2**44),
    "max_heap_table_size": bytes_of(16_384, 2**44),
    "sort_buffer_size": bytes_of(1024, 2**44),
    "join_buffer_size": bytes_of(0, 2**44),
    "read_rnd_buffer_size": bytes_of(0, 2**31),
    "read_buffer_size": bytes_of(8192, 2**31),
    "innodb_flush_log_at_trx_commit": numbers(0, 3),
    "innodb_doublewrite": FLAG,
    "innodb_checksum_algorithm": among("crc32", "strict_crc32", "full_crc32", "strict_full_crc32"),
    "innodb_flush_method": among("fsync", "O_DSYNC", "littlesync", "nosync", "O_DIRECT"),
    "log_bin": FLAG,
    "sync_binlog": numbers(0, 4_294_967_295),
    "binlog_format": among("MIXED", "STATEMENT", "ROW"),
    "binlog_row_image": among("FULL", "MINIMAL", "NOBLOB"),
    "binlog_expire_logs_seconds": seconds(0, 8_553_600),
    "default_storage_engine": among("InnoDB", "MyISAM", "Aria"),
    "innodb_file_per_table": FLAG,
    "innodb_log_file_size": bytes_of(4 * MIB, 2**39),
    "innodb_io_capacity": numbers(100, 1_000_000),
    "innodb_io_capacity_max": numbers(100, 1_000_000),
    "innodb_flush_neighbors": numbers(0, 2),
    "wait_timeout": seconds(1, 31_536_000),
    "idle_transaction_timeout": seconds(0, 31_536_000),
    "innodb_lock_wait_timeout": seconds(0, 100_000_000),
    "lock_wait_timeout": seconds(0, 31_536_000),
    "max_statement_time": seconds(0, 31_536_000),
    "max_allowed_packet": bytes_of(1024, GIB),
    "sql_mode": among("", "ANSI_QUOTES", "STRICT_ALL_TABLES", "TRADITIONAL,ANSI_QUOTES"),
    "innodb_strict_mode": FLAG,
    "character_set_server": among("latin1", "utf8mb3", "utf8mb4", "euckr"),
    "time_zone": among("SYSTEM", "+09:00"),
    "system_time_zone": among("UTC", "KST", "CEST"),
    "skip_name_resolve": FLAG,
    "slow_query_log": FLAG,
    "long_query_time": seconds(0, 31_536_000),
    "log_slow_verbosity": among("", "innodb", "query_plan", "query_plan,explain", "full"),
    "innodb_print_all_deadlocks": FLAG,
    "innodb_stats_persistent": FLAG,
    UNSAVED: numbers(0, 9),
}
SETTINGS = {"postgresql": POSTGRESQL, "mariadb": MARIADB}
STATES = {
    "postgresql": "databases.backends size.bytes replication.slots extensions.pg_stat_statements"
    " tables.dead_share tables.largest_rows",
    "mariadb": "size.bytes sessions.all sessions.asleep_over_1h accounts.by_host_name",
}
COUNTED = {
    "postgresql": "databases.temp_files databases.temp_bytes checkpoints.requested"
    " checkpoints.timed databases.blocks_read wal.bytes wal.full_pages statements.run_s"
    " statements.compiled_s",
    "mariadb": "status.innodb_log_waits status.opened_tables status.open_tables"
    " status.threads_created status.threads_connected status.max_used_connections"
    " status.sort_merge_passes status.created_tmp_disk_tables status.created_tmp_tables"
    " status.innodb_os_log_written status.innodb_buffer_pool_reads"
    " status.innodb_checkpoint_age status.innodb_checkpoint_max_age"
    " status.innodb_buffer_pool_wait_free",
}


@st.composite
def drawn_facts(draw: st.DrawFn, engine: str) -> Facts:
    """Facts of a server that could be: a machine of 256 MB to 1 TB, any settings, any load."""
    amounts = st.one_of(st.floats(0, 1), st.floats(0, 1e6), st.floats(0, 1e15))
    counters = {name: Counter(draw(amounts)) for name in STATES[engine].split()}
    window = st.one_of(st.floats(0, 3600), st.floats(3600, 1e7))
    for name in COUNTED[engine].split():
        counters[name] = Counter(draw(amounts), draw(window))
    gone = draw(st.sets(st.sampled_from(GROUPS), max_size=2))
    memory = st.one_of(st.integers(256 * MIB, 8 * GIB), st.integers(256 * MIB, 1024 * GIB))
    return Facts(
        engine=engine,
        version=(18, 0),
        database="trading",
        machine=Machine(
            memory_bytes=draw(memory),
            cpus=draw(st.one_of(st.none(), st.integers(1, 256))),
            disk=draw(st.sampled_from(["ssd", "hdd", None])),
            missing=UNSEEN,
        ),
        settings={
            name: Setting(name=name, value=draw(values), kind=kind, context="reload")
            for name, (kind, values) in SETTINGS[engine].items()
        },
        counters={k: v for k, v in counters.items() if k.partition(".")[0] not in gone},
        missing=dict.fromkeys(gone, UNSEEN),
    )


def advised(advice: list[Advice]) -> list[tuple[str, str, str, str]]:
    return [(a.rule, a.now, a.proposed, a.why) for a in advice if a.state == "advised"]


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_there_are_rules_enough_each_on_a_setting_of_its_own(engine: str) -> None:
    rules = RULES[engine]
    assert len(rules) >= 25
    assert len({rule.setting for rule in rules}) == len(rules)
    assert len({rule.name for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.title.endswith("."), rule.name
        assert rule.formula, rule.name
        assert rule.effect, rule.name
        assert rule.source.startswith(("PostgreSQL manual, ", "MariaDB documentation, ")), rule.name
        assert "://" not in rule.source, rule.name


@pytest.mark.parametrize("engine", sorted(ENGINES))
@given(data=st.data())
@hypotheses(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_advice_that_was_followed_is_followed_by_none_and_fits_into_memory(
    engine: str, data: st.DataObject
) -> None:
    facts = data.draw(drawn_facts(engine))
    first = settings.advise(facts)
    proposed = [each.setting for each in first if each.state == "advised"]
    assert len(proposed) == len(set(proposed))
    after = settings.followed(facts, first)
    again = settings.advise(after)
    assert advised(again) == []
    memory = facts.machine.memory_bytes
    claimed = [each.claims_bytes for each in first]
    counted = settings.totals(first, memory)
    assert memory
    assert counted.claimed_bytes == sum(each or 0 for each in claimed) <= memory
    unclaimed = [rule.name for rule, each in zip(RULES[engine], first, strict=True)
                 if rule.claims and each.claims_bytes is None]  # fmt: skip
    assert unclaimed == []


@pytest.mark.parametrize("engine", sorted(ENGINES))
@given(data=st.data())
@hypotheses(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_not_known_is_never_judged(engine: str, data: st.DataObject) -> None:
    facts = data.draw(drawn_facts(engine))
    blind = replace(
        facts,
        settings={},
        missing={"settings": UNSEEN},
        counters={},
        machine=Machine(missing=UNSEEN),
    )
    for each in settings.advise(blind):
        assert (each.state, each.why, each.hint) == ("unknown", UNSEEN.why, UNSEEN.hint)
    young = {k: replace(v, window_s=v.window_s and 0.02) for k, v in facts.counters.items()}
    for each in settings.advise(replace(facts, counters=young)):
        if each.state != "unknown" and each.rule not in NO_WINDOW_NEEDED:
            assert not [seen for seen in each.evidence if seen.window_s], each.rule


# What these saw of a counter is only words in the reason, not the reason.
NO_WINDOW_NEEDED = {"max_connections"}


MEMORY_BYTES = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

# Settings that start a server, and that a rule each has something against.
BAD: Mapping[str, Mapping[str, str]] = {
    "postgresql": {
        "shared_buffers": f"{int(0.4 * MEMORY_BYTES) // MIB}MB",
        "superuser_reserved_connections": "0",
        "temp_buffers": "8GB",
        "hash_mem_multiplier": "100",
        "work_mem": "16GB",
        "autovacuum_max_workers": "1",
        "autovacuum_work_mem": "64GB",
        "maintenance_work_mem": "1MB",
        "effective_cache_size": "8MB",
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "checkpoint_timeout": "30s",
        "checkpoint_completion_target": "0.1",
        "max_wal_size": "64MB",
        "min_wal_size": "64MB",
        "autovacuum": "off",
        "track_counts": "off",
        "autovacuum_naptime": "1h",
        "autovacuum_vacuum_cost_delay": "100ms",
        "autovacuum_vacuum_scale_factor": "0.9",
        "autovacuum_freeze_max_age": "2000000000",
        "password_encryption": "md5",
        "random_page_cost": "4",
        "effective_io_concurrency": "1",
        "log_lock_waits": "off",
        "log_checkpoints": "off",
        "log_autovacuum_min_duration": "-1",
        "log_temp_files": "-1",
        "log_line_prefix": "%m ",
        "log_timezone": "Asia/Seoul",
        "track_io_timing": "off",
        "compute_query_id": "off",
        "shared_preload_libraries": "auto_explain",
    },
    "mariadb": {
        "innodb_buffer_pool_size": "16M",
        "key_buffer_size": "1G",
        "aria_pagecache_buffer_size": "1G",
        "query_cache_type": "ON",
        "query_cache_size": "1G",
        "performance_schema": "OFF",
        "innodb_buffer_pool_dump_at_shutdown": "OFF",
        "tmp_table_size": "1G",
        "max_heap_table_size": "1M",
        "sort_buffer_size": "1G",
        "join_buffer_size": "1G",
        "read_rnd_buffer_size": "1G",
        "read_buffer_size": "1G",
        "innodb_flush_log_at_trx_commit": "0",
        "innodb_doublewrite": "OFF",
        "innodb_checksum_algorithm": "crc32",
        "innodb_flush_method": "fsync",
        "skip_log_bin": "1",
        "sync_binlog": "0",
        "binlog_format": "STATEMENT",
        "binlog_row_image": "MINIMAL",
        "binlog_expire_logs_seconds": "0",
        "default_storage_engine": "MyISAM",
        "innodb_file_per_table": "OFF",
        "innodb_log_file_size": "8M",
        "wait_timeout": "1000000",
        "innodb_lock_wait_timeout": "100000",
        "max_allowed_packet": "1M",
        "sql_mode": "ANSI_QUOTES",
        "innodb_strict_mode": "OFF",
        "character_set_server": "latin1",
        "collation_server": "latin1_bin",
        "default_time_zone": "SYSTEM",
        "skip_name_resolve": "OFF",
        "slow_query_log": "OFF",
        "long_query_time": "10",
        "log_slow_verbosity": "innodb",
        "innodb_print_all_deadlocks": "OFF",
        "innodb_stats_persistent": "OFF",
    },
}


# What somebody set by hand, and a file says under another name, or cannot say.
ALSO: Mapping[str, tuple[str, ...]] = {
    "postgresql": (),
    "mariadb": (
        "SET GLOBAL tx_isolation = 'READ-COMMITTED'",
        "SET GLOBAL collation_connection = utf8mb4_bin",
    ),
}


def judged(lab: Lab, *, window_s_min: float) -> tuple[Facts, list[Advice]]:
    """Ask all rules of `lab`, whose disk is said to be an ssd."""
    target = Target(name="it", url=lab.url())
    with connect(target) as server:
        facts = settings.read(target, server, window_s_min=window_s_min)
    facts = settings.said(facts, memory_bytes=None, cpus=None, disk="ssd")
    return facts, settings.advise(facts)


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_a_real_server_takes_all_of_the_advice_and_then_there_is_none(
    engine: str, all_labs: Labs
) -> None:
    all_labs.get(engine)  # skips where the engine is not installed
    with labs.temporary(engine, settings=BAD[engine]) as lab:
        facts, first = judged(lab, window_s_min=0.0)
        # Compiling is counted by pg_stat_statements, which is among what is advised.
        unknown = [each.rule for each in first if each.state == "unknown"]
        assert unknown == (["jit"] if engine == "postgresql" else [])
        wanted = {each.setting: each for each in first if each.state == "advised"}
        named = {"skip_log_bin": "log_bin", "default_time_zone": "time_zone"}
        expected = {named.get(name, name) for name in BAD[engine]} - {
            "collation_server",
            "max_wal_size",
        }
        assert expected - wanted.keys() == set()
        assert facts.machine.memory_bytes
        with connect(lab.url()) as server:
            for each in wanted.values():
                for statement in (*each.statements, *ALSO[engine]):
                    if not statement.startswith("--"):
                        server.execute(statement)
        _, between = judged(lab, window_s_min=settings.WINDOW_S_MIN)
        [waiting] = [
            each for each in between if each.rule in {"restart_pending", "set_at_run_time"}
        ]
        assert waiting.state == "advised"
        if engine == "mariadb":
            lines = [line for each in (*wanted.values(), waiting) for line in each.option_lines]
            assert any(line.startswith("transaction_isolation = ") for line in lines)
            assert any(line.startswith("# collation_connection is no option") for line in lines)
            with (lab.directory / "my.cnf").open("a", encoding="utf-8") as file:
                file.write("".join(f"{line}\n" for line in lines))
        labs.stop(lab)
        after, again = judged(labs.start(lab), window_s_min=settings.WINDOW_S_MIN)
        assert advised(again) == []
        for name, each in wanted.items():
            assert words_of(after.settings[name].value) == words_of(each.proposed_value), name


def words_of(value: Value | None) -> object:
    """Return a list of words without its order, which is the server's own."""
    return sorted(value.split(",")) if isinstance(value, str) else value


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_each_engine_has_a_file_for_each_group_and_the_same_columns(
    engine: str, all_labs: Labs
) -> None:
    folder = Path(settings.__file__).parent.parent / "sql" / engine / "settings"
    there = {path.name.partition(".")[0] for path in folder.iterdir()}
    assert there == {*GROUPS, "server", "values", "pending"}
    target = Target(name="it", url=all_labs.get(engine).url())
    with connect(target) as server:
        facts = settings.read(target, server)
    assert facts.missing == {}
    asked = {*STATES[engine].split(), *COUNTED[engine].split()}
    assert asked - facts.counters.keys() == set()
    assert {rule.setting for rule in RULES[engine]} - facts.settings.keys() == set()
    assert SETTINGS[engine].keys() - facts.settings.keys() == set()


def test_the_page_of_the_rules_is_what_the_rules_say() -> None:
    top = Path(__file__).parent.parent
    wanted: str = runpy.run_path(str(top / "scripts" / "settings_page.py"))["page"]()
    found = (top / "docs" / "settings.md").read_text("utf-8")
    assert found == wanted, "docs/settings.md is of another day: run make docs"


def test_flushing_the_status_of_mariadb_shortens_only_what_it_sets_back(all_labs: Labs) -> None:
    target = Target(name="it", url=all_labs.get("mariadb").url())
    with connect(target) as server:
        eventually(lambda: uptime_s(server) >= 3)
        server.execute("FLUSH STATUS")
        counters = settings.read(target, server).counters
    assert (counters["status.max_used_connections"].window_s or 0) <= 1
    assert (counters["status.innodb_os_log_written"].window_s or 0) >= 3


def uptime_s(server: Server) -> float:
    [row] = server.rows("SHOW GLOBAL STATUS LIKE 'Uptime'")
    return float(row["Value"])


GUESTS = {
    "postgresql": ("CREATE ROLE {name} LOGIN", "GRANT pg_read_all_settings TO {name}"),
    "mariadb": ("CREATE USER {name}@localhost", "GRANT PROCESS ON *.* TO {name}@localhost"),
}


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_a_role_without_rights_is_told_what_to_grant_and_nothing_is_judged_by_a_part(
    engine: str, all_labs: Labs
) -> None:
    lab, name = all_labs.get(engine), "settings_reader"
    make, grant = (each.format(name=name) for each in GUESTS[engine])
    account = name if engine == "postgresql" else f"{name}@localhost"
    database = "postgres" if engine == "postgresql" else "information_schema"
    url = lab.url(database).replace(f"//{lab.owner}@", f"//{name}@")
    target = Target(name="it", url=url)
    told = {"postgresql": "shared_preload_libraries", "mariadb": "wait_timeout"}[engine]
    with ExitStack() as stack:
        admin = stack.enter_context(connect(lab.url()))
        admin.execute(make)
        stack.callback(lambda: admin.execute(f"DROP USER {account}"))
        found = []
        for granted in (False, True):
            if granted:
                admin.execute(grant)
            with connect(target) as server:
                advice = settings.advise(settings.read(target, server))
            found.append(next(each for each in advice if each.rule == told))
    assert [each.state for each in found] == ["unknown", "satisfied"]
    assert "may not" in found[0].why or "denied" in found[0].why.lower()
    assert grant.split(" TO ")[0] in found[0].hint
    assert name in found[0].hint


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_the_machine_is_known_by_the_process_of_the_server_and_by_nothing_else(
    engine: str, all_labs: Labs
) -> None:
    lab = all_labs.get(engine)
    target = Target(name="it", url=lab.url())
    with connect(target) as server:
        facts = settings.read(target, server)
    assert facts.machine.memory_bytes
    assert facts.machine.cpus
    assert facts.machine.known_by.startswith(f"process {lab.pid} of")
    here = machine.Seen(engine=engine, started_s=1.0)
    assert machine.find(target, here).memory_bytes is None
    far = replace(target, url=f"{engine}://ops@db1.example/trading")
    assert "'db1.example'" in machine.find(far, here).missing.why
    remote = replace(facts, machine=machine.find(far, here))
    states = {each.rule: each for each in settings.advise(remote)}
    assert {"max_connections", "random_page_cost", "innodb_io_capacity"} & {
        rule for rule, each in states.items() if "--memory 64GB" in each.hint
    }
    told = settings.said(remote, memory_bytes=64 * GIB, cpus=16, disk="ssd")
    assert not [each for each in settings.advise(told) if "--memory" in each.hint]
    assert {each.rule for each in settings.advise(told) if each.claims_bytes is None} == {
        rule.name for rule in RULES[engine] if rule.claims is None
    }


def test_limits_of_control_groups_count_whichever_is_the_least(tmp_path: Path) -> None:
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "7").mkdir(parents=True)
    (proc / "8").mkdir()
    inner = groups / "db.slice" / "mariadb.service"
    inner.mkdir(parents=True)
    (proc / "7" / "cgroup").write_text("0::/db.slice/mariadb.service\n")
    (inner / "memory.max").write_text("max\n")
    (inner / "memory.high").write_text(f"{4 * GIB}\n")
    (inner.parent / "memory.max").write_text(f"{3 * GIB}\n")
    (inner / "cpu.max").write_text("max 100000\n")
    (inner.parent / "cpu.max").write_text("150000 100000\n")
    assert sorted(machine.memory_limits(7, proc=proc, groups=groups)) == [3 * GIB, 4 * GIB]
    assert machine.cpu_limits(7, proc=proc, groups=groups) == [2]
    old = groups / "memory" / "docker" / "1"
    old.mkdir(parents=True)
    (groups / "cpu,cpuacct" / "docker" / "1").mkdir(parents=True)
    (proc / "8" / "cgroup").write_text("4:memory:/docker/1\n3:cpu,cpuacct:/docker/1\n2:pids:/\n")
    (old / "memory.limit_in_bytes").write_text(f"{2 * GIB}\n")
    (old.parent / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    (groups / "cpu,cpuacct" / "docker" / "1" / "cpu.cfs_quota_us").write_text("300000\n")
    (groups / "cpu,cpuacct" / "docker" / "1" / "cpu.cfs_period_us").write_text("100000\n")
    (groups / "cpu,cpuacct" / "docker" / "cpu.cfs_quota_us").write_text("-1\n")
    assert machine.memory_limits(8, proc=proc, groups=groups) == [2 * GIB]
    assert machine.cpu_limits(8, proc=proc, groups=groups) == [3]
    assert machine.memory_limits(9, proc=proc, groups=groups) == []


def test_values_are_written_as_each_server_and_a_person_read_them() -> None:
    assert postgresql("a, b", "list") == "'a', 'b'"
    assert postgresql("it's", "text") == "'it''s'"
    assert [postgresql(v, "bytes") for v in (8 * MIB, 96 * 1024, 7, -1, 0)] == [
        *("'8MB'", "'96kB'", "'7B'", "-1", "0")
    ]
    assert [postgresql(v, "seconds") for v in (30.0, 0.002, -1.0)] == ["'30s'", "'2ms'", "-1"]
    assert [mariadb(v) for v in (True, 3 * MIB, 0.5, "a'b")] == ["ON", "3145728", "0.5", "'a''b'"]
    assert [option(v) for v in (False, 2 * GIB, 3 * MIB, 5000, "x,y")] == [
        *("OFF", "2G", "3M", "5000", "x,y")
    ]
    assert [shown(v, "seconds") for v in (0.002, 600, 90, 86_400)] == [
        "2 ms",
        "10 min",
        "90 s",
        "1 d",
    ]
    assert [shown(v, "bytes") for v in (-1, 1536, 2 * GIB)] == ["-1", "1.5 kB", "2 GB"]
    assert difference(2 * GIB, GIB, "bytes") == "-1 GB (x0.5)"
    assert difference("a", "b", "text") == difference(-1, 7, "number") == ""


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str


def stockops(*words: str) -> Ran:
    """Run the command line in this process."""
    done = CliRunner().invoke(main, ["settings", "advise", *words])
    return Ran(done.exit_code, done.stdout, done.stderr)


def test_the_command_prints_a_table_and_json_and_leaves_by_what_it_found(all_labs: Labs) -> None:
    url = all_labs.get("postgresql").url()
    ran = stockops("-t", url, "--format", "json", "--memory", "4GB", "--cpus", "16")
    rows = json.loads(ran.out)
    assert ran.code == 1, ran.err
    assert [row["rule"] for row in rows] == [rule.name for rule in RULES["postgresql"]]
    assert set(rows[0]) == {field.name for field in fields(Advice)}
    [found] = [row for row in rows if row["rule"] == "effective_cache_size"]
    assert (found["state"], found["now"], found["proposed"]) == ("advised", "4 GB", "3 GB")
    assert found["statements"][0] == "ALTER SYSTEM SET effective_cache_size = '3072MB';"
    assert {"name": "machine.memory", "value": 4 * GIB, "window_s": None} in found["evidence"]
    ran = stockops("-t", url, "--rule", "fsync", "--rule", "wal_level")
    assert (ran.code, "2 of 2 rules judged: 0 with advice, 2 satisfied" in ran.out) == (0, True)
    ran = stockops("-t", url, "--rule", "max_wal_size")
    assert ran.code == 1, "nothing judged is no OK"
    assert "3,600 s are needed" in ran.out
    for size in ("12 parsecs", "", "1kB", f"{'9' * 400}GB"):
        ran = stockops("-t", url, "--rule", "fsnyc", "--memory", size)
        assert (ran.code, "is not the size of" in ran.err) == (2, True)
    ran = stockops("-t", url, "--rule", "fsnyc")
    assert (ran.code, "Did you mean fsync?" in ran.err) == (2, True)


def test_a_rule_that_is_not_there_is_told_with_all_that_are() -> None:
    with pytest.raises(ConfigError, match="'qqq'") as caught:
        settings.only([], ["qqq"], "mariadb")
    assert "innodb_buffer_pool_size" in (caught.value.hint or "")
