"""
The exporter's promises, each by breaking something: the server, the network, a collector.

Every wait here has the scrape's own deadline and a wide margin: the machine may be slow.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import eventually
from watching import SLEEP, Asks, Bed, bed_of, closing_all, reason, values

from stockops import lab as labs
from stockops.engine import connect, open_server
from stockops.engine.base import Server
from stockops.errors import Busy
from stockops.exporter import SERVERS, Manner, Watch, breaker, slow, watch
from stockops.exporter.connections import Connections, Limits
from stockops.exporter.families import one
from stockops.targets import Target

MARGIN_S = 10.0  # past the deadline of a scrape
HOLD = {
    "postgresql": ("BEGIN; LOCK TABLE held IN ACCESS EXCLUSIVE MODE", "ROLLBACK"),
    "mariadb": ("LOCK TABLES held WRITE", "UNLOCK TABLES"),
}


@pytest.fixture(scope="module")
def beds() -> Iterator[dict[str, Bed]]:
    with ExitStack() as stack:

        class Opened(dict[str, Bed]):
            def __missing__(self, engine: str) -> Bed:
                self[engine] = stack.enter_context(bed_of(engine))
                return self[engine]

        yield Opened()


@pytest.fixture
def bed(engine: str, beds: dict[str, Bed]) -> Bed:
    beds[engine].said.clear()
    return beds[engine]


def scraped(watched: Watch, within_s: float = 5.0) -> dict[str, float]:
    """Scrape, and hold the answer to its deadline."""
    began = time.monotonic()
    found = values(watched.scrape(within_s=within_s))
    assert time.monotonic() - began < within_s + MARGIN_S
    assert found.get("stockops_exporter_connections", 0) <= 3
    return found


def success(name: str) -> str:
    return f'stockops_exporter_collector_success{{collector="{name}"}}'


def nothing(_server: Server) -> None:
    """Ask nothing."""


def test_a_locked_table_costs_its_collector_alone_and_no_connections(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "FAILURES_MAX", 1)  # a lock is none of those that count
    held = Asks("held", lambda server: server.rows("SELECT count(*) AS n FROM held"))
    real = SERVERS[bed.engine]
    fast = [each.NAME for each in real if each.LANE == "fast"]
    with connect(bed.admin) as holder:
        holder.execute("CREATE TABLE held (n INT)")
        with bed.watch(servers=[held, *real]) as watched:
            take, release = HOLD[bed.engine]
            holder.execute(take)
            try:
                with bed.counted() as counts, ThreadPoolExecutor(5) as pool:
                    answers = list(pool.map(lambda _: scraped(watched), range(10)))
            finally:
                holder.execute(release)
            for found in answers:
                assert reason(found) == "ok"
                assert found[success("held")] == 0
                assert [name for name in fast if not found[success(name)]] == []
            assert 1 <= max(counts) <= 3
            assert scraped(watched)[success("held")] == 1  # the first one after the release
        holder.execute("DROP TABLE held")
    assert len([line for line in bed.said if "'held' fails" in line]) == 1


def test_scrapes_at_the_same_time_share_one_answer(bed: Bed) -> None:
    gate = threading.Event()
    waits = Asks("waits", lambda _server: gate.wait(20))
    with bed.watch(waits) as watched, ThreadPoolExecutor(10) as pool:
        answers = [pool.submit(scraped, watched, 20) for _ in range(10)]
        eventually(lambda: waits.asked)
        assert not any(each.done() for each in answers)
        gate.set()
        assert {each.result()["test_waits"] for each in answers} == {1}
    assert waits.asked == 1


def test_more_than_a_few_who_wait_are_sent_away(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "WAITERS_MAX", 2)
    gate = threading.Event()
    waits = Asks("waits", lambda _server: gate.wait(20))
    with bed.watch(waits) as watched, ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(scraped, watched, 20) for _ in range(2)]
        eventually(lambda: watched._waiters == 2)
        with pytest.raises(Busy, match="2 others wait"):
            watched.scrape(within_s=5)
        gate.set()
        assert {reason(each.result()) for each in answers} == {"ok"}
        assert reason(scraped(watched)) == "ok"


def test_what_is_late_is_cancelled_on_the_server_and_the_rest_is_answered(bed: Bed) -> None:
    known = Asks("known", nothing)
    late = Asks("late", lambda server: [server.rows(SLEEP[bed.engine]) for _ in range(3)])
    with bed.watch(known, late) as watched, connect(bed.admin) as admin:
        found = scraped(watched, 1.0)
        assert reason(found) == "ok"
        assert found["test_known"] == 1
        assert found[success("late")] == 0
        eventually(lambda: not any("sleep" in sql for sql in bed.sessions(admin)))
        words = "user request" if bed.engine == "postgresql" else "interrupted (1317)"
        eventually(lambda: any(words in line for line in bed.said))
        late.do = nothing
        assert eventually(lambda: scraped(watched).get("test_late"))


def test_the_server_ends_a_statement_before_the_scrape_is_late(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LIMITS", replace(watch.LIMITS, statement_s=0.5))
    late = Asks("late", lambda server: server.rows(SLEEP[bed.engine]))
    after = Asks("after", nothing)
    with bed.watch(late, after) as watched:
        found = scraped(watched, 20)
        assert found["test_after"] == 1
        # MariaDB's sleep() ends without an error when its time is over.
        assert bed.engine == "mariadb" or found[success("late")] == 0


def test_a_server_that_takes_no_more_sessions_is_down_and_its_values_are_there(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOGIN_EVERY_S", 0.0)
    monkeypatch.setattr(watch, "LONGEST_PAUSE_S", 0.3)
    taken: list[Server] = []
    with bed.watch(Asks("known", nothing)) as watched, closing_all(taken):
        assert reason(scraped(watched)) == "ok"
        with suppress(Exception):
            for _ in range(40):
                taken.append(open_server(bed.target))
        found = scraped(watched)
        assert reason(found) == "too_many_connections"
        assert found["test_known"] == 2
        with bed.watch(Asks("other", nothing)) as newcomer:
            assert reason(scraped(newcomer)) == "too_many_connections"
            for server in taken:
                server.close()
            assert eventually(lambda: reason(scraped(newcomer)) == "ok")


def test_a_stopped_server_is_down_within_the_deadline_and_comes_back(bed: Bed) -> None:
    known = Asks("known", nothing)
    with bed.watch(known) as watched:
        assert reason(scraped(watched)) == "ok"
        pids = bed.pids()
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            before = threading.active_count()
            for _ in range(5):
                assert reason(scraped(watched, 0.7)) == "timeout"
            assert threading.active_count() <= before + 4
            flight = watched._flight
            assert flight is not None
            eventually(flight.done.is_set)  # while it is stopped: the line was cut
        finally:
            for pid in reversed(pids):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        assert eventually(lambda: reason(scraped(watched)) == "ok")


def test_a_black_hole_is_down_and_others_are_not(bed: Bed) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hole, bed.watch() as other:
        url = f"{bed.engine}://x@127.0.0.1:{hole.getsockname()[1]}/x"
        lost = Target(name="hole", url=url)
        watched = Watch(lambda: lost, name="hole", engine=bed.engine, manner=Manner(servers=()))
        with ThreadPoolExecutor(2) as pool:
            answers = [pool.submit(scraped, watched, 0.8) for _ in range(2)]
            assert reason(scraped(other)) == "ok"
            assert {reason(each.result()) for each in answers} == {"timeout"}
        watched.close()


def test_a_server_killed_in_the_middle_is_down_at_once_and_back_when_it_is(bed: Bed) -> None:
    late = Asks("late", lambda server: server.rows(SLEEP[bed.engine]))
    with bed.watch(Asks("known", nothing), late) as watched, ThreadPoolExecutor(1) as pool:
        try:
            answer = pool.submit(scraped, watched, 30)
            eventually(lambda: late.asked)
            labs.crash(bed.lab)
            found = answer.result()
            assert reason(found) in {"lost", "refused"}
            assert found["test_known"] == 1  # it was read before
            late.do = nothing
            assert reason(scraped(watched)) in {"lost", "refused"}
        finally:
            bed.lab = labs.start(bed.lab)
        assert eventually(lambda: reason(scraped(watched)) == "ok")
        assert len([line for line in bed.said if "up again" in line]) == 1


def test_a_session_that_somebody_ends_is_replaced_in_the_same_scrape(bed: Bed) -> None:
    end = {
        "postgresql": "SELECT pg_terminate_backend(%(id)s) AS done",
        "mariadb": "KILL CONNECTION %(id)s",
    }[bed.engine]

    def ended(server: Server) -> None:
        with connect(bed.admin) as admin:
            admin.execute(end, {"id": server.session_id})
        server.rows("SELECT 1 AS one")

    first = Asks("first", ended)
    with bed.watch(first, Asks("second", nothing)) as watched:
        found = scraped(watched)
        assert reason(found) == "ok"
        assert (found[success("first")], found[success("second")]) == (0, 1)


def test_up_is_a_login_of_now_and_not_a_session_of_yesterday(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOGIN_EVERY_S", 0.0)
    monkeypatch.setattr(watch, "LONGEST_PAUSE_S", 0.0)
    right = bed.password
    with bed.watch(Asks("known", nothing)) as watched:
        assert reason(scraped(watched)) == "ok"
        bed.password = "wrong"
        found = scraped(watched)
        assert reason(found) == "auth"
        assert found["test_known"] == 2  # the session of yesterday still answers
        bed.password = right
        assert reason(scraped(watched)) == "ok"
    assert not [line for line in bed.said if right in line]


def test_a_collector_that_fails_fails_alone_and_is_left_alone(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "FIRST_PAUSE_S", 0.3)

    def fail(_server: Server) -> None:
        raise KeyError("secret")

    bad, good = Asks("bad", fail), Asks("good", nothing)
    denied = Asks("denied", lambda server: server.rows("SELECT no_such_column FROM nowhere"))
    with bed.watch(bad, denied, good) as watched:
        for round_ in range(1, 6):
            found = scraped(watched)
            assert (found[success("bad")], found["test_good"]) == (0, round_)
        assert bad.asked == breaker.FAILURES_MAX
        assert found['stockops_exporter_collector_open_circuit{collector="bad"}'] == 1
        bad.do = nothing
        assert eventually(lambda: scraped(watched)[success("bad")])
        assert scraped(watched)['stockops_exporter_collector_open_circuit{collector="bad"}'] == 0
    assert len([line for line in bed.said if "'bad' fails" in line]) == 1
    assert len([line for line in bed.said if "'bad' answers again" in line]) == 1
    assert "secret" not in "".join(bed.said)


def test_a_family_that_is_no_family_is_counted_and_the_rest_stands(bed: Bed) -> None:
    class Odd:
        NAME = "odd"
        LANE = "fast"

        def collect(self, _server: Server, _context: object) -> object:
            samples: Any = (((), "x"), (((1, 2, 3),), 1), ((), 7))
            return [replace(one("test_odd", "gauge", "", 1), samples=samples)]

    with bed.watch(servers=[Odd(), Asks("good", nothing)]) as watched:
        found = scraped(watched)
        assert (found["test_good"], found["test_odd"]) == (1, 7)
        assert found['stockops_exporter_dropped_series{collector="odd"}'] == 2


def test_a_stop_file_stops_everything(bed: Bed, tmp_path: Path) -> None:
    known = Asks("known", nothing)
    with bed.watch(known, stop_file=tmp_path / "stop") as watched, connect(bed.admin) as admin:
        assert reason(scraped(watched)) == "ok"
        (tmp_path / "stop").touch()
        found = scraped(watched)
        assert found["stockops_exporter_paused"] == 1
        assert not [name for name in found if "_up" in name or name.startswith("test_")]
        eventually(lambda: not bed.sessions(admin))
        (tmp_path / "stop").unlink()
        assert scraped(watched)["stockops_exporter_paused"] == 0
    assert known.asked == 2


def test_the_slow_lane_says_how_old_its_values_are_and_what_is_stale_is_gone(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow, "STALE_ROUNDS", 3)

    def fail(_server: Server) -> None:
        raise ValueError

    size = Asks("size", nothing, LANE="slow")
    at = 'stockops_exporter_collector_last_run_timestamp_seconds{collector="size"}'
    with bed.watch(size, slow_every_s=0.3) as watched:
        eventually(lambda: "test_size" in scraped(watched))
        found = scraped(watched)
        assert time.time() - 60 < found[at] <= time.time()
        assert eventually(lambda: scraped(watched).get("test_size", 0) > found["test_size"])
        size.do = fail
        eventually(lambda: "test_size" not in scraped(watched))
        gone = scraped(watched)
        assert gone[success("size")] == 0
        assert reason(gone) == "ok"
    with bed.watch(size) as watched:
        size.do = nothing
        assert "test_size" in values(watched.scrape(within_s=5, whole=True))


def test_an_older_session_that_was_cut_counts_until_the_server_has_ended_it(bed: Bed) -> None:
    connections = Connections(lambda: bed.target, first=bed.target)
    limits = Limits(statement_s=0.5)
    servers = [connections.open(limits) for _ in range(3)]
    with pytest.raises(Busy):
        connections.open(limits)
    connections.close(servers[0], cut=limits)
    assert connections.count == 3
    connections.close(servers[1])
    assert connections.count == 2
    connections.close(servers[2])
    eventually(lambda: connections.count == 0)
