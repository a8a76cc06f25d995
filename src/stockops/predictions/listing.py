"""Predictions as the database has them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..engine.base import Server
from ..engine.moments import in_utc
from ..queries import Query

STATUSES = ("valid", "quarantined", "expired")
LISTED_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One prediction; what a quarantined one lacks is None."""

    prediction_id: int
    user_id: int
    symbol: str | None
    model_version: str | None
    side: str | None
    confidence: Decimal | None
    target_won: int | None
    status: str
    reason: str | None
    predicted_at: datetime
    expires_at: datetime | None


LIST = Query("predictions/list", Prediction)


def listed(
    server: Server, *, status: str | None, symbol: str | None, row_limit: int
) -> list[Prediction]:
    """Return the newest predictions, the newest first."""
    found = server.fetch(LIST, status=status or "", symbol=symbol or "", row_limit=row_limit)
    return [in_utc(each) for each in found]
