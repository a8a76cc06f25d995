"""Sessions that are not to be had: who is told what, and that no password is ever told."""

import logging
import socket
import string
import struct
import subprocess
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from stockops.engine import connect, open_server
from stockops.engine.base import Server
from stockops.errors import ConfigError, ServerError, StockopsError, Unreachable, Unsupported
from stockops.lab import Lab
from stockops.passwords import Secret
from stockops.targets import Target

CANARY = "canary" + "".join(c for c in string.printable if c.isprintable())


@contextmanager
def role(admin: Server, target: Target, password: str) -> Iterator[Target]:
    """A role of its own, who logs in over TCP with `password`."""
    if admin.engine == "postgresql":
        literal = password.replace("'", "''")
        admin.execute(f"CREATE ROLE canary_role LOGIN PASSWORD '{literal}'")
        drop = "DROP ROLE canary_role"
    else:
        literal = password.replace("\\", "\\\\").replace("'", "\\'")
        admin.execute(f"CREATE USER canary_role@'127.0.0.1' IDENTIFIED BY '{literal}'")
        admin.execute(f"GRANT SELECT ON {target.database}.* TO canary_role@'127.0.0.1'")
        drop = "DROP USER canary_role@'127.0.0.1'"
    try:
        url = target.url.replace("//stockops@", "//canary_role@")
        yield replace(target, name="canary", url=url, password=Secret(password))
    finally:
        admin.execute(drop)


def told(exc: BaseException) -> str:
    """All that a careless program could show of an error, local variables included."""
    shown = [
        *traceback.TracebackException.from_exception(exc, capture_locals=True).format(),
        *traceback.format_exception(exc),
        repr(exc),
    ]
    cause: BaseException | None = exc
    while cause is not None:
        shown += [str(cause), repr(cause.args), repr(getattr(cause, "hint", "")), repr(vars(cause))]
        cause = cause.__cause__ or cause.__context__
    return "\n".join(shown)


def test_a_password_of_every_character_works_and_is_never_told(
    server: Server, tcp_target: Target, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = []
    with role(server, tcp_target, CANARY) as target:
        with connect(target) as session:
            assert session.rows("SELECT 1 AS one") == [{"one": 1}]
            with pytest.raises(ServerError) as denied:
                session.execute("CREATE TABLE mine (id int)")
            with pytest.raises(ServerError) as wrong:
                session.execute("SELEC 1")
            shown += [repr(session), told(denied.value), told(wrong.value)]
        for broken in (
            replace(target, url=target.url.replace(target.database, "nowhere")),
            replace(target, password=Secret(CANARY + "x")),
            replace(target, url=target.url.replace("127.0.0.1", "127.0.0.2")),
        ):
            with pytest.raises(StockopsError) as refused:
                open_server(broken)
            shown.append(told(refused.value))
    shown += [caplog.text, repr(target), Path("/proc/self/cmdline").read_text()]
    for piece in (CANARY[:12], CANARY[-20:-5], "xyzABC"):
        assert [text for text in shown if piece in text] == []


def test_a_password_from_a_file_works(
    server: Server, tcp_target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the engine's own file, with its own escapes."""
    with role(server, tcp_target, CANARY) as target, monkeypatch.context() as patch:
        if server.engine == "postgresql":
            file = tmp_path / ".pgpass"
            escaped = CANARY.replace("\\", "\\\\").replace(":", "\\:")
            file.write_text(f"*:*:*:canary_role:{escaped}\n")
            patch.setenv("PGPASSFILE", str(file))
        else:
            file = tmp_path / ".my.cnf"
            escaped = CANARY.replace("\\", "\\\\").replace('"', '\\"')
            file.write_text(f'[client]\npassword="{escaped}"\n')
            patch.setenv("HOME", str(tmp_path))
        file.chmod(0o600)
        with connect(target.url) as session:
            assert session.rows("SELECT 1 AS one") == [{"one": 1}]


def test_a_wrong_password_says_where_one_comes_from(tcp_target: Target, engine: str) -> None:
    variable = {"postgresql": "$PGPASSWORD", "mariadb": "$MYSQL_PWD"}[engine]
    for password in (Secret("wrong"), None):
        with pytest.raises(ConfigError) as caught:
            open_server(replace(tcp_target, password=password))
        assert variable in (caught.value.hint or "")


def test_a_role_that_is_not_there(tcp_target: Target) -> None:
    with pytest.raises(ConfigError):
        open_server(replace(tcp_target, url=tcp_target.url.replace("stockops@", "nobody@")))


def test_a_database_that_is_not_there(target: Target) -> None:
    url = target.url.replace(target.database, "nowhere")
    with pytest.raises(ConfigError, match="nowhere") as caught:
        open_server(url)
    assert "database" in (caught.value.hint or "")


@pytest.mark.parametrize("where", ["127.0.0.1:1/d", "no-such-host.invalid/d", "/d?{0}=/no/where"])
def test_no_server_answers(engine: str, where: str) -> None:
    key = {"postgresql": "host", "mariadb": "unix_socket"}[engine]
    with pytest.raises(Unreachable) as caught:
        open_server(f"{engine}://u@{where.format(key)}")
    assert "\n" not in str(caught.value)
    assert "Is the server up" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "url", ["mariadb://h/d?unix_sokcet=/x", "postgresql://h/d?hots=/x", "postgresql://h/%zz"]
)
def test_a_url_with_a_mistake(url: str) -> None:
    with pytest.raises(ConfigError):
        open_server(url)


def test_a_server_that_says_nothing_is_not_waited_for(engine: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(Unreachable):
            open_server(f"{engine}://u@127.0.0.1:{port}/d", connect_timeout_s=1)


def receive(end: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = end.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def speak_postgresql(end: socket.socket, version: str) -> None:
    """Greet as a PostgreSQL of `version`, and take no question."""
    while True:
        (size,) = struct.unpack("!I", receive(end, 4))
        (code,) = struct.unpack("!I", receive(end, size - 4)[:4])
        if code not in {80877103, 80877104}:  # not a wish for TLS or GSS
            break
        end.sendall(b"N")

    def message(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("!I", len(body) + 4) + body

    greeting = message(b"R", struct.pack("!I", 0))
    for name, value in {"server_version": version, "client_encoding": "UTF8"}.items():
        greeting += message(b"S", f"{name}\0{value}\0".encode())
    end.sendall(greeting + message(b"K", struct.pack("!II", 1, 1)) + message(b"Z", b"I"))
    receive(end, 1)


def speak_mariadb(end: socket.socket, version: str) -> None:
    """Greet as a server of `version`; answer it when asked, refuse every setting but names."""

    def send(number: int, *bodies: bytes) -> None:
        for body in bodies:
            end.sendall(len(body).to_bytes(3, "little") + bytes([number]) + body)
            number += 1

    def read() -> bytes:
        head = receive(end, 4)
        return receive(end, int.from_bytes(head[:3], "little"))

    def text(value: str) -> bytes:
        return bytes([len(value)]) + value.encode()

    ok, eof = b"\0\0\0\2\0\0\0", b"\xfe\0\0\2\0"
    caps = 0x000FA2FF & ~0x800
    send(
        0,
        b"\x0a" + version.encode() + b"\0" + struct.pack("<I", 7) + b"saltsalt\0"
        + struct.pack("<HBHHB", caps & 0xFFFF, 45, 2, caps >> 16, 21)
        + bytes(10) + b"saltsaltsalt\0mysql_native_password\0",
    )  # fmt: skip
    read()
    send(2, ok)
    while True:
        question = read()[1:].decode()
        if "version()" in question:
            column = b"".join(map(text, ("def", "", "", "", "v", ""))) + b"\x0c"
            column += struct.pack("<HIBHB2x", 45, 80, 253, 0, 0)
            send(1, b"\1", column, eof, text(version), eof)
        elif question.startswith("SET NAMES"):
            send(1, ok)
        else:
            send(1, b"\xff" + struct.pack("<H", 1193) + b"#HY000Unknown system variable")


@contextmanager
def pretending(speak: Callable[[socket.socket, str], None], version: str) -> Iterator[int]:
    """A loopback server that greets as another version than there is on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError, EOFError), listener.accept()[0] as end:
                speak(end, version)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


@pytest.mark.parametrize(
    ("speak", "version", "message"),
    [
        (speak_postgresql, "14.9", "PostgreSQL 14, and stockops needs 15 or later"),
        (speak_mariadb, "10.6.20-MariaDB", "MariaDB 10.6, and stockops needs 10.11 or later"),
        (speak_mariadb, "5.5.5-10.6.20-MariaDB-log", "MariaDB 10.6"),
        (speak_mariadb, "8.0.36", "is not MariaDB: its version is '8.0.36'"),
    ],
    ids=["an old PostgreSQL", "an old MariaDB", "one that hides its age", "MySQL"],
)
def test_a_server_that_is_too_old_or_another(
    speak: Callable[[socket.socket, str], None], version: str, message: str
) -> None:
    engine = speak.__name__.removeprefix("speak_")
    with pretending(speak, version) as port, pytest.raises(Unsupported, match=message) as caught:
        open_server(f"{engine}://u@127.0.0.1:{port}/d")
    assert caught.value.exit_code == 4


def test_an_older_server_that_is_installed(tmp_path: Path, all_labs: object) -> None:
    """The oldest PostgreSQL that will do, where this machine has it."""
    from stockops import lab as labs

    folder = Path("/usr/lib/postgresql/15/bin")
    if not (folder / "initdb").exists():
        pytest.skip("PostgreSQL 15 is not installed")
    with labs.temporary("postgresql", bin_directory=folder) as lab, connect(lab.url()) as server:
        assert server.version[0] == 15
        assert list(server.stream("SELECT 1", batch=10)) == [[(1,)]]
        server.execute("CREATE FUNCTION f() RETURNS TABLE (x int) LANGUAGE sql AS 'SELECT 1'")
        assert server.prepare_call("f", 0)([]) == ("1",)


def test_no_password_is_in_argv(lab: Lab) -> None:
    password = lab.tcp_password_file.read_text().strip()
    shown = subprocess.run(["ps", "axww"], capture_output=True, text=True, check=True).stdout
    assert password not in shown
