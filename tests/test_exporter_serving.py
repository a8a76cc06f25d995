"""The exporter over HTTP: who may read it, what it answers, and that nobody can fill it."""

import base64
import gzip
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import bcrypt
import pytest
from conftest import eventually
from hypothesis import given
from hypothesis import strategies as st
from watching import Bed, bed_of, reason, series_of

from stockops.errors import ConfigError
from stockops.exporter import (
    Guard,
    Manner,
    Request,
    Response,
    Route,
    Source,
    Watches,
    WebServer,
    allowed_s,
    routes,
    serving,
)

CANARY = "c4nary-7f3a"


@contextmanager
def served(
    pages: Mapping[str, Route], said: list[str] | None = None, web: Path | None = None
) -> Iterator[WebServer]:
    """Answer on a free port while the block lasts."""
    say = (said if said is not None else []).append
    server = WebServer(("127.0.0.1", 0), pages, guard=Guard(web, say), say=say)
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.finish()


def ask(
    port: int,
    path: str,
    method: str = "GET",
    *,
    user: str | None = None,
    tls: ssl.SSLContext | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Return the status and the text of an answer."""
    given_headers = dict(headers or {})
    if user is not None:
        given_headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
    client = (
        HTTPSConnection("127.0.0.1", port, timeout=30, context=tls)
        if tls
        else HTTPConnection("127.0.0.1", port, timeout=30)
    )
    try:
        client.request(method, path, headers=given_headers)
        answer = client.getresponse()
        body = answer.read()
        if answer.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return answer.status, body.decode()
    finally:
        client.close()


def hello(asked: Request) -> Response:
    return Response(body=f"hello {asked.query.get('who', 'world')}\n")


def port_of(server: WebServer) -> int:
    return int(server.server_address[1])


def test_a_page_is_asked_for_and_an_error_is_that_page_s_alone() -> None:
    def broken(_asked: Request) -> Response:
        raise RuntimeError(CANARY)

    said: list[str] = []
    with served({"/": hello, "/broken": broken, "/long": _long}, said) as server:
        port = port_of(server)
        assert ask(port, "/?who=you") == (200, "hello you\n")
        status, text = ask(port, f"/nothing?{CANARY}")
        assert status == 404
        assert "there are /, /broken, /long" in text
        status, text = ask(port, "/broken")
        assert status == 500
        assert len(ask(port, "/long", headers={"Accept-Encoding": "gzip"})[1]) == 10_000
        assert ask(port, "/", "HEAD") == (200, "")
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(f"{CANARY}\r\n\r\n".encode())
            assert b"400 Bad Request" in _all(client)
    assert CANARY not in text + "".join(said)
    assert any("RuntimeError" in line for line in said)


def _long(_asked: Request) -> Response:
    return Response(body="x" * 10_000)


def _all(client: socket.socket) -> bytes:
    client.settimeout(30)
    return b"".join(iter(lambda: client.recv(65_536), b""))


def test_clients_that_say_nothing_cannot_fill_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "READ_S", 0.4)
    with served({"/": hello}) as server:
        before = threading.active_count()
        idle = [socket.create_connection(("127.0.0.1", port_of(server))) for _ in range(100)]
        try:
            for number, client in enumerate(idle):
                client.sendall(b"GET / HT" if number % 2 else b"")
            assert threading.active_count() <= before

            def answered() -> bool:
                try:
                    return ask(port_of(server), "/")[0] == 200
                except (OSError, http.client.HTTPException):
                    return False  # no place was left: it went without an answer

            assert eventually(answered)
            for client in idle[::3]:
                client.close()
            assert eventually(answered)
        finally:
            for client in idle:
                client.close()


def test_a_port_in_use_is_one_sentence() -> None:
    with served({"/": hello}) as server, pytest.raises(ConfigError, match="Address already in use"):
        WebServer(("127.0.0.1", port_of(server)), {}, guard=Guard(None, print), say=print)


def test_only_who_is_named_may_read_and_the_file_is_read_anew(tmp_path: Path) -> None:
    web = tmp_path / "web.yml"
    said: list[str] = []
    _allow(web, "prom", f"p:{CANARY}")
    with served({"/": hello}, said, web) as server:
        port = port_of(server)
        for wrong in (None, "prom:wrong", f"other:p:{CANARY}", "prom:", ":", "prom:" + "x" * 100):
            assert ask(port, "/", user=wrong)[0] == 401
        for garbage in ("Basic", "Basic !!", "Bearer x", "Basic /w=="):
            assert ask(port, "/", headers={"Authorization": garbage})[0] == 401
        assert ask(port, "/nothing")[0] == 401
        for _ in range(2):
            assert ask(port, "/", user=f"prom:p:{CANARY}")[0] == 200
        _allow(web, "prom", "rotated")
        assert ask(port, "/", user=f"prom:p:{CANARY}")[0] == 401
        assert ask(port, "/", user="prom:rotated")[0] == 200
        web.write_text("basic_auth_users: [", "utf-8")
        assert ask(port, "/", user="prom:rotated")[0] == 200
        assert ask(port, "/")[0] == 401  # a broken lock stays locked
    assert len([line for line in said if "stays as it was" in line]) == 1
    assert CANARY not in "".join(said)


def _allow(web: Path, user: str, password: str) -> None:
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    web.write_text(f"basic_auth_users:\n  {user}: {hashed}\n", "utf-8")


def test_tls_is_spoken_with_the_certificate_of_now(tmp_path: Path) -> None:
    web = tmp_path / "web.yml"
    web.write_text(
        "tls_server_config: {cert_file: it.crt, key_file: it.key, min_version: TLS13}\n", "utf-8"
    )
    _certify(tmp_path, "first")
    said: list[str] = []
    with served({"/": hello}, said, web) as server:
        port = port_of(server)
        with pytest.raises((OSError, http.client.HTTPException)):
            ask(port, "/")
        first = ssl.create_default_context(cafile=tmp_path / "it.crt")
        first.check_hostname = False
        assert ask(port, "/", tls=first)[0] == 200
        with socket.create_connection(("127.0.0.1", port)):  # a client that never shakes hands
            assert ask(port, "/", tls=first)[0] == 200
        _certify(tmp_path, "second")
        with pytest.raises(ssl.SSLError):
            ask(port, "/", tls=first)
        second = ssl.create_default_context(cafile=tmp_path / "it.crt")
        second.check_hostname = False
        assert ask(port, "/", tls=second)[0] == 200


def _certify(folder: Path, name: str) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", folder / "it.key"),
            *("-out", folder / "it.crt"),
        ],
        check=True,
        capture_output=True,
    )


BOTH = "cert_file: it.crt, key_file: it.key"
BAD = {
    "tls_server_config: {cert_file: a.crt}": "needs cert_file and key_file",
    "tls_server_config: {cert_file: a.crt, key_file: a.key}": "cannot be used",
    "tls_server_config: {cert_fil: a.crt}": "unknown key 'cert_fil'",
    f"tls_server_config: {{{BOTH}, min_version: SSL3}}": "min_version",
    f"tls_server_config: {{{BOTH}, client_auth_type: VerifyClientCertIfGiven}}": "without their CA",
    f"tls_server_config: {{{BOTH}, client_auth_type: RequestClientCert}}": "client_auth_type",
    "basic_auth_users: {prom: plain}": "not a bcrypt hash",
    "basic_auth_users: [prom]": "wants a mapping",
    "basic_auth_user: {}": "unknown key",
    "http_server_config: {http2: true}": "unknown key",
    "- a": "not a mapping",
    "a: [": "web.yml",
}


def test_a_wrong_web_config_is_an_error_and_not_an_open_door(tmp_path: Path) -> None:
    _certify(tmp_path, "it")
    web = tmp_path / "web.yml"
    for text, message in BAD.items():
        web.write_text(text + "\n", "utf-8")
        with pytest.raises(ConfigError, match=re.escape(message)) as told:
            Guard(web, print)
        assert told.value.hint
        assert "plain" not in str(told.value)
    with pytest.raises(ConfigError, match="cannot read"):
        Guard(tmp_path / "none.yml", print)


@given(st.one_of(st.none(), st.text(max_size=8), st.floats().map(str), st.integers().map(str)))
def test_whatever_prometheus_says_of_its_patience_there_is_a_deadline(header: str | None) -> None:
    assert 0.1 <= allowed_s(header) <= 60


def test_the_deadline_is_half_a_second_before_that_of_prometheus() -> None:
    assert allowed_s("10") == 9.5
    assert allowed_s("5.25") == 4.75
    assert allowed_s("0.2") == 0.1
    assert allowed_s(None) == 9.5


@pytest.fixture(scope="module")
def bed(request: pytest.FixtureRequest) -> Iterator[Bed]:
    with bed_of("postgresql") as bed:
        yield bed


def test_targets_come_from_the_file_and_go_with_it(bed: Bed, tmp_path: Path) -> None:
    file, secret = tmp_path / "stockops.yaml", tmp_path / "password"
    secret.write_text(bed.password, "utf-8")
    secret.chmod(0o600)
    entry = f'{{url: "{bed.target.url}", password_file: {secret}}}'
    file.write_text(f"default: one\ntargets:\n  one: {entry}\n  two: {entry}\n", "utf-8")
    said: list[str] = []
    watches = Watches(Source(path=file), Manner(servers=()), said.append)
    with served(routes(watches), said) as server:
        port = port_of(server)
        for path in ("/metrics", "/probe?target=one", "/probe?target=two"):
            assert reason(series_of(ask(port, path)[1])) == "ok", path
        assert "process_resident_memory_bytes" in ask(port, "/metrics")[1]
        openmetrics = {"Accept": "application/openmetrics-text;version=1.0.0,*/*;q=0.1"}
        assert ask(port, "/metrics", headers=openmetrics)[1].endswith("# EOF\n")
        assert ask(port, "/probe")[0] == 400
        status, text = ask(port, "/probe?target=three")
        assert (status, "known: one, two" in text) == (404, True)
        url = "/probe?target=postgresql://x@127.0.0.1/x"  # nobody points it at another server
        assert ask(port, url)[0] == 404
        assert ask(port, "/healthz") == (200, "ok\n")
        assert ask(port, "/-/reload")[0] == 405

        file.write_text("targets: {one: {lab: pstgresql}}\n", "utf-8")
        status, text = ask(port, "/-/reload", "POST")
        assert (status, "nothing was changed" in text) == (500, True)
        assert ask(port, "/probe?target=two")[0] == 200
        file.write_text(f"default: one\ntargets:\n  one: {entry}\n", "utf-8")
        assert ask(port, "/-/reload", "POST")[0] == 200
        assert ask(port, "/probe?target=two")[0] == 404
        assert ask(port, "/probe?target=one")[0] == 200
    watches.close()
    assert bed.password not in "".join(said)


@pytest.mark.parametrize("engine", ["mariadb", "postgresql"])
def test_a_password_of_all_printable_characters_works_and_is_nowhere(
    engine: str, bed: Bed, tmp_path: Path
) -> None:
    with bed_of(engine) if engine != bed.engine else _same(bed) as here:
        _serve_and_look(here, tmp_path)


@contextmanager
def _same(bed: Bed) -> Iterator[Bed]:
    yield bed


def _serve_and_look(bed: Bed, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(bed.password, "utf-8")
    secret.chmod(0o600)
    bad = tmp_path / "bad"
    bad.write_text(bed.password + "x", "utf-8")
    bad.chmod(0o600)
    (tmp_path / "stockops.yaml").write_text(
        f"default: good\ntargets:\n"
        f'  good: {{url: "{bed.target.url}", password_file: {secret}}}\n'
        f'  bad: {{url: "{bed.target.url}", password_file: {bad}}}\n',
        "utf-8",
    )
    command = [sys.executable, "-m", "stockops", "exporter", "serve", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "STOCKOPS_STATE": str(tmp_path / "state")},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        first = process.stderr.readline()
        port = int(first.split("127.0.0.1:")[1].split("/")[0])
        good, bodies = ask(port, "/metrics")
        assert (good, reason(series_of(bodies))) == (200, "ok")
        refused = ask(port, "/probe?target=bad")[1]
        assert reason(series_of(refused)) == "auth"
        secret.write_text("rotated and wrong", "utf-8")
        bodies += refused + ask(port, "/probe?target=%00")[1] + ask(port, "/nothing")[1]
        seen = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode()
        seen += Path(f"/proc/{process.pid}/environ").read_bytes().decode()
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err.endswith("stopped\n")
    everything = first + out + err + bodies + seen
    assert "not up (auth)" in everything
    for part in (bed.password, bed.password[-16:], json.dumps(bed.password)[1:-1]):
        assert part not in everything
