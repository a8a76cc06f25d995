"""Each role is tried for what it must not do, and for what it is there for."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import Labs, eventually, fresh_database
from crowd import crowd_on
from portfolios import portfolio
from trading import CLOCK, Bed, login, member

from stockops import health, migrations, rebalancing, scenarios
from stockops.backups import manifest, repository, rights, streams, taking
from stockops.backups.archive import enabling, receiving, spool
from stockops.backups.archive.walreceiver import slot_name
from stockops.books import proofs, scratch
from stockops.cli import main
from stockops.engine import ENGINES, connect
from stockops.engine.base import Server
from stockops.errors import Fault, Refused, ServerError
from stockops.health import State
from stockops.roles import granted
from stockops.scenarios import SCENARIOS

ROLES = ("owner", "app", "read", "monitor", "backup")


@pytest.fixture(scope="module", params=sorted(ENGINES))
def bed(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    with fresh_database(all_labs.get(str(request.param))) as target:
        with connect(target) as server:
            if server.engine == "postgresql":
                server.execute("CREATE EXTENSION pg_stat_statements")
        migrations.up(target)
        with connect(target) as server:
            bed = Bed(server, target)
            bed.buy(bed.account(), bed.stock(50_000), 1, 50_000)  # rows that could be changed
            yield bed


@pytest.fixture(scope="module")
def members(bed: Bed) -> Iterator[dict[str, Server]]:
    with ExitStack() as stack:
        yield {role: stack.enter_context(member(bed, role)) for role in ROLES}


PLACE = (
    "k", 1, "000000", "buy", "limit", 100, 1, "2025-01-03", "2025-01-03 01:00:00", None, None, None,
)  # fmt: skip

# What a role must not do; the books hold an order and its trade, which each would change.
FORBIDDEN = [
    ("app", "UPDATE accounts SET cash_won = 1 WHERE account_id = 1"),
    ("app", "UPDATE stock_inventory SET available_shares = 1"),
    ("app", "UPDATE orders SET status = 'filled'"),
    ("app", "INSERT INTO trades (trade_id) VALUES (1)"),
    ("app", "DELETE FROM orders"),
    ("app", "DELETE FROM portfolios"),
    ("app", "INSERT INTO journal_entries VALUES (1, 1, '2025-01-03', 1, 'KRW', 1, 'open')"),
    ("app", "UPDATE fee_schedules SET commission_rate = 0"),
    ("app", "SELECT detail FROM audit_log"),
    ("app", "CREATE TABLE mine (n integer)"),
    ("app", "DROP TABLE orders"),
    ("read", "INSERT INTO market_holidays VALUES ('KOSPI', '2030-01-01', 'x')"),
    ("read", "UPDATE users SET full_name = 'x'"),
    ("read", "DELETE FROM notifications"),
    ("read", "CREATE TABLE mine (n integer)"),
    ("read", "SELECT ciphertext FROM broker_tokens"),
    ("monitor", "SELECT full_name FROM users"),
    ("monitor", "SELECT ciphertext FROM broker_tokens"),
    ("monitor", "SELECT cash_won FROM accounts"),
    ("monitor", "SELECT detail FROM audit_log"),
    ("monitor", "UPDATE accounts SET cash_won = 1"),
    ("backup", "INSERT INTO users (user_id) VALUES (1)"),
    ("backup", "UPDATE accounts SET cash_won = 1"),
    ("backup", "DELETE FROM orders"),
    ("backup", "DROP TABLE orders"),
    ("owner", "UPDATE trades SET price_won = 1"),
    ("owner", "DELETE FROM audit_log"),
    ("owner", "DROP TABLE orders"),
]


@pytest.mark.parametrize(("role", "statement"), FORBIDDEN)
def test_a_role_may_not(bed: Bed, members: dict[str, Server], role: str, statement: str) -> None:
    with pytest.raises(ServerError) as caught:
        members[role].execute(statement)
    assert caught.value.fault in (Fault.DENIED, Fault.REJECTED)


@pytest.mark.parametrize("role", ["read", "monitor", "backup"])
def test_only_the_application_and_the_owner_place_orders(
    members: dict[str, Server], role: str
) -> None:
    with pytest.raises(ServerError) as caught:
        members[role].prepare_call("place_order", len(PLACE))(PLACE)
    assert caught.value.fault is Fault.DENIED


def test_the_application_rebalances_and_the_reader_asks_what_came_of_it(
    bed: Bed, members: dict[str, Server]
) -> None:
    symbol = bed.stock(10_000)
    account = bed.account(1_000_000)
    number = portfolio(bed, account, {symbol: 5_000})
    done = rebalancing.rebalance(members["app"], number, clock=CLOCK, minimum_won=0)
    assert [line.after_bp for line in done.lines] == [5_000, 5_000]
    later = datetime(2025, 1, 4, tzinfo=UTC)
    for scenario in SCENARIOS:
        needed = {"user": f"user={account}", "portfolio": f"portfolio={number}"}
        given = [needed[scenario.one_of[-1]]] if scenario.one_of else []
        params = scenarios.parse(scenario, given)
        answered = scenarios.ask(members["read"], scenario, params, now=later)
        assert answered.rows or scenario.name not in {"history", "weights", "profit"}


@pytest.mark.parametrize(("role", "unknown"), [("read", True), ("monitor", False)])
def test_who_sees_no_session_of_others_is_not_told_that_all_is_quiet(
    bed: Bed, members: dict[str, Server], role: str, unknown: bool
) -> None:
    target = login(bed, members[role])
    asked = [
        each
        for each in health.load(bed.engine)
        if each.needs == "sessions" or each.name == "connections"
    ]
    seen = {each.check.name: each for each in health.run(target, asked).outcomes}
    quiet = {"blocking", "idle_in_transaction", "long_statements", "long_transactions"}
    assert {seen[each].state is State.UNKNOWN for each in quiet} == {unknown}, seen
    assert {"the role may not ask this" in seen[each].message for each in quiet} == {unknown}, seen
    # Those of `members`, and more: that a session is there, everybody sees.
    assert int(seen["connections"].message.split(" of ")[0]) > len(members), seen


INNER = {
    "postgresql": ("open_day", "replay_order", "judge_orders", "place_together"),
    "mariadb": ("open_day", "replay_order", "execute_order", "judge_orders", "place_turn"),
}


def test_the_inner_routines_are_for_nobody_else(bed: Bed, members: dict[str, Server]) -> None:
    arity = (
        "SELECT p.ordinal_position FROM information_schema.parameters p "
        "JOIN information_schema.routines r ON r.specific_name = p.specific_name "
        "AND r.routine_schema = p.specific_schema WHERE r.routine_name = %(routine)s "
        "AND r.routine_schema IN ('public', %(database)s) AND p.parameter_mode LIKE %(mode)s"
    )
    mode = "IN%" if bed.engine == "postgresql" else "%"
    for routine in INNER[bed.engine]:
        asked = {"routine": routine, "database": bed.target.database, "mode": mode}
        count = len(bed.server.rows(arity, asked))
        with pytest.raises(ServerError) as caught:
            members["app"].prepare_call(routine, count)([None] * count)
        assert caught.value.fault is Fault.DENIED, routine


def test_the_application_reads_and_places_orders(bed: Bed, members: dict[str, Server]) -> None:
    app, symbol, account = members["app"], bed.stock(50_000), bed.account()
    place = app.prepare_call("place_order", len(PLACE))
    cells = place(("app-1", account, symbol, "buy", "limit", 50_000, 1, *PLACE[7:]))
    assert cells[0] == "filled"
    actor = "SELECT actor FROM audit_log WHERE audit_id = %(id)s"
    assert bed.one(actor, id=int(cells[2] or 0)).startswith("member_")
    assert app.rows("SELECT order_id FROM orders")
    assert app.rows("SELECT session_open('KOSPI', '2025-01-03', '2025-01-03 01:00:00') AS o")
    app.execute(
        "INSERT INTO portfolios (user_id, account_id, name, created_at) "
        "VALUES (0, 1, 'mine', '2025-01-03')"
    )


def test_a_reader_reads_the_books_and_the_audit(members: dict[str, Server]) -> None:
    for table in ("users", "journal_entries", "audit_log", "audit_canonical", "house_balances"):
        members["read"].rows(f"SELECT * FROM {table} LIMIT 1")


def test_a_monitor_sees_what_the_server_does(bed: Bed, members: dict[str, Server]) -> None:
    if bed.engine == "postgresql":
        seen = members["monitor"].rows("SELECT pid, query FROM pg_stat_activity")
        assert not [row for row in seen if row["query"] == "<insufficient privilege>"]
        assert members["monitor"].rows("SELECT calls FROM pg_stat_statements LIMIT 1")
        return
    threads = members["monitor"].rows("SHOW FULL PROCESSLIST")
    assert len(threads) > 1
    members["monitor"].rows("SHOW BINARY LOGS")
    members["monitor"].rows("SELECT * FROM performance_schema.threads LIMIT 1")


def test_a_backup_reads_everything(bed: Bed, members: dict[str, Server]) -> None:
    for table in ("users", "orders", "audit_log", "seed_chunks"):
        members["backup"].rows(f"SELECT * FROM {table} LIMIT 1")
    if bed.engine == "mariadb":
        members["backup"].rows("SHOW MASTER STATUS")
        members["backup"].execute("FLUSH TABLES WITH READ LOCK")
        members["backup"].execute("UNLOCK TABLES")


def may_replicate(bed: Bed, server: Server) -> None:
    name = server.rows("SELECT current_user AS name")[0]["name"]
    if bed.engine == "postgresql":
        bed.server.execute(f"ALTER ROLE {name} REPLICATION")


@pytest.mark.parametrize("method", ["physical", "logical"])
def test_a_backup_is_taken_by_its_role(bed: Bed, method: manifest.Method, tmp_path: Path) -> None:
    """On PostgreSQL a login needs REPLICATION beside it for files, which no role passes on."""
    repo = repository.make(str(tmp_path / "repository"))
    with member(bed, "backup") as server:
        target = login(bed, server)
        request = taking.Request(method=method)
        if (bed.engine, method) == ("postgresql", "physical"):
            for ask in (taking.steps, taking.take):
                with pytest.raises(Refused, match="it lacks REPLICATION on the server"):
                    ask(repo, target, request)
            assert repo.backups() == []
            may_replicate(bed, server)
        said = taking.take(repo, target, request)
    assert [each.state for each in repo.backups() if each.id == said.id] == ["complete"]
    assert {"orders", "audit_log", "broker_tokens"} <= {each.table for each in said.content}


@pytest.mark.parametrize("role", ["app", "read"])
def test_who_does_not_see_the_history_is_not_told_that_there_is_none(
    members: dict[str, Server], role: str
) -> None:
    for ask in (migrations.status, migrations.verify):
        with pytest.raises(ServerError) as caught:
            ask(members[role])
        assert caught.value.fault is Fault.DENIED


@pytest.mark.parametrize("method", ["physical", "logical"])
def test_who_has_another_role_is_refused_a_backup_before_it_begins(
    bed: Bed, members: dict[str, Server], method: manifest.Method, tmp_path: Path
) -> None:
    """On MariaDB a role gives what information_schema does not tell of."""
    repo = repository.make(str(tmp_path / "repository"))
    for role in ("monitor", "read"):
        for ask in (taking.steps, taking.take):
            with pytest.raises(Refused, match=f"may not take a {method} backup: it lacks"):
                ask(repo, login(bed, members[role]), taking.Request(method=method))
        assert rights.to_rescue(members[role], table="users", space=None)
    assert repo.backups() == []
    assert rights.to_rescue(bed.server, table="users", space=None) == []


def test_the_log_is_received_by_the_role_for_backups_and_by_no_other(
    bed: Bed, members: dict[str, Server], tmp_path: Path
) -> None:
    repo = repository.make(str(tmp_path / "repository"))
    form = streams.Form()
    start = enabling.Start(receive=True, form=form)
    for role in ("monitor", "owner"):
        with pytest.raises(Refused, match="may not receive the log: it lacks"):
            enabling.steps(members[role], repo, login(bed, members[role]), start)
        with pytest.raises(Refused, match="may not receive the log: it lacks"):
            receiving.run(repo, login(bed, members[role]), form, stop=lambda: True)
    said: list[str] = []
    until = time.monotonic() + 60

    def came() -> bool:
        beats = "SELECT count(*) FROM heartbeats WHERE writer = %(writer)s"
        return bool(spool.tails(repo, system) and bed.one(beats, writer=target.name[:64]))

    def stop() -> bool:
        return came() or time.monotonic() > until

    with member(bed, "backup") as server:
        may_replicate(bed, server)
        target = login(bed, server)
        system = receiving.system_of(target)
        assert enabling.steps(server, repo, target, start) is not None
        try:
            receiving.run(
                repo, target, form, stop=stop, progress=lambda tick: said.append(tick.problem)
            )
            assert came()
            assert set(said) == {""}
        finally:
            if bed.engine == "postgresql":
                drop = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                bed.server.rows(f"{drop} WHERE slot_name = %(slot)s", {"slot": slot_name(repo)})


@pytest.mark.parametrize("how", ["--cancel", "--terminate"])
def test_who_may_not_end_the_session_of_another_is_told_what_lacks(
    bed: Bed, members: dict[str, Server], how: str
) -> None:
    target = login(bed, members["backup"]).url
    words = ["slow", "kill", "-t", target, "--i-mean", target, "--longer-than", "0", how]
    try:
        with crowd_on(bed.target) as crowd:
            crowd.pause(crowd.sit())
            done = CliRunner().invoke(main, [*words, "--user", crowd.login])
            assert done.exit_code == 1, done.output
            assert "not allowed" in done.stdout
            assert "may not end sessions of others\nhint: As an administrator: GRANT" in done.stderr
    finally:
        bed.server.execute("DROP TABLE IF EXISTS held")


def test_who_may_do_more_than_watch_is_told_so(bed: Bed, members: dict[str, Server]) -> None:
    check = [each for each in health.load(bed.engine) if each.name == "role_rights"]
    states = {}
    for role, server in members.items():
        outcomes = health.run(login(bed, server), check).outcomes
        [outcome] = [each for each in outcomes if each.check.name == "role_rights"]
        states[role] = outcome.state
        assert (f"stockops_{role}" in outcome.message) is (outcome.state is State.WARNING)
    loud = dict.fromkeys(("owner", "app", "backup"), State.WARNING)
    assert states == {**loud, "read": State.OK, "monitor": State.OK}


def test_the_owner_proves_the_books_and_breaks_a_copy_of_them(
    bed: Bed, members: dict[str, Server]
) -> None:
    held_won = bed.one("SELECT sum(cash_won) FROM accounts")
    with connect(bed.target) as other, other.transaction():
        other.execute("UPDATE accounts SET cash_won = cash_won WHERE account_id = 1")
        assert eventually(lambda: members["owner"].fetch(proofs.WRITERS))
    with scratch.copied(login(bed, members["owner"])) as copy:
        copy.execute("UPDATE accounts SET cash_won = cash_won + 1")
        assert copy.rows("SELECT count(*) AS n FROM orders")[0]["n"] > 0
    assert bed.one("SELECT sum(cash_won) FROM accounts") == held_won


def test_who_may_not_read_the_books_is_not_told_that_there_are_none(
    bed: Bed, members: dict[str, Server]
) -> None:
    for role in ("monitor", "app"):
        with pytest.raises(ServerError) as caught, scratch.copied(login(bed, members[role])):
            pass
        assert caught.value.fault is Fault.DENIED
    if bed.engine == "mariadb":  # whose identity is a row
        with pytest.raises(ServerError) as caught:
            receiving.system_of(login(bed, members["read"]))
        assert caught.value.fault is Fault.DENIED


def test_what_was_granted_is_read_as_the_server_writes_it(bed: Bed) -> None:
    line = "GRANT SELECT (`b`, `a`), INSERT ON `t`.`u` TO `r`"
    assert granted.names(line) == [("SELECT (a, b)", "t.u"), ("INSERT", "t.u")]
    assert granted.names("GRANT `role` TO `u`@`h`") == []
    spaced = "GRANT SELECT ON `two words`.* TO `u`@`h`"
    assert granted.names(spaced) == [("SELECT", "two words.*")]
    if bed.engine == "postgresql":
        return
    name = bed.target.database
    asked = {"everywhere": ["RELOAD", "PROCESS"], "here": ["SELECT", "DROP"]}
    with member(bed, "read") as server:
        [user] = server.rows("SELECT current_user() AS name")
        for where, what in (
            ("*.*", "RELOAD"),
            (f"`{name.replace('_', chr(92) + '_')}`.*", "SELECT"),
            (f"`{name[:5]}%%`.*", "INSERT"),
            ("`other`.*", "DROP"),
            (f"`{name}`.orders", "DROP"),
        ):
            bed.server.execute(f"GRANT {what} ON {where} TO {user['name']}")
        assert granted.lacking(server, name, **asked) == [("PROCESS", "the server"), ("DROP", name)]
        assert granted.lacking(server, name, here=["INSERT"]) == []
        assert granted.lacking(bed.server, name, **asked) == []
