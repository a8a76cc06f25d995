"""A proxy between real clients and real servers, and what becomes of orders behind it."""

import gc
import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import Labs, ending, eventually
from market import Markets

from stockops import children, journal, orders, proxy, state, workload
from stockops.cli import main
from stockops.engine import ENGINES, connect
from stockops.errors import ConfigError, Fault, Refused, ServerError, Unreachable
from stockops.orders import Clock, Order, clock_of
from stockops.proxy import (
    Bandwidth,
    BlackHole,
    Latency,
    Loss,
    LostReply,
    LostRequest,
    Refuse,
    Reset,
    SlowClose,
)
from stockops.targets import Target
from stockops.workload import RunPlan
from stockops.workload.ground import survey
from stockops.workload.plan import OPENS_AT

PLACING = "place_order"
LONG_S = 60.0


@dataclass(frozen=True, slots=True)
class Scene:
    """A database with a market: `direct`, and `via` a proxy."""

    direct: Target
    via: Target
    proxy: proxy.Proxy


@pytest.fixture(scope="module", params=sorted(ENGINES))
def stage(
    request: pytest.FixtureRequest,
    all_labs: Labs,
    markets: Markets,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Scene]:
    engine = str(request.param)
    with (
        markets.open(all_labs.get(engine)) as direct,
        proxy.start(
            proxy.server_of(direct.url),
            engine=engine,
            folder=tmp_path_factory.mktemp("proxy"),
            seed=7,
        ) as made,
    ):
        yield Scene(direct, made.before(direct), made)


@pytest.fixture
def scene(stage: Scene) -> Iterator[Scene]:
    """The scene, calm again afterwards: no toxic, no connection."""
    yield stage
    stage.proxy.clear()
    gc.collect()  # a session of psycopg that was given up in the middle keeps its socket until then
    eventually(lambda: stage.proxy.seen().open == 0)


@contextmanager
def did(scene: Scene, name: str, *, least: int = 1) -> Iterator[None]:
    """Hold that the toxic `name` did something in the block."""
    before = scene.proxy.seen().did.get(name, 0)
    yield
    assert scene.proxy.seen().did.get(name, 0) >= before + least


def an_order(target: Target, key: str) -> tuple[Order, Clock]:
    """An order that rests or is filled, and the clock of the market."""
    with connect(target) as server:
        ground = survey(server, RunPlan())
    day = ground.business_date
    assert day is not None
    order = Order(
        key=key,
        account_id=ground.payers[0].account_id,
        symbol=ground.symbols[0],
        side="buy",
        quantity=1,
    )
    return order, clock_of(day, OPENS_AT)


def test_nothing_is_different_behind_a_calm_proxy(scene: Scene) -> None:
    before = scene.proxy.seen()
    with connect(scene.via) as server, connect(scene.direct) as direct:
        assert server.rows("SELECT count(*) AS n FROM stocks") == direct.rows(
            "SELECT count(*) AS n FROM stocks"
        )
        with server.transaction():
            assert list(server.stream("SELECT symbol FROM stocks ORDER BY symbol")) == list(
                direct.stream("SELECT symbol FROM stocks ORDER BY symbol")
            )
        assert scene.proxy.seen().open == 1
    after = scene.proxy.seen()
    assert after.connections == before.connections + 1
    assert after.exchanges >= before.exchanges + 3
    assert after.down_bytes > before.down_bytes
    assert after.did == before.did
    assert after.blind == 0


@pytest.mark.parametrize(
    ("toxic", "applied"),
    [
        (LostReply(count=1, statement=PLACING), True),
        (LostRequest(count=1, statement=PLACING), False),
    ],
    ids=["reply", "request"],
)
def test_an_order_whose_words_were_lost_is_settled_by_its_key(
    scene: Scene, toxic: proxy.Toxic, applied: bool
) -> None:
    order, clock = an_order(scene.direct, f"lost-{applied}")
    scene.proxy.set(toxic)
    with connect(scene.via) as server, did(scene, proxy.name_of(toxic)):
        with pytest.raises(ServerError) as caught:
            orders.place(server, order, clock=clock)
        assert caught.value.fault is Fault.UNKNOWN
    with connect(scene.via) as server:
        assert orders.place(server, order, clock=clock).replayed is applied


def test_what_a_commit_says_is_lost_and_what_fails_is_not(scene: Scene) -> None:
    with connect(scene.direct) as direct:
        direct.execute("CREATE TABLE proxied (n int PRIMARY KEY)")
        try:
            for n, toxic in ((1, LostReply()), (2, LostRequest())):
                scene.proxy.set(toxic)
                with pytest.raises(ServerError) as caught:
                    insert(scene.via, n, in_transaction=True)
                assert caught.value.fault is Fault.UNKNOWN
                with pytest.raises(ServerError) as caught:
                    insert(scene.via, n + 10, in_transaction=False)
                assert caught.value.fault is Fault.UNKNOWN
            scene.proxy.set(LostReply())
            with connect(scene.via) as server:
                with pytest.raises(ServerError) as caught:
                    server.execute("INSERT INTO proxied VALUES (1)")
                assert caught.value.fault is Fault.DUPLICATE
                rows = server.rows("SELECT n FROM proxied ORDER BY n")
            assert [row["n"] for row in rows] == [1, 11]
        finally:
            direct.execute("DROP TABLE proxied")


def insert(target: Target, number: int, *, in_transaction: bool) -> None:
    sql = f"INSERT INTO proxied VALUES ({number})"
    with connect(target) as server:
        if not in_transaction:
            server.execute(sql)
            return
        with server.transaction():
            server.execute(sql)


def test_a_run_with_lost_words_owes_nobody_an_order(scene: Scene, tmp_path: Path) -> None:
    before = scene.proxy.seen().did
    scene.proxy.set(
        LostReply(share=0.04, statement=PLACING),
        LostRequest(share=0.04, statement=PLACING),
        Latency(ms=1, jitter_ms=1),
    )
    plan = RunPlan(clients=2, orders=240, mix={"market": 30, "limit": 70}, journal=tmp_path / "j")
    result = workload.run(scene.via, plan)
    scene.proxy.clear()
    after = scene.proxy.seen().did
    replies, requests = (
        after[name] - before.get(name, 0) for name in ("lost_reply", "lost_request")
    )
    assert replies
    assert requests
    unknowns = result.unknowns
    assert unknowns.unsettled == 0
    # What was lost once more while it was being settled is one unknown.
    assert 0 < unknowns.met == unknowns.committed + unknowns.not_committed <= replies + requests
    with connect(scene.direct) as server:
        audit = journal.audit(server, tmp_path / "j")
    assert audit.clean, audit
    assert audit.acknowledged == audit.intents == 240


def test_a_slow_and_lossy_line_loses_time_and_no_byte(scene: Scene) -> None:
    sql = "SELECT symbol, name FROM stocks ORDER BY symbol"
    with connect(scene.via) as server:
        plain = server.rows(sql)
        scene.proxy.set(Latency(ms=40, jitter_ms=5))
        began = time.monotonic()
        with did(scene, "latency", least=2):
            server.rows("SELECT 1 AS one")
        assert time.monotonic() - began >= 0.07
        scene.proxy.set(Bandwidth(kib_per_s=20, way="down"), Loss(share=0.3, rto_ms=5))
        began = time.monotonic()
        with did(scene, "bandwidth"):
            assert server.rows(sql) == plain
        assert time.monotonic() - began >= sum(len(str(row["name"])) for row in plain) / 20_480
        lost = scene.proxy.seen().did.get("loss", 0)
        eventually(
            lambda: server.rows("SELECT 1 AS one") and scene.proxy.seen().did.get("loss", 0) > lost
        )


@pytest.mark.parametrize("way", ["both", "down"])
def test_what_fell_into_a_black_hole_arrives_afterwards(
    scene: Scene, way: proxy.toxics.Way
) -> None:
    heard: list[object] = []
    with connect(scene.via) as server, connect(scene.direct) as direct:
        direct.execute("CREATE TABLE proxied (n int PRIMARY KEY)")
        try:
            with did(scene, "black_hole"):
                scene.proxy.set(BlackHole(way=way))
            thread = threading.Thread(
                target=lambda: heard.append(server.execute("INSERT INTO proxied VALUES (1)"))
            )
            thread.start()
            if way == "down":  # it was done, and nobody was told
                eventually(lambda: direct.rows("SELECT n FROM proxied"))
            with pytest.raises(Unreachable), connect(scene.via, connect_timeout_s=1):
                pass
            assert thread.is_alive()
            assert bool(direct.rows("SELECT n FROM proxied")) is (way == "down")
            scene.proxy.clear()
            thread.join(LONG_S)
            assert heard == [1]
        finally:
            direct.execute("DROP TABLE proxied")


def test_a_black_hole_for_new_ones_leaves_the_others(scene: Scene) -> None:
    with connect(scene.via) as server:
        scene.proxy.set(BlackHole(whom="new"))
        with pytest.raises(Unreachable), connect(scene.via, connect_timeout_s=1):
            pass
        assert server.rows("SELECT 1 AS one") == [{"one": 1}]


def test_connections_are_cut_at_once_or_at_their_first_byte(scene: Scene) -> None:
    with connect(scene.via) as server:
        scene.proxy.set(Reset(whom="new"))
        with did(scene, "reset"), pytest.raises(Unreachable), connect(scene.via):
            pass
        assert server.rows("SELECT 1 AS one") == [{"one": 1}]
        with did(scene, "reset"):
            scene.proxy.set(Reset(whom="existing"))
        with pytest.raises(ServerError) as caught:
            server.rows("SELECT 1 AS one")
        assert caught.value.fault in {Fault.LOST, Fault.UNKNOWN}


def test_over_tcp_a_cut_is_an_rst_and_a_shut_door_keeps_its_port(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        proxy.start(server.getsockname(), engine="", folder=tmp_path, listen=0) as made,
    ):
        address = made.address
        assert isinstance(address, tuple)
        with socket.create_connection(address, LONG_S) as client:
            peer, _ = server.accept()
            with peer:
                client.sendall(b"hello")
                peer.settimeout(LONG_S)
                assert peer.recv(5) == b"hello"
                made.set(Refuse())
                with pytest.raises(ConnectionRefusedError):
                    socket.create_connection(address, LONG_S)
                peer.sendall(b"still")
                assert client.recv(5) == b"still"
                made.set(Reset())
                with pytest.raises(ConnectionResetError):
                    client.recv(1)
        made.set(SlowClose(ms=300))
        with socket.create_connection(address, LONG_S) as client:
            peer, _ = server.accept()
            began = time.monotonic()
            peer.close()
            assert client.recv(1) == b""
            assert time.monotonic() - began >= 0.29
        assert made.seen().did == {"refuse": 1, "reset": 1, "slow_close": 1}


def test_what_is_under_way_does_not_fill_the_proxy(tmp_path: Path) -> None:
    megabytes = 48
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        proxy.start(server.getsockname(), engine="", folder=tmp_path, listen=0) as made,
    ):
        made.set(Latency(ms=120_000))  # nothing arrives before the end of the test
        address = made.address
        assert isinstance(address, tuple)
        with socket.create_connection(address, LONG_S) as client:
            peer, _ = server.accept()

            def send() -> None:
                with peer:
                    for _ in range(megabytes):
                        peer.sendall(b"x" * 1_000_000)

            thread = threading.Thread(target=send)
            thread.start()
            most = max(peak_kb(pid) for pid in children.members(made.pid))
            passed = [-1]

            def is_stuck() -> bool:
                passed.append(made.seen().down_bytes)
                return passed[-1] == passed[-2] > 0

            eventually(is_stuck, within_s=LONG_S)
            assert thread.is_alive()
            made.clear()
            got = 0
            while data := client.recv(1 << 20):
                got += len(data)
            thread.join(LONG_S)
            assert got == megabytes * 1_000_000
            assert max(peak_kb(pid) for pid in children.members(made.pid)) < most + 16_000


def peak_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)


@pytest.fixture
def near() -> Iterator[Path]:
    """A directory with a name that leaves room for a socket's."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_a_server_that_is_not_there_is_told_at_once_and_found_again(near: Path) -> None:
    path = near / "s.sock"
    with proxy.start(path, engine="", folder=near, listen=near / "p.sock") as made:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(made.socket))
            assert client.recv(1) == b""
        assert made.seen().unanswered == 1
        with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
            server.bind(str(path))
            server.listen()
            client.connect(str(made.socket))
            peer, _ = server.accept()
            with peer:
                peer.sendall(b"there")
                assert client.recv(5) == b"there"
    assert not made.lives
    assert {each.name for each in near.iterdir()} == {"proxy.log", "s.sock"}


STARTER = """
import sys
from pathlib import Path
from stockops import proxy

made = proxy.start(Path("/nowhere"), engine="", folder=Path(sys.argv[1]))
made.set(proxy.parse("black_hole:way=up"), proxy.Refuse())
print(made.pid, flush=True)
sys.stdin.read()
"""


def test_a_proxy_is_cleared_by_its_path_alone_and_ends_with_its_starter(tmp_path: Path) -> None:
    control = tmp_path / "control"
    with (
        subprocess.Popen(
            [sys.executable, "-c", STARTER, tmp_path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as starter,
        ending(starter),
    ):
        assert starter.stdout is not None
        group = int(starter.stdout.readline())
        assert proxy.in_force(control) == [BlackHole(way="up"), Refuse()]
        assert proxy.clear(control)
        assert proxy.in_force(control) == []
        assert proxy.clear(control)
        starter.send_signal(signal.SIGKILL)
    eventually(lambda: not children.members(group), within_s=LONG_S)
    assert not proxy.clear(control)
    assert not proxy.clear(tmp_path / "never" / "control")


def test_a_proxy_that_cannot_be_is_refused(near: Path) -> None:
    server = Path("/run/none.sock")
    with pytest.raises(Refused, match="every user of this machine"):
        proxy.start(server, engine="mariadb", folder=near, listen=0)
    with pytest.raises(ConfigError, match="too long"):
        proxy.start(server, engine="", folder=near, listen=near / ("x" * 100))
    with pytest.raises(ConfigError, match="do not find"):
        proxy.start(server, engine="postgresql", folder=near, listen=near / "pg.sock")
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.socket(socket.AF_UNIX) as used:
        used.bind(str(near / "used"))
        used.listen()
        with pytest.raises(ConfigError, match="listens at"):
            proxy.start(server, engine="", folder=near, listen=near / "used")
        host, port = taken.getsockname()
        with pytest.raises(ServerError, match="already in use"):
            proxy.start((host, port), engine="", folder=near, listen=port)


def test_a_folder_with_a_long_name_does(tmp_path: Path) -> None:
    folder = tmp_path / ("f" * 200)
    folder.mkdir()
    with proxy.start(Path("/nowhere"), engine="postgresql", folder=folder) as made:
        assert made.socket is not None
        assert made.socket.parent != folder
        made.set(Latency(ms=1))
        assert proxy.clear(made.control)
    assert not made.socket.parent.exists()


def test_a_proxy_of_the_command_line_is_changed_while_it_runs(all_labs: Labs) -> None:
    url = all_labs.get("mariadb").url("mysql")
    words = [sys.executable, "-m", "stockops", "proxy", "run", "-t", url, "--format", "json"]
    with subprocess.Popen(
        [*words, "latency:ms=1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            assert running.stderr is not None
            through = running.stderr.readline().removeprefix("through it: ").strip()
            eventually(lambda: ask("status", "--format", "json").output.startswith("[\n"))
            (status,) = json.loads(ask("status", "--format", "json").output)
            assert (status["url"], status["toxics"]) == (through, ["latency:ms=1"])
            with connect(through) as server:
                assert server.rows("SELECT 1 AS one") == [{"one": 1}]
            assert ask("run", "-t", url).exit_code == 6
            assert ask("set", "latancy:ms=1").exit_code == 2
            assert ask("clear", "--name", "other").exit_code == 2
            assert ask("set", "black_hole:whom=new", "slow_close:ms=1").exit_code == 0
            assert "in force    black_hole:whom=new; slow_close:ms=1\n" in ask("status").output
            assert ask("clear").exit_code == 0
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=LONG_S)
        finally:
            running.kill()
    assert running.returncode == 0, err
    (seen,) = json.loads(out)
    assert seen["connections"] == 1
    assert seen["did"][0].startswith("latency=")
    assert "no proxy runs" in ask("status").output
    assert [*state.folder("proxies").iterdir()] == []


def ask(*words: str) -> Result:
    return CliRunner().invoke(main, ["proxy", *words])


def test_a_proxy_that_leads_elsewhere_cuts_who_is_with_the_server_of_before(tmp_path: Path) -> None:
    def greeted(peer: socket.socket) -> bytes:
        with peer.accept()[0] as met:
            met.settimeout(LONG_S)
            return met.recv(5)

    with (
        socket.create_server(("127.0.0.1", 0)) as old,
        socket.create_server(("127.0.0.1", 0)) as new,
        proxy.start(old.getsockname(), engine="", folder=tmp_path, listen=0) as made,
    ):
        address = made.address
        assert isinstance(address, tuple)
        with socket.create_connection(address, LONG_S) as client:
            client.sendall(b"hello")
            peer, _ = old.accept()
            with peer:
                peer.settimeout(LONG_S)
                assert peer.recv(5) == b"hello"
                made.set(Latency(ms=1))
                made.lead(old.getsockname())  # it is there already
                peer.sendall(b"still")
                assert client.recv(5) == b"still"
                made.lead(new.getsockname())
                with pytest.raises(ConnectionResetError):
                    client.recv(1)
        with socket.create_connection(address, LONG_S) as client:
            client.sendall(b"hello")
            assert greeted(new) == b"hello"
        assert proxy.in_force(made.control) == [Latency(ms=1)]
        with pytest.raises(Refused):
            made.lead(tmp_path / "server.sock")
