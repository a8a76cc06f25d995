"""Advice followed on a server, and put back: by what was written down before."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from click.testing import CliRunner

from stockops import settings
from stockops.cli.main import main
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import Busy, ConfigError, Finding, ServerError
from stockops.filelock import hold
from stockops.settings import Advice, applying, records, reloading
from stockops.settings.applying import PLACES, Place
from stockops.targets import Target

# What is advised here, so that advice changes it; the last has been set already where it can be.
BEFORE = {
    "postgresql": (
        "ALTER SYSTEM SET log_lock_waits = off",
        "ALTER SYSTEM SET autovacuum_naptime = '5min'",
        'ALTER DATABASE "{0}" SET statement_timeout = 0',
        "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'odd, name'",
    ),
    "mariadb": (
        "SET GLOBAL sync_binlog = 7",
        "SET GLOBAL max_statement_time = 0.5",
        "SET GLOBAL innodb_print_all_deadlocks = OFF",
        "SET GLOBAL log_slow_verbosity = ''",
    ),
}
AGAIN = {
    "postgresql": (
        "ALTER SYSTEM RESET log_lock_waits",
        "ALTER SYSTEM RESET autovacuum_naptime",
        'ALTER DATABASE "{0}" RESET ALL',
        "ALTER SYSTEM RESET shared_preload_libraries",
    ),
    "mariadb": (
        "SET GLOBAL sync_binlog = 1",
        "SET GLOBAL max_statement_time = 0",
        "SET GLOBAL innodb_print_all_deadlocks = ON",
        "SET GLOBAL log_slow_verbosity = 'query_plan,explain'",
    ),
}
NEEDS_MORE = {"postgresql": "a restart is needed", "mariadb": "in the option file: sync_binlog = 1"}
REFUSED = {
    "postgresql": ("jit", "ALTER SYSTEM SET jit = 'perhaps';"),
    "mariadb": ("innodb_stats_persistent", "SET GLOBAL innodb_stats_persistent = 'perhaps';"),
}


@pytest.fixture
def server(target: Target) -> Iterator[Server]:
    """A server on which some advice can be followed, and what it had is known."""
    with connect(target) as found:
        try:
            told(found, BEFORE[target.engine], target)
            yield found
        finally:
            told(found, AGAIN[target.engine], target)


def told(server: Server, statements: Sequence[str], target: Target) -> None:
    for each in statements:
        server.execute(each.format(target.database))
    if server.engine == "postgresql":
        reloading.reload(server)


def advised(target: Target, server: Server) -> list[Advice]:
    facts = settings.said(settings.read(target, server), memory_bytes=2**36, cpus=16, disk="ssd")
    found = [each for each in settings.advise(facts) if each.state == "advised"]
    if server.engine == "postgresql":
        name = "shared_preload_libraries"
        statement = f"ALTER SYSTEM SET {name} = 'pg_stat_statements', 'auto_explain';"
        found.append(replace(found[0], setting=name, statements=(statement,), context="restart"))
    return found


def places(server: Server, target: Target) -> dict[str, Place]:
    return {each.name: each for each in server.fetch(PLACES, database=target.database)}


def test_what_was_applied_is_put_back_as_it_stood(target: Target, server: Server) -> None:
    before, advice = places(server, target), advised(target, server)
    record, done = applying.apply(target, server, advice)
    assert record is not None
    during = places(server, target)
    changed = [each for each in done if each.outcome == "applied"]
    assert len(changed) >= 4
    for each in record.changes:
        assert during[each.setting].at(each.where) not in {each.before, None}, each
    assert {each.setting for each in done} == {each.setting for each in advice}
    assert any(NEEDS_MORE[server.engine] in each.note for each in done)

    [kept] = records.found(record.server)
    assert (kept.stage, kept.id) == ("applied", record.id)
    back = applying.revert(server, kept, whatever=False)
    assert {each.outcome for each in back} == {"put back"}
    assert places(server, target) == before
    assert records.found(record.server)[0].stage == "reverted"
    with pytest.raises(Finding, match="nothing to put back"):
        records.chosen(None, record.server)


def test_what_somebody_changed_since_is_left_unless_it_is_said(
    target: Target, server: Server
) -> None:
    before = places(server, target)
    record, _ = applying.apply(target, server, advised(target, server))
    theirs, name = {
        "postgresql": ("ALTER SYSTEM SET autovacuum_naptime = '42s'", "autovacuum_naptime"),
        "mariadb": ("SET GLOBAL sync_binlog = 42", "sync_binlog"),
    }[server.engine]
    server.execute(theirs)
    [kept] = records.found(server.fetch(applying.IDENTITY)[0].server)
    assert record is not None
    done = {each.setting: each for each in applying.revert(server, kept, whatever=False)}
    assert [each.setting for each in done.values() if each.outcome == "left"] == [name]
    assert "42" in (done[name].after or "")
    assert records.chosen(None, kept.server).stage == "applied"
    done = {each.setting: each for each in applying.revert(server, kept, whatever=True)}
    assert {done.pop(name).outcome} == {"put back"}
    assert {each.outcome for each in done.values()} == {"is back"}
    assert places(server, target) == before


def test_a_refusal_takes_back_what_was_done_before_it(target: Target, server: Server) -> None:
    before, advice = places(server, target), advised(target, server)
    name, statement = REFUSED[server.engine]
    bad = replace(advice[0], setting=name, statements=(statement,))
    with pytest.raises(ServerError, match="nothing was changed: "):
        applying.apply(target, server, [*advice, bad])
    assert places(server, target) == before


def test_a_run_that_was_killed_on_the_way_is_put_back_by_its_record(
    target: Target, server: Server
) -> None:
    before, advice = places(server, target), advised(target, server)
    begun, _ = applying.apply(target, server, advice)
    assert begun is not None
    assert begun.stage == "begun"  # as it was written before the first statement
    records.write(begun)
    done = applying.revert(server, records.chosen(None, begun.server), whatever=False)
    assert {each.outcome for each in done} == {"put back"}
    assert places(server, target) == before


def test_two_runs_at_once_are_one(target: Target, server: Server) -> None:
    with hold(records.lock_file(), what="it"), pytest.raises(Busy, match="the change of settings"):
        applying.apply(target, server, advised(target, server))


def test_a_record_of_another_server_is_none_of_this_one(target: Target, server: Server) -> None:
    record, _ = applying.apply(target, server, advised(target, server))
    assert record is not None
    records.write(replace(record, id="20200101T000000Z-0000", server="another"))
    assert [each.id for each in records.found("another")] == ["20200101T000000Z-0000"]
    with pytest.raises(ConfigError, match="no record '20200101T000000Z-0000' of this server"):
        records.chosen("20200101T000000Z-0000", record.server)
    applying.revert(server, record, whatever=True)


def test_the_commands_plan_apply_list_and_revert(target: Target, server: Server) -> None:
    before = places(server, target)

    def ran(*words: str) -> tuple[int, object]:
        done = CliRunner().invoke(main, ["settings", *words, "-t", target.url, "--format", "json"])
        return done.exit_code, json.loads(done.stdout) if done.stdout else done.stderr

    some = {"postgresql": "log_lock_waits", "mariadb": "innodb_print_all_deadlocks"}
    rule = ("--rule", some[server.engine])
    code, planned = ran("apply", *rule, "--plan")
    assert code == 0
    assert some[server.engine] in str(planned)
    assert places(server, target) == before
    assert ran("apply", *rule)[0] == 0
    assert places(server, target) != before
    code, listed = ran("revert", "--list")
    assert code == 0
    assert "'stage': 'applied'" in str(listed)
    assert ran("revert", "--plan")[0] == 0
    assert places(server, target) != before
    assert ran("revert")[0] == 0
    assert places(server, target) == before
    assert ran("revert")[0] == 1
    assert ran("revert", "20200101T000000Z-0000")[0] == 2
