"""A way to the server that hangs: known within a bound, and told as what it is."""

import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner

from stockops import engine, health, orders, proxy
from stockops.cli import books, partitions, trade
from stockops.cli.main import main
from stockops.engine import connect, hanging, open_server, quickly
from stockops.engine.base import Server
from stockops.engine.hanging import Cuttable
from stockops.engine.sockets import OnALine
from stockops.errors import Unreachable
from stockops.health import Bounds, Outcome, Report, State, hearing
from stockops.orders import Answer, Order
from stockops.proxy import BlackHole, Proxy
from stockops.targets import Target

SLEEP = {"postgresql": "SELECT pg_sleep({})", "mariadb": "SELECT sleep({})"}
BOUNDS = Bounds(connect_s=1.0, silent_s=0.4)
ORDER = Order(account_id=1, symbol="005930", side="buy", quantity=1, key="k")
CHECKS = ("connections", "long_statements", "index_bloat", "sequences")


@pytest.fixture
def before(target: Target) -> Iterator[Proxy]:
    with (
        TemporaryDirectory(prefix="so") as folder,
        proxy.start(
            proxy.server_of(target.url), engine=target.engine, folder=Path(folder)
        ) as found,
    ):
        yield found


def checked(target: Target, before: Proxy, hole: BlackHole) -> tuple[Report, float]:
    """Run some checks; after the second outcome the way hangs as `hole` says."""
    seen: list[Outcome] = []

    def then(outcome: Outcome) -> None:
        seen.append(outcome)
        if len(seen) == 2:
            before.set(hole)

    asked = health.chosen(health.load(target.engine), names=CHECKS, groups=())
    began = time.monotonic()
    report = health.run(before.before(target), asked, bounds=BOUNDS, seen=then)
    return report, time.monotonic() - began


def test_a_server_that_stops_answering_is_known_within_a_bound(
    target: Target, before: Proxy
) -> None:
    report, took_s = checked(target, before, BlackHole())
    assert took_s < 8
    assert report.reason == "timeout"
    first, second, third = report.outcomes
    assert first.state is State.CRITICAL
    assert f"the server stopped answering (timeout): {third.check.name!r} had no answer" in (
        first.message
    )
    assert "try the way past the proxy" in first.message
    assert (second.state, third.state) == (State.OK, State.UNKNOWN)
    assert "neither this session nor a new one is answered" in third.message


def test_a_session_that_alone_hangs_is_replaced(target: Target, before: Proxy) -> None:
    report, took_s = checked(target, before, BlackHole(whom="existing"))
    assert took_s < 8
    assert report.reason == "ok"
    (cut,) = [each for each in report.outcomes if "the line was cut" in each.message]
    assert "it hears nothing" in cut.message
    assert len(report.outcomes) == len(CHECKS) + 1


def test_a_server_at_work_is_waited_for(target: Target) -> None:
    with (
        connect(target) as server,
        hearing.listening(server, target, limit_s=30, silent_s=0.2) as ear,
    ):
        assert server.rows(SLEEP[server.engine].format(1.5))
        assert (ear.cut, server.silent_s) == ("", 0)


def test_what_hung_is_named_with_the_next_step(target: Target) -> None:
    with ExitStack() as stack:
        taken = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):  # from now on the kernel drops who knocks, as a firewall does
            knock = stack.enter_context(socket.socket())
            knock.setblocking(False)
            with suppress(BlockingIOError):
                knock.connect(full.getsockname())
        for server, phase, step in (
            (taken, "answer", "try the way past the proxy"),
            (full, "connect", "firewall on the way"),
        ):
            url = f"{target.engine}://x@127.0.0.1:{server.getsockname()[1]}/x"
            began = time.monotonic()
            with pytest.raises(Unreachable, match=rf"\({phase} timed out\)") as told:
                open_server(Target(name="hole", url=url), connect_timeout_s=1)
            assert time.monotonic() - began < 5
            assert step in str(told.value.hint)


def test_a_check_through_a_way_that_hangs_leaves_with_3(target: Target, before: Proxy) -> None:
    before.set(BlackHole())
    words = ["health", "check", "connections", "-t", before.url(target.url), "--timeout", "2"]
    began = time.monotonic()
    done = CliRunner().invoke(main, words)
    assert time.monotonic() - began < 10
    assert done.exit_code == 3
    assert "answer timed out" in done.output
    assert "try the way past the proxy" in done.output


def test_what_is_done_in_a_moment_has_a_bound(target: Target, before: Proxy) -> None:
    with (
        pytest.raises(Unreachable, match=r"no answer came within 0\.5 s") as told,
        quickly(before.before(target), within_s=0.5) as server,
    ):
        before.set(BlackHole())
        server.rows("SELECT 1 AS one")
    assert "try the way past the proxy" in str(told.value.hint)


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["indicators", "show", "005930"], engine),
        (["partitions", "plan"], partitions),
        (["books", "check"], books),
    ],
    ids=lambda it: it[0] if isinstance(it, list) else None,
)
def test_what_a_command_asks_first_has_a_bound(
    target: Target, before: Proxy, monkeypatch: pytest.MonkeyPatch, words: list[str], where: object
) -> None:
    """The way hangs once the session is there, and before the first question."""

    def soon(line: Cuttable, name: str, *, within_s: float) -> AbstractContextManager[None]:
        assert within_s == hanging.QUICK_S
        before.set(BlackHole())
        return hanging.answering(line, name, within_s=0.5)

    monkeypatch.setattr(where, "answering", soon)
    done = CliRunner().invoke(main, [*words, "-t", before.url(target.url)])
    assert done.exit_code == 3, done.output
    assert "no answer came within 0.5 s" in done.output


def test_an_order_that_nobody_answers_says_how_to_ask_for_it(
    target: Target, before: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trade, "quickly", partial(quickly, within_s=0.5))

    def ask(server: Server) -> Answer:
        before.set(BlackHole())
        return orders.place(server, ORDER)

    with pytest.raises(Unreachable, match="answer timed out") as told:
        trade.settled(before.before(target), ask, again="Ask with --key k.")
    assert str(told.value.hint).startswith("Ask with --key k. The server, or a proxy")


def test_the_first_words_of_a_session_have_their_bound(target: Target) -> None:
    with connect(target) as server:
        assert isinstance(server, OnALine)
        with (
            pytest.raises(Unreachable, match="answer timed out"),
            hanging.answering(server, "x", within_s=0.3),
        ):
            server.rows(SLEEP[server.engine].format(30))
