"""A session that is bounded: by the server, from another thread, and in the words of its end."""

import threading
import time
from dataclasses import replace

import pytest

from stockops.engine import connect, open_server
from stockops.engine.reasons import reason_of
from stockops.errors import ServerError, StockopsError
from stockops.lab import Lab
from stockops.targets import Target

SLEEP = {"postgresql": "SELECT pg_sleep(60)", "mariadb": "SELECT sleep(60)"}
# MariaDB's sleep() ends early and answers 1: what is ended has to be work.
WORK = {
    "postgresql": SLEEP["postgresql"],
    "mariadb": "SELECT count(*) FROM seq_1_to_1000000 a, seq_1_to_1000000 b",
}


def test_the_server_ends_a_statement_that_takes_too_long(target: Target) -> None:
    with connect(target, statement_timeout_s=0.2) as server:
        with pytest.raises(ServerError) as told:
            server.rows(WORK[server.engine])
        assert told.value.code in {"57014", "1969"}
        assert server.rows("SELECT 1 AS one") == [{"one": 1}]


def test_another_thread_hangs_up_on_a_session_that_waits(target: Target) -> None:
    with connect(target) as server:
        timer = threading.Timer(0.3, server.hang_up)
        timer.start()
        began = time.monotonic()
        with pytest.raises(ServerError) as told:
            server.rows(SLEEP[server.engine])
        assert time.monotonic() - began < 30
        assert reason_of(told.value) == "lost"
        timer.join()


def test_hanging_up_after_the_end_touches_nothing_else(target: Target) -> None:
    server = open_server(target)
    server.close()
    with connect(target) as other:  # it may well have the number of the closed socket
        server.hang_up()
        assert other.rows("SELECT 1 AS one") == [{"one": 1}]


def test_a_refusal_is_one_word_of_a_closed_set(lab: Lab, tcp_target: Target) -> None:
    def reason(target: Target) -> str:
        with pytest.raises(StockopsError) as told:
            open_server(target, connect_timeout_s=10)
        return reason_of(told.value)

    assert reason(replace(tcp_target, password=None)) == "auth"
    scheme = f"{lab.engine}://nobody@"
    assert reason(Target(name="x", url=f"{scheme}127.0.0.1:1/x")) == "refused"
    assert reason(Target(name="x", url=f"{scheme}no.such.host.invalid/x")) == "dns"
