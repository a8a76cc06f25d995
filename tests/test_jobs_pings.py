"""A dead man's switch hears of each run, and never holds one up."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result

from stockops.cli.main import main
from stockops.jobs import pings, records

SECRET = "5b3f2c1e-canary"
COUNTED = b"".join(b"%d\n" % n for n in range(1, 100_001))


@dataclass(slots=True)
class Switch:
    """A switch on loopback: what it was told, and what it answers."""

    port: int = 0
    codes: list[int] = field(default_factory=list)  # the first so many answers; then 200
    paths: list[str] = field(default_factory=list)
    queries: list[dict[str, list[str]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/ping/{SECRET}"


@pytest.fixture
def switch() -> Iterator[Switch]:
    told = Switch()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            told.paths.append(parts.path.removeprefix(f"/ping/{SECRET}"))
            told.queries.append(parse_qs(parts.query))
            told.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(told.codes.pop(0) if told.codes else 200)
            self.end_headers()

        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]


def job(*args: str, ping: str) -> Result:
    return CliRunner().invoke(main, ["job", "run", "pinged", "--ping", ping, *args])


def test_a_success_is_a_start_and_a_success_of_one_run(switch: Switch) -> None:
    result = job("--", "echo", "secret file names", ping=f"{switch.url}?create=1")
    assert (result.exit_code, result.output) == (0, "")
    assert (switch.paths, switch.bodies) == (["/start", ""], [b"", b""])
    first, second = switch.queries
    assert first == second
    assert (first["create"], len(first["rid"][0])) == (["1"], 36)


@pytest.mark.parametrize(
    ("script", "options", "ending", "body"),
    [
        ("echo why; exit 3", [], "/3", b"why\n"),
        ("echo why; exit 3", ["--no-ping-output"], "/3", b""),
        ("echo why; exit 3", ["--good", "3"], "", b""),
        ("echo why; exec sleep 60", ["--timeout", "1s"], "/fail", b"why\n"),
        (
            "seq 100000; exit 1",
            [],
            "/1",
            b"".join(b"%d\n" % n for n in range(1, 100001))[-100_000:],
        ),
    ],
    ids=["code", "no output", "a good code", "too long", "a long body"],
)
def test_a_failure_says_which(
    switch: Switch, script: str, options: list[str], ending: str, body: bytes
) -> None:
    job(*options, "--", "sh", "-c", script, ping=switch.url)
    assert (switch.paths, switch.bodies[-1]) == (["/start", ending], body)


def test_what_may_pass_is_tried_again_and_what_may_not_is_said(switch: Switch) -> None:
    switch.codes += [503, 200, 502]
    assert job("--", "true", ping=switch.url).output == ""
    assert switch.paths == ["/start", "/start", "", ""]
    switch.codes += [404, 404]
    result = job("--", "true", ping=switch.url)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "warning: the ping to 127.0.0.1 did not arrive: it answered 404\n"
    assert switch.paths[4:] == ["/start", ""]


def test_a_switch_that_never_answers_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pings, "WAIT_S", 0.3)
    monkeypatch.setattr(pings, "TRY_S", 3600.0)
    with silent_port() as port:
        result = job("--", "sh", "-c", "exit 5", ping=f"http://127.0.0.1:{port}/{SECRET}")
    assert result.exit_code == 5
    assert "did not arrive: no answer within" in result.stderr
    assert SECRET not in result.output
    assert records.read("pinged")


@pytest.mark.parametrize(
    "url",
    [
        f"http://127.0.0.1:1/{SECRET}",
        f"http://no-such-host.invalid/{SECRET}",
        f"ftp://127.0.0.1/{SECRET}",
        f"file:///etc/{SECRET}",
        f"http://127.0.0.1:99999/{SECRET}",
        f"{SECRET}",
        f"http://127.0.0.1:1/{SECRET}\nHost: x",
    ],
    ids=["refused", "no such host", "ftp", "file", "no port", "no url", "a line break"],
)
def test_no_fault_of_a_ping_is_one_of_the_job(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pings, "PAUSE_S", 0.01)
    result = job("--", "touch", str(tmp_path / "ran"), ping=url)
    assert (result.exit_code, (tmp_path / "ran").exists()) == (0, True)
    assert result.stderr.startswith("warning: the ")
    assert SECRET not in result.output


def test_its_url_may_stand_in_a_file_that_nobody_else_reads(switch: Switch, tmp_path: Path) -> None:
    file = tmp_path / "ping"
    file.write_text(f"{switch.url}\n")
    args = ["job", "run", "pinged", "--ping-file", str(file), "--", "true"]
    file.chmod(0o644)
    result = CliRunner().invoke(main, args)
    assert (result.exit_code, switch.paths) == (0, [])  # the job runs; the secret is not used
    assert f"chmod 600 {file}" in result.stderr
    file.chmod(0o600)
    assert CliRunner().invoke(main, args).output == ""
    assert switch.paths == ["/start", ""]
    file.unlink()
    assert CliRunner().invoke(main, args).exit_code == 0
