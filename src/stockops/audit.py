"""
What happens to the books after the orders: the audit chain is sealed, the house's days are folded.

Neither makes an order wait. A seal is a row of its own, written later than the audit row that it
covers, so an order never waits for the hash of another one. The house's accounts get entries only,
and a day's are added up once, when no more of them can come.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice

from . import advisory, market, queries
from .engine.base import Server
from .errors import Refused
from .plan import Step
from .queries import Query

FIRST_HASH = "0" * 64
SEAL_ROWS_MAX = 50_000
FOLD_SYMBOLS_MAX = 20

# An audit row can be committed after rows with larger numbers were sealed: its order was slow. A
# seal looks back this far below the largest sealed number; `sweep` looks at everything.
LOOK_BACK_IDS = 1_000_000

_LINKS_PER_STATEMENT = 2_000


@dataclass(frozen=True, slots=True)
class Unsealed:
    """One committed audit row without a seal, and the text that its seal is computed from."""

    audit_id: int
    business_date: date
    canonical: str


@dataclass(frozen=True, slots=True)
class LastSeal:
    """The end of the chain, and the largest audit row that it covers."""

    seal_no: int
    chain_hash: str
    audit_id: int


@dataclass(frozen=True, slots=True)
class Quote:
    """An issue and the business date that it is at, and the business date after `through`."""

    symbol: str
    next_date: date


@dataclass(frozen=True, slots=True)
class Sealed:
    """How many audit rows got their seal."""

    sealed_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What `fold` did: issues moved past the day, and balances of the house written."""

    through: date
    symbols: int
    balances: int


UNSEALED = Query("audit_unsealed", Unsealed)
LAST_SEAL = Query("audit_last_seal", LastSeal)
QUOTES = Query("audit_quotes", Quote)


def seal(
    server: Server, limit: int = SEAL_ROWS_MAX, *, sweep: bool = False, wait_s: float = 5.0
) -> int:
    """
    Seal up to `limit` committed audit rows that have no seal yet; return how many.

    One transaction under the sealers' lock: read the end of the chain, append to it. Waits `wait_s`
    for another sealer, then raises `Busy`.
    """
    with (
        advisory.alone(server, "seal", wait_s=wait_s),
        server.transaction(isolation="read committed"),
    ):
        last = next(iter(server.fetch(LAST_SEAL)), LastSeal(0, FIRST_HASH, 0))
        after_id = 0 if sweep else max(0, last.audit_id - LOOK_BACK_IDS)
        rows = server.fetch(UNSEALED, after_id=after_id, row_limit=limit)
        append = queries.text(server.engine, "audit/append", server.version[0])
        links = _links(rows, last)
        while group := list(islice(links, _LINKS_PER_STATEMENT)):
            server.execute(append, {"links": json.dumps(group)})
        return len(rows)


def seal_all(server: Server, *, sweep: bool = False) -> int:
    """Seal until nothing is left of what was there at the start, or later; return how many."""
    total = 0
    while done := seal(server, sweep=sweep):
        total += done
        if done < SEAL_ROWS_MAX:
            break
    return total


def _links(rows: Iterable[Unsealed], last: LastSeal) -> Iterator[dict[str, object]]:
    """Yield the chain's next links, by column."""
    previous, seal_no = last.chain_hash, last.seal_no
    for row in rows:
        previous = chained(previous, row.canonical)
        seal_no += 1
        yield {
            "seal_no": seal_no,
            "audit_id": row.audit_id,
            "business_date": row.business_date.isoformat(),
            "chain_hash": previous,
        }


def chained(previous: str, canonical: str) -> str:
    """Return the hash of the row `canonical` after the hash `previous`, both as text."""
    return hashlib.sha256(f"{previous}\n{canonical}".encode()).hexdigest()


def seal_steps(*, sweep: bool = False) -> list[Step]:
    """Return what `seal_all` would do."""
    age = "however old" if sweep else "the recent ones"
    return [
        Step(
            action=f"seal every audit row that has no seal yet, {age}",
            why="a row that is changed later breaks the chain",
        )
    ]


def require_reached(server: Server, through: date) -> None:
    """
    Raise `Refused` where `through` is a date that a lab has not come to: it cannot be opened again.

    The clock of a lab stands at the latest date that an issue is at; the real one counts, too.
    """
    today, stands = market.today(server), server.fetch(market.QUOTE_DATE)[0].business_date
    reached = today if stands is None else max(today, stands)
    if through > reached:
        raise Refused(
            f"{through} is in the future, and no issue has come to it: every order of a date up to "
            "it would be refused",
            hint=f"Fold through {reached} at most.",
        )


def fold_steps(server: Server, through: date) -> list[Step]:
    """Return what `fold` would do."""
    waiting = len(server.fetch(QUOTES, through=through))
    return [
        Step(
            action=f"open the next business day of {waiting} issues at {through} or before",
            why="no order of a closed day can come any more; what still rests of it expires",
            lock="share",
        ),
        Step(
            action=f"add up the house's entries through {through} into house_balances",
            why="a balance of the house is then a few rows, not all entries there ever were",
        ),
        *seal_steps(sweep=True),
    ]


def fold(
    server: Server, through: date, *, today: date | None = None, wait_s: float = 5.0
) -> Folded:
    """
    Close every business date up to `through`, and add up what the house was entered on them.

    Each issue still at such a date is moved to the next one as its first order would do it: a few
    issues at a time are locked by symbol, then the owners of their resting orders by account, so
    that an order waits for milliseconds and never in a circle. An order of a closed date is
    refused from then on, so the sums are final. Repeating it does nothing more.

    Raises `Refused` where `through` is not over on `today`, the real date; None trusts the caller.
    """
    if today is not None and through >= today:
        raise Refused(
            f"{through} is not over: orders may still come in",
            hint="Fold through yesterday, or wait until tomorrow.",
        )
    with advisory.alone(server, "fold", wait_s=wait_s):
        symbols = close_days(server, through)
        sql = queries.text(server.engine, "audit/fold", server.version[0])
        balances = server.execute(sql, {"through": through})
    seal_all(server, sweep=True)
    return Folded(through=through, symbols=symbols, balances=balances)


def close_days(server: Server, through: date) -> int:
    """
    Move each issue that is still at `through` or before to its next date; return how many.

    No order of a closed date comes after that, so what is added up of it is final.
    """
    quotes = server.fetch(QUOTES, through=through)
    remaining = iter(quotes)
    while group := list(islice(remaining, FOLD_SYMBOLS_MAX)):
        _close(server, group)
    return len(quotes)


def _close(server: Server, group: list[Quote]) -> None:
    """Move `group`, which is in the order of symbols, to its next date, in one transaction."""
    lock_symbol = queries.text(server.engine, "audit/lock_symbol", server.version[0])
    resting_owners = queries.text(server.engine, "audit/resting_owners", server.version[0])
    lock_account = queries.text(server.engine, "audit/lock_account", server.version[0])
    open_day = queries.text(server.engine, "audit/open_day", server.version[0])
    with server.transaction(isolation="read committed"):
        held = [
            quote
            for quote in group
            # None where an order has opened the day meanwhile.
            if server.rows(lock_symbol, {"symbol": quote.symbol, "next_date": quote.next_date})
        ]
        owners = {
            row["account_id"]
            for quote in held
            for row in server.rows(resting_owners, {"symbol": quote.symbol})
        }
        for account_id in sorted(owners):
            server.rows(lock_account, {"account_id": account_id})
        for quote in held:
            server.execute(open_day, {"symbol": quote.symbol, "next_date": quote.next_date})
