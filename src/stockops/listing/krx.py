"""
The listing of a day from the exchange's data site, accepted only if it can be one.

The site is asked by a child process (`krx_child`), with a limit on its time. Each failure has a
name and a next step, and nothing is written anywhere before the listing is whole. A site that
says that it blocks this address is left alone for a day: asking again lengthens the block.

pykrx and what it needs take 290 MB and hold pandas back. STOCKOPS_KRX_PYTHON names the
interpreter of an environment of its own for them.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from .. import state
from ..errors import ConfigError, Refused, StockopsError, Unreachable, Unsupported
from ..market import is_isin
from .issue import Issue, Listing, accepted, kind_of

ISSUES_MIN, ISSUES_MAX = 900, 1_100  # KOSPI had 942 to 963 in 2024 to 2026
TIMEOUT_S = 90.0
PAUSE = timedelta(hours=24)
_OTHERWISE = "Or seed from --listing sample, or from a CSV file."

_FAULTS: dict[str, tuple[type[StockopsError], str, str]] = {
    "not installed": (
        Unsupported,
        "pykrx is not installed",
        "Install it: pip install 'stockops[krx]'",
    ),
    "not logged in": (
        ConfigError,
        "the exchange's data site takes members only, and this is not logged in",
        "Set KRX_ID and KRX_PW to a login of data.krx.co.kr, then run it again.",
    ),
    "blocked": (
        Refused,
        "the exchange's data site blocks this address",
        f"It is asked nothing for 24 hours, because asking lengthens the block. {_OTHERWISE}",
    ),
    "holiday": (
        ConfigError,
        "the exchange has no prices for that day: it was closed, or they are not out yet",
        "Give a --date on which the market was open.",
    ),
    "shape changed": (
        Unsupported,
        "the exchange's data site answered in a form that is not known here",
        f"Upgrade pykrx: pip install -U pykrx. {_OTHERWISE}",
    ),
    "no network": (
        Unreachable,
        "the exchange's data site cannot be reached",
        f"Check the network and its proxy. {_OTHERWISE}",
    ),
    "no answer": (
        Unreachable,
        "the exchange's data site did not answer as it should",
        f"Try again later. {_OTHERWISE}",
    ),
    "timeout": (
        Unreachable,
        "the exchange's data site did not answer in time",
        f"Try again later. {_OTHERWISE}",
    ),
}


def read(on: date, *, timeout_s: float = TIMEOUT_S) -> Listing:
    """Return KOSPI's listing of the day `on`, or raise with the cause's name."""
    _check_pause()
    rows = _ask(on, timeout_s)
    source = f"krx {on}"
    if not rows:
        raise _failed("holiday", "the answer is empty")
    found = [(line, _issue(row)) for line, row in enumerate(rows, 1)]
    if all(issue.close_won == 0 for _, issue in found):
        raise _failed("holiday", "every price is missing")
    if not ISSUES_MIN <= len(found) <= ISSUES_MAX:
        raise _failed("shape changed", f"{len(found)} issues, not {ISSUES_MIN} to {ISSUES_MAX}")
    if wrong := next((i.isin for _, i in found if not is_isin(i.isin)), None):
        raise _failed("shape changed", f"{wrong!r} is not an ISIN with its check digit")
    if sum(_number(row["MKTCAP"]) for row in rows) <= 0:
        raise _failed("shape changed", "the market is worth nothing")
    try:
        return accepted(source, found, on=on)
    except ConfigError as exc:
        raise _failed("shape changed", str(exc)) from exc


def _ask(on: date, timeout_s: float) -> list[dict[str, str]]:
    """Run the child and return its rows."""
    python = os.environ.get("STOCKOPS_KRX_PYTHON") or sys.executable
    # By its path, which any interpreter can run; -P keeps its folder out of the imports.
    command = [python, "-P", str(Path(__file__).with_name("krx_child.py")), f"{on:%Y%m%d}"]
    try:
        child = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
            env={**os.environ, "MPLBACKEND": "agg", "PYTHONIOENCODING": "utf-8"},
        )
    except subprocess.TimeoutExpired:
        raise _failed("timeout", f"nothing for {timeout_s:g} seconds") from None
    except OSError as exc:
        raise _failed("not installed", f"cannot run {python}: {exc.strerror}") from exc
    try:
        said: dict[str, Any] = json.loads(child.stdout)
    except ValueError:
        # The last line names the exception; the rest may hold the login.
        said_last = (child.stderr.decode("utf-8", "replace").strip().splitlines() or ["nothing"])[
            -1
        ]
        raise _failed("shape changed", f"pykrx ended with {said_last.split(':')[0]}") from None
    if "fault" in said:
        if said["fault"] == "blocked":
            _begin_pause()
        raise _failed(said["fault"], said["detail"])
    rows: list[dict[str, str]] = said["rows"]
    return rows


def _issue(row: Mapping[str, str]) -> Issue:
    symbol, name = row["ISU_SRT_CD"], row["ISU_ABBRV"].strip()
    halted = _number(row["TDD_OPNPRC"]) == 0 and _number(row["ACC_TRDVOL"]) == 0
    return Issue(
        symbol=symbol,
        isin=row["ISU_CD"],
        name=name,
        market="KOSPI",
        kind=kind_of(symbol, name),
        status="halted" if halted else "listed",
        listed_shares=_number(row["LIST_SHRS"]),
        close_won=_number(row["TDD_CLSPRC"]),
        origin="krx",
    )


def _number(text: str) -> int:
    """Return the number that the site writes as ``1,234``, or as ``-`` where there is none."""
    digits = text.replace(",", "").strip()
    if digits == "-":
        return 0
    if not (digits.isascii() and digits.isdigit()):
        raise _failed("shape changed", f"{text!r} is not a whole number")
    return int(digits)


def _failed(cause: str, detail: str) -> StockopsError:
    kind, sentence, hint = _FAULTS[cause]
    return kind(f"{sentence} ({cause}: {detail})" if detail else sentence, hint=hint)


def _stamp() -> Path:
    return state.place() / "krx-blocked"


def _begin_pause() -> None:
    path = _stamp()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{datetime.now(UTC).isoformat()}\n", "ascii")


def _check_pause() -> None:
    """Raise `Refused` while the block that the site spoke of may last."""
    path = _stamp()
    try:
        age = timedelta(seconds=time.time() - path.stat().st_mtime)
    except FileNotFoundError:
        return
    if timedelta() <= age < PAUSE:
        until = datetime.now(UTC) + PAUSE - age
        raise Refused(
            "the exchange's data site blocked this address; "
            f"it is left alone until {until:%F %R} UTC",
            hint=f"{_OTHERWISE[3:].capitalize()} A new address may remove {path}.",
        )
