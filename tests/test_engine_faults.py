"""Every kind of fault, provoked for real on a server of each engine."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import eventually

from stockops import catalog
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import Fault, ServerError
from stockops.lab import Lab
from stockops.passwords import Secret
from stockops.targets import Target


@contextmanager
def fault(expected: Fault) -> Iterator[None]:
    with pytest.raises(ServerError) as caught:
        yield
    assert caught.value.fault is expected, caught.value
    assert caught.value.hint


@pytest.fixture
def other(target: Target) -> Iterator[Server]:
    with connect(target, lock_timeout_s=1) as other:
        yield other


@pytest.fixture
def table(server: Server) -> None:
    server.execute("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL CHECK (n >= 0))")
    server.execute("INSERT INTO t VALUES (1, 0), (2, 0)")


def bump(server: Server, number: int) -> None:
    server.execute("UPDATE t SET n = n + 1 WHERE id = %(id)s", {"id": number})


def numbers(server: Server) -> list[int]:
    return [row["n"] for row in server.rows("SELECT n FROM t ORDER BY id")]


def end_session(by: Server, of: Server) -> None:
    """
    Kill a session, and wait until the server has none of that number.

    PostgreSQL strikes it off its list first and closes the socket as the process ends.
    """
    if by.engine == "postgresql":
        by.rows(f"SELECT pg_terminate_backend({of.session_id}) AS done")
        left = f"SELECT pid FROM pg_stat_activity WHERE pid = {of.session_id}"
    else:
        by.execute(f"KILL CONNECTION {of.session_id}")
        left = f"SELECT id FROM information_schema.processlist WHERE id = {of.session_id}"
    eventually(lambda: not by.rows(left))
    if by.engine == "postgresql":
        eventually(lambda: not Path(f"/proc/{of.session_id}").exists())


@pytest.mark.usefixtures("table")
def test_a_deadlock_is_to_be_retried(server: Server, target: Target) -> None:
    met: list[ServerError] = []
    both_hold = threading.Barrier(2, timeout=20)

    def cross(session: Server, first: int, second: int) -> None:
        try:
            with session.transaction():
                bump(session, first)
                both_hold.wait()
                bump(session, second)
        except ServerError as exc:
            met.append(exc)

    with connect(target, lock_timeout_s=30) as left, connect(target, lock_timeout_s=30) as right:
        threads = [
            threading.Thread(target=cross, args=(left, 1, 2)),
            threading.Thread(target=cross, args=(right, 2, 1)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(40)
    assert [(exc.fault, exc.code) for exc in met] in [
        [(Fault.RETRY, "40P01")],
        [(Fault.RETRY, "1213")],
    ]
    assert numbers(server) == [1, 1]


@pytest.mark.usefixtures("table")
def test_a_lost_update_is_to_be_retried(server: Server, other: Server, engine: str) -> None:
    if engine == "mariadb":
        server.execute("SET innodb_snapshot_isolation = ON")
    with fault(Fault.RETRY), server.transaction(isolation="repeatable read"):
        bump(other, 1)
        bump(server, 1)
    assert numbers(server) == [1, 0]


@pytest.mark.usefixtures("table")
def test_a_lock_that_is_not_to_be_had(server: Server, other: Server) -> None:
    with server.transaction():
        bump(server, 2)
        with fault(Fault.LOCKED), other.transaction():
            bump(other, 1)
            bump(other, 2)
    assert numbers(server) == [0, 1], "the whole transaction went, not the statement alone"


@pytest.mark.usefixtures("table")
def test_a_table_that_is_locked(server: Server, other: Server) -> None:
    with server.transaction():
        bump(server, 2)
        with fault(Fault.LOCKED):
            other.execute("ALTER TABLE t ADD COLUMN m int")


@pytest.mark.usefixtures("table")
def test_a_key_that_is_taken(server: Server) -> None:
    with fault(Fault.DUPLICATE):
        server.execute("INSERT INTO t VALUES (1, 0)")


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("INSERT INTO t VALUES (3, -1)", id="a check"),
        pytest.param("INSERT INTO t VALUES (3, NULL)", id="not null"),
        pytest.param("INSERT INTO t (id) VALUES (3)", id="no default"),
        pytest.param("INSERT INTO t VALUES (3, 99999999999)", id="out of range"),
        pytest.param("INSERT INTO child VALUES (9)", id="a parent that is not there"),
        pytest.param("DELETE FROM t WHERE id = 1", id="a child that is"),
    ],
)
def test_a_constraint_rejects(server: Server, sql: str) -> None:
    server.execute("CREATE TABLE child (t_id int NOT NULL, FOREIGN KEY (t_id) REFERENCES t (id))")
    server.execute("INSERT INTO child VALUES (1)")
    with pytest.raises(ServerError) as caught:
        server.execute(sql)
    assert caught.value.fault is Fault.REJECTED, caught.value


def test_a_routine_rejects(server: Server, engine: str) -> None:
    sql = {
        "postgresql": "DO $$ BEGIN RAISE EXCEPTION 'the market is closed'; END $$",
        "mariadb": "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the market is closed'",
    }[engine]
    with pytest.raises(ServerError, match="the market is closed") as caught:
        server.execute(sql)
    assert caught.value.fault is Fault.REJECTED


@pytest.mark.usefixtures("table")
def test_a_transaction_that_only_reads(server: Server) -> None:
    with fault(Fault.READ_ONLY), server.transaction(read_only=True):
        bump(server, 1)


@contextmanager
def weak(admin: Server, target: Target) -> Iterator[Target]:
    """A role that may look at `t` and do no more."""
    database = target.database
    if admin.engine == "postgresql":
        admin.execute("CREATE ROLE weak LOGIN PASSWORD 'weak'")
        admin.execute("GRANT SELECT ON t TO weak")
        gone = ["DROP OWNED BY weak", "DROP ROLE weak"]
    else:
        admin.execute("CREATE USER weak@'127.0.0.1' IDENTIFIED BY 'weak'")
        admin.execute(f"GRANT SELECT, INSERT ON {database}.* TO weak@'127.0.0.1'")
        admin.execute(f"REVOKE INSERT ON {database}.* FROM weak@'127.0.0.1'")
        gone = ["DROP USER weak@'127.0.0.1'"]
    try:
        url = target.url.replace("//stockops@", "//weak@")
        yield replace(target, url=url, password=Secret("weak"))
    finally:
        for sql in gone:
            admin.execute(sql)


@pytest.mark.usefixtures("table")
def test_a_role_without_the_right(server: Server, tcp_target: Target) -> None:
    with weak(server, tcp_target) as target, connect(target) as session:
        assert numbers(session) == [0, 0]
        with fault(Fault.DENIED):
            bump(session, 1)


@pytest.mark.usefixtures("table")
def test_a_server_that_only_reads(server: Server, tcp_target: Target, engine: str) -> None:
    if engine == "postgresql":
        server.execute("SET default_transaction_read_only = on")
        with fault(Fault.READ_ONLY):
            bump(server, 1)
        server.execute("SET default_transaction_read_only = off")
        return
    with weak(server, tcp_target) as target, connect(target) as session:
        server.execute(f"GRANT UPDATE ON {target.database}.* TO weak@'127.0.0.1'")
        server.execute("SET GLOBAL read_only = ON")
        try:
            with fault(Fault.READ_ONLY):
                bump(session, 1)
        finally:
            server.execute("SET GLOBAL read_only = OFF")


def test_no_space_is_left(server: Server, engine: str) -> None:
    if engine == "postgresql":
        with fault(Fault.FULL):
            server.execute("COPY (SELECT generate_series(1, 100000)) TO '/dev/full'")
        return
    server.execute("SET max_heap_table_size = 16384")
    server.execute("CREATE TABLE small (s char(200)) ENGINE = MEMORY")
    with fault(Fault.FULL):
        server.execute("INSERT INTO small SELECT 'x' FROM seq_1_to_10000")


@pytest.mark.usefixtures("table")
def test_a_session_that_ends_before_the_commit_is_lost(server: Server, target: Target) -> None:
    with connect(target) as session:
        with fault(Fault.LOST), session.transaction():
            bump(session, 1)
            end_session(server, session)
        with fault(Fault.LOST):
            bump(session, 1)
    assert numbers(server) == [0, 0]


@pytest.mark.usefixtures("table")
def test_a_session_that_ends_between_two_statements_is_lost(server: Server, target: Target) -> None:
    with connect(target) as session, fault(Fault.LOST), session.transaction():
        bump(session, 1)
        end_session(server, session)
        bump(session, 2)
    assert numbers(server) == [0, 0]


@pytest.mark.usefixtures("table")
def test_a_session_that_ends_during_a_statement(server: Server, target: Target) -> None:
    """In a transaction it is lost; alone, nobody can tell."""
    for inside, expected in [(True, Fault.LOST), (False, Fault.UNKNOWN)]:
        met: list[Fault] = []
        with connect(target) as session:

            def wait(
                session: Server = session, inside: bool = inside, met: list[Fault] = met
            ) -> None:
                with suppress(RuntimeError):
                    try:
                        if inside:
                            with session.transaction():
                                session.rows(SLEEP[session.engine])
                        else:
                            session.rows(SLEEP[session.engine])
                    except ServerError as exc:
                        met.append(exc.fault)

            thread = threading.Thread(target=wait)
            thread.start()
            eventually(lambda session=session: sleeps(server, session.session_id))  # type: ignore[misc]
            end_session(server, session)
            thread.join(20)
        assert met == [expected]


SLEEP = {"postgresql": "SELECT pg_sleep(30) AS s", "mariadb": "SELECT sleep(30) AS s"}


def sleeps(server: Server, session_id: int) -> bool:
    sql = {
        "postgresql": "SELECT 1 AS x FROM pg_stat_activity"
        " WHERE state = 'active' AND query LIKE '%%pg_sleep%%' AND pid = %(id)s",
        "mariadb": "SELECT 1 AS x FROM information_schema.processlist"
        " WHERE info LIKE '%%sleep%%' AND id = %(id)s",
    }[server.engine]
    return bool(server.rows(sql, {"id": session_id}))


@dataclass(slots=True)
class Proxy:
    """A way to the server that can lose an answer: the server gets all, the client no more."""

    port: int
    swallows: threading.Event = field(default_factory=threading.Event)


@contextmanager
def proxy(server_port: int) -> Iterator[Proxy]:
    listener = socket.create_server(("127.0.0.1", 0))
    made = Proxy(listener.getsockname()[1])
    ends: list[socket.socket] = [listener]

    def carry(source: socket.socket, sink: socket.socket, *, answers: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if answers and made.swallows.is_set():
                    break
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", server_port))
                ends.extend((client, server))
                threading.Thread(
                    target=carry, args=(client, server), kwargs={"answers": False}, daemon=True
                ).start()
                threading.Thread(
                    target=carry, args=(server, client), kwargs={"answers": True}, daemon=True
                ).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        thread.join(10)


@pytest.fixture
def lossy(lab: Lab, tcp_target: Target) -> Iterator[tuple[Server, Proxy]]:
    """A session whose answers can be made to vanish."""
    port = urlsplit(tcp_target.url).port or 0
    with proxy(port) as way:
        url = tcp_target.url.replace(f":{port}/", f":{way.port}/")
        with connect(replace(tcp_target, url=url), bulk=True) as session:
            yield session, way


@pytest.mark.usefixtures("table")
def test_a_commit_whose_answer_is_lost_is_unknown(
    server: Server, lossy: tuple[Server, Proxy]
) -> None:
    session, way = lossy
    with fault(Fault.UNKNOWN), session.transaction():
        bump(session, 1)
        way.swallows.set()
    eventually(lambda: numbers(server) == [1, 0])


@pytest.mark.usefixtures("table")
def test_a_statement_whose_answer_is_lost_is_unknown(
    server: Server, lossy: tuple[Server, Proxy]
) -> None:
    session, way = lossy
    way.swallows.set()
    with fault(Fault.UNKNOWN):
        bump(session, 1)
    eventually(lambda: numbers(server) == [1, 0])


@pytest.mark.usefixtures("table")
def test_a_call_whose_answer_is_lost_is_unknown(
    server: Server, lossy: tuple[Server, Proxy], engine: str
) -> None:
    session, way = lossy
    server.execute(
        {
            "postgresql": "CREATE FUNCTION f(i int) RETURNS TABLE (x int) LANGUAGE sql"
            " AS 'UPDATE t SET n = n + 1 WHERE id = i RETURNING n'",
            "mariadb": "CREATE PROCEDURE f(i int) BEGIN"
            " UPDATE t SET n = n + 1 WHERE id = i; SELECT n AS x FROM t WHERE id = i; END",
        }[engine]
    )
    call = session.prepare_call("f", 1)
    assert call([1]) == ("1",)
    way.swallows.set()
    with fault(Fault.UNKNOWN):
        call([1])
    eventually(lambda: numbers(server) == [2, 0])
    with fault(Fault.LOST):
        call([1])


@pytest.mark.usefixtures("table")
def test_a_statement_inside_a_transaction_is_lost_with_it(
    server: Server, lossy: tuple[Server, Proxy]
) -> None:
    session, way = lossy
    with fault(Fault.LOST), session.transaction():
        way.swallows.set()
        bump(session, 1)
    assert numbers(server) == [0, 0]


@pytest.mark.usefixtures("table")
def test_a_load_whose_answer_is_lost(
    server: Server, lossy: tuple[Server, Proxy], engine: str
) -> None:
    session, way = lossy
    way.swallows.set()
    with fault(Fault.UNKNOWN if engine == "postgresql" else Fault.LOST):
        session.load("t", ["id", "n"], [b"3\t0\n"])


def test_a_question_asks_only(lossy: tuple[Server, Proxy]) -> None:
    session, way = lossy
    assert session.fetch(catalog.TABLES) == []
    way.swallows.set()
    with fault(Fault.LOST):
        session.fetch(catalog.TABLES)


def test_a_database_without_the_schema_says_what_to_look_at(server: Server) -> None:
    for sql in ("SELECT n FROM no_such_table", "SELECT no_such_routine(1)", "SELECT no_such_thing"):
        with pytest.raises(ServerError) as caught:
            server.rows(sql)
        assert caught.value.hint == (
            "See whether the schema is there, and whole: stockops migrate status"
        )
