"""
Servers for the tests: one lab of each engine, a fresh database for each test.

A test that takes `server`, `target` or `url` runs once on each engine. An engine that this
machine lacks skips its tests; in CI, where both must be there, it fails them. Under xdist every
worker has labs of its own.

Labs and temporary files are in memory where there is room, for a disk can take seconds to forget
the files of a server. With TMPDIR or STOCKOPS_LABS set they are where that says, and what a failed
test leaves can be looked at afterwards.
"""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from browsing import find_chromium
from hypothesis import settings
from market import Markets, small_plan
from spots import Spot, spot_of

from stockops import lab as labs
from stockops import migrations, passwords, scratch
from stockops.engine import ENGINES, connect
from stockops.engine.base import Server
from stockops.errors import StockopsError
from stockops.lab import Lab
from stockops.targets import Target

Answer = TypeVar("Answer")
MEMORY = Path("/dev/shm")
# How long an example takes is the machine's matter; in CI hypothesis sees to that by itself.
settings.register_profile(
    "patient", settings.get_profile(settings.get_current_profile_name()), deadline=None
)
settings.load_profile("patient")
ROOM_BYTES = 8 << 30


@dataclass(slots=True)
class Labs:
    """The labs of this session, started when the first test asks for one."""

    stack: ExitStack
    started: dict[str, Lab] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def get(self, engine: str) -> Lab:
        if engine not in self.started and engine not in self.missing:
            try:
                self.started[engine] = self.stack.enter_context(labs.temporary(engine, port=True))
            except StockopsError as exc:
                self.missing[engine] = f"no lab of {engine}: {exc}"
        if reason := self.missing.get(engine):
            if "CI" in os.environ:
                pytest.fail(reason)
            pytest.skip(reason)
        return self.started[engine]


def pytest_configure(config: pytest.Config) -> None:
    """Set what all processes of this run inherit: where they work, and that they compile once."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts what ends with & so, and what the tests start would never hear of Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker and "STOCKOPS_LABS" in os.environ:
        # A test that looks for leftovers does not mistake the labs of another worker for them.
        os.environ["STOCKOPS_LABS"] = str(Path(os.environ["STOCKOPS_LABS"]) / worker)
        return
    if {"TMPDIR", "STOCKOPS_LABS"} & os.environ.keys() or not _has_room(MEMORY):
        return
    stack = ExitStack()
    config.add_cleanup(stack.close)
    place = stack.enter_context(scratch.directory("tests", within=MEMORY))
    place.chmod(0o1777)  # servers run as somebody else
    os.environ["TMPDIR"] = str(place)
    os.environ["STOCKOPS_LABS"] = str(place / "labs")
    os.environ["STOCKOPS_GOLDEN"] = str(place / "golden")  # one for all workers
    tempfile.tempdir = None  # it may have been asked for before


def _has_room(place: Path) -> bool:
    """Tell whether `place` has room for many servers, and lets programs run."""
    try:
        found = os.statvfs(place)
    except FileNotFoundError:
        return False
    return (
        found.f_bavail * found.f_frsize >= ROOM_BYTES
        and not found.f_flag & os.ST_NOEXEC
        and os.access(place, os.W_OK)
        and _writes_directly(place)
    )


def _writes_directly(place: Path) -> bool:
    """Tell whether files in `place` can be written past the cache, as servers do."""
    try:
        with tempfile.TemporaryDirectory(dir=place) as folder:
            os.close(os.open(f"{folder}/asked", os.O_CREAT | os.O_RDWR | os.O_DIRECT))
    except OSError:
        return False
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have each test say in its report which case of the scorecard it is."""
    for item in items:
        params = (
            item.callspec.params
            if isinstance(item, pytest.Function) and hasattr(item, "callspec")
            else {}
        )
        for mark in item.iter_markers("case"):
            if mark.kwargs.get("engine") in {None, params.get("engine")}:
                item.user_properties += [("case", each) for each in mark.args]
        for _ in item.iter_markers("clean"):
            item.user_properties.append(("clean", item.name))


@pytest.fixture(scope="session")
def all_labs() -> Iterator[Labs]:
    with ExitStack() as stack:
        yield Labs(stack)


@pytest.fixture
def chromium() -> str:
    """The path of a browser."""
    return find_chromium()


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    """The name of an engine; the test runs once for each."""
    return str(request.param)


@pytest.fixture
def lab(engine: str, all_labs: Labs) -> Lab:
    """A lab of `engine` that is up, shared by the session: leave it as it was."""
    return all_labs.get(engine)


@contextmanager
def fresh_database(lab: Lab, *, like: str | None = None) -> Iterator[Target]:
    """
    A fresh database of `lab`, over its socket; it is gone at the end of the block.

    It is empty, or on PostgreSQL a copy of the database `like`.
    """
    name = f"test_{secrets.token_hex(6)}"
    admin_target = Target(name="admin", url=lab.url(), lab=lab.name)
    with connect(admin_target) as admin:
        admin.execute(f"CREATE DATABASE {name}{f' TEMPLATE {like}' if like else ''}")
    try:
        yield Target(name="test", url=lab.url(name), lab=lab.name)
    finally:
        with connect(admin_target) as admin:
            force = " WITH (FORCE)" if lab.engine == "postgresql" else ""
            admin.execute(f"DROP DATABASE {name}{force}")


@contextmanager
def migrated_database(lab: Lab) -> Iterator[Target]:
    """A fresh database with the schema alone; PostgreSQL, which can, copies one of the session."""
    if lab.engine != "postgresql":
        with fresh_database(lab) as target:
            migrations.up(target)
            yield target
        return
    template = f"schema_{lab.name.rpartition('-')[2]}"
    with connect(lab.url()) as admin:
        sql = "SELECT 1 AS it FROM pg_database WHERE datname = %(name)s"
        is_there = bool(admin.rows(sql, {"name": template}))
        if not is_there:
            admin.execute(f"CREATE DATABASE {template}")
    if not is_there:
        migrations.up(Target(name="schema", url=lab.url(template), lab=lab.name))
    with fresh_database(lab, like=template) as target:
        yield target


@pytest.fixture
def target(lab: Lab) -> Iterator[Target]:
    """A fresh, empty database of the lab; it is gone after the test."""
    with fresh_database(lab) as target:
        yield target


@pytest.fixture
def migrated(lab: Lab) -> Iterator[Target]:
    """A fresh database with the schema and nothing else; it is gone after the test."""
    with migrated_database(lab) as target:
        yield target


@pytest.fixture
def url(target: Target) -> str:
    """The URL of the fresh database."""
    return target.url


@pytest.fixture
def tcp_target(lab: Lab, target: Target) -> Target:
    """The fresh database over TCP, where the owner needs a password."""
    password = passwords.from_file(lab.tcp_password_file, where="the lab")
    return replace(target, url=lab.url(target.database, tcp=True), password=password)


@pytest.fixture
def server(target: Target) -> Iterator[Server]:
    """A session on the fresh database."""
    with connect(target, bulk=True) as server:
        yield server


@pytest.fixture(scope="session")
def markets(tmp_path_factory: pytest.TempPathFactory) -> Markets:
    """What makes databases with the small market of `market.small_plan`."""
    return Markets(small_plan(tmp_path_factory.mktemp("market")))


@pytest.fixture
def market(lab: Lab, markets: Markets) -> Iterator[Target]:
    """A database of the lab with the small market, seeded for this test: its schema must stay."""
    with markets.open(lab) as target:
        yield target


@pytest.fixture(scope="module")
def pg() -> Iterator[Spot]:
    """A PostgreSQL of the module's own, which its tests may stop and kill."""
    with spot_of("postgresql") as spot:
        yield spot


@pytest.fixture(scope="module")
def my() -> Iterator[Spot]:
    """A MariaDB of the module's own."""
    with spot_of("mariadb") as spot:
        yield spot


@pytest.fixture
def spot(engine: str, request: pytest.FixtureRequest) -> Spot:
    """The module's own server of `engine`."""
    found: Spot = request.getfixturevalue({"postgresql": "pg", "mariadb": "my"}[engine])
    return found


@pytest.fixture(autouse=True)
def no_surroundings(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep the passwords, targets and state of whoever runs the tests out of them."""
    for variable in [*os.environ]:
        if variable.startswith(("PG", "MYSQL_", "STOCKOPS_")) and variable != "STOCKOPS_LABS":
            monkeypatch.delenv(variable)
    monkeypatch.setenv("PGPASSFILE", os.devnull)
    state = tmp_path_factory.getbasetemp() / f"state-{secrets.token_hex(6)}"  # made when used
    monkeypatch.setenv("STOCKOPS_STATE", str(state))


@contextmanager
def ending(process: "subprocess.Popen[Any]") -> Iterator[None]:
    """Kill `process` where the block fails: a ``with`` of its own would wait for it for ever."""
    try:
        yield
    except BaseException:
        process.kill()
        raise


def eventually(ask: Callable[[], Answer], within_s: float = 60.0) -> Answer:
    """
    Ask until the answer is true, and return it; the only place in the tests that sleeps.

    How long it takes is no matter: a machine may be busy, and a deadline is for what never comes.
    """
    deadline = time.monotonic() + within_s
    while True:
        if answer := ask():
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"not within {within_s} s; the last answer was {answer!r}")
        time.sleep(0.15)  # MariaDB's lock tables refresh only when nobody asked for 0.1 s
