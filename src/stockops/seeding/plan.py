"""What a seed is asked for, and everything it is made from."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Protocol

from .. import people
from ..draws import shuffled
from ..errors import ConfigError
from ..listing import Issue, Listing
from ..market import Calendar
from ..people import Pool

_CONTENT = "1"  # goes up when the same plan makes other rows
_HELD_MOST = 6
_DEFAULT_DATE = date(2025, 1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedPlan:
    """What is asked for. The same plan makes the same rows on both engines."""

    listing: str = "sample"
    on: date = _DEFAULT_DATE
    users: int = 500
    accounts: int = 1_000
    days: int = 244
    seed: int = 1

    def check(self) -> None:
        """Raise `ConfigError` if a number makes no market."""
        for name, value, lowest, highest in (
            ("users", self.users, 1, 50_000_000),
            ("accounts", self.accounts, 1, 100_000_000),
            ("days", self.days, 1, 5_000),
            ("seed", self.seed, 0, 2**63 - 1),
        ):
            if not lowest <= value <= highest:
                raise ConfigError(
                    f"--{name} is {value:,}, and a market takes {lowest:,} to {highest:,}",
                    hint=f"Leave --{name} out for the usual number.",
                )

    @property
    def text(self) -> str:
        """The plan as one line, as the audit log keeps it."""
        return (
            f"listing {self.listing[-80:]} date {self.on} users {self.users} "
            f"accounts {self.accounts} days {self.days} seed {self.seed}"
        )


@dataclass(frozen=True, slots=True)
class Holding:
    """An issue as customers hold it at the start, and how much of it one of them may have."""

    symbol: str
    close_won: int
    quantity_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """All that rows are made from: small, whatever the number of users, and the same anywhere."""

    plan: SeedPlan
    issues: tuple[Issue, ...]
    dates: tuple[str, ...]
    names: Pool
    joined: tuple[str, ...]
    opened: tuple[str, ...]
    holdings: tuple[Holding, ...]
    fingerprint: str

    @property
    def next_event_id(self) -> int:
        """The first event id that the seed leaves free."""
        return journal_of_account(self, self.plan.accounts)


class Source(Protocol):
    """Where a listing comes from."""

    def __call__(self, source: str, *, on: date) -> Listing:
        """Return the listing that `source` names."""


def material(plan: SeedPlan, listing: Listing, calendar: Calendar) -> Material:
    """Return what the rows of `plan` are made from; a `ConfigError` if there is no such market."""
    plan.check()
    days = _dates(plan, calendar)
    names = people.pool()
    year_before = plan.on - timedelta(days=365)
    parts = {
        "content": _CONTENT,
        "listing": listing.fingerprint,
        "names": names.fingerprint,
        "dates": [str(day) for day in days],
        **asdict(replace(plan, listing="")),
    }
    text = json.dumps(parts, default=str, sort_keys=True)
    return Material(
        plan=plan,
        issues=listing.issues,
        dates=tuple(str(day) for day in days),
        names=names,
        joined=people.days_until(year_before),
        opened=tuple(str(year_before + timedelta(days=day)) for day in range(365)),
        holdings=_holdings(plan, listing.issues),
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
    )


def journal_of_issue(place: int) -> int:
    """Return the event id of the journal that lists issue number `place`; 1 is the audit row's."""
    return 2 + place


def journal_of_account(made_of: Material, row: int) -> int:
    """Return the event id of the journal that opens account number `row`."""
    return 2 + len(made_of.issues) + row


def _dates(plan: SeedPlan, calendar: Calendar) -> list[date]:
    """Return the business dates that get prices, all of them within the calendar."""
    if not calendar.first <= plan.on <= calendar.last - timedelta(days=31):
        raise ConfigError(
            f"--date is {plan.on}, and the calendar of {calendar.market} knows the holidays "
            f"from {calendar.first} to {calendar.last}",
            hint="Choose another --date, or add the year to the table market_holidays.",
        )
    if not calendar.is_business_day(plan.on):
        raise ConfigError(
            f"--date is {plan.on}, when {calendar.market} was closed",
            hint=f"The business day before it is {calendar.nearest_before(plan.on)}.",
        )
    return calendar.ending(plan.on, plan.days)


def _holdings(plan: SeedPlan, issues: Sequence[Issue]) -> tuple[Holding, ...]:
    """
    Return the issues in the order in which accounts take them.

    At most `_HELD_MOST` times as many accounts hold an issue as there are accounts for each
    issue: from that follows a quantity that leaves the house half of the shares, whatever is
    drawn.
    """
    holders_max = _HELD_MOST * -(-plan.accounts // len(issues))
    order = shuffled(plan.seed, "holdings order", len(issues))
    return tuple(
        Holding(
            issues[place].symbol,
            issues[place].close_won,
            issues[place].listed_shares // (2 * holders_max),
        )
        for place in order
    )
