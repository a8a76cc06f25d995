"""What is slow now: costs by difference, waits, blockers, and what is not known of them."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest
from click.testing import CliRunner, Result
from conftest import ending, eventually
from crowd import Crowd, crowd_on

from stockops import lab as labs
from stockops.cli.main import main
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import ServerError, Unsupported
from stockops.slow import live
from stockops.slow.live import counting, grouping, sampling, sources
from stockops.slow.live.counting import Reading
from stockops.slow.live.questions import Counter, Mark
from stockops.statements import Dialect, classify
from stockops.targets import Target

EMPTY = {
    "postgresql": "SELECT pg_stat_statements_reset()",
    "mariadb": "TRUNCATE TABLE performance_schema.events_statements_summary_by_digest",
}


@pytest.fixture
def counted(server: Server, target: Target) -> Target:
    """A database in which statements are counted."""
    if server.engine == "postgresql":
        server.execute("CREATE EXTENSION pg_stat_statements")
    server.execute(EMPTY[server.engine])  # the tests before may have left no room for more
    return target


def stockops(target: Target, *args: str) -> Result:
    asked = ["slow", "top", "-t", target.url, "--interval", "0.6", "--count", "1", *args]
    return CliRunner().invoke(main, asked)


def reading(*counters: Counter, evictions: int = 0, reset_at: str = "") -> Reading:
    mark = Mark(at="now", evictions=evictions, reset_at=reset_at, busy_us=0)
    found = {counter.entry: counter for counter in counters}
    return Reading(before=mark, after=mark, gap="", counters=found)


def counter(entry: str, calls: int, total_us: int, since: str | None = None) -> Counter:
    return Counter(
        entry=entry,
        kind="statement",
        text_key=entry,
        database_name="d",
        calls=calls,
        total_us=total_us,
        row_count=calls,
        pages_read=None,
        since=since,
    )


@pytest.mark.parametrize(
    ("was", "now", "calls", "said"),
    [
        ([counter("a", 2, 20)], [counter("a", 5, 90)], {"a": (3, 70)}, None),
        ([], [counter("a", 5, 90)], {"a": (5, 90)}, None),
        ([counter("a", 5, 90)], [counter("a", 5, 90)], {}, None),
        ([counter("a", 5, 90)], [counter("a", 2, 10)], {"a": (2, 10)}, "1 statement took is lost"),
        ([counter("a", 2, 9, "x")], [counter("a", 5, 90, "y")], {"a": (5, 90)}, "is lost"),
        ([counter("a", 5, 90), counter("b", 1, 1)], [], {}, "2 statements took is lost"),
    ],
    ids=["more calls", "new", "idle", "fell", "counts since later", "away"],
)
def test_a_span_is_the_difference_of_two_readings(
    was: list[Counter], now: list[Counter], calls: dict[str, tuple[int, int]], said: str | None
) -> None:
    span = counting.between(reading(*was), reading(*now), engine="postgresql")
    assert {c.text_key: (c.calls, c.total_us) for c in span.costs} == calls
    assert len(span.problems) == (said is not None)
    assert all(said in problem for problem in span.problems if said)


def test_evictions_and_resets_are_told_apart() -> None:
    evicted = counting.between(reading(), reading(evictions=3), engine="postgresql")
    assert "evicted 3 times" in evicted.problems[0]
    assert "pg_stat_statements.max" in evicted.problems[0]
    reset = counting.between(reading(), reading(reset_at="now"), engine="postgresql")
    assert "were reset" in reset.problems[0]


def test_calls_are_counted_exactly_and_our_own_questions_are_not(counted: Target) -> None:
    sql = "SELECT count(*) AS n FROM held WHERE id > 3"
    dialect: Dialect = "postgresql" if counted.engine == "postgresql" else "mariadb"
    with connect(counted) as worker, live.opened(counted) as server:
        worker.execute("CREATE TABLE held (id INT PRIMARY KEY)")
        source, texts = sources.choose(server), grouping.Texts(server)
        sampling.sample(server, texts, length_s=0.3)
        for _ in range(7):
            worker.rows(sql)
        found = grouping.group(texts, source.step().costs)
    classes = {each.class_id: each.calls for each in found.classes.values()}
    assert classes.pop(classify(sql, dialect=dialect).class_id) == 7
    texts_left = [each.text for each in found.classes.values() if each.class_id in classes]
    assert [text for text in texts_left if "CREATE TABLE" not in text] == []
    assert found.own_us > 0


def test_emptied_counters_are_a_finding(counted: Target) -> None:
    with connect(counted) as worker, live.opened(counted) as server:
        worker.rows("SELECT 1 AS it")
        source = sources.choose(server)
        worker.execute(EMPTY[counted.engine])
        assert "lost" in source.step().problems[0]


@contextmanager
def without_digests(server: Server) -> Iterator[None]:
    """Have a server of MariaDB count statements, and not by their digests."""
    switch = (
        "UPDATE performance_schema.setup_consumers SET enabled = '{}' "
        "WHERE name = 'statements_digest'"
    )
    server.execute(switch.format("NO"))
    try:
        yield
    finally:
        server.execute(switch.format("YES"))


def test_what_nobody_counts_is_unsupported_with_the_setting(server: Server, target: Target) -> None:
    with without_digests(server) if server.engine == "mariadb" else nullcontext():
        done = stockops(target)
    remedy = "CREATE EXTENSION" if server.engine == "postgresql" else "setup_consumers SET"
    assert (done.exit_code, done.stdout, remedy in done.stderr) == (4, "", True)


@pytest.mark.parametrize("engine", ["mariadb"])
def test_time_that_is_in_no_digest_is_not_known(server: Server, target: Target) -> None:
    """As that of statements is which a client prepares by the binary protocol."""
    with live.opened(target) as watcher:
        watched = live.watch(watcher, interval_s=0.3)
        with without_digests(server):
            server.rows("SELECT sleep(0.2) AS it")
        interval = next(watched)
    assert 0.15 < (interval.unknown_s or 0) < 1
    assert "is in no digest" in interval.problems[0]


@pytest.fixture
def crowd(counted: Target) -> Iterator[Crowd]:
    with crowd_on(counted) as crowd:
        yield crowd


def test_the_command_says_who_waits_and_for_whom(crowd: Crowd, target: Target) -> None:
    root = crowd.hold(1)
    waiter = crowd.want(1)
    done = stockops(target, "--format", "json")
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()
    said = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00", said["at"])
    tree = [(row["depth"], row["session_id"], row["waiting"]) for row in said["blocking"]]
    assert tree == [(0, root.session_id, 1), (1, waiter.session_id, 0)]
    assert said["blocking"][0]["state"] == "idle in transaction"
    assert said["waits"][0]["wait"].startswith("Lock: ")
    assert said["running"][0]["session_id"] == waiter.session_id
    assert said["running"][0]["class_id"] == said["waits"][0]["class_id"]
    assert (done.exit_code, said["problems"]) == (0, [])
    shown = stockops(target)
    assert "who blocks whom:" in shown.stdout
    assert f"  {root.session_id} {crowd.login} idle in transaction" in shown.stdout


def test_a_role_that_may_not_look_is_told_the_grant(crowd: Crowd) -> None:
    if crowd.admin.engine == "mariadb":
        with live.opened(crowd.target) as poor, pytest.raises(ServerError) as caught:
            sources.choose(poor)
        assert "GRANT SELECT ON performance_schema.* TO 'crowd_" in str(caught.value.hint)
        return
    with live.opened(crowd.target) as poor:
        watched = live.watch(poor, interval_s=0.3)
        crowd.admin.rows("SELECT count(*) AS n FROM held")
        problems = " ".join(next(watched).problems)
    assert f"hidden from this role: GRANT pg_read_all_stats TO {crowd.login}" in problems


@pytest.mark.parametrize(
    ("engine", "settings", "said"),
    [
        ("postgresql", {"pg_stat_statements.max": "100"}, "raise pg_stat_statements.max"),
        ("mariadb", {"performance_schema_digests_size": "200"}, "raise performance_schema_digests"),
    ],
)
def test_what_found_no_room_is_said_with_its_share(
    engine: str, settings: dict[str, str], said: str
) -> None:
    with labs.temporary(engine, settings=settings) as lab:
        target = Target(name="small", url=lab.url(), lab=lab.name)
        with connect(target) as worker, live.opened(target) as server:
            watched = live.watch(server, interval_s=0.3)
            worker.execute("CREATE TABLE held (id INT)")
            for number in range(1, 260):  # PostgreSQL takes no notice of the names of columns
                columns = "id" if engine == "mariadb" else ", ".join(["id"] * number)
                worker.rows(f"SELECT {columns} AS n{number} FROM held")
            interval = next(watched)
    assert said in interval.problems[0]
    assert interval.unknown_s != 0
    assert engine == "postgresql" or "% of the time" in interval.problems[0]


def test_without_counters_the_table_of_slow_statements_is_read() -> None:
    with labs.temporary("mariadb", settings={"performance_schema": "OFF"}) as lab:
        target = Target(name="plain", url=lab.url(), lab=lab.name)
        with connect(target) as worker, live.opened(target) as server:
            with pytest.raises(Unsupported, match="performance_schema is OFF") as caught:
                sources.choose(server)
            assert "log_output" in str(caught.value.hint)
            worker.execute("SET GLOBAL log_output = 'TABLE'")
            worker.execute("SET long_query_time = 0.05")
            watched = live.watch(server, interval_s=0.3)
            first = next(watched)
            worker.rows("SELECT sleep(0.1) AS it")
            worker.rows("SELECT sleep(0.2) AS it")
            second = next(watched)
    assert first.classes == []
    (row,) = second.classes
    assert (row.calls, row.text) == (2, "SELECT sleep(?) AS it")
    assert 0.3 <= row.total_s < 30  # seconds, whatever the machine is busy with
    assert second.unknown_s is None
    assert "only statements longer than long_query_time" in second.problems[0]


def following(target: Target) -> list[str]:
    words = [sys.executable, "-m", "stockops", "slow", "top", "-t", target.url]
    return [*words, "--interval", "0.5"]


def test_ctrl_c_ends_it_in_good_order(counted: Target) -> None:
    with (
        subprocess.Popen(
            following(counted), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as piped,
        ending(piped),
    ):
        first = next(iter(piped.stdout or []))
        assert b"calls" in first
        assert re.match(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\+00:00 ", first)
        piped.send_signal(signal.SIGINT)
        _, errors = piped.communicate(timeout=60)
    assert (piped.returncode, b"error" in errors.lower()) == (0, False)


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_terminal_has_a_screen_and_keeps_the_last_interval(counted: Target) -> None:
    ours, theirs = pty.openpty()
    with (
        subprocess.Popen(
            following(counted), stdout=theirs, stderr=subprocess.PIPE, stdin=theirs
        ) as shown,
        ending(shown),
    ):
        os.close(theirs)
        seen = b""

        def drawn() -> bool:
            nonlocal seen
            seen += os.read(ours, 65536)
            return b" calls, " in seen

        eventually(drawn)
        shown.send_signal(signal.SIGINT)
        while chunk := _rest(ours):
            seen += chunk
        os.close(ours)
        _, errors = shown.communicate(timeout=60)
    assert (shown.returncode, b"error" in errors.lower()) == (0, False)
    assert b"\x1b[?1049h" in seen  # a screen of its own
    assert b" calls, " in seen.partition(b"\x1b[?1049l")[2]  # and the last block after it


def _rest(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end is closed
        return b""
