"""
``python krx_child.py YYYYMMDD``: ask the exchange's data site through pykrx.

It imports nothing of stockops, so that an environment that has only pykrx can run it.

A process of its own, because pykrx logs in and prints as it is imported, loads a thousand modules,
waits without a limit, and turns most failures into empty answers. Here all it prints goes to
stderr, every request has a timeout, and what the site really answered is kept. The answer is one
line of JSON on stdout: ``{"rows": [...]}``, or ``{"fault": CAUSE, "detail": ...}``.

Environment: KRX_ID and KRX_PW, which pykrx reads; STOCKOPS_KRX_URL, another place for the site;
STOCKOPS_KRX_REQUEST_S, seconds for one request.
"""

import json
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

_SITE = "https://data.krx.co.kr"
_LOGIN = "MDCCOMS001D1.cmd"
_LOGINS_MAX = 2  # the second one answers "already logged in elsewhere"
_KEPT = 2000
_FIELDS = ("ISU_SRT_CD", "ISU_CD", "ISU_ABBRV", "TDD_CLSPRC", "TDD_OPNPRC", "ACC_TRDVOL")
_COLUMNS = (*_FIELDS, "LIST_SHRS", "MKTCAP")


class Fault(Exception):
    """Why there is no listing: a cause from a closed list, and a detail."""

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(cause, detail)
        self.cause = cause
        self.detail = detail


class Wire:
    """Every request of pykrx goes through here; the last answer is kept."""

    def __init__(self, requests: Any) -> None:
        self.error = requests.exceptions.RequestException
        self.timed_out = requests.exceptions.Timeout
        self._site = os.environ.get("STOCKOPS_KRX_URL", _SITE).rstrip("/")
        self._timeout_s = float(os.environ.get("STOCKOPS_KRX_REQUEST_S", "15"))
        self._send = requests.Session.request
        self._logins = 0
        self.status = 0
        self.text = ""
        wire = self

        def request(session: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
            return wire.request(session, method, url, args, kwargs)

        requests.Session.request = request

    def request(self, session: Any, method: str, url: str, args: Any, kwargs: Any) -> Any:
        """Send one request of pykrx within its time, and keep the answer."""
        if not url.startswith(_SITE):
            raise Fault("shape changed", f"pykrx asked another site: {url[:80]}")
        if _LOGIN in url:
            self._logins += 1
            if self._logins > _LOGINS_MAX:  # pykrx tries again before every call
                raise Fault("not logged in", "the login was refused")
        kwargs["timeout"] = self._timeout_s
        answer = self._send(session, method, self._site + url[len(_SITE) :], *args, **kwargs)
        self.status, self.text = answer.status_code, answer.text[:_KEPT]
        return answer

    def judge(self) -> None:
        """Raise the `Fault` that the last answer stands for, if it is not JSON."""
        head = self.text.lstrip()[:_KEPT]
        if self.status == 400 and head.startswith("LOGOUT"):
            raise Fault("not logged in", "the site answered LOGOUT")
        if self.status in {403, 429} or any(mark in head for mark in _BLOCKED):
            raise Fault("blocked", f"the site answered {self.status}")
        if self.status != 200:
            raise Fault("no answer", f"the site answered {self.status}")
        if not head.startswith("{"):
            raise Fault("shape changed", "the site answered with a page instead of data")


_BLOCKED = ("비정상", "접근이 제한", "이용이 제한", "Access Denied", "access denied", "차단")


def main() -> None:
    """Write one line of JSON to what stdout was at the start."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # pykrx prints, the login id too
    try:
        said: dict[str, Any] = {"rows": _ask(sys.argv[1])}
    except Fault as fault:
        said = {"fault": fault.cause, "detail": fault.detail}
    with answer:
        json.dump(said, answer)


def _ask(day: str) -> list[dict[str, str]]:
    try:
        requests = import_module("requests")  # comes with pykrx
    except ImportError as exc:
        raise Fault("not installed", str(exc)) from exc
    wire = Wire(requests)
    try:
        frame = _fetch(day)
        wire.judge()
    except wire.timed_out as exc:
        raise Fault("timeout", type(exc).__name__) from exc
    except (KeyError, ValueError, TypeError) as exc:  # JSON that is none is a ValueError, too
        wire.judge()
        raise Fault("shape changed", f"{type(exc).__name__}: {exc}") from exc
    except wire.error as exc:
        raise Fault("no network", type(exc).__name__) from exc
    missing = [name for name in _COLUMNS if name not in frame.columns]
    if missing and len(frame):
        raise Fault("shape changed", f"there is no column {missing[0]}")
    rows: list[dict[str, str]] = frame.astype(str).to_dict("records")
    return rows


def _fetch(day: str) -> Any:
    """Return pykrx's frame of all issues of KOSPI on `day`: one request, every column raw."""
    _behead()
    try:
        from pykrx.website.krx.market import core  # noqa: PLC0415  logs in, prints, takes a second
    except ImportError as exc:
        raise Fault("not installed", str(exc)) from exc
    return core.전종목시세().fetch(day, "STK")


def _behead() -> None:
    """Keep the head of pykrx from running: it takes two seconds to name a font of charts."""
    found = find_spec("pykrx")
    if found is not None and found.submodule_search_locations is not None:
        head = ModuleType("pykrx")
        head.__path__ = list(found.submodule_search_locations)
        sys.modules["pykrx"] = head


if __name__ == "__main__":
    main()
