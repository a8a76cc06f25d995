"""Make conditions from rules, all of a file or none; take one back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from .. import queries
from ..engine.base import Server
from ..errors import ConfigError, Finding
from ..orders import Clock
from ..plan import Step
from ..queries import Query
from .rules import Rule


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one condition stands."""

    status: str


STANDING = Query("conditions/standing", Standing)

# What each reason of add_condition means.
_REASONS = {
    "unknown_account": "there is no customer account {account_id}",
    "unknown_symbol": "no issue has the code {symbol}",
    "delisted": "{symbol} is delisted",
    "past_expiry": "its expiry {expires_at} is past",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A condition that was made."""

    condition_id: int
    symbol: str
    side: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A condition that was taken back, and what its status was."""

    condition_id: int
    was: str


class _RolledBackError(Exception):
    """Ends a transaction that was for looking only."""


def add(
    server: Server, rules: Sequence[Rule], *, account_id: int, expires_at: datetime, clock: Clock
) -> list[Added]:
    """
    Make a condition of each of `rules` for an account, in one transaction.

    Raises `ConfigError` for the first rule that the database refuses: its issue is delisted, say.
    """
    with server.transaction(isolation="read committed"):
        return _added(server, rules, account_id=account_id, expires_at=expires_at, clock=clock)


def add_steps(
    server: Server, rules: Sequence[Rule], *, account_id: int, expires_at: datetime, clock: Clock
) -> list[Step]:
    """Return what `add` would do; raises what it would raise."""
    try:
        with server.transaction(isolation="read committed"):
            _added(server, rules, account_id=account_id, expires_at=expires_at, clock=clock)
            raise _RolledBackError  # noqa: TRY301  what leaves the block is what undoes it
    except _RolledBackError:
        return [
            Step(
                action=f"make a condition for account {account_id}: {rule.symbol} {rule.text}",
                why=f"it places orders until {expires_at:%Y-%m-%d %H:%M %z}",
            )
            for rule in rules
        ]


def _added(
    server: Server, rules: Sequence[Rule], *, account_id: int, expires_at: datetime, clock: Clock
) -> list[Added]:
    sql = queries.text(server.engine, "signals/add_condition", server.version[0])
    ends = expires_at.astimezone(UTC)
    business_date, at = clock.cells
    made = []
    for rule in rules:
        asked = {
            "account_id": account_id,
            "symbol": rule.symbol,
            "rule": rule.text,
            "expires_at": f"{ends:%Y-%m-%d %H:%M:%S.%f}",
            "date": business_date,
            "at": at,
        }
        row = server.rows(sql, asked)[0]
        if row["reason"]:
            told = _REASONS[row["reason"]].format(
                account_id=account_id, symbol=rule.symbol, expires_at=f"{expires_at:%Y-%m-%d %H:%M}"
            )
            raise ConfigError(
                f"the rule {rule.place} cannot be a condition: {told}",
                hint="Correct it, then add them again: none of this file was added.",
            )
        side = str(rule.body["side"])
        made.append(
            Added(
                condition_id=int(row["condition_id"]),
                symbol=rule.symbol,
                side=side,
                expires_at=expires_at,
            )
        )
    return made


def cancel(server: Server, condition_id: int, *, clock: Clock) -> Taken:
    """Take a condition back; raises `Finding` where there is none that could place an order."""
    sql = queries.text(server.engine, "signals/cancel_condition", server.version[0])
    business_date, at = clock.cells
    asked = {"condition_id": condition_id, "date": business_date, "at": at}
    with server.transaction(isolation="read committed"):
        was = server.rows(sql, asked)[0]["status"]
    return Taken(condition_id=condition_id, was=_live(condition_id, was))


def cancel_steps(server: Server, condition_id: int) -> list[Step]:
    """Return what `cancel` would do; raises what it would raise."""
    found = server.fetch(STANDING, condition_id=condition_id)
    _live(condition_id, found[0].status if found else None)
    return [
        Step(
            action=f"set condition {condition_id} to cancelled, with its audit row",
            why="it places no order any more; what it placed stays",
        )
    ]


def _live(condition_id: int, status: str | None) -> str:
    """Return `status`, or raise where a condition that has it places no order any more."""
    if status is None or status not in {"active", "paused"}:
        what = f"is {status} already" if status else "is not there"
        raise Finding(
            f"condition {condition_id} {what}",
            hint="See which are active: stockops trade conditions list --status active",
        )
    return status
