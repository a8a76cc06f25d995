"""Ways to break a MariaDB: one for each of our alerts on it."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

from breaking import Place, Way, deadlocks, doing, down, full, meanwhile, ran, restarted, sessions

from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import StockopsError

SETTINGS = {
    "max_connections": "20",
    "innodb_log_file_size": "4M",
    "innodb_log_buffer_size": "1M",
    "innodb_buffer_pool_size": "128M",
    "innodb_io_capacity": "100",
    "innodb_lock_wait_timeout": "1",
    "innodb_flush_log_at_trx_commit": "2",
    "long_query_time": "60",
    "server_id": "1",
    "log_bin": "log",
}
TABLES = 420


@contextmanager
def replica_of_nobody(place: Place, *more: str) -> Iterator[None]:
    make = [
        "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 1, MASTER_USER = 'x', "
        "MASTER_CONNECT_RETRY = 1",
        "START SLAVE",
        *more,
    ]
    with ran(place, make, ["STOP SLAVE", "RESET SLAVE ALL"]):
        yield


@contextmanager
def history(place: Place) -> Iterator[None]:
    """Hold a snapshot while rows are changed."""
    make = ["CREATE TABLE changed (id INT PRIMARY KEY, n INT)"]
    make.append("INSERT INTO changed VALUES (1, 0)")
    with (
        ran(place, make, ["DROP TABLE changed"]),
        sessions(place, 1) as [server],
        server.transaction(isolation="repeatable read"),
    ):
        server.rows("SELECT count(*) AS n FROM changed")
        with meanwhile(place, doing("UPDATE changed SET n = n + 1 WHERE id = 1")):
            yield


@contextmanager
def row_waits(place: Place) -> Iterator[None]:
    make = ["CREATE TABLE held (id INT PRIMARY KEY, n INT)", "INSERT INTO held VALUES (1, 0)"]
    with (
        ran(place, make, ["DROP TABLE held"]),
        sessions(place, 1) as [server],
        server.transaction(),
    ):
        server.execute("UPDATE held SET n = 1")
        with meanwhile(place, *[doing("UPDATE held SET n = n + 1")] * 9):
            yield


@contextmanager
def writing(place: Place, *, threads: int) -> Iterator[None]:
    """Write big rows, faster than pages are flushed."""
    make = [
        "CREATE TABLE big (id BIGINT AUTO_INCREMENT PRIMARY KEY, t LONGTEXT)",
    ]
    act = doing(
        "INSERT INTO big (t) SELECT REPEAT('x', 400000) FROM seq_1_to_8",
        "DELETE FROM big ORDER BY id LIMIT 8",
    )
    with ran(place, make, ["DROP TABLE big"]), meanwhile(place, *[act] * threads):
        yield


@contextmanager
def slow(place: Place) -> Iterator[None]:
    with (
        ran(place, ["SET GLOBAL long_query_time = 0"], ["SET GLOBAL long_query_time = 60"]),
        meanwhile(place, lambda server: _asked(server, "SELECT 1 AS one"), pause_s=0.02),
    ):
        yield


def _asked(server: Server, sql: str) -> None:
    server.rows(sql)


@contextmanager
def turned_away(place: Place) -> Iterator[None]:
    """Knock again and again, as somebody whom the server does not know."""
    over = threading.Event()
    owner = urlsplit(place.target.url).username
    wrong = replace(place.target, url=place.target.url.replace(f"//{owner}@", "//nobody@", 1))

    def knock() -> None:
        while not over.wait(0.05):
            with suppress(StockopsError), connect(wrong):
                pass

    thread = threading.Thread(target=knock)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)


@contextmanager
def open_files(place: Place) -> Iterator[None]:
    place.admin.execute("CREATE DATABASE many")
    try:
        for n in range(TABLES):
            place.admin.execute(f"CREATE TABLE many.t{n} (n INT) ENGINE = MyISAM")
        with meanwhile(place, _each_table, pause_s=0.5):
            yield
    finally:
        place.admin.execute("DROP DATABASE many")


def _each_table(server: Server) -> None:
    for n in range(TABLES):
        server.rows(f"SELECT count(*) AS n FROM many.t{n}")


WAYS: Mapping[tuple[str, str], Way] = {
    ("MariadbDown", "critical"): down,
    ("MariadbRestarted", "warning"): restarted,
    ("MariadbConnections", "warning"): partial(full, count=15),
    ("MariadbConnections", "critical"): partial(full, count=17),
    ("MariadbReplicaIoStopped", "critical"): replica_of_nobody,
    ("MariadbReplicaSqlStopped", "critical"): lambda place: replica_of_nobody(
        place, "STOP SLAVE SQL_THREAD"
    ),
    ("MariadbHistoryList", "warning"): history,
    ("MariadbRowLockWaits", "warning"): row_waits,
    ("MariadbDeadlocks", "warning"): deadlocks,
    ("MariadbRedoFull", "warning"): partial(writing, threads=4),
    ("MariadbSlowQueries", "warning"): slow,
    ("MariadbAbortedConnects", "warning"): turned_away,
    ("MariadbOpenFiles", "warning"): open_files,
}
