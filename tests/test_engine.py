"""What every engine does alike, on a real server of each."""

import itertools
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import get_args

import pytest
from conftest import eventually

from stockops import business, targets
from stockops.engine import ENGINES, connect, open_server
from stockops.engine.base import Isolation, Server
from stockops.errors import Fault, ServerError
from stockops.targets import Target

ROUTINES = {
    "postgresql": """
        CREATE FUNCTION echo(a bigint, b text, c text)
        RETURNS TABLE (a_out bigint, b_out text, c_out text) LANGUAGE sql
        AS $$ SELECT a, b, c $$""",
    "mariadb": """
        CREATE PROCEDURE echo(a bigint, b longtext, c longtext)
        BEGIN SELECT a AS a_out, b AS b_out, c AS c_out; END""",
}


def make_table(server: Server) -> None:
    server.execute("CREATE TABLE t (id int PRIMARY KEY, s varchar(10))")


def ids(server: Server) -> list[int]:
    return [row["id"] for row in server.rows("SELECT id FROM t ORDER BY id")]


def test_the_engines_are_those_a_target_may_name() -> None:
    assert tuple(ENGINES) == targets.ENGINES


def test_a_session_is_set_up_alike(server: Server, engine: str) -> None:
    asked = {
        "postgresql": "SELECT current_setting('TimeZone') AS zone,"
        " current_setting('application_name') AS name,"
        " current_setting('lock_timeout') AS patience,"
        " current_setting('transaction_isolation') AS isolation",
        "mariadb": "SELECT @@time_zone AS zone, attr_value AS name,"
        " concat(@@innodb_lock_wait_timeout, 's') AS patience,"
        " replace(lower(@@tx_isolation), '-', ' ') AS isolation"
        " FROM performance_schema.session_account_connect_attrs"
        " WHERE attr_name = 'program_name' AND processlist_id = connection_id()",
    }
    (row,) = server.rows(asked[engine])
    assert row.pop("zone") in {"UTC", "+00:00"}
    assert row == {"name": "stockops", "patience": "5s", "isolation": "read committed"}


def test_a_session_knows_its_number_and_version(server: Server, engine: str) -> None:
    number = {"postgresql": "pg_backend_pid()", "mariadb": "connection_id()"}[engine]
    assert server.rows(f"SELECT {number} AS n") == [{"n": server.session_id}]
    assert server.version >= {"postgresql": (15, 0), "mariadb": (10, 11)}[engine]
    assert server.engine == engine


def test_a_question_is_planned_once_and_asked_on_where_that_is_forgotten(
    server: Server, engine: str
) -> None:
    prepared = "SELECT count(*) AS n FROM pg_prepared_statements"
    assert business.is_there(server) is False
    server.plan_once()
    assert [business.is_there(server) for _ in range(3)] == [False] * 3
    if engine == "postgresql":
        assert server.rows(prepared) == [{"n": 1}]
        # As a pooler does it that hands out another session: the driver hears nothing of it.
        server.execute("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
        assert [business.is_there(server) for _ in range(3)] == [False] * 3
        assert server.rows(prepared) == [{"n": 0}]


def test_values_go_in_and_come_out(server: Server) -> None:
    odd = "김'\"\\%\t\n😀"
    (row,) = server.rows(
        "SELECT %(s)s AS s, 5 %% 3 AS n, cast('2025-01-02' AS date) AS d,"
        " cast('1.50' AS decimal(4, 2)) AS m",
        {"s": odd},
    )
    assert row == {"s": odd, "n": 2, "d": date(2025, 1, 2), "m": Decimal("1.50")}


def test_an_instant_comes_with_its_zone(server: Server, engine: str) -> None:
    kind = {"postgresql": "timestamptz", "mariadb": "timestamp(6) NULL"}[engine]
    server.execute(f"CREATE TABLE moments (at {kind})")
    server.execute("INSERT INTO moments VALUES ('2025-01-02 00:00:00.000001'), (NULL)")
    rows = server.rows("SELECT at FROM moments ORDER BY at IS NULL")
    assert [row["at"] for row in rows] == [datetime(2025, 1, 2, 0, 0, 0, 1, tzinfo=UTC), None]


def test_execute_counts_the_rows_it_changed(server: Server) -> None:
    make_table(server)
    assert server.execute("INSERT INTO t VALUES (1, 'a'), (2, '100%')") == 2
    assert server.execute("UPDATE t SET s = %(s)s WHERE id > 0", {"s": "z"}) == 2
    assert server.execute("DELETE FROM t WHERE id = 9") == 0


def test_a_transaction_keeps_all_or_nothing(server: Server) -> None:
    make_table(server)
    with server.transaction():
        server.execute("INSERT INTO t VALUES (1, 'a')")
    with pytest.raises(ZeroDivisionError), server.transaction():
        server.execute("INSERT INTO t VALUES (2, 'a')")
        raise ZeroDivisionError
    assert ids(server) == [1]


def test_a_transaction_inside_another_is_a_bug(server: Server) -> None:
    with (
        server.transaction(),
        pytest.raises(RuntimeError, match="already open"),
        server.transaction(),
    ):
        pass


def test_a_swallowed_error_does_not_pass_for_a_commit(server: Server, engine: str) -> None:
    if engine == "mariadb":
        pytest.skip("an error on MariaDB undoes its statement and leaves the transaction whole")
    make_table(server)
    with pytest.raises(ServerError, match="rolled back"), server.transaction():
        server.execute("INSERT INTO t VALUES (1, 'a')")
        with pytest.raises(ServerError):
            server.execute("INSERT INTO t VALUES (1, 'a')")
    assert ids(server) == []


def test_a_snapshot_is_taken_at_the_start(server: Server, target: Target) -> None:
    make_table(server)
    with connect(target) as other, server.transaction(isolation="repeatable read", read_only=True):
        other.execute("INSERT INTO t VALUES (1, 'a')")
        assert ids(server) == []
    assert ids(server) == [1]


@pytest.mark.parametrize("isolation", get_args(Isolation))
@pytest.mark.parametrize("read_only", [False, True])
def test_every_isolation_can_be_asked_for(
    server: Server, isolation: Isolation, read_only: bool
) -> None:
    make_table(server)
    with server.transaction(isolation=isolation, read_only=read_only):
        assert ids(server) == []


def test_a_stream_gives_every_row_in_batches(server: Server) -> None:
    make_table(server)
    server.load("t", ["id", "s"], (b"%d\tx\n" % n for n in range(2500)))
    batches = list(server.stream("SELECT id, s FROM t ORDER BY id", batch=1000))
    assert [len(batch) for batch in batches] == [1000, 1000, 500]
    assert list(itertools.chain.from_iterable(batches)) == [(n, "x") for n in range(2500)]


def test_a_stream_keeps_its_connection_until_it_is_closed(server: Server) -> None:
    make_table(server)
    server.load("t", ["id", "s"], (b"%d\tx\n" % n for n in range(2500)))
    stream = server.stream("SELECT id FROM t", batch=10)
    next(stream)
    with pytest.raises(RuntimeError, match="stream is open"):
        ids(server)
    stream.close()  # type: ignore[attr-defined]
    assert len(ids(server)) == 2500


def test_a_stream_reads_what_a_fetch_reads(server: Server) -> None:
    answers = {
        "postgresql": "SELECT n, NULL AS none, -n * 10000000000 AS big, 1.50 AS part, "
        "DATE '2025-01-02' AS day, TIMESTAMP '2025-01-02 03:04:05.000006' AS at, '' AS empty, "
        "repeat('가', n * 40) AS wide, '\\xff'::bytea AS bytes "
        "FROM generate_series(1, 300) AS t (n) ORDER BY n",
        "mariadb": "SELECT seq AS n, NULL AS none, CAST(seq AS SIGNED) * -10000000000 AS big, "
        "1.50 AS part, DATE '2025-01-02' AS day, TIMESTAMP '2025-01-02 03:04:05.000006' AS at, "
        "'' AS empty, repeat('가', seq * 40) AS wide, x'ff' AS bytes "
        "FROM seq_1_to_300 ORDER BY seq",
    }
    sql = answers[server.engine]
    streamed = list(itertools.chain.from_iterable(server.stream(sql, batch=7)))
    assert streamed == [tuple(row.values()) for row in server.rows(sql)]
    assert streamed[1][:6] == (
        2, None, -20_000_000_000, Decimal("1.50"), date(2025, 1, 2),
        datetime(2025, 1, 2, 3, 4, 5, 6),
    )  # fmt: skip
    assert list(server.stream(f"SELECT s.* FROM ({sql}) AS s WHERE s.n < 0")) == []


def test_a_stream_carries_a_text_of_several_packets(server: Server) -> None:
    size = 2**24 + 7  # a packet of MariaDB ends at 2**24 - 2
    assert list(server.stream(f"SELECT repeat('x', {size}), 7")) == [[("x" * size, 7)]]
    assert server.rows("SELECT 1 AS n") == [{"n": 1}]


def test_a_stream_that_fails_on_its_way_says_so_and_leaves_the_connection(server: Server) -> None:
    failing = {
        "postgresql": "SELECT 1 / (700 - n) FROM generate_series(1, 9000) AS t (n)",
        "mariadb": "SELECT exp(seq) FROM seq_1_to_9000",
    }
    read = 0
    with pytest.raises(ServerError, match=r"division by zero|out of range"):
        for batch in server.stream(failing[server.engine], batch=100):
            read += len(batch)
    assert read < 9000
    assert server.rows("SELECT 1 AS n") == [{"n": 1}]


def test_a_stream_whose_session_is_ended_is_lost(server: Server, target: Target) -> None:
    end = {"postgresql": "SELECT pg_terminate_backend({})", "mariadb": "KILL {}"}
    many = {
        "postgresql": "SELECT repeat('x', 1000) FROM generate_series(1, 1000000)",
        "mariadb": "SELECT repeat('x', 1000) FROM seq_1_to_1000000",
    }
    stream = server.stream(many[server.engine], batch=10)
    next(stream)
    with connect(target) as other:
        other.execute(end[server.engine].format(server.session_id))
    with pytest.raises(ServerError) as caught:
        list(stream)
    assert caught.value.fault is Fault.LOST


def test_a_load_takes_odd_text(server: Server) -> None:
    make_table(server)
    lines = [b"1\ta\\tb\\nc\\\\d\n2\t\\N\n", "3\t김'\"%\n".encode(), b"4\t\n"]
    assert server.load("t", ["id", "s"], lines) == 4
    found = {row["id"]: row["s"] for row in server.rows("SELECT id, s FROM t")}
    assert found == {1: "a\tb\nc\\d", 2: None, 3: "김'\"%", 4: ""}


def test_an_empty_load_stores_nothing(server: Server) -> None:
    make_table(server)
    assert server.load("t", ["id", "s"], []) == 0


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        pytest.param(b"7\tx\n", Fault.DUPLICATE, id="a key that is there"),
        pytest.param(b"8\t12345678901\n", Fault.REJECTED, id="a text that is too long"),
        pytest.param(b"eight\tx\n", Fault.REJECTED, id="a number that is none"),
        pytest.param(b"8\n", Fault.REJECTED, id="a column too few"),
        pytest.param(b"8\tx\ty\n", Fault.REJECTED, id="a column too many"),
        pytest.param(b"\\N\tx\n", Fault.REJECTED, id="a null that may not be"),
    ],
)
def test_a_load_stores_all_or_nothing(server: Server, line: bytes, fault: Fault) -> None:
    make_table(server)
    server.execute("INSERT INTO t VALUES (7, 'first')")
    with pytest.raises(ServerError) as caught:
        server.load("t", ["id", "s"], [b"1\tx\n", line, b"2\tx\n"])
    assert caught.value.fault is fault
    assert ids(server) == [7]


def test_a_generator_that_fails_stores_nothing(server: Server) -> None:
    def lines() -> Iterator[bytes]:
        yield b"1\tx\n"
        raise ZeroDivisionError

    make_table(server)
    with pytest.raises(ZeroDivisionError):
        server.load("t", ["id", "s"], lines())
    assert ids(server) == []


@pytest.mark.parametrize(
    "text",
    ["", "a", "김'\"\\%,()\t\n\r😀", "x" * 250, "x" * 300, "x" * 70_000, "x" * 16_000_000],
    ids=["nothing", "a letter", "odd", "250", "300", "70 thousand", "16 million"],
)
def test_a_call_carries_its_values(server: Server, text: str) -> None:
    server.execute(ROUTINES[server.engine])
    call = server.prepare_call("echo", 3)
    for n in (-(2**63), 0, 2**63 - 1):
        assert call([n, text, None]) == (str(n), text, None)
    assert call([None, None, text]) == (None, None, text)
    assert call([1, "b", "c"]) == ("1", "b", "c")


def test_an_answer_too_long_to_read_is_not_taken_for_a_short_one(
    server: Server, engine: str
) -> None:
    if engine == "postgresql":
        pytest.skip("libpq reads rows of any length")
    server.execute(ROUTINES[engine])
    with pytest.raises(ServerError) as caught:
        server.prepare_call("echo", 3)([1, "x" * 17_000_000, None])
    assert caught.value.fault is Fault.UNKNOWN


def test_a_call_leaves_the_connection_fit_for_the_next_question(server: Server) -> None:
    server.execute(ROUTINES[server.engine])
    call = server.prepare_call("echo", 3)
    for n in range(5):
        assert call([n, "b", None]) == (str(n), "b", None)
        assert server.rows("SELECT 1 AS one") == [{"one": 1}]
    with server.transaction():
        assert call([1, "b", "c"]) == ("1", "b", "c")


def test_a_call_that_fails_can_be_made_again(server: Server, engine: str) -> None:
    server.execute(
        {
            "postgresql": "CREATE FUNCTION f(n int) RETURNS TABLE (x int) LANGUAGE plpgsql AS $$"
            " BEGIN IF n = 0 THEN RAISE EXCEPTION 'not zero'; END IF;"
            " x := n; RETURN NEXT; END $$",
            "mariadb": "CREATE PROCEDURE f(n int) BEGIN SELECT n AS x; IF n = 0 THEN"
            " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not zero'; END IF; END",
        }[engine]
    )
    call = server.prepare_call("f", 1)
    for _ in range(3):
        assert call([1]) == ("1",)
        with pytest.raises(ServerError, match="not zero") as caught:
            call([0])
        assert caught.value.fault is Fault.REJECTED


def test_a_routine_without_a_row_is_an_error(server: Server, engine: str) -> None:
    server.execute(
        {
            "postgresql": "CREATE FUNCTION f() RETURNS TABLE (x int) LANGUAGE sql"
            " AS 'SELECT 1 WHERE false'",
            "mariadb": "CREATE PROCEDURE f() DO 1",
        }[engine]
    )
    with pytest.raises(ServerError, match="no row"):
        server.prepare_call("f", 0)([])
    assert server.rows("SELECT 1 AS one") == [{"one": 1}]


def test_a_closed_session_says_so(target: Target) -> None:
    server = open_server(target)
    server.close()
    server.close()
    with pytest.raises(ServerError) as caught:
        server.rows("SELECT 1 AS one")
    assert caught.value.fault is Fault.LOST


def test_sessions_work_side_by_side(target: Target) -> None:
    with connect(target) as server:
        make_table(server)

    def insert(start: int) -> None:
        with connect(target) as server:
            for n in range(start, start + 20):
                server.execute("INSERT INTO t VALUES (%(n)s, 'x')", {"n": n})

    threads = [threading.Thread(target=insert, args=(start,)) for start in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with connect(target) as server:
        assert eventually(lambda: len(ids(server)) == 60)
