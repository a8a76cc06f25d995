"""Conditions as the database has them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..engine.base import Server
from ..engine.moments import in_utc
from ..queries import Query

STATUSES = ("active", "paused", "done", "expired", "cancelled")
LISTED_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition; what its rule does not name is None."""

    condition_id: int
    account_id: int
    symbol: str
    side: str
    quantity: int | None
    amount_won: int | None
    min_confidence: Decimal | None
    model_version: str | None
    from_won: int | None
    to_won: int | None
    status: str
    executions: int
    expires_at: datetime


LIST = Query("conditions/list", Condition)


def listed(
    server: Server, *, status: str | None, symbol: str | None, row_limit: int
) -> list[Condition]:
    """Return the newest conditions, the newest first."""
    found = server.fetch(LIST, status=status or "", symbol=symbol or "", row_limit=row_limit)
    return [in_utc(each) for each in found]
