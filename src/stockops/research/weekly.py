"""
The week of each user: orders, trades, money, positions, and what predictions and conditions did.

Trades are told by `trades`, cash and shares by the journal, and both have to agree to the won:
a report whose figures do not is refused. A week that is not over is told as far as it went, and
again when it is asked for later.
"""

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from operator import attrgetter
from typing import Any, TypeVar

from .. import advisory, counts, queries
from ..engine.base import Server
from ..errors import ConfigError, Finding
from ..market import KST
from ..plan import Step
from . import weekfigures
from .weekfigures import Cash, Position, Signals

Row = TypeVar("Row")

_WAIT_S = 5.0
_SIGNALS = (
    "predictions_valid", "predictions_quarantined", "predictions_expired", "recommendations",
    "conditions_made", "orders_by_prediction", "orders_by_price",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """A week by ISO 8601, and the last date of it that is looked at."""

    iso_week: str
    first: date
    through: date

    @property
    def is_over(self) -> bool:
        """False while a date of it is still to come."""
        return self.through == self.first + timedelta(days=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The report of one user, as it is stored: figures by name, money in won."""

    user_id: int
    week: Week
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A report in one line. `best` and `worst` are the positions that gained and lost most."""

    user_id: int
    iso_week: str
    through_date: date
    orders: int
    trades: int
    bought_won: int
    sold_won: int
    fees_won: int
    tax_won: int
    realised_won: int | None
    unrealised_won: int | None
    profit_won: int | None
    best: str | None
    worst: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """The reports of a week, and how many of them were not stored like that."""

    reports: Sequence[Report]
    new: int
    changed: int


def week_of(text: str | None, today: date) -> Week:
    """Return the week ``2025-W01``, or that of `today`; `ConfigError` for none, or a later one."""
    try:
        first = date.fromisocalendar(*_parts(text or _named(today)), 1)
    except ValueError as exc:
        raise ConfigError(
            f"{text!r} is no week", hint=f"Write it as ISO 8601 has it: {_named(today)}"
        ) from exc
    if first > today:
        raise ConfigError(
            f"the week {text} has not begun: it is {today}",
            hint=f"The last one that has is {_named(today)}.",
        )
    return Week(iso_week=_named(first), first=first, through=min(today, first + timedelta(days=6)))


def weekly(
    server: Server, week: Week, *, user_id: int | None = None, write: bool = True
) -> Reports:
    """
    Put the reports together in one snapshot and store those that are other than before.

    For one user, or for everybody with an account. `Finding` where trades and journal disagree.
    """
    with advisory.alone(server, "run of weekly reports", wait_s=_WAIT_S):
        with server.transaction(isolation="repeatable read", read_only=True):
            reports = _reports(server, week, user_id)
            if user_id is None:
                _require_costs(server, week, reports)
            stored = server.fetch(weekfigures.STORED, iso_week=week.iso_week, user_id=user_id)
        known = {row.user_id: json.loads(row.body) for row in stored}
        other = [each for each in reports if known.get(each.user_id) != each.body]
        if write:
            _store(server, other)
    new = sum(each.user_id not in known for each in other)
    return Reports(reports=reports, new=new, changed=len(other) - new)


def steps(found: Reports, week: Week) -> list[Step]:
    """Return what would be written, from a run without `write`."""
    said = (
        (found.new, "store the reports of {}", "there are none yet"),
        (found.changed, "replace the reports of {}", "their figures are other ones by now"),
    )
    return [
        Step(action=f"{words.format(counts.of(count, 'user'))} for {week.iso_week}", why=why)
        for count, words, why in said
        if count
    ]


def line(report: Report) -> Line:
    """Return a report in one line."""
    trades, result = report.body["trades"], report.body["result"]
    return Line(
        user_id=report.user_id,
        iso_week=report.week.iso_week,
        through_date=report.week.through,
        orders=report.body["orders"]["placed"],
        trades=trades["trades"],
        bought_won=trades["bought_won"],
        sold_won=trades["sold_won"],
        fees_won=trades["fees_won"],
        tax_won=trades["tax_won"],
        realised_won=result["realised_won"],
        unrealised_won=result["unrealised_won"],
        profit_won=result["profit_won"],
        best=result["best"],
        worst=result["worst"],
    )


def _parts(text: str) -> tuple[int, int]:
    year, dash, number = text.partition("-W")
    if not dash or len(year) != 4 or len(number) != 2 or not (year + number).isdigit():
        raise ValueError(text)
    return int(year), int(number)


def _named(day: date) -> str:
    year, number, _ = day.isocalendar()
    return f"{year}-W{number:02d}"


def _reports(server: Server, week: Week, user_id: int | None) -> list[Report]:
    users = server.fetch(weekfigures.USERS, user_id=user_id)
    if not users:
        who = "nobody has an account" if user_id is None else f"user {user_id} has no account"
        raise ConfigError(who, hint="See who has: stockops report scenario profit")
    asked = {"user_id": user_id, "through_date": week.through}
    span = {**asked, "first_date": week.first}
    moments = {"since_at": _begin(week.first), "until_at": _begin(week.through + timedelta(days=1))}
    orders = _by_user(server.fetch(weekfigures.ORDERS, **span))
    cash = {row.user_id: row for row in server.fetch(weekfigures.CASH, **span)}
    events = server.fetch(weekfigures.EVENTS, **asked)
    held = weekfigures.positions(server.fetch(weekfigures.HOLDINGS, **span), events, week.first)
    signals = _by_user(server.fetch(weekfigures.SIGNALS, **span, **moments))
    return [
        Report(
            user_id=user.user_id,
            week=week,
            body=_body(
                user.user_id,
                week,
                weekfigures.counted(orders.get(user.user_id, [])),
                cash.get(user.user_id, Cash(user.user_id, 0, 0, 0, 0)),
                held.get(user.user_id, []),
                signals.get(user.user_id, []),
            ),
        )
        for user in users
    ]


def _body(
    user_id: int,
    week: Week,
    orders: Mapping[str, int],
    cash: Cash,
    held: Sequence[Position],
    signals: Sequence[Signals],
) -> dict[str, Any]:
    trades = {
        name: sum(getattr(each, name) for each in held)
        for name in ("trades", "bought_won", "sold_won", "fees_won", "tax_won")
    }
    _require_agreement(user_id, week, trades, cash)
    gained = sorted(
        (each for each in held if each.profit_won), key=lambda each: (each.profit_won, each.symbol)
    )
    best, worst = gained[-1:], gained[:1]
    return {
        "user_id": user_id,
        "iso_week": week.iso_week,
        "first_date": week.first.isoformat(),
        "through_date": week.through.isoformat(),
        "is_over": week.is_over,
        "orders": orders,
        "trades": trades,
        "cash": {name: getattr(cash, name) for name in Cash.__slots__ if name.endswith("_won")},
        "result": {
            "value_won": _sum(each.value_won for each in held),
            "cost_won": _sum(each.cost_won for each in held),
            "realised_won": _sum(each.realised_won for each in held),
            "unrealised_won": _sum(each.unrealised_won for each in held),
            "profit_won": _sum(each.profit_won for each in held),
            "best": next((p.symbol for p in best if (p.profit_won or 0) > 0), None),
            "worst": next((p.symbol for p in worst if (p.profit_won or 0) < 0), None),
        },
        "signals": {
            name: {
                "times": sum(each.times for each in signals if each.what == name),
                "value_won": sum(each.value_won for each in signals if each.what == name),
            }
            for name in _SIGNALS
        },
        "positions": [asdict(each) for each in held],
    }


def _require_agreement(user_id: int, week: Week, trades: Mapping[str, int], cash: Cash) -> None:
    """Raise `Finding` where the week's trades brought other than what the journal says."""
    by_trades = trades["sold_won"] - trades["bought_won"] - trades["fees_won"] - trades["tax_won"]
    if by_trades != cash.traded_won:
        raise _disagreement(f"what user {user_id} traded", week, by_trades, cash.traded_won)


def _require_costs(server: Server, week: Week, reports: Sequence[Report]) -> None:
    """Raise `Finding` where the costs of everybody are other than what the journal says."""
    [booked] = server.fetch(weekfigures.COSTS, first_date=week.first, through_date=week.through)
    for name, by_journal in (("fees_won", booked.fees_won), ("tax_won", booked.tax_won)):
        by_trades = sum(each.body["trades"][name] for each in reports)
        if by_trades != by_journal:
            what = {"fees_won": "commission", "tax_won": "tax"}[name]
            raise _disagreement(f"the {what} of all users", week, by_trades, by_journal)


def _disagreement(what: str, week: Week, by_trades: int, by_journal: int) -> Finding:
    return Finding(
        f"{what} in {week.iso_week} is {by_trades} won by the trades, and {by_journal} won by "
        "the journal",
        hint="Find out why with: stockops books check",
    )


def _store(server: Server, reports: Sequence[Report]) -> None:
    forget, store = (
        queries.text(server.engine, f"researching/{name}", server.version[0])
        for name in ("forget_week", "store_week")
    )
    with server.transaction(isolation="read committed"):
        for each in reports:
            row = {
                "user_id": each.user_id,
                "iso_week": each.week.iso_week,
                "first_date": each.week.first,
                "through_date": each.week.through,
                "body": json.dumps(each.body, ensure_ascii=False),
            }
            server.execute(forget, {name: row[name] for name in ("user_id", "iso_week")})
            server.execute(store, row)


def _sum(values: Iterable[int | None]) -> int | None:
    """Return the sum; None where one of `values` is not known."""
    total = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _by_user(rows: Sequence[Row]) -> dict[int, list[Row]]:
    groups = itertools.groupby(rows, attrgetter("user_id"))
    return {user: [*group] for user, group in groups}


def _begin(day: date) -> str:
    """Return when a date begins in Korea, in UTC."""
    return datetime.combine(day, time(), KST).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
