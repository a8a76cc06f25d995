"""What the transactions of the experiment read, and how they write what they decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .. import queries
from ..engine.base import Server
from ..queries import Query
from .ground import Ground


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it was read; `rate` is its broker's commission."""

    account_id: int
    user_id: int
    tax_exempt: bool
    cash_won: int
    reserved_won: int
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue as it was read."""

    symbol: str
    available_shares: int
    last_won: int
    settles_on: date
    sell_tax_rate: Decimal


@dataclass(frozen=True, slots=True)
class Position:
    """A position as it was read."""

    quantity: int
    reserved_quantity: int
    cost_won: int


@dataclass(frozen=True, slots=True)
class Resting:
    """An order in a book."""

    order_id: int
    account_id: int
    side: str
    price_won: int
    reserved_won: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Event:
    """A number of the clock that orders, trades and audit rows share."""

    event_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as it is stored: `trade_id` is that of its only trade, None while it rests."""

    order_id: int
    key: str
    symbol: str
    side: str
    limit_won: int | None
    quantity: int
    reserved_won: int
    trade_id: int | None


ACCOUNT = Query("isolation/account", Account)
ACCOUNT_LOCKED = Query("isolation/account_locked", Account)
ISSUE = Query("isolation/issue", Issue)
ISSUE_LOCKED = Query("isolation/issue_locked", Issue)
POSITION = Query("isolation/position", Position)
BOOK = Query("isolation/book", Resting)
EVENT = Query("isolation/event", Event)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a transaction runs; `locks`: whether it locks the issues and the account it reads."""

    server: Server
    ground: Ground
    locks: bool

    def account(self, account_id: int) -> Account:
        """Return an account."""
        question = ACCOUNT_LOCKED if self.locks else ACCOUNT
        on = self.ground.business_date
        return self.server.fetch(question, account_id=account_id, on=on)[0]

    def issue(self, symbol: str) -> Issue:
        """Return an issue."""
        return self.server.fetch(ISSUE_LOCKED if self.locks else ISSUE, symbol=symbol)[0]

    def position(self, account_id: int, symbol: str) -> Position | None:
        """Return what an account holds of an issue; None where it never held any."""
        found = self.server.fetch(POSITION, account_id=account_id, symbol=symbol)
        return found[0] if found else None

    def book(self, symbol: str) -> Sequence[Resting]:
        """Return the orders that rest in the book of an issue."""
        return self.server.fetch(BOOK, symbol=symbol)

    def event(self) -> int:
        """Return the next number of the clock."""
        return self.server.fetch(EVENT)[0].event_id

    def write(self, name: str, **values: object) -> None:
        """Run the statement `name` of the experiment."""
        self.server.execute(
            queries.text(self.server.engine, f"isolation_writes/{name}", self.server.version[0]),
            values,
        )

    def dated(self, name: str, **values: object) -> None:
        """Run the statement `name`, which takes the business date as well."""
        self.write(name, on=self.ground.business_date, **values)

    def place(self, order: Order, account: Account) -> None:
        """Store an order and its audit row."""
        traded = order.trade_id is not None
        self.dated(
            "order",
            order_id=order.order_id,
            account_id=account.account_id,
            key=order.key,
            symbol=order.symbol,
            side=order.side,
            kind="limit" if order.limit_won else "market",
            limit_won=order.limit_won,
            quantity=order.quantity,
            filled_quantity=order.quantity if traded else 0,
            reserved_won=order.reserved_won,
            status="filled" if traded else "open",
            at=self.ground.at,
            closed_event_id=order.trade_id,
        )
        said = f"{order.side} {order.symbol} {order.quantity} at {order.limit_won or 'market'}"
        self.audit("place", order.order_id, account=account, order_id=order.order_id, detail=said)

    def cancel(self, order: Resting, account: Account) -> None:
        """Take a resting order out of the book, with its audit row."""
        event_id = self.event()
        self.write("close_order", order_id=order.order_id, event_id=event_id)
        said = f"{order.quantity} left"
        self.audit("cancel", event_id, account=account, order_id=order.order_id, detail=said)

    def audit(
        self, action: str, audit_id: int, *, account: Account, order_id: int, detail: str
    ) -> None:
        """Store the audit row of what was done to an order."""
        self.dated(
            "audit",
            audit_id=audit_id,
            user_id=account.user_id,
            action=action,
            order_id=str(order_id),
            detail=detail,
        )
