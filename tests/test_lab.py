"""Labs: servers of our own, on both engines."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from stockops import children, filelock
from stockops import lab as labs
from stockops.errors import Busy, ConfigError, Refused, ServerError, StockopsError, Unsupported
from stockops.lab import Lab, place, proc, wheel
from stockops.lab import account as accounts

ROOT = os.geteuid() == 0
SOON_S = 60.0


@pytest.fixture(params=["postgresql", "mariadb"])
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    try:
        labs.ENGINES[name].find(version=None, directory=None)
    except Unsupported as exc:
        if os.environ.get("CI"):
            pytest.fail(str(exc))
        pytest.skip(str(exc))
    return name


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a directory of labs that the server's user can enter; whatever runs there is ended."""
    with tempfile.TemporaryDirectory(prefix="labs-") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("STOCKOPS_LABS", str(Path(folder) / "labs"))
        yield Path(folder) / "labs"
        for each in labs.status():
            with suppress(StockopsError):  # a marker that was spoiled on purpose
                labs.destroy(each.name)


@pytest.fixture(scope="module")
def standing() -> Iterator[dict[str, Path]]:
    """A directory of labs for each engine; what `one` makes there stays for the next test."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        places = {}
        for name in labs.ENGINES:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="labs-")))
            folder.chmod(0o755)
            places[name] = folder / "labs"
        yield places
        for place_of_labs in places.values():
            patch.setenv("STOCKOPS_LABS", str(place_of_labs))
            for each in labs.status():
                labs.destroy(each.name)


@pytest.fixture
def one(engine: str, standing: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The lab ``one``, alone in its directory and up, as the test before left it."""
    monkeypatch.setenv("STOCKOPS_LABS", str(standing[engine]))
    return labs.up("one", engine=engine)


postgresql_alone = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


def ask(is_so: Callable[[], bool]) -> None:
    assert children.wait_until(is_so, within_s=SOON_S), "it did not come to be so in time"


def stockops(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stockops", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=check,
    )


def query(lab: Lab, sql: str) -> str:
    bare = ["-X", "-A", "-t", "-c"] if lab.engine == "postgresql" else ["-N", "-B", "-e"]
    return subprocess.run(
        [*labs.client(lab.name, database="trading"), *bare, sql],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout.strip()


def working_in(root: Path) -> list[str]:
    """Return the commands of the processes that name a path under `root`."""
    found = []
    for entry in Path("/proc").iterdir():
        words = proc.argv(int(entry.name)) if entry.name.isdigit() else None
        if words and int(entry.name) != os.getpid() and any(str(root) in word for word in words):
            found.append(" ".join(words))
    return found


def test_a_lab_keeps_its_data_while_it_is_down_and_leaves_nothing_when_destroyed(
    root: Path, engine: str
) -> None:
    lab = labs.up("one", engine=engine)
    assert lab.state == "up"
    query(lab, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    assert labs.find("one") == lab

    assert labs.down("one") is True
    assert (lab.state, labs.find("one"), working_in(root)) == ("down", None, [])
    assert labs.down("one") is False

    again = labs.up("one")
    assert again == lab
    assert query(again, "SELECT n FROM kept") == "7"
    assert labs.up("one").pid == again.pid, "up on a lab that is up changes nothing"

    labs.destroy("one")
    assert list(root.iterdir()) == []
    assert working_in(root) == []


def test_a_server_that_was_killed_is_stale_and_the_next_up_recovers_it(one: Lab) -> None:
    query(one, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    labs.crash(one)
    assert [(each.name, each.state, each.pid) for each in labs.status()] == [("one", "stale", None)]
    assert query(labs.up("one"), "SELECT n FROM kept") == "7"
    assert working_in(one.directory) != []


def test_a_pid_file_with_the_number_of_another_process_is_stale(one: Lab) -> None:
    labs.crash(one)
    account = accounts.named(one.user) if ROOT else accounts.own()
    other = subprocess.Popen(["sleep", "60"], **account.switch)
    try:
        left = one.pid_file.read_text().splitlines()
        one.pid_file.write_text("\n".join([str(other.pid), *left[1:]]) + "\n")
        assert (one.pid, one.state) == (None, "stale")
        assert labs.down("one") is False
        assert labs.up("one").state == "up"
        assert other.poll() is None, "a process that is none of ours was ended"
    finally:
        other.kill()
        other.wait()


def test_the_server_outlives_the_command_and_is_found_by_the_next(root: Path, engine: str) -> None:
    stockops("lab", "up", "--name", "one", "--engine", engine)
    (found,) = json.loads(stockops("lab", "status", "--format", "json").stdout)
    assert (found["name"], found["engine"], found["state"]) == ("one", engine, "up")
    lab = labs.require("one")
    assert found["pid"] == lab.pid
    assert found["url"] == lab.url()
    stockops("lab", "down", "--name", "one")
    assert working_in(root) == []


@pytest.mark.parametrize("after_s", [0.5, 1.2])
def test_killing_up_in_the_middle_leaves_no_process_or_a_lab_that_is_up(
    root: Path, engine: str, after_s: float
) -> None:
    words = [sys.executable, "-m", "stockops", "lab", "up", "--name", "one", "--engine", engine]
    maker = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with suppress(subprocess.TimeoutExpired):
        maker.wait(after_s)
    maker.kill()
    maker.wait()
    ask(lambda: not any("stockops-lab" in command for command in working_in(root)))
    ask(lambda: working_in(root) == [] or labs.find("one") is not None)
    assert labs.up("one", engine=engine).state == "up"
    labs.destroy("one")
    assert [each for each in root.iterdir() if each.name != ".one.lock"] == []


def test_ctrl_c_in_the_middle_of_up_leaves_no_process(root: Path, engine: str) -> None:
    words = [sys.executable, "-m", "stockops", "lab", "up", "--name", "one", "--engine", engine]
    maker = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    ask(lambda: place.making("one").is_dir())
    maker.send_signal(signal.SIGINT)
    assert b"error: interrupted" in maker.communicate(timeout=60)[1]
    assert maker.returncode == 130
    ask(lambda: working_in(root) == [])
    assert [each.state for each in labs.status()] == ["broken"]
    labs.destroy("one")
    assert list(root.iterdir()) == []


TEMPORARY = """
import sys, time
from stockops import lab
with lab.temporary(sys.argv[1]) as one:
    print(one.pid, flush=True)
    time.sleep(120)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_temporary_server_ends_with_its_maker(
    root: Path, engine: str, number: signal.Signals
) -> None:
    words = [sys.executable, "-c", TEMPORARY, engine]
    maker = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert maker.stdout is not None
    pid = int(maker.stdout.readline())
    assert proc.argv(pid) is not None
    maker.send_signal(number)
    maker.communicate(timeout=60)
    ask(lambda: working_in(root) == [])
    if number == signal.SIGKILL:  # which nobody can clean up after, but the next one
        with labs.temporary(engine) as second:
            assert [each.name for each in labs.status()] == [second.name]
    assert list(root.iterdir()) == []


def test_a_temporary_lab_can_be_killed_and_started_again(root: Path, engine: str) -> None:
    with labs.temporary(engine) as lab:
        query(lab, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
        labs.crash(lab)
        lab = labs.start(lab)
        assert query(lab, "SELECT n FROM kept") == "7"
        assert labs.stop(lab) is True
        lab = labs.start(lab)
        assert lab.state == "up"
        labs.crash(lab)
        kept = segments() & {segment_of(lab)}
        assert bool(kept) == (engine == "postgresql")
    assert list(root.iterdir()) == []
    assert not kept & segments()


def segments() -> set[str]:
    """The numbers of the segments of shared memory that the kernel keeps."""
    return {row.split()[1] for row in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}


def segment_of(lab: Lab) -> str | None:
    """The number of that which the server of a lab has; MariaDB has none."""
    said = lab.data / "postmaster.pid"
    return said.read_text().splitlines()[6].split()[1] if said.exists() else None


def test_two_labs_do_not_collide(root: Path, engine: str) -> None:
    first, second = (labs.up(name, engine=engine, port=True) for name in ("one", "two"))
    assert first.pid != second.pid
    assert first.port != second.port
    query(first, "CREATE TABLE only_here (n int)")
    with pytest.raises(subprocess.CalledProcessError):
        query(second, "SELECT * FROM only_here")
    labs.down("one")
    assert [(each.name, each.state) for each in labs.status()] == [("one", "down"), ("two", "up")]


@postgresql_alone
def test_a_lab_finished_while_leftovers_are_looked_for_is_not_one_of_them(
    one: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was half made when it was listed may be whole when it is its turn to be removed."""
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(place, "unfinished", lambda: ["one"])
        labs.sweep()
    assert [(each.name, each.state) for each in labs.status()] == [(one.name, "up")]


def over_tcp(lab: Lab, password: str) -> int:
    client = labs.client(lab.name, database="trading")
    if lab.engine == "postgresql":
        client[client.index("-h") + 1] = "127.0.0.1"
        words, variable = [*client, "-w", "-c", "SELECT 1"], "PGPASSWORD"
    else:
        client = [each for each in client if not each.startswith("--socket")]
        words = [*client, "--host=127.0.0.1", f"--port={lab.port}", "-e", "SELECT 1"]
        variable = "MYSQL_PWD"
    environment = {**os.environ, variable: password}
    return subprocess.run(words, env=environment, capture_output=True, check=False).returncode


def test_a_port_asks_for_the_owners_password_stays_and_gives_way_where_it_is_taken(
    root: Path, engine: str
) -> None:
    lab = labs.up("one", engine=engine, port=True)
    password = lab.tcp_password_file.read_text().strip()
    assert lab.tcp_password_file.stat().st_mode & 0o777 == 0o600
    assert over_tcp(lab, password) == 0
    assert over_tcp(lab, "wrong") != 0
    assert over_tcp(lab, "") != 0
    assert password not in " ".join(working_in(root))
    assert f"127.0.0.1:{lab.port}" in lab.url(tcp=True)
    labs.down("one")
    assert labs.up("one").port == lab.port

    labs.down("one")
    with socket.socket() as taken:  # meanwhile, by somebody else
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # we have just been there
        taken.bind(("127.0.0.1", lab.port))
        taken.listen()
        assert labs.up("one").port not in {None, lab.port}


def test_without_a_port_there_is_no_tcp_at_all(one: Lab, engine: str) -> None:
    assert one.port is None
    asked = {
        "postgresql": "SELECT setting = '' FROM pg_settings WHERE name = 'listen_addresses'",
        "mariadb": "SELECT IF(@@skip_networking, 't', 'f')",
    }
    assert query(one, asked[engine]) == "t"
    with pytest.raises(ConfigError, match="has no port"):
        one.url(tcp=True)
    with pytest.raises(ConfigError, match="has no port"):
        labs.up("one", port=True)


DURABLE = {
    "postgresql": [
        "fsync on",
        "synchronous_commit on",
        "full_page_writes on",
        "data_checksums on",
        "server_encoding UTF8",
        "shared_preload_libraries pg_stat_statements,auto_explain",
    ],
    "mariadb": [
        "innodb_flush_log_at_trx_commit 1",
        "sync_binlog 1",
        "log_bin 1",
        "binlog_format ROW",
        "innodb_checksum_algorithm full_crc32",
        "performance_schema 1",
        "slow_query_log 1",
        "collation_server utf8mb4_nopad_bin",
    ],
}


def test_a_lab_is_durable_and_ready_to_be_looked_into(one: Lab, engine: str) -> None:
    for line in DURABLE[engine]:
        name, value = line.split()
        show = f"SHOW {name}" if engine == "postgresql" else f"SELECT @@GLOBAL.{name}"
        assert query(one, show) == value, name
    if engine == "postgresql":
        assert query(one, "SELECT count(*) >= 0 FROM pg_stat_statements") == "t"
        assert query(one, "SELECT datlocale FROM pg_database WHERE datname = 'trading'")
    owner = {"postgresql": "stockops", "mariadb": "stockops@localhost"}[engine]
    asked = "current_user" if engine == "postgresql" else "current_user()"
    assert query(one, f"SELECT {asked}") == owner


@pytest.mark.skipif(not ROOT, reason="an ordinary user runs the server as himself")
def test_as_root_the_server_runs_as_somebody_without_rights(one: Lab) -> None:
    assert Path(f"/proc/{one.pid}").stat().st_uid not in {0, os.geteuid()}
    assert one.directory.stat().st_uid == 0
    assert one.data.stat().st_mode & 0o077 == 0
    assert one.sockets.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(not ROOT, reason="only root chooses another user")
def test_root_and_unknown_users_are_refused_as_the_servers_user(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, word in [("root", "does not run as root"), ("no-such-user", "no user")]:
        monkeypatch.setenv("STOCKOPS_LAB_USER", name)
        with pytest.raises(ConfigError, match=word):
            labs.up("one")


@pytest.mark.skipif(not ROOT, reason="only root runs the server as somebody else")
def test_the_programs_of_the_wheel_are_copied_once_where_the_servers_user_cannot_read_them(
    root: Path,
) -> None:
    first = wheel.shared_copy()
    made_at = first.stat().st_mtime_ns
    assert wheel.shared_copy() == first
    assert first.stat().st_mtime_ns == made_at
    nobody = accounts.named("nobody")
    for program in ("postgres", "initdb", "psql", "pg_dump", "pg_basebackup", "pgbench"):
        assert nobody.can_run(first / program), program
    assert [each.name for each in (root.parent / "server").iterdir()] == [first.parents[2].name]


@pytest.mark.skipif(not ROOT, reason="only root runs the server as somebody else")
def test_a_directory_that_the_servers_user_cannot_enter_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("STOCKOPS_LABS", str(tmp_path / "labs"))
    with pytest.raises(ConfigError, match="cannot enter") as caught:
        labs.up("one")
    assert "STOCKOPS_LABS" in (caught.value.hint or "")


@pytest.mark.parametrize("kind", ["directory", "file", "link"])
def test_what_stockops_did_not_make_is_refused_and_left_alone(root: Path, kind: str) -> None:
    root.mkdir()
    foreign = root / "one"
    if kind == "file":
        foreign.write_text("mine")
    else:
        home = foreign if kind == "directory" else root.parent / "elsewhere"
        home.mkdir()
        (home / "PG_VERSION").write_text("18\n")
        if kind == "link":
            foreign.symlink_to(home)
    for act in (labs.up, labs.down, labs.destroy):
        with pytest.raises(Refused, match="not made by stockops"):
            act("one")
    assert labs.status() == []
    assert labs.find("one") is None
    assert foreign.exists()


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "A", "-x", "한국", "a b", "x" * 33, "a\0b", ".lock", "$a"],
)
def test_a_name_that_cannot_be_a_directory_is_refused(root: Path, name: str) -> None:
    for act in (labs.up, labs.down, labs.destroy, labs.require):
        with pytest.raises(ConfigError, match="cannot be the name"):
            act(name)
    assert labs.find(name) is None
    assert not root.exists()


@postgresql_alone
def test_a_lab_that_does_not_exist_is_answered_with_those_that_do(one: Lab) -> None:
    with pytest.raises(ConfigError, match=rf"no lab 'two' \(there are: {one.name}\)") as caught:
        labs.down("two")
    assert caught.value.hint == "stockops lab up --name two"
    gone = stockops("lab", "destroy", "--name", "two", "--yes", check=False)
    assert gone.returncode == 2


@postgresql_alone
def test_another_run_on_the_same_lab_is_refused_at_once(one: Lab) -> None:
    with filelock.hold(place.lock_file(one.name), what="the lab 'one'"):
        with pytest.raises(Busy, match=f"in use by process {os.getpid()}"):
            labs.down("one")
        assert stockops("lab", "down", "--name", "one", check=False).returncode == 6
    assert labs.down("one") is True


BAD_SETTINGS = {
    "postgresql": ({"shared_buffers": "plenty"}, "shared_buffers"),
    "mariadb": ({"no_such_setting": "1"}, "no_such_setting"),
}


def test_a_server_that_does_not_start_names_its_log_and_its_last_lines(
    root: Path, engine: str
) -> None:
    settings, word = BAD_SETTINGS[engine]
    with pytest.raises(ServerError, match=word) as caught:
        labs.up("one", engine=engine, settings=settings)
    (log,) = [each.log for each in labs.status()]
    assert str(log) in str(caught.value)
    assert word in log.read_text()
    assert working_in(root) == []


@postgresql_alone
def test_a_marker_that_makes_no_sense_is_a_broken_lab(one: Lab) -> None:
    labs.down("one")
    marker = one.directory / "stockops-lab.json"
    whole = marker.read_text()
    for text in ("{", "[]", "null", '{"format": 99, "engine": "postgresql"}', '{"format": 1}'):
        marker.write_text(text)
        assert [each.state for each in labs.status()] == ["broken"]
        with pytest.raises(ConfigError, match="not a marker"):
            labs.up("one")
    marker.write_text(whole)


@postgresql_alone
def test_a_lab_of_another_kind_does_not_answer_to_the_name(one: Lab) -> None:
    with pytest.raises(ConfigError, match="which is not --engine mariadb"):
        labs.up(one.name, engine="mariadb")
    with pytest.raises(ConfigError, match="which is not --version 15"):
        labs.up(one.name, version="15")


def program(folder: Path, name: str, says: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("engine", "says", "error", "words"),
    [
        ("postgresql", "postgres (PostgreSQL) 14.9", Unsupported, "older than 15"),
        ("postgresql", "something else", ConfigError, "no PostgreSQL server in"),
        ("mariadb", "mariadbd  Ver 10.6.12-MariaDB for Linux", Unsupported, "older than 10.11"),
        ("mariadb", "mysqld  Ver 8.0.36 for Linux", Unsupported, "not a MariaDB server"),
    ],
)
def test_a_server_too_old_or_of_another_make_is_refused(
    tmp_path: Path, root: Path, engine: str, says: str, error: type[StockopsError], words: str
) -> None:
    for name in ("postgres", "initdb", "mariadbd", "mariadb-install-db", "mariadb"):
        program(tmp_path / "bin", name, says)
    with pytest.raises(error, match=words):
        labs.up("one", engine=engine, bin_directory=tmp_path / "bin")
    assert list(root.iterdir()) == []


def test_programs_that_are_not_there_are_answered_with_the_command_that_brings_them(
    tmp_path: Path, root: Path
) -> None:
    for engine in ("postgresql", "mariadb"):
        with pytest.raises(ConfigError, match=f"no .* server in '{tmp_path}'"):
            labs.up("one", engine=engine, bin_directory=tmp_path)
    with pytest.raises(Unsupported, match="PostgreSQL 97 is not installed") as caught:
        labs.up("one", version="97")
    assert "apt-get install postgresql-97" in (caught.value.hint or "")
    with pytest.raises(Unsupported, match="older than 15"):
        labs.up("one", version="9")


@pytest.mark.skipif(
    not Path("/usr/lib/postgresql/15/bin/initdb").exists(), reason="PostgreSQL 15 is not installed"
)
def test_an_installed_major_runs_as_a_lab_too(root: Path) -> None:
    lab = labs.up("one", version="15")
    assert lab.version.startswith("15.")
    assert query(lab, "SHOW server_version_num").startswith("15")
    assert query(lab, "SHOW lc_collate") == "C.UTF-8"
    assert labs.up("two", bin_directory=Path("/usr/lib/postgresql/15/bin")).version == lab.version


def test_a_place_too_deep_for_a_socket_gets_its_socket_elsewhere(
    root: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = root / ("d" * 60) / ("e" * 60)
    monkeypatch.setenv("STOCKOPS_LABS", str(deep))
    lab = labs.up("one", engine=engine)
    assert len(os.fsencode(lab.socket)) <= place.SOCKET_BYTES_MAX
    assert lab.socket.is_socket()
    labs.destroy("one")
    assert not lab.sockets.exists()


def test_a_place_with_odd_characters_works(
    root: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOCKOPS_LABS", str(root / 'it\'s a "lab", 한국 %s'))
    lab = labs.up("one", engine=engine)
    assert query(lab, "SELECT 1") == "1"


def test_destroy_asks_first(root: Path) -> None:
    labs.up("one")
    refused = stockops("lab", "destroy", "--name", "one", check=False)
    assert refused.returncode == 5
    assert "destroy" in stockops("lab", "destroy", "--help").stdout
    assert str(root / "one") in stockops("lab", "destroy", "--name", "one", "--plan").stdout
    assert labs.find("one") is not None
    stockops("lab", "destroy", "--name", "one", "--yes")
    assert list(root.iterdir()) == []


def test_shell_is_the_engines_own_client(one: Lab, engine: str) -> None:
    word = secrets.token_hex(4)
    flag = "-c" if engine == "postgresql" else "-e"
    said = stockops("lab", "shell", "--name", one.name, "--", flag, f"SELECT '{word}' AS word")
    assert word in said.stdout
    labs.down(one.name)
    assert stockops("lab", "shell", "--name", "one", check=False).returncode == 3


def test_the_environment_of_the_user_does_not_reach_the_server(
    root: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGOPTIONS", "MYSQL_HOST", "MYSQL_PWD"):
        monkeypatch.setenv(name, "/nowhere")
    assert labs.up("one", engine=engine).state == "up"
