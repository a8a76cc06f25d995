"""
Orders: place one, place many, cancel one.

The rules live in the database, in the routines ``place_order``, ``place_orders`` and
``cancel_order``: one call is one transaction. What is here says how to call them and what their
answers mean. The caller names each order by a key; the same key again answers for the same order,
so an order whose answer was lost is simply sent again.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Literal, TypeVar

from .engine.base import Server, Values
from .errors import ConfigError, Fault, ServerError
from .market import KST

Said = TypeVar("Said")
Side = Literal["buy", "sell"]
Kind = Literal["limit", "market"]

KEY_CHARACTERS_MAX = 64
BATCH_ORDERS_MAX = 1000
PLACE_ARITY = 12
CANCEL_ARITY = 5
RACES_MAX = 3  # times that one request meets a key of its own that was stored meanwhile
_TEXT_CHARACTERS_MAX = 255  # what the routines of MariaDB take in; no valid text is that long

# What each reason of the closed list means to who placed the order.
REASONS: Mapping[str, str] = {
    "unknown_account": "there is no customer account of that number",
    "unknown_symbol": "no issue has that code",
    "bad_request": "the side, the kind, the price or the key is not valid",
    "bad_quantity": "the quantity is below 1, or more than there are shares",
    "key_reused": "the key already belongs to a different order of this account",
    "account_inactive": "the account is suspended or closed",
    "delisted": "the issue is no longer listed",
    "halted": "trading in the issue is halted",
    "closed_session": "the market is closed at that time, or the date is over for the issue",
    "limit_only": "a call auction takes orders with a limit only",
    "off_tick": "the limit price is not on the price step of the market",
    "outside_price_limit": "the limit price is outside the day's price limits",
    "self_match": "the order would have met an order of the same user",
    "insufficient_cash": "the account has less cash than the order and its fee need",
    "insufficient_shares": "the account holds fewer free shares than the order sells",
    "no_liquidity": "nobody was left to trade with, and a market order does not rest",
    "expired": "the day ended before the order was filled",
    "cancelled": "the owner took the order back",
    "unknown_order": "there is no order of that number, or not of that account and key",
    "not_open": "the order no longer rests in the book",
}
# Refused before there is anything to hang a row on: the database keeps no trace of these.
REASONS_WITHOUT_ROW = frozenset(
    {"unknown_account", "unknown_symbol", "bad_request", "bad_quantity", "key_reused"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a customer asks for; `limit_won` is None for a market order."""

    key: str
    account_id: int
    symbol: str
    side: Side
    quantity: int
    limit_won: int | None = None
    portfolio_id: int | None = None
    condition_id: int | None = None
    prediction_id: int | None = None

    @property
    def kind(self) -> Kind:
        """Limit where there is a limit price, else market."""
        return "market" if self.limit_won is None else "limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    What the database made of an order.

    `status` is filled, open (it rests), cancelled or rejected; `reason` is one of `REASONS` or
    None. `order_id` is None where no row was written. `replayed` tells an answer about an order
    that was already there. Amounts are of the trades so far.
    """

    status: str
    reason: str | None
    order_id: int | None
    filled_quantity: int
    filled_value_won: int
    fee_won: int
    tax_won: int
    replayed: bool

    @property
    def accepted(self) -> bool:
        """False where the order was refused."""
        return self.status != "rejected"

    @property
    def meaning(self) -> str | None:
        """The reason in words; None where there is none."""
        return None if self.reason is None else REASONS.get(self.reason, self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The market's business date (KST) and instant; None leaves either to the server."""

    business_date: date | None = None
    at: datetime | None = None

    @property
    def cells(self) -> tuple[str | None, str | None]:
        """The two as the routines take them: a date, and an instant in UTC."""
        when = None if self.at is None else self.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        return (None if self.business_date is None else self.business_date.isoformat(), when)


SERVER_CLOCK = Clock()


def clock_of(business_date: date, at: time) -> Clock:
    """Return the clock that stands at `at`, KST, on `business_date`."""
    return Clock(business_date=business_date, at=datetime.combine(business_date, at, KST))


def place(server: Server, order: Order, *, clock: Clock = SERVER_CLOCK) -> Answer:
    """Place `order`; a rejection is an answer. `Fault.UNKNOWN`: send the same order again."""
    call, values = server.prepare_call("place_order", PLACE_ARITY), values_of(order, clock)
    return answer_of(_after_races(lambda: call(values)))


def cancel(
    server: Server,
    order_id: int,
    *,
    account_id: int | None = None,
    key: str | None = None,
    clock: Clock = SERVER_CLOCK,
) -> Answer:
    """
    Take what is left of an order out of the book; asking twice answers the same.

    With `account_id`, `key` or both, only an order of that account and with that key: whoever acts
    for a customer gives them, so that a wrong number is `unknown_order` and not another's order.
    """
    values = (order_id, *clock.cells, account_id, None if key is None else _sayable(key))
    return answer_of(server.prepare_call("cancel_order", CANCEL_ARITY)(values))


def place_many(
    server: Server, orders: Sequence[Order], *, clock: Clock = SERVER_CLOCK
) -> list[Answer]:
    """
    Place up to 1,000 orders in one transaction; return their answers in the same order.

    All or nothing where the server fails; a rejected order leaves the others as they are.
    """
    if len(orders) > BATCH_ORDERS_MAX:
        raise ConfigError(
            f"a batch takes {BATCH_ORDERS_MAX} orders at most, not {len(orders)}",
            hint="Send them in several batches.",
        )
    if not orders:
        return []
    asked = json.dumps([_item(order) for order in orders], separators=(",", ":"))
    return place_json(server, asked, clock.cells)


def place_json(server: Server, orders: str, clock: tuple[str | None, str | None]) -> list[Answer]:
    """Place the orders in a JSON array as ``place_orders`` takes it; return an answer for each."""
    asked = {"orders": orders, "date": clock[0], "at": clock[1]}
    rows = _after_races(lambda: server.rows(_PLACE_ORDERS[server.engine], asked))
    return [_answer_row(row) for row in sorted(rows, key=_position)]


def values_of(order: Order, clock: Clock) -> Values:
    """Return the arguments of ``place_order``."""
    return (
        _sayable(order.key),
        order.account_id,
        _sayable(order.symbol),
        _sayable(order.side),
        order.kind,
        order.limit_won,
        order.quantity,
        *clock.cells,
        order.portfolio_id,
        order.condition_id,
        order.prediction_id,
    )


def answer_of(cells: Sequence[str | None]) -> Answer:
    """Return the answer in `cells`, a row of ``place_order`` or ``cancel_order`` as text."""
    status, reason, order_id, quantity, value, fee, tax, replayed = cells
    return Answer(
        status=status or "",
        reason=reason,
        order_id=None if order_id is None else int(order_id),
        filled_quantity=int(quantity or 0),
        filled_value_won=int(value or 0),
        fee_won=int(fee or 0),
        tax_won=int(tax or 0),
        replayed=replayed in {"t", "1"},
    )


def _after_races(ask: Callable[[], Said]) -> Said:
    """
    Return what `ask` answers, asking again where the key of an order was stored meanwhile.

    The routines look for the key before they wait for the account, so two orders with one key for
    two issues can both find nothing. The constraint refuses the second one, as a whole; asked
    again, it is answered like any key that is there.
    """
    for _ in range(RACES_MAX):
        try:
            return ask()
        except ServerError as exc:
            if exc.fault is not Fault.DUPLICATE:
                raise
    return ask()


def _sayable(text: str) -> str:
    """
    Return `text` so that both servers take it in, and refuse it by an answer if it is not valid.

    What is too long is cut to a length that is too long still. A text with a NUL, or half of a
    surrogate pair, is none to PostgreSQL: like the empty one it is neither a key nor a symbol.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return ""
    return "" if "\0" in text else text[:_TEXT_CHARACTERS_MAX]


_PLACE_ORDERS = {
    "postgresql": (
        "SELECT position_no, status, reason, order_id, filled_quantity, filled_value_won, "
        "fee_won, tax_won, replayed "
        "FROM place_orders(%(orders)s::jsonb, %(date)s::date, %(at)s::timestamptz)"
    ),
    "mariadb": "CALL place_orders(%(orders)s, %(date)s, %(at)s)",
}


def _position(row: Mapping[str, Any]) -> int:
    return int(row["position_no"])


def _answer_row(row: Mapping[str, Any]) -> Answer:
    return Answer(
        status=row["status"],
        reason=row["reason"],
        order_id=row["order_id"],
        filled_quantity=row["filled_quantity"] or 0,
        filled_value_won=row["filled_value_won"] or 0,
        fee_won=row["fee_won"] or 0,
        tax_won=row["tax_won"] or 0,
        replayed=bool(row["replayed"]),
    )


def _item(order: Order) -> dict[str, object]:
    return {
        "key": _sayable(order.key),
        "account_id": order.account_id,
        "symbol": _sayable(order.symbol),
        "side": _sayable(order.side),
        "kind": order.kind,
        "limit_won": order.limit_won,
        "quantity": order.quantity,
        "portfolio_id": order.portfolio_id,
        "condition_id": order.condition_id,
        "prediction_id": order.prediction_id,
    }
