"""
Apply an action, in one transaction under the lock of its issue.

A split and a delisting end the issue's day as `books fold` ends it: what rests expires, and nobody
trades the issue until the day from which the action holds. So no order ever meets half of it, and
no day has two base prices. Locks come in the order of the books: the issue, its rules, accounts.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from .. import market, queries
from ..engine.base import Server
from ..errors import Refused
from ..money import Ticks
from ..orders import Clock
from ..plan import Step
from ..queries import Query
from .issues import Action, Kind, find

LOCKED_AT_ONCE = 1_000

_HOUSE, _ISSUER = 1, 5


@dataclass(frozen=True, slots=True)
class Opened:
    """The base price of a day that was opened just now."""

    base_won: int


@dataclass(frozen=True, slots=True)
class Owner:
    """An account that an action writes."""

    account_id: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number from the clock of events."""

    event_id: int


@dataclass(frozen=True, slots=True)
class Sums:
    """What the lines of an action come to, of customers alone."""

    holders: int
    paid_won: Decimal
    shares: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What an action came to; `last_won` and `base_won` are the base price without and with it."""

    action_id: int
    symbol: str
    kind: Kind
    effective_date: date
    last_won: int
    base_won: int
    listed_before: int
    listed_after: int
    holders: int
    paid_won: int
    orders_expired: int


OPENED = Query("actions/opened", Opened)
OWNERS = Query("actions/owners", Owner)
NUMBER = Query("actions/number", Number)
SUMS = Query("actions/done", Sums)


def apply(server: Server, action: Action, *, clock: Clock) -> Done:
    """
    Do `action` to its issue.

    Raises `Refused` where the issue has moved on since `action` was made: another action, or a
    first order of the day.
    """
    run = _Run(server, action, _at(clock))
    with server.transaction(isolation="read committed"):
        return run.rename() if action.kind == "rename" else run.change()


def steps(action: Action) -> list[Step]:
    """Return what `apply` would do."""
    issue = action.issue
    if action.kind == "rename":
        return [Step(action=f"call {issue.symbol} {action.name!r} and no longer {issue.name!r}",
                     why="orders, holdings and prices go by its code, and stay")]  # fmt: skip
    planned = [
        Step(
            action=f"end the day of {issue.symbol} {issue.name}, and open {action.on}",
            why=f"{issue.open_orders} open orders expire, with their owners told; nobody trades it "
            "until then",
            lock="share",
        )
    ]
    rules = f"{issue.conditions} conditions and {issue.predictions} predictions"
    if action.ratio is not None:
        after = issue.listed_shares * action.ratio.new // action.ratio.old
        return [
            *planned,
            Step(
                action=f"make {after:,} shares of {issue.listed_shares:,}, for {issue.holders} "
                "holders and the house",
                why=f"{action.ratio}; parts of a share are paid in cash by the house",
                lock="share",
            ),
            Step(
                action=f"bring the base price and {rules} to the ratio",
                why="prices before it stay as they were traded; price_factors has the ratio",
            ),
        ]
    held = issue.listed_shares - issue.available_shares
    paid = action.price_won is not None
    return [
        *planned,
        Step(
            action=f"delist {issue.symbol}, and end {rules}",
            why="it takes no order any more; prices, trades and journals stay",
            destroys=True,
        ),
        Step(
            action=f"pay {(action.price_won or 0) * held:,} won for {held:,} shares of "
            f"{issue.holders} holders"
            if paid
            else f"leave {held:,} shares to {issue.holders} holders",
            why="the issuer pays, and takes the shares back" if paid else "without --price",
            lock="share" if paid else "none",
        ),
    ]


class _Run:
    """One action in its transaction."""

    def __init__(self, server: Server, action: Action, at: str) -> None:
        self._server = server
        self._action = action
        self._said: dict[str, Any] = {
            "symbol": action.issue.symbol,
            "kind": action.kind,
            "on": action.on,
            "next_date": action.on,
            "market": action.issue.market,
            "what": action.in_words,
            "at": at,
            "new": action.ratio.new if action.ratio else None,
            "old": action.ratio.old if action.ratio else None,
            "price_won": action.price_won,
            "old_name": action.issue.name if action.kind == "rename" else None,
            "new_name": action.name,
        }

    def rename(self) -> Done:
        issue, far = self._action.issue, date(9999, 12, 31)
        self._rows("audit/lock_symbol", next_date=far)
        base = self._server.fetch(OPENED, symbol=issue.symbol)[0].base_won
        self._draw()
        renamed = self._do("rename_stock", name=self._action.name, before=issue.name)
        if not renamed:
            raise self._overtaken()
        return self._store(base, base, issue.listed_shares, Sums(0, Decimal(0), Decimal(0)), 0)

    def change(self) -> Done:
        """Split or delist: the day is ended and the next one opened, then holdings change."""
        issue, action = self._action.issue, self._action
        if not self._rows("audit/lock_symbol"):
            raise self._overtaken()
        now = find(self._server, issue.symbol)
        if (now.listed_shares, now.status) != (issue.listed_shares, issue.status):
            raise self._overtaken()
        self._rules()
        self._lock_accounts()
        self._draw()
        self._do_of("audit/open_day")
        expired = self._do("tell_orders")
        last_won = self._server.fetch(OPENED, symbol=issue.symbol)[0].base_won
        base_won = self._base(last_won)
        pays, price = action.price_won is not None, action.price_won or 0
        if action.ratio is not None:
            self._do("split_lines", base_won=base_won)
            listed = issue.listed_shares * action.ratio.new // action.ratio.old
        elif pays:
            self._do("payout_lines")
            listed = 0
        else:
            listed = issue.listed_shares
        sums = self._server.fetch(SUMS, action_id=self._said["action_id"])[0]
        changes = action.ratio is not None or pays
        house = listed - int(sums.shares) if changes else now.available_shares
        house_before = now.available_shares
        if changes and house != house_before:
            self._do("house_line", before=house_before, after=house,
                     paid_won=price * house_before)  # fmt: skip
        if changes:
            self._do("journal", payer=_ISSUER if pays else _HOUSE)
            self._do("positions")
            self._do("cash")
            self._do("tell_holders")
            self._do("inventory", available=house, base_won=base_won)
        status = "delisted" if action.kind == "delist" else issue.status
        self._do("stock", status=status, shares=listed)
        if action.ratio is not None:
            self._do("scale_factors")
            self._do("store_factor")
        return self._store(last_won, base_won, listed, sums, expired)

    def _rules(self) -> None:
        """Bring what waits for the issue to the ratio, or end it."""
        if self._action.ratio is not None:
            self._do("scale_predictions")
            self._do("scale_conditions")
            return
        self._do("tell_conditions")
        self._do("end_conditions")
        self._do("end_predictions")

    def _lock_accounts(self) -> None:
        """Lock whose cash or reservation changes, in the order in which orders lock accounts."""
        pays = self._action.price_won is not None
        # Every share is more than a part of so many.
        divisor = 2**62 if pays else self._action.ratio.old if self._action.ratio else 1
        owners = [row.account_id for row in self._server.fetch(
            OWNERS, symbol=self._action.issue.symbol, divisor=divisor)]  # fmt: skip
        for start in range(0, len(owners), LOCKED_AT_ONCE):
            part = json.dumps(owners[start : start + LOCKED_AT_ONCE])
            self._rows("lock_accounts", account_ids=part)

    def _base(self, last_won: int) -> int:
        """Return the base price by the ratio, moved down to the tick."""
        ratio, issue = self._action.ratio, self._action.issue
        if ratio is None:
            return last_won
        steps_of = market.ticks(self._server, self._action.on).get(issue.market, Ticks(((0, 1),)))
        base = steps_of.below(last_won * ratio.old // ratio.new + 1)
        if base is None:
            raise Refused(
                f"a share of {last_won:,} won cannot be split {ratio}: less than 1 won would be "
                "left of its price",
                hint="Take a smaller ratio.",
            )
        return base

    def _draw(self) -> None:
        self._said["action_id"] = self._server.fetch(NUMBER)[0].event_id

    def _store(self, last_won: int, base_won: int, listed: int, sums: Sums, expired: int) -> Done:
        issue, action = self._action.issue, self._action
        done = Done(
            action_id=self._said["action_id"],
            symbol=issue.symbol,
            kind=action.kind,
            effective_date=action.on,
            last_won=last_won,
            base_won=base_won,
            listed_before=issue.listed_shares,
            listed_after=listed,
            holders=sums.holders,
            paid_won=int(sums.paid_won),
            orders_expired=expired,
        )
        self._do("store", last_won=last_won, base_won=base_won, before=issue.listed_shares,
                 after=listed, holders=sums.holders, paid_won=done.paid_won,
                 orders=expired)  # fmt: skip
        what = action.name or action.ratio or action.price_won or ""
        self._do("log", detail=f"{what} listed {listed} holders {sums.holders} paid "
                 f"{done.paid_won} expired {expired}".strip())  # fmt: skip
        return done

    def _overtaken(self) -> Refused:
        issue = self._action.issue
        return Refused(
            f"{issue.symbol} has changed meanwhile: another action came first, or its day was "
            "opened",
            hint="Look at it with --plan, and run this again if it is still wanted.",
        )

    def _do(self, name: str, /, **more: object) -> int:
        return self._do_of(f"acting/{name}", **more)

    def _do_of(self, name: str, /, **more: object) -> int:
        return self._server.execute(self._text(name), {**self._said, **more})

    def _rows(self, name: str, /, **more: object) -> Sequence[dict[str, Any]]:
        path = name if "/" in name else f"acting/{name}"
        return self._server.rows(self._text(path), {**self._said, **more})

    def _text(self, name: str) -> str:
        return queries.text(self._server.engine, name, self._server.version[0])


def _at(clock: Clock) -> str:
    """Return the instant of `clock` as the database takes it, in UTC."""
    return clock.cells[1] or datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
