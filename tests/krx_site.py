"""A small data site of the exchange on the loopback: the login and the one answer we ask for."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from stockops.listing import sample

LOGIN_ID = "dba-of-the-test"
LOGIN_PASSWORD = "s3cret&canary"

Row = dict[str, str]


def rows() -> list[Row]:
    """Return the sample's issues as the site writes them: every number is text with commas."""
    return [
        {
            "ISU_SRT_CD": issue.symbol,
            "ISU_CD": issue.isin,
            "ISU_ABBRV": issue.name,
            "MKT_NM": "KOSPI",
            "SECT_TP_NM": "",
            "TDD_CLSPRC": f"{issue.close_won:,}",
            "FLUC_TP_CD": "0" if issue.status == "halted" else "1",
            "TDD_OPNPRC": "0" if issue.status == "halted" else f"{issue.close_won:,}",
            "ACC_TRDVOL": "0" if issue.status == "halted" else "1,234",
            "MKTCAP": f"{issue.close_won * issue.listed_shares:,}",
            "LIST_SHRS": f"{issue.listed_shares:,}",
            "MKT_ID": "STK",
        }
        for issue in sample.read().issues
    ]


@dataclass(slots=True)
class Site:
    """What the site answers to a question for data, and what it was asked."""

    rows: list[Row]
    status: int = 200
    body: str | None = None  # instead of the rows
    stall_s: float = 0.0
    members_only: bool = False
    url: str = ""
    asked: list[str] = field(default_factory=list)
    logged_in: bool = False
    over: threading.Event = field(default_factory=threading.Event)

    def answer(self, path: str, form: str) -> tuple[int, str]:
        self.asked.append(path)
        if path.endswith("MDCCOMS001D1.cmd"):
            self.logged_in = LOGIN_ID in form
            code = "CD001" if self.logged_in else "CD004"
            return 200, json.dumps({"_error_code": code, "_error_message": "said"})
        if not path.endswith("getJsonData.cmd"):
            return 200, "<html>login</html>"
        if self.stall_s:
            self.over.wait(self.stall_s)
        if self.members_only and not self.logged_in:
            return 400, "LOGOUT"
        if self.body is not None or self.status != 200:
            return self.status, self.body or ""
        return 200, json.dumps({"OutBlock_1": self.rows, "CURRENT_DATETIME": "2026.01.25 PM"})

    @property
    def data_requests(self) -> int:
        return sum(path.endswith("getJsonData.cmd") for path in self.asked)


@contextmanager
def serve() -> Iterator[Site]:
    """Serve a site for the length of the block; change it as the test needs."""
    site = Site(rows())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(*site.answer(self.path.split("?")[0], ""))

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            self._say(*site.answer(self.path, self.rfile.read(length).decode()))

        def _say(self, status: int, body: str) -> None:
            raw = body.encode()
            self.send_response(status)
            # As the site does: JSON under the name of HTML.
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(raw)))
            self.send_header("Set-Cookie", "JSESSIONID=loopback")
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield site
    finally:
        site.over.set()
        server.shutdown()
        thread.join(10)
        server.server_close()
