"""
A small HTTP server that nobody can fill: few threads, few waiting, and a deadline for each client.

One request a connection. What asks for a page is a `Route`, by its path; an error in it is that
request's alone.
"""

import gzip
import queue
import socket
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..errors import ConfigError
from .webconfig import Guard

THREADS = 24
WAITING_MAX = 48
READ_S = 10.0  # for a client to say what it wants
ANSWER_S = 90.0  # for us to find out, and for the client to read it
GZIP_BYTES_MIN = 1_400  # a packet
STOP_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asks; of a parameter given twice the last one counts."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What it is answered."""

    body: bytes | str
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Route = Callable[[Request], Response]


class WebServer(HTTPServer):
    """Answers on `address` by `routes`; `say` gets a line about what went wrong."""

    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        routes: Mapping[str, Route],
        *,
        guard: Guard,
        say: Callable[[str], None],
    ) -> None:
        self.routes = routes
        self.guard = guard
        self.say = say
        self._waiting: queue.Queue[tuple[socket.socket, Any] | None] = queue.Queue(WAITING_MAX)
        self._deadlines: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        try:
            super().__init__(address, Handler)
        except OSError as exc:
            raise ConfigError(
                f"cannot listen on {address[0]}:{address[1]}: {exc.strerror or exc}",
                hint="Name another port: --listen 127.0.0.1:0 takes a free one.",
            ) from None
        self._threads = [
            threading.Thread(target=self._work, name=f"http-{number}", daemon=True)
            for number in range(THREADS)
        ]
        for thread in self._threads:
            thread.start()

    def server_bind(self) -> None:
        """Bind, without asking the resolver what this machine is called."""
        # HTTPServer's own asks for the full name, which can hang.
        if self.allow_reuse_address:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Have a thread answer it; a client that finds no place goes without an answer."""
        try:
            self._waiting.put_nowait((request, client_address))
        except queue.Full:
            self.shutdown_request(request)

    def service_actions(self) -> None:
        """Cut off the clients that are late."""
        now = time.monotonic()
        with self._lock:
            for client, deadline in self._deadlines.items():
                if now > deadline:
                    with suppress(OSError):
                        socket.socket.shutdown(client, socket.SHUT_RDWR)

    def allow(self, client: socket.socket, seconds: float) -> None:
        """Give `client` `seconds` from now."""
        with self._lock:
            self._deadlines[client] = time.monotonic() + seconds

    def finish(self) -> None:
        """Let the threads end what they are at, for `STOP_S` at most; nobody new is let in."""
        self.server_close()
        for _ in self._threads:
            with suppress(queue.Full):
                self._waiting.put_nowait(None)
        deadline = time.monotonic() + STOP_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        while (taken := self._waiting.get()) is not None:
            client, address = taken
            self.allow(client, READ_S)
            try:
                with suppress(OSError, ValueError):  # the client went, or spoke no TLS
                    self._answer(client, address)
            finally:
                with self._lock:
                    self._deadlines.pop(client, None)
                self.shutdown_request(client)

    def _answer(self, client: socket.socket, address: Any) -> None:
        client.settimeout(READ_S)
        tls = self.guard.web().tls
        if tls is None:
            Handler(client, address, self)
            return
        with tls.wrap_socket(client, server_side=True, do_handshake_on_connect=False) as wrapped:
            self.allow(wrapped, READ_S)
            try:
                wrapped.do_handshake()
                Handler(wrapped, address, self)
            finally:
                with self._lock:
                    self._deadlines.pop(wrapped, None)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: WebServer
    server_version = "stockops"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer a request."""
        self.server.allow(self.connection, ANSWER_S)
        self._send(self._respond())

    do_POST = do_HEAD = do_PUT = do_GET  # noqa: N815

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no request; nothing of it is repeated."""
        del message, explain
        status = HTTPStatus(code)
        self.request_version = "HTTP/1.0"  # of an older one no status is told
        self.command = getattr(self, "command", None) or "GET"
        self._send(Response(status=status, body=f"{status.phrase}\n"))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: a request may hold what nobody should read."""

    def _respond(self) -> Response:
        if not self.server.guard.admits(self.headers.get("Authorization")):
            realm = {"WWW-Authenticate": 'Basic realm="stockops"'}
            return Response(status=HTTPStatus.UNAUTHORIZED, body="Unauthorized\n", headers=realm)
        parts = urlsplit(self.path)
        route = self.server.routes.get(parts.path)
        if route is None:
            known = ", ".join(sorted(self.server.routes))
            return Response(
                status=HTTPStatus.NOT_FOUND, body=f"there is no such page; there are {known}\n"
            )
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        asked = Request(
            method=self.command or "GET", path=parts.path, query=query, headers=self.headers
        )
        try:
            return route(asked)
        except Exception as exc:  # one page is wrong, the others stand
            # Where, and of what kind: the text of an error may hold anything.
            where = "".join(traceback.format_tb(exc.__traceback__)).rstrip()
            self.server.say(f"{parts.path}: a {type(exc).__name__} at\n{where}")
            return Response(
                status=HTTPStatus.INTERNAL_SERVER_ERROR, body="an error; the log says where\n"
            )

    def _send(self, response: Response) -> None:
        body = response.body.encode() if isinstance(response.body, str) else response.body
        headers = {"Content-Type": response.content_type, **response.headers}
        accepted = self.headers.get("Accept-Encoding", "") if hasattr(self, "headers") else ""
        if len(body) >= GZIP_BYTES_MIN and "gzip" in accepted:
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        self.send_response(response.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
