"""
The right to be forgotten, in books that forget nothing.

What is personal of a user gives way to tombstones; orders, trades, entries and audit rows stay, and
name the user by number. Sealed audit rows are never changed: they hold no personal data by design,
and where one does, that is said.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .. import counts, queries
from ..engine.base import Server
from ..errors import Busy, ConfigError, Refused
from ..indexes.candidates import quoted
from ..plan import Step
from ..queries import Query
from .declarations import Declarations, PersonalTable

_MAIL = "users.email"
OPEN_MAX = 10  # the LIMIT of the question
# Whoever acts for a user holds the condition or the portfolio first, and then the accounts.
_ENDS_BEFORE = ("end_conditions", "close_portfolios")
_ENDS = ("end_messages", "close_accounts", "close_user")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a user stands; `erased` where the tombstones are there already."""

    erased: bool
    open_orders: int
    unsettled_buys: int
    unsettled_sales: int
    cash_won: Decimal
    positions: int


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the user."""

    account_id: int


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order of the user that is open."""

    order_id: int


@dataclass(frozen=True, slots=True)
class LeftRow:
    """A sealed audit row that holds personal data of the user."""

    audit_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What was erased: rows by table. `left` are audit rows that hold some of it, and stay."""

    user_id: int
    already: bool
    rows: tuple[str, ...]
    left: tuple[int, ...]


STANDING = Query("privacy/standing", Standing)
ACCOUNTS = Query("privacy/accounts_of", Account)
OPEN = Query("privacy/open_orders_of", OpenOrder)
LEFT = Query("privacy/left_in_audit", LeftRow)


def steps(
    server: Server, declared: Declarations, user_id: int, *, on: date, with_holdings: bool
) -> list[Step]:
    """Return what `erase` would do; nothing where it is done. Raises `Refused` as that does."""
    standing = _standing(server, declared, user_id, on)
    _require_may(server, standing, user_id, with_holdings=with_holdings)
    found = []
    for table in _tables(declared):
        where = f"FROM {table.name} WHERE {_due(server.engine, table)}"
        sql = f"SELECT count(*) AS due {where}"
        if due := int(server.rows(sql, _values(table, user_id))[0]["due"]):
            names = ", ".join(column.column for column in table.columns)
            what = "remove" if table.erase_rows else f"replace {names} of"
            found.append(
                Step(
                    action=f"{what} {counts.of(due, 'row')} of {table.name}",
                    why="personal data",
                    destroys=True,
                )
            )
    if found:
        ends = "close the user, accounts and portfolios; end conditions and queued messages"
        found.append(Step(action=ends, why="nothing acts for somebody who is forgotten"))
        found.append(Step(action="write an audit row", why="that it was done, by number alone"))
    return found


def erase(
    server: Server, declared: Declarations, user_id: int, *, on: date, with_holdings: bool
) -> Erased:
    """
    Replace what is personal of the user by tombstones, in one transaction.

    The accounts are locked first, by number, as orders lock them: one in flight is over, or is
    refused. Doing it again does nothing more. Raises `ConfigError` where there is no such user,
    `Refused` for the house, for open orders, for trades that settle `on` or later, and for cash or
    shares that are left unless `with_holdings`.
    """
    with server.transaction(isolation="read committed"):
        changed = _end(server, user_id, _ENDS_BEFORE)
        _lock(server, user_id)
        standing = _standing(server, declared, user_id, on)
        _require_may(server, standing, user_id, with_holdings=with_holdings)
        # While what is looked for is still there.
        left = tuple(each.audit_id for each in server.fetch(LEFT, user_id=user_id))
        counts = {table.name: _bury(server, table, user_id) for table in _tables(declared)}
        changed += sum(counts.values()) + _end(server, user_id, _ENDS)
        if changed:
            said = " ".join(f"{name} {count}" for name, count in counts.items())
            row = {"on": on, "user_id": user_id, "detail": f"rows {said}"}
            server.execute(_text(server, "log"), row)
    return Erased(
        user_id=user_id,
        already=standing.erased and not changed,
        rows=tuple(f"{name} {count}" for name, count in counts.items() if count),
        left=left if not standing.erased else (),
    )


def _end(server: Server, user_id: int, names: Sequence[str]) -> int:
    """Run the statements `names`, which end what acts for the user; return the rows changed."""
    return sum(server.execute(_text(server, name), {"user_id": user_id}) for name in names)


def _lock(server: Server, user_id: int) -> None:
    """Hold the accounts of the user, then the user: an order does it the same way around."""
    lock = queries.text(server.engine, "audit/lock_account", server.version[0])
    accounts = server.fetch(ACCOUNTS, user_id=user_id)
    for account in accounts:
        server.rows(lock, {"account_id": account.account_id})
    server.rows(_text(server, "lock_user"), {"user_id": user_id})
    if server.fetch(ACCOUNTS, user_id=user_id) != accounts:
        raise Busy(
            f"an account of user {user_id} was opened or closed meanwhile", hint="Run it again."
        )


def _standing(server: Server, declared: Declarations, user_id: int, on: date) -> Standing:
    tombstone = (declared.personal[_MAIL].tombstone or "").replace("{key}", str(user_id))
    found = server.fetch(STANDING, user_id=user_id, on=on, tombstone=tombstone)
    if not found:
        raise ConfigError(f"there is no user {user_id}", hint="Name the user by number.")
    return found[0]


def _require_may(server: Server, standing: Standing, user_id: int, *, with_holdings: bool) -> None:
    if user_id == 0:
        raise Refused("user 0 is the house itself")
    if standing.open_orders:
        numbers = ", ".join(str(each.order_id) for each in server.fetch(OPEN, user_id=user_id))
        raise Refused(
            f"user {user_id} has {counts.of(standing.open_orders, 'open order')}",
            hint=f"Cancel each of them first: stockops trade cancel NUMBER, of {numbers}"
            f"{', ...' if standing.open_orders > OPEN_MAX else ''}",
        )
    if unsettled := standing.unsettled_buys + standing.unsettled_sales:
        raise Refused(
            f"user {user_id} has {counts.of(unsettled, 'trade')} not settled yet",
            hint="Wait until the last of them is: shares come and cash goes two days later.",
        )
    if (standing.cash_won or standing.positions) and not with_holdings and not standing.erased:
        raise Refused(
            f"user {user_id} holds {standing.cash_won:,} won and "
            f"{counts.of(standing.positions, 'position')}, "
            "and nobody could tell afterwards whose they are",
            hint="Pay them out first, or say that they stay: --with-holdings",
        )


def _tables(declared: Declarations) -> Iterator[PersonalTable]:
    """Yield the tables whose rows belong to users, rows that go first: others find them."""
    owned = [table for table in declared.tables if table.owner is not None]
    yield from sorted(owned, key=lambda table: not table.erase_rows)


def _bury(server: Server, table: PersonalTable, user_id: int) -> int:
    """Replace what is personal in the rows of the user; return how many were changed."""
    where = f"WHERE {_due(server.engine, table)}"
    values = _values(table, user_id)
    if table.erase_rows:
        return server.execute(f"DELETE FROM {table.name} {where}", values)  # noqa: S608
    puts = ", ".join(
        f"{quoted(each.column, server.engine)} = {_tombstone(server.engine, table, n)}"
        for n, each in enumerate(table.columns)
    )
    return server.execute(f"UPDATE {table.name} SET {puts} {where}", values)  # noqa: S608


def _due(engine: str, table: PersonalTable) -> str:
    """Return the condition on rows of the user that are not all tombstones."""
    if table.erase_rows:
        return table.where()
    differ = " OR ".join(
        f"{quoted(each.column, engine)} <> {_tombstone(engine, table, n)}"
        for n, each in enumerate(table.columns)
    )
    return f"{table.where()} AND ({differ})"


def _tombstone(engine: str, table: PersonalTable, number: int) -> str:
    return f"replace(%(tombstone_{number})s, '{{key}}', CAST({table.key} AS {_TEXT[engine]}))"


_TEXT = {"postgresql": "text", "mariadb": "char"}


def _values(table: PersonalTable, user_id: int) -> dict[str, object]:
    stones = {f"tombstone_{n}": each.tombstone for n, each in enumerate(table.columns)}
    return {"user_id": user_id, **({} if table.erase_rows else stones)}


def _text(server: Server, name: str) -> str:
    return queries.text(server.engine, f"erasing/{name}", server.version[0])
