"""Predictions made up: the same seed, market and moment give the same rows, some of them bad."""

import csv
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ..draws import draws
from ..engine.base import Server
from ..errors import ConfigError, Finding
from ..market import KST
from ..orders import Clock
from ..queries import Query
from .ground import ground_of
from .judging import STALE_AFTER_S, Issue
from .reading import FIELDS, Line
from .storing import User

COUNT_MAX = 1_000_000
_AGE_S_MAX = 3600
# Of a thousand predictions, so many have this wrong with them; the others are valid.
_FAULTS: tuple[tuple[int, dict[str, Any]], ...] = (
    (40, {"confidence": "0.31"}),
    (20, {"confidence": None}),
    (10, {"symbol": None}),
    (10, {"model_version": "unknown-1"}),
    (10, {"target_won": "1"}),
    (5, {"predicted_at": "2199-01-01T09:00:00+09:00"}),
    (5, {"confidence": "high"}),
)

CUSTOMERS = Query("predictions/customers", User)


def generate(server: Server, *, seed: int, count: int, clock: Clock) -> list[Line]:
    """Return `count` predictions for the customers and the listed issues of this database."""
    ground = ground_of(server, clock, stale_after_s=STALE_AFTER_S)
    users = [row.user_id for row in server.fetch(CUSTOMERS)]
    issues = [issue for issue in ground.issues.values() if issue.status == "listed"]
    models = [name for name, status in ground.models.items() if status == "active"]
    if not users or not issues or not models:
        raise Finding(
            "there is nobody to predict for, nothing to predict, or no active model",
            hint="Fill it: stockops seed run",
        )
    lines = []
    for row, x in enumerate(draws(seed, "signals", 0, count)):
        fields = _fields(x, users, issues, models, ground.now)
        lines.append(Line(number=row + 1, fields=fields | _fault(x)))
    return lines


def write_csv(lines: Iterable[Line], path: Path) -> None:
    """Write `lines` to a new file that `load` reads."""
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            rows = csv.DictWriter(file, FIELDS, lineterminator="\n")
            rows.writeheader()
            rows.writerows(line.fields for line in lines)
    except OSError as exc:
        raise ConfigError(
            f"cannot write {str(path)!r}: {exc.strerror}", hint="Name a new file."
        ) from exc


def _fields(
    x: int, users: list[int], issues: list[Issue], models: list[str], now: datetime
) -> dict[str, Any]:
    issue = issues[(x >> 8) % len(issues)]
    span = issue.upper_won - issue.lower_won
    made_at = now.astimezone(KST).replace(microsecond=0) - timedelta(seconds=(x >> 24) % _AGE_S_MAX)
    return {
        "user_id": str(users[x % len(users)]),
        "symbol": issue.symbol,
        "model_version": models[(x >> 4) % len(models)],
        "side": "buy" if x >> 36 & 1 else "sell",
        "confidence": f"0.{5000 + (x >> 37) % 5000:04d}",
        "target_won": str(issue.lower_won + (x >> 12) % (span + 1)),
        "predicted_at": made_at.isoformat(),
        "expires_at": (made_at + timedelta(days=1)).isoformat(),
    }


def _fault(x: int) -> dict[str, Any]:
    place = (x >> 52) % 1000
    for per_thousand, wrong in _FAULTS:
        if place < per_thousand:
            return wrong
        place -= per_thousand
    return {}
