"""
The books at the start: accounts, what they hold, and the journals that it came by.

Cash comes from the bank's account, shares come to the house when an issue is listed and from the
house to its customers. Every journal adds up to zero, and so does everything together.
"""

from collections.abc import Iterator

from ..draws import draws
from .plan import Material, journal_of_account, journal_of_issue

FIRST_ID = 1001
HOUSE, BANK, ISSUER = 1, 4, 5

_CASH_UNITS_WON = (100_000, 100_000, 1_000_000)
_VALUE_UNIT_WON = 200_000


def accounts(made_of: Material, first: int, count: int) -> list[str]:
    """
    Return lines of accounts.

    Columns: account_id, user_id, broker_id, account_no, kind, status, tax_exempt, cash_won,
    reserved_won, opened_at.
    """
    opened = made_of.opened
    return [
        f"{FIRST_ID + row}\t{owner}\t{1 + (x >> 20) % 3}\t{1 + (x >> 20) % 3:03d}-{row:09d}"
        f"\tcustomer\t{'suspended' if (x >> 28) % 100 == 0 else 'active'}"
        f"\t{1 if (x >> 36) % 200 == 0 else 0}\t{_cash_won(x)}\t0"
        f"\t{opened[(x >> 44) % 365]} 00:00:00\n"
        for row, owner, x in owners(made_of, first, count)
    ]


def owners(made_of: Material, first: int, count: int) -> Iterator[tuple[int, int, int]]:
    """Yield the row, the owner's user_id and the draw of each account: everyone has one first."""
    users = made_of.plan.users
    for row, x in enumerate(draws(made_of.plan.seed, "accounts", first, count), first):
        yield row, FIRST_ID + (row if row < users else x % users), x


def positions(made_of: Material, first: int, count: int) -> list[str]:
    """Return lines of positions. Columns: account_id, symbol, quantity, cost_won."""
    return [
        f"{FIRST_ID + row}\t{symbol}\t{quantity}\t{quantity * close_won}\n"
        for row, held in _held(made_of, first, count)
        for symbol, close_won, quantity in held
    ]


def journals(made_of: Material, first: int, count: int) -> list[str]:
    """
    Return lines of journal entries: the journals of the issues, then those of the accounts.

    Columns: journal_id, leg, business_date, account_id, asset, amount, kind.
    """
    day = made_of.plan.on
    issues = made_of.issues
    lines = [
        f"{journal_of_issue(place)}\t{leg}\t{day}\t{account}\t{issues[place].symbol}"
        f"\t{sign}{issues[place].listed_shares}\topen\n"
        for place in range(first, min(first + count, len(issues)))
        for leg, account, sign in ((1, ISSUER, "-"), (2, HOUSE, ""))
    ]
    end = first + count - len(issues)
    first = max(first - len(issues), 0)
    if first >= end:
        return lines
    numbers = draws(made_of.plan.seed, "accounts", first, end - first)
    for (row, held), x in zip(_held(made_of, first, end - first), numbers, strict=True):
        head = f"{journal_of_account(made_of, row)}\t"
        cash = _cash_won(x)
        account = FIRST_ID + row
        lines.append(f"{head}1\t{day}\t{account}\tKRW\t{cash}\topen\n")
        lines.append(f"{head}2\t{day}\t{BANK}\tKRW\t-{cash}\topen\n")
        leg = 3
        for symbol, _, quantity in held:
            lines.append(f"{head}{leg}\t{day}\t{account}\t{symbol}\t{quantity}\topen\n")
            lines.append(f"{head}{leg + 1}\t{day}\t{HOUSE}\t{symbol}\t-{quantity}\topen\n")
            leg += 2
    return lines


def _cash_won(x: int) -> int:
    return (10 + (x >> 8) % 990) * _CASH_UNITS_WON[x % len(_CASH_UNITS_WON)]


def _held(
    made_of: Material, first: int, count: int
) -> Iterator[tuple[int, list[tuple[str, int, int]]]]:
    """
    Yield the row of each account and what it holds: symbol, close and quantity, by symbol.

    Four accounts in ten hold nothing, the others one issue to six. The steps through the issues
    are even, so that no issue has more holders than its share (`plan._holdings`).
    """
    issues = made_of.holdings
    size = len(issues)
    stride = size // 7 + 1 if size >= 20 else 1
    for row, x in enumerate(draws(made_of.plan.seed, "holdings", first, count), first):
        held = []
        for turn in range(0 if x % 10 < 4 else min(1 + (x >> 8) % 6, size)):
            issue = issues[(row + turn * stride) % size]
            value_won = (1 + (x >> 16 + turn * 8 & 63)) * _VALUE_UNIT_WON
            quantity = min(value_won // issue.close_won or 1, issue.quantity_max)
            if quantity:
                held.append((issue.symbol, issue.close_won, quantity))
        held.sort()
        yield row, held
