"""
Judge a prediction: valid, quarantined with the reasons, or refused because it cannot be stored.

Refused is what the columns cannot hold: a number that is none, an instant without its offset, a
user who is not there. Everything else that is wrong is stored where nobody trades on it, so that
somebody sees what a model says when it errs.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any, Literal

from .reading import Line

State = Literal["valid", "quarantined", "refused", "there"]

CONFIDENCE_MIN = Decimal("0.5")  # the constraint predictions_trusted_ck
STALE_AFTER_S = 24 * 3600
_AHEAD_MAX = timedelta(seconds=60)  # two clocks may differ
_REASON_CHARACTERS_MAX = 200
_SHOWN_CHARACTERS_MAX = 40
_WON_MAX = 10**15
_YEARS = range(1970, 2200)
_CONFIDENCE_STEP = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue, and between which prices it may trade on the day."""

    symbol: str
    status: str
    lower_won: int
    upper_won: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What predictions are held against: the issues, the models and their status, the moment."""

    issues: Mapping[str, Issue]
    models: Mapping[str, str]
    now: datetime
    stale_after_s: int = STALE_AFTER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one line; `there` tells a prediction that was stored before."""

    line: int
    state: State
    symbol: str | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A prediction and its verdict; `row` is what is stored, by column."""

    line: int
    state: State
    reason: str | None
    row: Mapping[str, Any]

    @property
    def verdict(self) -> Verdict:
        """The verdict as it is told."""
        symbol = self.row.get("symbol")
        return Verdict(line=self.line, state=self.state, symbol=symbol, reason=self.reason)


class _RefusedError(Exception):
    """A field that no column can hold."""


def refused(line: Line, reason: str) -> Judged:
    """Return the verdict on a line that cannot be stored."""
    return Judged(line=line.number, state="refused", reason=reason, row={})


def judge(line: Line, ground: Ground) -> Judged:
    """Return the verdict on `line`; whether its user exists is for the caller to ask."""
    if line.error is not None:
        return refused(line, line.error)
    try:
        row = _parsed(line.fields)
    except _RefusedError as exc:
        return refused(line, str(exc))
    key = hashlib.sha256(json.dumps(row, default=str, sort_keys=True).encode()).hexdigest()
    doubts = [doubt for doubt in (test(row, ground) for test in _TESTS) if doubt]
    if row["symbol"] not in ground.issues:
        row["symbol"] = None
    if row["model_version"] not in ground.models:
        row["model_version"] = None
    if row["confidence"] is not None:
        row["confidence"] = row["confidence"].quantize(_CONFIDENCE_STEP, ROUND_DOWN)
        if not 0 <= row["confidence"] <= 1:
            row["confidence"] = None
    reason = "; ".join(doubts)[:_REASON_CHARACTERS_MAX] or None
    state: State = "quarantined" if reason else "valid"
    row |= {"prediction_key": key, "status": state, "reason": reason}
    return Judged(line=line.number, state=state, reason=reason, row=row)


def _parsed(fields: Mapping[str, Any]) -> dict[str, Any]:
    user_id = _whole(fields, "user_id")
    predicted_at = _instant(fields, "predicted_at")
    if user_id is None or predicted_at is None:
        name = "user_id" if user_id is None else "predicted_at"
        raise _RefusedError(f"{name} is missing")
    side = fields.get("side")
    if side not in {None, "buy", "sell"}:
        raise _RefusedError(f"side is {_shown(side)}, neither buy nor sell")
    return {
        "user_id": user_id,
        "symbol": _text(fields, "symbol"),
        "model_version": _text(fields, "model_version"),
        "side": side,
        "confidence": _decimal(fields, "confidence"),
        "target_won": _whole(fields, "target_won"),
        "predicted_at": predicted_at,
        "expires_at": _instant(fields, "expires_at"),
    }


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value or None
    raise _RefusedError(f"{name} is {_shown(value)}, not a text")


def _decimal(fields: Mapping[str, Any], name: str) -> Decimal | None:
    value = fields.get(name)
    if value is None:
        return None
    try:
        number = Decimal(value) if isinstance(value, str | int | Decimal) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite() or abs(number.adjusted()) > 20:
        raise _RefusedError(f"{name} is {_shown(value)}, not a number")
    return number.normalize()


def _whole(fields: Mapping[str, Any], name: str) -> int | None:
    number = _decimal(fields, name)
    if number is None:
        return None
    if number != number.to_integral_value() or not 1 <= number <= _WON_MAX:
        raise _RefusedError(f"{name} is {_shown(fields[name])}, not a whole number from 1 on")
    return int(number)


def _instant(fields: Mapping[str, Any], name: str) -> datetime | None:
    value = fields.get(name)
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        at = at if at is None or at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        at = None
    if at is None or at.tzinfo is None or at.year not in _YEARS:
        raise _RefusedError(
            f"{name} is {_shown(value)}, not an instant with its offset "
            "such as 2025-01-03T10:00:00+09:00"
        )
    return at


def _shown(value: object) -> str:
    text = str(value) if isinstance(value, Decimal | int) else repr(value)
    if len(text) > _SHOWN_CHARACTERS_MAX:
        text = text[: _SHOWN_CHARACTERS_MAX - 1] + "…"
    return text


def _of_symbol(row: Mapping[str, Any], ground: Ground) -> str | None:
    if row["symbol"] is None:
        return "symbol is missing"
    issue = ground.issues.get(row["symbol"])
    if issue is None:
        return f"no issue has the code {_shown(row['symbol'])}"
    return f"{issue.symbol} is delisted" if issue.status == "delisted" else None


def _of_model(row: Mapping[str, Any], ground: Ground) -> str | None:
    if row["model_version"] is None:
        return "model_version is missing"
    status = ground.models.get(row["model_version"])
    if status is None:
        return f"no model is called {_shown(row['model_version'])}"
    return f"the model {row['model_version']} is retired" if status == "retired" else None


def _of_side(row: Mapping[str, Any], _ground: Ground) -> str | None:
    return "side is missing" if row["side"] is None else None


def _of_confidence(row: Mapping[str, Any], _ground: Ground) -> str | None:
    confidence = row["confidence"]
    if confidence is None:
        return "confidence is missing"
    if not 0 <= confidence <= 1:
        return f"confidence {_shown(confidence)} is outside 0 to 1"
    return (
        f"confidence {_shown(confidence)} is below {CONFIDENCE_MIN}"
        if confidence < CONFIDENCE_MIN
        else None
    )


def _of_target(row: Mapping[str, Any], ground: Ground) -> str | None:
    issue, target = ground.issues.get(row["symbol"] or ""), row["target_won"]
    if issue is None or target is None or issue.lower_won <= target <= issue.upper_won:
        return None
    limits = f"{issue.lower_won} to {issue.upper_won}"
    return f"target_won {target} is outside the day's price limits {limits}"


def _of_time(row: Mapping[str, Any], ground: Ground) -> str | None:
    at, ends = row["predicted_at"], row["expires_at"]
    if at > ground.now + _AHEAD_MAX:
        return "it is from the future"
    if ends is not None and ends <= at:
        return "it ends before it begins"
    if ends is not None and ends <= ground.now:
        return "it has ended"
    if at < ground.now - timedelta(seconds=ground.stale_after_s):
        return "it is stale"
    return None


_TESTS: tuple[Callable[[Mapping[str, Any], Ground], str | None], ...] = (
    _of_symbol,
    _of_model,
    _of_side,
    _of_confidence,
    _of_target,
    _of_time,
)
