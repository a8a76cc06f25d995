"""What every table held: the same rows have the same hash, other rows another one."""

import itertools
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import eventually
from underload import trading

from stockops import lab as labs
from stockops.backups import comparing, content, hashing, repository, restoring, taking
from stockops.backups.manifest import TableContent
from stockops.backups.taking import Request
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.targets import Target

DATE = "2025-01-03"

# Values of a type that must all tell from each other, and from NULL.
VALUES = {
    "postgresql": {
        "text": ["''", "'NULL'", "' '", "'a'", "'A'", "'한국'", "'\u1112\u1161\u11ab'", "E'a\\nb'"],
        "varchar(20)": ["''", "'\\N'", "'a'", "'a '"],
        "char(3)": ["'a'", "'b'"],
        "bigint": ["0", "1", "-1", "9223372036854775807"],
        "smallint": ["0", "1", "-1"],
        "boolean": ["true", "false"],
        "numeric": ["0", "0.1", "-0.1", "'NaN'", "1e100"],
        "double precision": ["0", "0.1", "0.30000000000000004", "0.3", "'NaN'", "'Infinity'"],
        "real": ["0", "0.1"],
        "date": ["'2025-01-03'", "'2025-03-01'", "'infinity'"],
        "timestamp": ["'2025-01-03 10:00'", "'2025-01-03 10:00:00.000001'"],
        "timestamptz": ["'2025-01-03 10:00+00'", "'2025-01-03 10:00+09'"],
        "time": ["'10:00'", "'10:00:00.000001'"],
        "interval": ["'1 day'", "'24 hours'", "'1 month'", "'30 days'"],
        "bytea": ["''", "'\\x00'", "'\\x0000'"],
        "json": ["'{\"a\":1}'", "'{\"a\": 1}'", "'null'"],
        "jsonb": ["'{\"a\":1}'", "'{\"a\":2}'", "'null'"],
        "text[]": ["'{}'", "'{a,b}'", "'{\"a,b\"}'", "'{NULL}'", "'{\"NULL\"}'", "'{{a},{b}}'"],
        "int4range": ["'empty'", "'[1,3)'"],
        "uuid": ["'00000000-0000-0000-0000-000000000000'", "gen_random_uuid()"],
        "inet": ["'10.0.0.1'", "'10.0.0.1/8'"],
        "point": ["'(1,2)'", "'(2,1)'"],
        "money": ["1", "2"],
        "bit varying": ["B''", "B'0'", "B'00'"],
        "tsvector": ["'a'", "'b'"],
        "mood": ["'fair'", "'foul'"],
        "pair": ["ROW(1, '')", "ROW(1, NULL)"],
    },
    "mariadb": {
        "varchar(20)": ["''", "'NULL'", "'N'", "' '", "'a'", "'A'", "'a '", "'한국'", "'a\\nb'"],
        "varchar(20) character set latin1": ["''", "'a'", "_latin1 x'e9'"],
        "varchar(20) collate utf8mb4_general_ci": ["'a'", "'A'", "'ä'"],
        "char(3)": ["'a'", "'b'"],
        "longtext": ["''", "'N'", "'0:0:0'", "repeat('x', 3000000)", "repeat('y', 3000000)"],
        "bigint": ["0", "1", "-1"],
        "bigint unsigned": ["0", "18446744073709551615"],
        "int zerofill": ["0", "1"],
        "decimal(30,10)": ["0", "0.1", "-0.1"],
        "double": ["0", "0.1", "0.30000000000000004", "0.3"],
        "float": ["0", "0.1"],
        "bit(9)": ["b'0'", "b'1'", "b'100000000'"],
        "date": ["'2025-01-03'", "'2025-03-01'"],
        "datetime(6)": ["'2025-01-03 10:00'", "'2025-01-03 10:00:00.000001'"],
        "timestamp(6) NULL": ["'2025-01-03 10:00'", "'2025-01-03 19:00'"],
        "time(6)": ["'10:00'", "'-10:00'"],
        "year": ["2024", "2025"],
        "enum('fair','foul')": ["'fair'", "'foul'"],
        "set('a','b')": ["''", "'a'", "'a,b'"],
        "varbinary(9)": ["x''", "x'00'", "x'0000'"],
        "binary(2)": ["x'0000'", "x'0001'"],
        "longblob": ["x''", "x'00'", "x'0000'"],
        "json": ["'{\"a\":1}'", "'{\"a\": 1}'", "'null'"],
        "inet6": ["'::1'", "'::2'"],
        "uuid": ["'00000000-0000-0000-0000-000000000001'", "uuid()"],
        "point": ["ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('POINT(2 1)')"],
    },
}


def of(server: Server, table: str) -> TableContent:
    return next(each for each in content.whole(server) if each.table == table)


def test_values_of_every_type_tell_from_each_other_and_from_null(server: Server) -> None:
    if server.engine == "postgresql":
        server.execute("CREATE TYPE mood AS ENUM ('fair', 'foul')")
        server.execute("CREATE TYPE pair AS (a int, b text)")
    for number, (kind, values) in enumerate(VALUES[server.engine].items()):
        table = f"t{number}"
        server.execute(f"CREATE TABLE {table} (a text, v {kind}, b varchar(9))")
        found = hashing.tables(server)[table]
        hashes = []
        for value in ["NULL", *values]:
            with server.transaction():
                server.execute(f"DELETE FROM {table}")
                server.execute(f"INSERT INTO {table} VALUES ('', {value}, NULL)")
                with hashing.settled_text(server):
                    hashes.append(hashing.digest(server, found))
        assert len(set(hashes)) == len(values) + 1, kind


def test_a_value_does_not_run_into_the_next_one(server: Server) -> None:
    server.execute("CREATE TABLE t (a varchar(9), b varchar(9), c varchar(9), d int)")
    rows = [
        "('ab', 'c', '', 1)", "('a', 'bc', '', 1)", "('a', 'b', 'c', 1)", "('', 'abc', '', 1)",
        "('a|1|b', '', '', 1)", "('a', 'b', '1|', 1)", "(NULL, '', 'abc', 1)",
        "('', NULL, 'abc', 1)", "('N', '', 'abc', 1)", "('', '', 'abc', NULL)",
    ]  # fmt: skip
    hashes = set()
    for row in rows:
        server.execute("DELETE FROM t")
        server.execute(f"INSERT INTO t VALUES {row}")
        hashes.add(of(server, "t").hash)
    assert len(hashes) == len(rows)


def test_the_order_of_rows_does_not_matter_and_their_number_does(server: Server) -> None:
    for table, rows in {
        "forth": "(1, 'a'), (2, 'b'), (2, 'b'), (3, NULL)",
        "back": "(3, NULL), (2, 'b'), (1, 'a'), (2, 'b')",
        "once": "(3, NULL), (2, 'b'), (1, 'a')",
        "swapped": "(1, 'b'), (2, 'a'), (2, 'b'), (3, NULL)",
    }.items():
        server.execute(f"CREATE TABLE {table} (a int, b varchar(9))")  # without a primary key
        server.execute(f"INSERT INTO {table} VALUES {rows}")
    found = {each.table: (each.rows, each.hash) for each in content.whole(server)}
    assert found["forth"] == found["back"]
    assert len({found["forth"], found["once"], found["swapped"]}) == 3


ODD_NAMES = {
    "postgresql": ['"a ""b"" c"', '"T""; DROP TABLE x; --"', '"percent %s %% %(a)s"', '"한국"'],
    "mariadb": ["`a ``b`` c`", "`T``; DROP TABLE x; -- -`", "`percent %s %% %(a)s`", "`한국`"],
}


def test_odd_names_and_generated_columns_are_held(server: Server) -> None:
    for name in ODD_NAMES[server.engine]:
        server.execute(
            f"CREATE TABLE {name} ({name} int, g int GENERATED ALWAYS AS ({name} + 1) STORED)"
        )
        server.execute(f"INSERT INTO {name} ({name}) VALUES (1), (NULL)")
    said = content.whole(server)
    assert [each.rows for each in said] == [2] * 4
    assert comparing.compare(server, said) == []
    server.execute(f"UPDATE {name} SET {name} = 5 WHERE {name} = 1")
    (found,) = comparing.compare(server, said)
    assert found.what == "content"


def test_a_missing_table_a_column_and_a_row_are_named(server: Server) -> None:
    for table in ("gone", "narrow", "wide", "short", "same"):
        server.execute(f"CREATE TABLE {table} (a int, b varchar(9))")
        server.execute(f"INSERT INTO {table} VALUES (1, 'x'), (2, 'y')")
    said = content.whole(server)
    server.execute("DROP TABLE gone")
    server.execute("ALTER TABLE narrow DROP COLUMN b")
    server.execute("ALTER TABLE wide ADD COLUMN c int")
    server.execute("DELETE FROM short WHERE a = 2")
    missing = comparing.compare(server, said)
    found = {each.table: (each.what, each.expected, each.found) for each in missing}
    assert found.keys() == {"gone", "narrow", "wide", "short"}
    assert found["gone"][0] == "table"
    assert found["narrow"][0] == "columns"
    assert found["narrow"][1].startswith("b ")
    assert found["wide"][2].startswith("c int")
    assert found["short"] == ("rows", "2", "1")


def test_what_a_session_or_a_database_is_set_to_does_not_matter(target: Target) -> None:
    def look() -> list[TableContent]:
        with connect(target) as server:
            return content.whole(server)

    with connect(target) as server:
        if server.engine == "mariadb":
            kinds = "a float, b timestamp(6) NULL, c longtext"
            values = "0.1, '2025-01-03 10:00', 'x'"
            bytes_before = server.rows("SELECT @@GLOBAL.max_allowed_packet AS n")[0]["n"]
            changes = ["SET GLOBAL max_allowed_packet = 1048576"]
            back = [f"SET GLOBAL max_allowed_packet = {bytes_before}"]
        else:
            kinds = "a float8, b timestamptz, c interval, d bytea, e money, f regclass"
            values = "0.1, '2025-01-03 10:00', '1 day 2 hours', '\\x00ff', 1, 'pg_class'"
            name = target.database
            changes = [
                f"ALTER DATABASE {name} SET {setting}"
                for setting in (
                    "bytea_output = 'escape'",
                    "IntervalStyle = 'iso_8601'",
                    "extra_float_digits = -10",
                    "search_path = 'public'",
                    "max_parallel_workers_per_gather = 0",
                )
            ]
            back = []
        server.execute(f"CREATE TABLE t ({kinds})")
        server.execute(f"INSERT INTO t VALUES ({values})")
        first = look()
        try:
            for change in changes:
                server.execute(change)
            assert look() == first
        finally:
            for change in back:
                server.execute(change)


def test_the_snapshot_of_a_caller_counts_and_his_settings_stay(
    server: Server, target: Target
) -> None:
    server.execute("CREATE TABLE t (a int)")
    server.execute("INSERT INTO t VALUES (1)")
    with connect(target) as other, server.transaction(isolation="repeatable read", read_only=True):
        server.rows("SELECT a FROM t")
        other.execute("INSERT INTO t VALUES (2)")
        assert of_inside(server) == [1]
        assert server.rows("SELECT count(*) AS n FROM t") == [{"n": 1}]
    assert of(server, "t").rows == 2


def of_inside(server: Server) -> list[int | None]:
    return [each.rows for each in content.whole(server, inside=True)]


def test_a_table_that_no_snapshot_holds_and_one_that_comes_back_empty_are_not_held(
    server: Server,
) -> None:
    kind = "UNLOGGED TABLE t (a int)" if server.engine == "postgresql" else ""
    server.execute(f"CREATE {kind or 'TABLE t (a int) ENGINE = MyISAM'}")
    server.execute("INSERT INTO t VALUES (1)")
    physical = content.settled(server, content.marks(server))
    logical = content.whole(server)
    if server.engine == "postgresql":
        assert [each.hash for each in physical] == [None]
        assert [each.rows for each in logical] == [1]
    else:
        assert [each.rows for each in physical] == [1]
        assert [each.hash for each in logical] == [None]
    assert comparing.held(physical) + comparing.held(logical) == 1


def test_a_table_that_changes_meanwhile_is_not_held(server: Server) -> None:
    for table in ("still", "moved", "made", "dropped", "altered"):
        if table != "made":
            server.execute(f"CREATE TABLE {table} (a int)")
            server.execute(f"INSERT INTO {table} VALUES (1)")
    marks = content.marks(server)
    server.execute("UPDATE moved SET a = 2")
    server.execute("CREATE TABLE made (a int)")
    server.execute("DROP TABLE dropped")
    server.execute("ALTER TABLE altered ADD COLUMN b int")
    said = content.settled(server, marks)
    assert {each.table: each.rows for each in said} == {
        "still": 1, "moved": None, "made": None, "altered": None,
    }  # fmt: skip


CHANGES = {
    "one is added": ["INSERT INTO {t} VALUES (4, 'd')"],
    "one goes": ["DELETE FROM {t} WHERE a = 1"],
    "one is another": ["UPDATE {t} SET b = 'x' WHERE a = 1"],
    "one goes and one comes": ["DELETE FROM {t} WHERE a = 1", "INSERT INTO {t} VALUES (4, 'd')"],
    "all go, and come in another form": [
        "TRUNCATE TABLE {t}",
        "INSERT INTO {t} VALUES (1, 'x'), (2, 'b'), (3, 'c')",
    ],
    "the table is made anew": [
        "DROP TABLE {t}",
        "CREATE TABLE {t} (a int, b varchar(9))",
        "INSERT INTO {t} VALUES (1, 'x'), (2, 'b'), (3, 'c')",
    ],
    "all go": ["TRUNCATE TABLE {t}"],
    "nothing": [],
}


def test_a_table_that_stays_is_known_without_reading_it_and_a_change_is_seen(
    server: Server, target: Target
) -> None:
    names = {change: f"t{number}" for number, change in enumerate(CHANGES)}
    for name in names.values():
        server.execute(f"CREATE TABLE {name} (a int, b varchar(9))")
        server.execute(f"INSERT INTO {name} VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    first = eventually(lambda: witnessed(server))
    marks = content.marks(server, first)
    assert all(marks.staying[name].prior is not None for name in names.values())
    assert content.settled(server, marks) == first
    marks = content.marks(server, first)
    for change, name in names.items():
        for statement in CHANGES[change]:
            server.execute(statement.format(t=name))
        if server.engine == "postgresql":
            server.execute(f"VACUUM FREEZE {name}")
    with connect(target) as other:
        held = {each.table for each in content.settled(other, marks) if each.hash is not None}
        assert [change for change, name in names.items() if name in held] == ["nothing"]
        again = content.marks(other, first)
        same = [change for change, name in names.items() if again.staying[name].prior is not None]
        assert same == ["nothing"]
        assert comparing.compare(other, content.settled(other, again)) == []


def witnessed(server: Server) -> list[TableContent]:
    """The content, when so much time has passed since the last change that it can be known."""
    said = content.settled(server, content.marks(server))
    return said if all(each.witness for each in said) else []


GROWING = {"orders", "trades", "journal_entries", "audit_log", "audit_seals"}
MOVING = {"accounts", "positions", "stock_inventory", "heartbeats"}


def test_under_load_what_was_settled_stays_and_the_next_one_builds_upon_it(
    market: Target, tmp_path: Path
) -> None:
    with connect(market) as server, connect(market) as other:
        earlier: Sequence[TableContent] = ()
        with trading(market, tmp_path):
            for _ in range(4):
                marks = content.marks(server, earlier)
                assert marks.notes == []
                said = content.settled(server, marks)
                named = {each.table: each for each in said}
                assert {name for name in GROWING if named[name].hash is None} <= {"audit_seals"}
                assert {name for name in MOVING if named[name].hash is not None} == set()
                assert comparing.compare(other, said, moved_on=True) == []
                assert comparing.held(said, moved_on=True) >= len(GROWING) - 1
                if earlier:
                    assert rows(said, "trades") > rows(earlier, "trades")
                    assert any(each.prior is not None for each in marks.growing)
                earlier = said
        fresh = content.settled(server, content.marks(server))
        assert comparing.compare(other, fresh) == []
        grown = content.settled(server, content.marks(server, earlier))
        assert [replace(each, witness=None) for each in grown] == [
            replace(each, witness=None) for each in fresh
        ]


def test_a_physical_backup_under_load_comes_back_with_the_rows_that_were_settled(
    market: Target, tmp_path: Path
) -> None:
    repo = repository.make(str(tmp_path / "repository"))
    with trading(market, tmp_path):
        first = taking.take(repo, market, Request())
        said = taking.take(repo, market, Request())
    assert rows(said.content, "trades") > rows(first.content, "trades") > 0
    aim = restoring.parse("backup", engine=market.engine)
    chosen = next(each for each in repo.backups(said.system) if each.id == said.id)
    recovery = restoring.plan(repo, aim, system=said.system, start=chosen)
    phases = restoring.Phases()
    fill = restoring.filling(repo, recovery, identities=(), phases=phases)
    name = f"content-{secrets.token_hex(4)}"
    made = labs.adopt(name, engine=market.engine, fill=fill)
    try:
        restoring.finish(made, recovery, phases=phases)
        with connect(made.url(market.database)) as copy:
            assert comparing.compare(copy, said.content) == []
            assert comparing.compare(copy, first.content, moved_on=True) == []
            copy.execute("DROP TABLE audit_seals")
            assert [each.what for each in comparing.compare(copy, said.content)] == ["table"]
    finally:
        labs.destroy(name)


def test_sessions_that_share_the_work_find_what_one_finds(market: Target) -> None:
    def shared(said: Sequence[TableContent]) -> list[comparing.Difference]:
        return comparing.compare_still(lambda: connect(market), said, part_rows=2)

    with connect(market) as server:
        for _ in range(9):
            log(server, draw(server))
        said = content.settled(server, content.marks(server))
        assert rows(said, "audit_log") >= 9
        assert shared(said) == comparing.compare(server, said) == []
        wrong: dict[str, dict[str, Any]] = {
            "audit_log": {"rows": 1},
            "users": {"hash": "no"},
            "brokers": {"table": "gone"},
        }
        expected = [replace(each, **wrong.get(each.table, {})) for each in said]
        found = shared(expected)
        assert {(each.table, each.what) for each in found} == {
            ("audit_log", "rows"),
            ("users", "content"),
            ("gone", "table"),
        }
        assert found == comparing.compare(server, expected)


def rows(said: Sequence[TableContent], table: str) -> int:
    return next(each.rows or 0 for each in said if each.table == table)


def draw(server: Server) -> int:
    call = "nextval('event_ids')" if server.engine == "postgresql" else "NEXTVAL(event_ids)"
    return int(server.rows(f"SELECT {call} AS id")[0]["id"])


def log(server: Server, event: int) -> None:
    server.execute(
        "INSERT INTO audit_log (audit_id, business_date, action, entity, entity_id, detail) "
        "VALUES (%(id)s, %(date)s, 'test', 'test', '1', '')",
        {"id": event, "date": DATE},
    )


@contextmanager
def drawn(target: Target) -> Iterator[tuple[Server, int]]:
    """A transaction that has drawn an id, while another one has stored a greater one."""
    with connect(target) as slow, slow.transaction():
        slow.rows("SELECT symbol FROM stock_inventory ORDER BY symbol LIMIT 1 FOR UPDATE")
        event = draw(slow)
        with connect(target) as quick, quick.transaction():
            quick.rows("SELECT symbol FROM stock_inventory ORDER BY symbol DESC LIMIT 1 FOR UPDATE")
            log(quick, draw(quick))
        yield slow, event


def test_a_row_that_may_still_come_is_waited_for(market: Target) -> None:
    found: list[content.Marks] = []
    with connect(market) as server:
        with drawn(market) as (slow, event):
            watcher = threading.Thread(target=lambda: found.append(content.marks(server)))
            watcher.start()
            watcher.join(timeout=0.5)
            assert watcher.is_alive()
            log(slow, event)
        watcher.join(timeout=20)
        assert not watcher.is_alive()
        said = content.settled(server, found[0])
        assert found[0].notes == []
        audited = next(each for each in said if each.table == "audit_log")
        assert audited.watermark == event + 1
        assert comparing.compare(server, said, moved_on=True) == []


def test_a_transaction_that_takes_too_long_leaves_what_is_known(market: Target) -> None:
    with connect(market) as server:
        earlier = content.settled(server, content.marks(server))
        with drawn(market) as (slow, event):
            marks = content.marks(server, earlier, within_s=0.4)
            alone = content.marks(server, within_s=0.4)
            log(slow, event)
        said = content.settled(server, marks)
        (note,) = marks.notes
        assert "a transaction took longer" in note
        assert comparing.compare(server, said, moved_on=True) == []
        assert rows(said, "audit_log") == rows(earlier, "audit_log")
        assert comparing.held(content.settled(server, alone), moved_on=True) == 0


def test_a_row_that_comes_late_all_the_same_is_noticed(market: Target) -> None:
    with connect(market) as server:
        event = draw(server)  # and kept, by a client, for a transaction to come
        log(server, draw(server))
        marks = content.marks(server)
        log(server, event)
        said = content.settled(server, marks)
        assert next(each for each in said if each.table == "audit_log").hash is None


def test_nothing_is_built_upon_a_table_that_did_not_only_grow(market: Target) -> None:
    with connect(market) as server:
        for _ in range(3):
            log(server, draw(server))
        earlier = content.settled(server, content.marks(server))
        server.execute("TRUNCATE TABLE audit_log")
        for number in itertools.count(1):
            log(server, number)
            if number > 5:
                break
        log(server, draw(server))
        marks = content.marks(server, earlier)
        audited = next(each for each in marks.growing if each.table.name == "audit_log")
        assert audited.prior is None
        assert comparing.compare(server, content.settled(server, marks), moved_on=True) == []


def test_ids_that_sessions_keep_for_later_prove_nothing(market: Target) -> None:
    with connect(market) as server:
        if server.engine == "mariadb":
            pytest.skip("MariaDB keeps ids for all its sessions together")
        server.execute("ALTER SEQUENCE event_ids CACHE 10")
        try:
            assert content.marks(server).growing == []
        finally:
            server.execute("ALTER SEQUENCE event_ids CACHE 1")
