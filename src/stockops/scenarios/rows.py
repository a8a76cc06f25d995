"""What each scenario answers with: one row type and one SQL file for each engine."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from ..queries import Query


@dataclass(frozen=True, slots=True)
class Signal:
    """A prediction that meets a condition; `order_id` is None where no order came of it."""

    predicted_at: datetime
    prediction_id: int
    symbol: str
    side: str
    model_version: str
    confidence: Decimal
    status: str
    condition_id: int
    user_id: int
    condition_status: str
    order_id: int | None
    order_status: str | None
    filled_quantity: int | None


@dataclass(frozen=True, slots=True)
class AutomaticOrder:
    """An order that nobody typed, and what triggered it."""

    placed_at: datetime
    order_id: int
    user_id: int
    account_id: int
    symbol: str
    side: str
    quantity: int
    filled_quantity: int
    status: str
    reason: str | None
    triggered_by: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A message about an execution."""

    created_at: datetime
    notification_id: int
    user_id: int
    kind: str
    channel: str
    status: str
    sent_at: datetime | None
    order_id: int | None
    body: str


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `event_no` is None for a message about no order."""

    happened_at: datetime
    event_no: int | None
    user_id: int | None
    what: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Suspicious:
    """A prediction that cannot be trusted; `orders` and `trades` have to be 0, its warnings not."""

    predicted_at: datetime
    prediction_id: int
    user_id: int
    symbol: str | None
    model_version: str | None
    confidence: Decimal | None
    status: str
    reason: str | None
    orders: int
    trades: int
    warnings: int


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning about a prediction, and what became of it."""

    created_at: datetime
    notification_id: int
    user_id: int
    channel: str
    status: str
    sent_at: datetime | None
    body: str


@dataclass(frozen=True, slots=True)
class Profit:
    """A position, or with no symbol the whole account; None where a price or a cost is missing."""

    account_id: int
    user_id: int
    symbol: str | None
    quantity: int | None
    cost_won: int
    price_won: int | None
    value_won: int | None
    unrealised_won: int | None
    realised_won: int | None
    costs_won: int
    return_percent: Decimal | None


@dataclass(frozen=True, slots=True)
class Mover:
    """An issue that moved from the day's base price."""

    symbol: str
    name: str
    market: str
    quote_date: date
    base_won: int
    last_won: int
    change_won: int
    change_percent: Decimal


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What an account has traded and not settled yet, for one settlement date."""

    account_id: int
    user_id: int
    settles_on: date
    trades: int
    to_pay_won: int
    to_come_won: int
    net_won: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """A parameter that names what is not there."""

    parameter: str


UNKNOWN = Query("scenarios/unknown", Unknown)
SIGNALS = Query("scenarios/signals", Signal)
AUTOMATIC_ORDERS = Query("scenarios/automatic_orders", AutomaticOrder)
NOTICES = Query("scenarios/notices", Notice)
HISTORY = Query("scenarios/history", Event)
SUSPICIOUS = Query("scenarios/suspicious", Suspicious)
WARNINGS = Query("scenarios/warnings", Warned)
PROFIT = Query("scenarios/profit", Profit)
MOVERS = Query("scenarios/movers", Mover)
UNSETTLED = Query("scenarios/unsettled", Unsettled)
