"""Who receives notices in the tests: a web server that keeps what it is sent, and a mail server."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from stockops.lab.servers import free_port


@dataclass(slots=True)
class Hook:
    """A web server: what was posted, and with which codes it answers (the last for ever)."""

    url: str = ""
    codes: list[int] = field(default_factory=lambda: [200])
    bodies: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    hold: threading.Event | None = None
    echo: str = ""

    def answer(self, posted: BaseHTTPRequestHandler) -> None:
        body = posted.rfile.read(int(posted.headers.get("Content-Length", 0)))
        self.bodies.append(json.loads(body))
        self.headers.append(dict(posted.headers.items()))
        if self.hold is not None:
            self.hold.wait(30)
        code = self.codes.pop(0) if len(self.codes) > 1 else self.codes[0]
        posted.send_response(code)
        if code == 302:
            posted.send_header("Location", self.url + "/elsewhere")
        posted.end_headers()
        posted.wfile.write(self.echo.encode())


@contextmanager
def listening(**settings: Any) -> Iterator[Hook]:
    hook = Hook(**settings)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Keep what is posted."""
            hook.answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that goes before its answer is no error of a test."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        hook.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield hook
        finally:
            if hook.hold is not None:
                hook.hold.set()
            server.shutdown()
            thread.join(10)


@dataclass  # no slots: aiosmtpd looks at every member, and Python 3.11.2 has one that cannot be
class Mailbox:
    """A mail server: what arrived; it refuses the addresses in `unknown`, repeating `echo`."""

    port: int = 0
    mails: list[Envelope] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    logins: list[tuple[str, str]] = field(default_factory=list)
    is_closed: bool = False
    echo: str = ""

    async def handle_RCPT(  # noqa: N802  the library's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if address in self.unknown:
            return f"550 no such user here: {self.echo or address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        self.mails.append(envelope)
        return "250 kept"

    def login(
        self, _server: SMTP, _session: Session, _env: Envelope, _how: str, data: Any
    ) -> AuthResult:
        user, password = data.login.decode(), data.password.decode()
        self.logins.append((user, password))
        return AuthResult(success=not self.is_closed, handled=False)


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox(port=free_port())
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=box.port,
        authenticator=box.login,
        auth_require_tls=False,
    )
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
