"""
A dead man's switch is told of each run, in the words of healthchecks: ``/start``, success, how not.

It hears of the job and never holds it up: pings leave from a thread of their own, in bounded time,
and what becomes of them is a sentence, not an error. Its URL is a secret: whoever knows it can say
that all is well. It stands in no message.
"""

import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from .. import __version__
from ..errors import ConfigError
from ..passwords import Secret
from .following import TAIL_BYTES
from .records import Record
from .running import Ended

TRIES = 2
TRY_S = 3.0
PAUSE_S = 0.5
WAIT_S = 10.0  # for the last ping, once the job is over
_PER_TRY_LATER = {429, 500, 502, 503, 504}


def check(url: Secret) -> SplitResult:
    """Return the parts of `url`, or raise `ConfigError` where nothing can be sent there."""
    try:
        parts = urlsplit(url.reveal().strip())
        good = parts.scheme in {"http", "https"} and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        good = False
    if not good:
        raise ConfigError(
            "the URL to ping is none of http or https",
            hint="Write it as https://hc-ping.com/UUID, or as http://HOST:PORT/ping/UUID.",
        )
    return parts


class Pings:
    """Whoever is to hear of the runs of a job at `url`; `with_output` also what a run said."""

    def __init__(self, url: Secret, warn: Callable[[str], None], *, with_output: bool) -> None:
        self._parts = check(url)
        self._warn = warn
        self._with_output = with_output
        self._waiting: queue.Queue[tuple[str, str, bytes] | None] = queue.Queue()
        self._faults: list[str] = []
        self._sender = threading.Thread(target=self._send_all, daemon=True, name="pings")

    def started(self, record: Record) -> None:
        """Tell that the run of `record` has begun; returns at once."""
        self._sender.start()
        if record.begun is not None:
            self._waiting.put(("/start", record.begun.run_id, b""))

    def ended(self, record: Record, end: Ended) -> None:
        """Tell how it ended, and wait for that to arrive, `WAIT_S` at the most."""
        del record
        ending = {"succeeded": "", "failed": f"/{end.code & 0xFF}"}.get(end.outcome, "/fail")
        body = end.tail[-TAIL_BYTES:] if self._with_output and ending else b""
        self._waiting.put((ending, end.run_id, body))
        self._waiting.put(None)
        self._sender.join(WAIT_S)
        if self._sender.is_alive():
            self._faults.append(f"no answer within {WAIT_S:.0f} s")
        if self._faults:
            self._warn(f"the ping to {self._parts.hostname} did not arrive: {self._faults[-1]}")

    def _send_all(self) -> None:
        while (ping := self._waiting.get()) is not None:
            self._send(*ping)

    def _send(self, ending: str, run_id: str, body: bytes) -> None:
        """Send one ping, trying again where that may help."""
        query = urlencode([*parse_qsl(self._parts.query, keep_blank_values=True), ("rid", run_id)])
        path = self._parts.path.rstrip("/") + ending
        url = self._parts._replace(path=path, query=query, fragment="").geturl()
        fault = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(PAUSE_S)
            again, fault = _posted(url, body)
            if not again:
                break
        if fault:
            self._faults.append(fault)


def _posted(url: str, body: bytes) -> tuple[bool, str]:
    """Send `body`; return whether another try may help, and what went wrong, if anything."""
    asked = urllib.request.Request(  # noqa: S310  `check` let http and https pass
        url,
        data=body,
        headers={"User-Agent": f"stockops/{__version__}", "Content-Type": "text/plain"},
    )
    try:
        with urllib.request.urlopen(asked, timeout=TRY_S):  # noqa: S310
            return False, ""
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code in _PER_TRY_LATER, f"it answered {exc.code}"
    except urllib.error.URLError as exc:
        return True, str(exc.reason)
    except Exception as exc:  # whatever it is, the job is no worse for it
        return True, type(exc).__name__
