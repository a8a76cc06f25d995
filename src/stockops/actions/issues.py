"""The issue that an action is for, what is to be done to it, and why it may not be."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Literal

from .. import market
from ..engine.base import Server
from ..errors import ConfigError, Refused
from ..queries import Query

Kind = Literal["rename", "split", "delist"]

RATIO_MAX = 1_000
NAME_CHARACTERS_MAX = 64
_RATIO = re.compile(r"([0-9]{1,6}):([0-9]{1,6})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """So many new shares for so many old ones; one of the two is 1."""

    new: int
    old: int

    def __str__(self) -> str:
        return f"{self.new}:{self.old}"


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue, the business date that it is at, and what an action would touch."""

    symbol: str
    name: str
    market: str
    status: str
    listed_shares: int
    available_shares: int
    last_won: int
    quote_date: date
    next_date: date
    priced_through: date | None
    split_on: date | None
    delisted_on: date | None
    holders: int
    open_orders: int
    conditions: int
    predictions: int


@dataclass(frozen=True, slots=True)
class Named:
    """The code and the name of an issue."""

    symbol: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What is to be done to `issue`, from `on` on."""

    issue: Issue
    kind: Kind
    on: date
    ratio: Ratio | None = None
    name: str | None = None
    price_won: int | None = None

    @property
    def in_words(self) -> str:
        """What it is, to the people it concerns."""
        match self.kind:
            case "split":
                what = "액면병합" if self.ratio and self.ratio.old > 1 else "액면분할"
                return f"{self.issue.symbol} {what} {self.ratio}"
            case "delist":
                return f"{self.issue.symbol} 상장폐지"
            case "rename":
                return f"{self.issue.symbol} 상호변경 {self.name}"


ISSUE = Query("actions/issue", Issue)
NAMES = Query("actions/names", Named)


def find(server: Server, symbol: str) -> Issue:
    """Return the issue `symbol`; where there is none, say which ones are nearest."""
    found = next(iter(server.fetch(ISSUE, symbol=symbol)), None)
    if found is not None:
        return found
    known = server.fetch(NAMES)
    near = get_close_matches(symbol, [row.symbol for row in known], 3, 0.7)
    named = [row.symbol for row in known if row.name == symbol]
    lines = [f"{row.symbol} {row.name}" for row in known if row.symbol in {*near, *named}]
    raise ConfigError(
        f"no issue has the code {symbol!r}",
        hint=f"Nearest: {', '.join(lines)}." if lines else "A code has six characters: 005930.",
    )


def ratio_of(text: str) -> Ratio:
    """Return the ratio in `text`, ``5:1`` for five new shares of one, ``1:5`` for one of five."""
    match = _RATIO.fullmatch(text)
    new, old = (int(match[1]), int(match[2])) if match else (0, 0)
    if min(new, old) != 1 or new == old or max(new, old) > RATIO_MAX:
        raise ConfigError(
            f"{text!r} is not a ratio of new shares to old ones",
            hint=f"N:1 splits a share, 1:N joins N of them; N is 2 to {RATIO_MAX}.",
        )
    return Ratio(new=new, old=old)


def renaming(issue: Issue, name: str, *, today: date) -> Action:
    """Return the action that gives `issue` another name, from `today` on."""
    _check_listed(issue)
    name = name.strip()
    if not 1 <= len(name) <= NAME_CHARACTERS_MAX or not name.isprintable():
        raise ConfigError(
            f"{name!r} is not the name of an issue",
            hint=f"A name has 1 to {NAME_CHARACTERS_MAX} characters.",
        )
    if name == issue.name:
        raise Refused(f"{issue.symbol} is called {name!r} already", hint="There is nothing to do.")
    return Action(issue=issue, kind="rename", on=max(today, issue.quote_date), name=name)


def splitting(
    server: Server, issue: Issue, ratio: Ratio, *, on: date | None, today: date | None
) -> Action:
    """
    Return the action that splits the shares of `issue`, or joins them.

    Without `on` it takes effect on the first business date after the one that the issue is at, and
    after `today`; None for a market whose clock is what the user says.
    """
    _check_listed(issue)
    if on is None and issue.split_on is not None and issue.split_on >= issue.quote_date:
        raise Refused(
            f"{issue.symbol} was split on {issue.split_on}, and has not opened a day since",
            hint="For another split name its day with --date.",
        )
    day = _effective(server, issue, on, today)
    if issue.priced_through is not None and issue.priced_through >= day:
        raise Refused(
            f"there are closing prices of {issue.symbol} through {issue.priced_through}, "
            "and they are of shares as they are now",
            hint="Split it from a later date on, with --date.",
        )
    return Action(issue=issue, kind="split", on=day, ratio=ratio)


def delisting(
    server: Server, issue: Issue, price_won: int | None, *, on: date | None, today: date | None
) -> Action:
    """Return the action that delists `issue`; with a price, every share is paid out at it."""
    _check_listed(issue)
    day = _effective(server, issue, on, today)
    return Action(issue=issue, kind="delist", on=day, price_won=price_won)


def _check_listed(issue: Issue) -> None:
    if issue.status == "delisted":
        since = f" since {issue.delisted_on}" if issue.delisted_on else ""
        raise Refused(
            f"{issue.symbol} {issue.name} is delisted{since}",
            hint="Name an issue that is listed or halted.",
        )


def _effective(server: Server, issue: Issue, on: date | None, today: date | None) -> date:
    """Return the business date from which on an action holds: a day that nobody traded on yet."""
    first = issue.next_date
    if today is not None and today > issue.quote_date:
        after = max(issue.quote_date, today - timedelta(days=1 if on else 0))
        opens = market.next_business_date(server, after, market=issue.market)
        first = max(first, opens or first)
    if on is None:
        return first
    opens = market.next_business_date(server, on - timedelta(days=1), market=issue.market)
    if opens != on:
        raise Refused(
            f"no order can come on {on}: {issue.market} is closed",
            hint=f"The next business day is {opens}.",
        )
    if on < first:
        raise Refused(
            f"{issue.symbol} is at {issue.quote_date}: an action holds before the first order "
            "of its day",
            hint=f"The first day that it can hold from is {first}.",
        )
    return on
