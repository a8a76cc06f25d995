"""Migrations on real servers: applied once, in order, written down, and refused when in doubt."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import eventually
from test_migrations_files import write

from stockops import migrations, targets
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import Busy, ConfigError, Fault, Finding, Refused, ServerError
from stockops.lab import Lab
from stockops.migrations import Changed, Patience, files, history, lock
from stockops.plan import Consent
from stockops.targets import Target

TABLES = {
    "V0001__first.sql": "CREATE TABLE a (n int PRIMARY KEY);\nINSERT INTO a VALUES (1);\n",
    "V0002__second.sql": "CREATE TABLE b (n int PRIMARY KEY);\n",
    "R__view.sql": "CREATE OR REPLACE VIEW c AS SELECT n FROM a;\n",
}
BROKEN = "CREATE TABLE broken (n int);\nINSERT INTO broken VALUES (1);\n\nSELECT no_such_column;\n"
WHERE = {"postgresql": "table_schema = 'public'", "mariadb": "table_schema = database()"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "schema", TABLES)


def tables(server: Server) -> set[str]:
    sql = f"SELECT table_name AS name FROM information_schema.tables WHERE {WHERE[server.engine]}"
    return {row["name"] for row in server.rows(sql)} - {
        "stockops_migrations",
        "stockops_migration_steps",
    }


def states(server: Server, folder: Path) -> dict[str, str]:
    return {s.file: s.state for s in migrations.status(server, folder=folder)}


def test_everything_pending_is_applied_once_and_written_down(
    server: Server, url: str, folder: Path
) -> None:
    said: list[str] = []
    applied = migrations.up(url, folder=folder, say=said.append)
    assert [(a.file, a.statements) for a in applied] == [
        ("V0001__first.sql", 2),
        ("V0002__second.sql", 1),
        ("R__view.sql", 1),
    ]
    assert said[-1].startswith("3 of 3: R__view.sql, ")
    assert tables(server) == {"a", "b", "c"}
    assert set(states(server, folder).values()) == {"applied"}
    assert [verdict.ok for verdict in migrations.verify(server, folder=folder)] == [True] * 3
    assert migrations.up(url, folder=folder) == []
    first = history.runs(server)[0]
    assert (first.migration, first.kind, first.description) == ("V0001", "versioned", "first")
    assert (first.content, first.checksum_algorithm) == (
        TABLES["V0001__first.sql"],
        "sha256-canonical-1",
    )
    assert first.installed_by.startswith("stockops")
    assert [(s.statement_no, s.line, s.state) for s in history.steps(server)[:2]] == [
        (1, 1, "done"),
        (2, 2, "done"),
    ]


def test_a_plan_of_an_empty_database_writes_nothing(server: Server, folder: Path) -> None:
    planned = migrations.plan(server, folder=folder)
    assert [(p.file, p.statement_no, p.line) for p in planned] == [
        ("V0001__first.sql", 1, 1),
        ("V0001__first.sql", 2, 2),
        ("V0002__second.sql", 1, 1),
        ("R__view.sql", 1, 1),
    ]
    assert planned[1].sql == "INSERT INTO a VALUES (1)"
    whole = "file" if server.engine == "postgresql" else "statement"
    assert {p.transaction for p in planned} == {whole}
    assert not any(p.destroys or p.lock == "exclusive" for p in planned)
    assert set(states(server, folder).values()) == {"pending"}
    assert migrations.verify(server, folder=folder) == []
    assert not history.exists(server)


def test_line_ends_marks_and_trailing_blanks_are_no_change(
    server: Server, url: str, folder: Path
) -> None:
    migrations.up(url, folder=folder)
    for name, text in TABLES.items():
        (folder / name).write_bytes(("\ufeff" + text.replace("\n", "  \r\n")).encode())
    assert set(states(server, folder).values()) == {"applied"}
    assert migrations.up(url, folder=folder) == []


def test_a_changed_version_stops_with_its_difference(
    server: Server, url: str, folder: Path
) -> None:
    migrations.up(url, folder=folder)
    write(folder, {"V0001__first.sql": TABLES["V0001__first.sql"].replace("(1)", "(2)")})
    for ask in (
        lambda: migrations.up(url, folder=folder),
        lambda: migrations.plan(server, folder=folder),
    ):
        with pytest.raises(Changed, match=r"V0001__first\.sql is not the file that was") as raised:
            ask()
        assert "-INSERT INTO a VALUES (1);\n+INSERT INTO a VALUES (2);" in raised.value.diff
        assert raised.value.exit_code == 1
    assert states(server, folder)["V0001__first.sql"] == "changed"
    bad = [v for v in migrations.verify(server, folder=folder) if not v.ok]
    assert [v.migration for v in bad] == ["V0001"]


def test_a_version_whose_file_is_gone_stops(server: Server, url: str, folder: Path) -> None:
    migrations.up(url, folder=folder)
    (folder / "V0001__first.sql").unlink()
    assert states(server, folder)["V0001__first.sql"] == "missing"
    with pytest.raises(Finding, match=r"V0001__first\.sql was applied at .* and is not in"):
        migrations.up(url, folder=folder)


def test_a_version_that_comes_late_stops(server: Server, url: str, folder: Path) -> None:
    (folder / "V0001__first.sql").rename(folder / "V0003__first.sql")
    (folder / "R__view.sql").unlink()
    migrations.up(url, folder=folder)
    write(folder, {"V0001__late.sql": "SELECT 1;"})
    assert states(server, folder)["V0001__late.sql"] == "out of order"
    with pytest.raises(Finding, match="never applied, and V0003 after it was") as raised:
        migrations.up(url, folder=folder)
    assert raised.value.hint == "Give it a number above 0003."


def test_a_repeatable_is_applied_again_when_its_text_changes(
    server: Server, url: str, folder: Path
) -> None:
    migrations.up(url, folder=folder)
    write(folder, {"R__view.sql": "CREATE OR REPLACE VIEW c AS SELECT n, 2 AS two FROM a;"})
    assert states(server, folder)["R__view.sql"] == "pending"
    assert [a.file for a in migrations.up(url, folder=folder)] == ["R__view.sql"]
    assert server.rows("SELECT two FROM c") == [{"two": 2}]
    (folder / "R__view.sql").unlink()
    assert states(server, folder)["R__view.sql"] == "retired"
    assert migrations.up(url, folder=folder) == []


def test_a_statement_that_fails_is_named_by_file_and_line(
    server: Server, url: str, folder: Path
) -> None:
    write(folder, {"V0003__third.sql": BROKEN})
    with pytest.raises(ServerError, match=r"V0003__third\.sql:4: .*no_such_column") as raised:
        migrations.up(url, folder=folder)
    assert raised.value.hint
    assert ("broken" in tables(server)) == (server.engine == "mariadb")
    newest = history.runs(server)[-1]
    stuck = history.steps(server)[-1]
    assert (stuck.run_id, stuck.statement_no, stuck.state) == (newest.id, 3, "intent")
    assert "no_such_column" in (stuck.error or "")


def test_a_file_that_stopped_half_way_is_resumed_by_nobody(
    server: Server, url: str, folder: Path
) -> None:
    write(folder, {"V0003__third.sql": BROKEN})
    with pytest.raises(ServerError):
        migrations.up(url, folder=folder)
    write(folder, {"V0003__third.sql": BROKEN.replace("no_such_column", "1")})
    if server.engine == "postgresql":  # it was rolled back whole: correct it and go on
        assert [a.file for a in migrations.up(url, folder=folder)] == [
            "V0003__third.sql",
            "R__view.sql",
        ]
        return
    assert states(server, folder)["V0003__third.sql"] == "half applied"
    half = r"V0003__third\.sql is half applied: it stopped in statement 3, line 4 \(.*no_such"
    for ask in (
        lambda: migrations.up(url, folder=folder),
        lambda: migrations.plan(server, folder=folder),
    ):
        with pytest.raises(Finding, match=half) as raised:
            ask()
    verdict = migrations.verify(server, folder=folder)[-1]
    assert (verdict.migration, verdict.ok) == ("V0003", False)
    # What the hint says to do is enough.
    server.execute("DROP TABLE broken")
    server.execute(str(raised.value.hint).partition("then run: ")[2])
    assert [a.file for a in migrations.up(url, folder=folder)] == [
        "V0003__third.sql",
        "R__view.sql",
    ]


def test_a_first_statement_that_is_refused_leaves_nothing_behind(
    server: Server, url: str, folder: Path
) -> None:
    write(folder, {"V0003__third.sql": "CREATE TABLE a (n int);\nSELECT 1;"})
    with pytest.raises(ServerError, match=r"V0003__third\.sql:1: ") as raised:
        migrations.up(url, folder=folder)
    assert "Nothing of this file was kept" in (raised.value.hint or "")
    write(folder, {"V0003__third.sql": "CREATE TABLE d (n int);\nSELECT 1;"})
    assert migrations.up(url, folder=folder)[0].file == "V0003__third.sql"
    assert all(verdict.ok for verdict in migrations.verify(server, folder=folder))


ASKING_FIRST = {
    "postgresql": "-- no-transaction\nDO $$ BEGIN IF (SELECT count(*) FROM a) = 1 THEN "
    "INSERT INTO a VALUES (7); RAISE 'not yet'; END IF; END $$;",
    "mariadb": "BEGIN NOT ATOMIC IF (SELECT count(*) FROM a) = 1 THEN INSERT INTO a VALUES (7); "
    "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not yet'; END IF; END;",
}


def test_a_block_that_refuses_first_has_begun_nothing(
    server: Server, url: str, folder: Path
) -> None:
    """The same file goes on as soon as what it asks for is so; nobody marks anything by hand."""
    write(folder, {"V0003__third.sql": f"{ASKING_FIRST[server.engine]}\nCREATE TABLE d (n int);"})
    with pytest.raises(ServerError, match="not yet") as raised:
        migrations.up(url, folder=folder)
    assert "Nothing of this file was kept" in (raised.value.hint or "")
    assert states(server, folder)["V0003__third.sql"] == "pending"
    assert server.rows("SELECT n FROM a") == [{"n": 1}]
    server.execute("INSERT INTO a VALUES (2)")
    assert migrations.up(url, folder=folder)[0].file == "V0003__third.sql"
    assert all(verdict.ok for verdict in migrations.verify(server, folder=folder))


HALF_DONE = {
    "after DDL": "BEGIN NOT ATOMIC CREATE TABLE left_over (n int); "
    "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not yet'; END;",
    "after its own commit": "BEGIN NOT ATOMIC START TRANSACTION; INSERT INTO a VALUES (7); COMMIT; "
    "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not yet'; END;",
    "in a table without transactions": "BEGIN NOT ATOMIC INSERT INTO plain VALUES (7); "
    "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not yet'; END;",
    "in a list": "DROP TABLE plain, no_such_table;",
}


@pytest.mark.parametrize("how", HALF_DONE)
def test_a_first_statement_that_did_something_is_half_applied(
    server: Server, url: str, folder: Path, how: str
) -> None:
    if server.engine != "mariadb":
        pytest.skip("PostgreSQL takes back all of a statement that it refuses")
    server.execute("CREATE TABLE plain (n int) ENGINE = MyISAM")
    write(folder, {"V0003__third.sql": HALF_DONE[how]})
    with pytest.raises(ServerError):
        migrations.up(url, folder=folder, consent=Consent(yes=True))
    assert states(server, folder)["V0003__third.sql"] == "half applied"


def test_an_index_of_no_table_has_begun_nothing(server: Server, url: str, folder: Path) -> None:
    if server.engine != "postgresql":
        pytest.skip("only PostgreSQL has CONCURRENTLY")
    sql = "-- no-transaction\nCREATE{} INDEX CONCURRENTLY a_ix ON {} (n);"
    write(folder, {"V0003__index.sql": sql.format("", "no_such_table")})
    with pytest.raises(ServerError, match="no_such_table"):
        migrations.up(url, folder=folder)
    assert states(server, folder)["V0003__index.sql"] == "pending"
    write(folder, {"V0003__index.sql": sql.format(" UNIQUE", "d")})
    server.execute("CREATE TABLE d AS SELECT 1 AS n UNION ALL SELECT 1")
    with pytest.raises(ServerError, match="could not create unique index"):
        migrations.up(url, folder=folder)
    assert states(server, folder)["V0003__index.sql"] == "half applied"  # an invalid index is left


def test_a_run_that_ended_before_its_first_statement_has_begun_nothing(
    server: Server, url: str, folder: Path
) -> None:
    migrations.up(url, folder=folder)
    write(folder, {"V0003__third.sql": "CREATE TABLE d (n int);"})
    third = next(m for m in files.read(folder, server.engine) if m.key == "V0003")
    history.begin(server, third)  # as far as a killed run came
    assert states(server, folder)["V0003__third.sql"] == "pending"
    assert migrations.up(url, folder=folder)[0].file == "V0003__third.sql"
    assert all(verdict.ok for verdict in migrations.verify(server, folder=folder))


def test_settings_of_one_file_do_not_reach_the_next(
    server: Server, url: str, tmp_path: Path
) -> None:
    leaking, probe, expected = {
        "postgresql": (
            "CREATE SCHEMA other; SET search_path = other; SET TimeZone = 'Asia/Seoul';",
            "SELECT current_setting('search_path') AS a, current_setting('TimeZone') AS b",
            {"a": "public", "b": "UTC"},
        ),
        "mariadb": (
            "SET sql_mode = ''; SET time_zone = '+09:00'; SET foreign_key_checks = 0;",
            "SELECT @@sql_mode LIKE '%STRICT_ALL%' AS a, @@time_zone AS b, "
            "@@foreign_key_checks AS c",
            {"a": 1, "b": "+00:00", "c": 1},
        ),
    }[server.engine]
    write(
        tmp_path,
        {"V0001__leak.sql": leaking, "V0002__probe.sql": f"CREATE TABLE seen AS {probe};"},
    )
    migrations.up(url, folder=tmp_path)
    assert server.rows("SELECT * FROM seen") == [expected]


def test_the_second_of_two_runs_waits_and_finds_nothing_to_do(url: str, folder: Path) -> None:
    nap = "SELECT pg_sleep(1)" if url.startswith("postgresql") else "DO sleep(1)"
    write(folder, {"V0003__slow.sql": f"{nap};"})
    answers: list[list[str]] = []
    said: list[str] = []

    def run() -> None:
        answers.append([a.file for a in migrations.up(url, folder=folder, say=said.append)])

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(map(len, answers)) == [0, 4]
    assert any(line.startswith("waiting for the migration lock, held by session") for line in said)


def test_a_lock_that_is_not_let_go_is_busy_and_names_its_holder(
    url: str, target: Target, folder: Path
) -> None:
    with lock.held(target, wait_s=0, say=print) as held:
        with pytest.raises(Busy, match=rf"session {held.session_id} of 'stockops' from") as raised:
            migrations.up(url, folder=folder, patience=Patience(wait_s=0.3))
        assert raised.value.exit_code == 6
        assert "stockops migrate" in str(raised.value)
    assert migrations.up(url, folder=folder)


def test_two_databases_of_one_server_do_not_wait_for_each_other(target: Target, lab: Lab) -> None:
    other = targets.from_url(lab.url())
    with lock.held(target, wait_s=0, say=print), lock.held(other, wait_s=0, say=print):
        pass


def kill(server: Server, session_id: int) -> None:
    if server.engine == "postgresql":
        server.rows(f"SELECT pg_terminate_backend({session_id})")
    else:
        server.execute(f"KILL {session_id}")


def test_a_run_that_lost_its_lock_sends_nothing_more(
    server: Server, url: str, tmp_path: Path
) -> None:
    nap = "SELECT pg_sleep(3)" if server.engine == "postgresql" else "DO sleep(3)"
    write(tmp_path, {"V0001__slow.sql": f"{nap};\nCREATE TABLE never (n int);"})
    errors: list[Exception] = []

    def run() -> None:
        try:
            migrations.up(url, folder=tmp_path)
        except Busy as exc:
            errors.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    eventually(lambda: history.exists(server))
    eventually(lambda: napping(server))
    holder = lock.holder(server)
    assert holder
    kill(server, holder.session.session_id)
    thread.join(30)
    assert "the migration lock was lost" in str(errors[0])
    assert "never" not in tables(server)


def test_a_killed_run_lets_its_lock_go_and_leaves_a_true_journal(
    server: Server, url: str, folder: Path
) -> None:
    nap = "SELECT pg_sleep(60)" if server.engine == "postgresql" else "DO sleep(60)"
    write(folder, {"V0003__slow.sql": f"CREATE TABLE slow (n int);\n{nap};"})
    script = f"""
        from pathlib import Path
        from stockops import migrations
        migrations.up({url!r}, folder=Path({str(folder)!r}))
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    try:
        eventually(lambda: states(server, folder)["V0002__second.sql"] == "applied")
        eventually(lambda: napping(server))
        if server.engine == "mariadb":
            assert states(server, folder)["V0003__slow.sql"] == "running"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(60)
    for session_id in napping(server):  # a server may notice a dead client only when it answers
        kill(server, session_id)
    eventually(lambda: lock.holder(server) is None)
    if server.engine == "postgresql":
        assert "slow" not in tables(server)
        assert states(server, folder)["V0003__slow.sql"] == "pending"
    else:
        with pytest.raises(Finding, match=r"stopped in statement 2, line 2"):
            migrations.up(url, folder=folder)


def napping(server: Server) -> list[int]:
    sql = {
        "postgresql": "SELECT pid AS id FROM pg_stat_activity WHERE query LIKE '%%pg_sleep(%%' "
        "AND state = 'active' AND pid <> pg_backend_pid() AND datname = current_database()",
        "mariadb": "SELECT id FROM information_schema.processlist WHERE info LIKE 'DO sleep(%%' "
        "AND db = database()",
    }[server.engine]
    return [int(row["id"]) for row in server.rows(sql, {})]


@contextmanager
def table_in_use(url: str) -> Iterator[Server]:
    with connect(url, application="a report") as other, other.transaction():
        other.rows("SELECT n FROM a FOR UPDATE")
        yield other


def test_a_lock_that_is_not_to_be_had_is_tried_again_and_its_holder_named(
    server: Server, url: str, folder: Path
) -> None:
    migrations.up(url, folder=folder)
    write(folder, {"V0003__wider.sql": "ALTER TABLE a ADD COLUMN wide int;"})
    said: list[str] = []
    patience = Patience(lock_timeout_s=1, tries=2)
    with table_in_use(url) as other:
        with pytest.raises(ServerError, match="tried 2 times, in the way: ") as raised:
            migrations.up(
                url, folder=folder, patience=patience, consent=Consent(yes=True), say=said.append
            )
        assert f"session {other.session_id} of 'stockops' (a report" in str(raised.value)
        assert raised.value.fault is Fault.LOCKED
    assert said[0].startswith("no lock on try 1 of 2, in the way: session")
    assert states(server, folder)["V0003__wider.sql"] == "pending"
    assert migrations.up(url, folder=folder, consent=Consent(yes=True))


def test_a_lock_that_is_let_go_in_time_is_got(url: str, folder: Path) -> None:
    migrations.up(url, folder=folder)
    write(folder, {"V0003__wider.sql": "ALTER TABLE a ADD COLUMN wide int;"})
    patience = Patience(lock_timeout_s=1, tries=20)
    got: list[str] = []
    tried = threading.Event()

    def run() -> None:
        applied = migrations.up(
            url,
            folder=folder,
            patience=patience,
            consent=Consent(yes=True),
            say=lambda _: tried.set(),
        )
        got.extend(a.file for a in applied)

    thread = threading.Thread(target=run)
    with table_in_use(url):
        thread.start()
        assert tried.wait(15)
    thread.join(30)
    assert got == ["V0003__wider.sql"]


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("ALTER TABLE a ADD COLUMN wide int", "block readers and writers"),
        ("CREATE INDEX a_ix ON a (n)", "block readers and writers"),
        ("DROP TABLE b", "destroy data"),
        ("ALTER TABLE a DROP COLUMN n", "destroy data"),
    ],
)
def test_what_blocks_or_destroys_wants_a_word(
    server: Server, url: str, folder: Path, sql: str, word: str
) -> None:
    migrations.up(url, folder=folder)
    write(folder, {"V0003__grave.sql": f"{sql};"})
    with pytest.raises(Refused, match=word):
        migrations.up(url, folder=folder)
    assert tables(server) == {"a", "b", "c"}


def test_a_protected_target_is_named_again(server: Server, url: str, folder: Path) -> None:
    prod = Target(name="prod", url=url, protected=True)
    for consent in (Consent(), Consent(yes=True), Consent(meant="other")):
        with pytest.raises(Refused, match="protected target 'prod'") as raised:
            migrations.up(prod, folder=folder, consent=consent)
        assert "--i-mean prod" in (raised.value.hint or "")
    assert not history.exists(server)
    assert migrations.up(prod, folder=folder, consent=Consent(meant="prod"))


def test_a_concurrent_index_is_made_outside_any_transaction(
    server: Server, url: str, folder: Path
) -> None:
    if server.engine != "postgresql":
        pytest.skip("only PostgreSQL has CONCURRENTLY")
    sql = "-- no-transaction\nCREATE INDEX CONCURRENTLY a_ix ON a (n);\nSELECT 1;"
    write(folder, {"V0003__index.sql": sql})
    assert [a.statements for a in migrations.up(url, folder=folder)] == [2, 1, 2, 1]
    planned = {v.migration: v.ok for v in migrations.verify(server, folder=folder)}
    assert planned["V0003"]


def test_routines_and_triggers_go_up_whole(server: Server, url: str, tmp_path: Path) -> None:
    bodies = {
        "postgresql": "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
        "  NEW.n := NEW.n + 1; RETURN NEW; END $$;\n"
        "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();",
        "mariadb": "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN\n"
        "  IF NEW.n > 0 THEN SET NEW.n = NEW.n + 1; END IF; END;\n",
    }
    write(
        tmp_path,
        {
            "V0001__a.sql": "CREATE TABLE a (n int);",
            "V0002__t.sql": f"{bodies[server.engine]}\nINSERT INTO a VALUES (1);",
        },
    )
    migrations.up(url, folder=tmp_path)
    assert server.rows("SELECT n FROM a") == [{"n": 2}]


def test_a_tampered_history_is_found(server: Server, url: str, folder: Path) -> None:
    migrations.up(url, folder=folder)
    server.execute("UPDATE stockops_migrations SET content = 'x' WHERE migration = 'V0002'")
    server.execute("DELETE FROM stockops_migration_steps WHERE run_id = 1 AND statement_no = 2")
    found = {v.migration: v.finding for v in migrations.verify(server, folder=folder)}
    assert "does not list the statements" in found["V0001"]
    assert "does not fit its own checksum" in found["V0002"]
    assert found["R__view"] == ""


def test_half_a_history_is_no_history(server: Server, url: str, folder: Path) -> None:
    migrations.up(url, folder=folder)
    server.execute("DROP TABLE stockops_migration_steps")
    with pytest.raises(Finding, match="half there: stockops_migrations without"):
        migrations.status(server, folder=folder)


def test_a_user_without_rights_is_told(server: Server, url: str, folder: Path) -> None:
    login = f"reader_{os.getpid()}"
    make, drop = {
        "postgresql": (f"CREATE ROLE {login} LOGIN", f"DROP ROLE {login}"),
        "mariadb": (f"CREATE USER {login}@localhost", f"DROP USER {login}@localhost"),
    }[server.engine]
    server.execute(make)
    if server.engine == "mariadb":
        server.execute(f"GRANT SELECT ON {targets.from_url(url).database}.* TO {login}@localhost")
    try:
        with pytest.raises(ServerError, match="may not create tables") as raised:
            migrations.up(url.replace("stockops@", f"{login}@"), folder=folder)
        assert raised.value.fault is Fault.DENIED
        assert "owner of the database" in (raised.value.hint or "")
    finally:
        server.execute(drop)


def test_who_may_only_read_is_told_where_migrations_stand(
    server: Server, url: str, folder: Path
) -> None:
    migrations.up(url, folder=folder)
    login = f"reader_{os.getpid()}"
    tables_of_history = "stockops_migrations, stockops_migration_steps"
    make, drop = {
        "postgresql": (
            [
                f"CREATE ROLE {login} LOGIN",
                f"GRANT USAGE ON SCHEMA public TO {login}",
                f"GRANT SELECT ON {tables_of_history} TO {login}",
            ],
            [f"DROP OWNED BY {login}", f"DROP ROLE {login}"],
        ),
        "mariadb": (
            [
                f"CREATE USER {login}@localhost",
                f"GRANT SELECT ON {targets.from_url(url).database}.* TO {login}@localhost",
            ],
            [f"DROP USER {login}@localhost"],
        ),
    }[server.engine]
    for statement in make:
        server.execute(statement)
    try:
        with (
            connect(url.replace("stockops@", f"{login}@")) as reader,
            lock.held(targets.from_url(url), wait_s=10, say=lambda _: None) as held,
        ):
            assert {each.state for each in migrations.status(reader, folder=folder)} == {"applied"}
            holder = lock.holder(reader)
            assert holder
            assert holder.session.session_id == held.session_id
            shown = {"postgresql": "stockops migrate", "mariadb": "?"}[server.engine]
            assert holder.application == shown
    finally:
        for statement in drop:
            server.execute(statement)


def test_a_folder_is_judged_before_the_server_is_asked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is empty"):
        migrations.up("postgresql://nobody@127.0.0.1:1/none", folder=tmp_path)


def test_the_schema_of_stockops_goes_up_and_verifies(server: Server, url: str) -> None:
    assert migrations.up(url)
    assert migrations.up(url) == []
    assert {s.state for s in migrations.status(server)} == {"applied"}
    verdicts = migrations.verify(server)
    assert verdicts
    assert [v for v in verdicts if not v.ok] == []
