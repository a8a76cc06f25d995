"""A store that speaks S3, on loopback: moto's, in memory, and faulty where a test wants it so."""

import logging
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from stockops.backups import s3place

Fault = Callable[[Request], Response | None]
_NUMBERS = count()  # moto keeps the buckets of a process, whichever server made them


@dataclass(slots=True)
class Site:
    """The store. `fault` answers in its place, or lets a request through with None."""

    url: str = ""
    fault: Fault | None = None
    behind: Any = None

    def place(self, *, locks: bool = False, **options: str) -> str:
        """Make a bucket of its own, and return a place in it."""
        name = f"bucket-{next(_NUMBERS)}"
        headers = {"x-amz-bucket-object-lock-enabled": "true"} if locks else {}
        make = urllib.request.Request(f"{self.url}/{name}", method="PUT", headers=headers)
        urllib.request.urlopen(make, timeout=10).close()
        given = {"endpoint_url": self.url, "region": "us-east-1", **options}
        return s3place.parse(s3place.joined(f"s3://{name}/backups of/prod", given)).text

    def losing_answers(self, of: str) -> Fault:
        """Return a fault that does what the first request of method `of` wants, and denies it."""
        lost: list[str] = []

        def answer(request: Request) -> Response | None:
            if lost or request.method != of:
                return None
            lost.append(request.url)
            Response.from_app(self.behind, request.environ)
            return refusing("InternalError", 500)(request)

        return answer

    @contextmanager
    def faulty(self, fault: Fault) -> Iterator[None]:
        """Let `fault` answer for the block."""
        self.fault = fault
        try:
            yield
        finally:
            self.fault = None


def refusing(code: str, status: int, *, method: str = "", within: str = "") -> Fault:
    """Return a fault that says `code` to requests of `method` whose path or query has `within`."""

    def answer(request: Request) -> Response | None:
        if (method and request.method != method) or within not in request.url:
            return None
        body = f"<Error><Code>{code}</Code><Message>as it was told to</Message></Error>"
        return Response(body, status=status, mimetype="application/xml")

    return answer


@contextmanager
def serving() -> Iterator[Site]:
    """Serve for the block, on a free port."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    site = Site(behind=DomainDispatcherApplication(create_backend_app))

    def app(environ: dict[str, Any], start: Any) -> Any:
        if site.fault is not None:
            answer = site.fault(Request(environ))
            if answer is not None:
                return answer(environ, start)
        return site.behind(environ, start)

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    site.url = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
