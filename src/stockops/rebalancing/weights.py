"""What a portfolio holds, and what it should hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby

from ..engine.base import Server
from ..errors import ConfigError, Refused
from ..queries import Query

CASH = "KRW"
WHOLE_BP = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """
    One issue of a portfolio, beside what is true of the whole portfolio.

    `symbol` and what belongs to it is None where the portfolio has no issue at all. `price_won` is
    None for an issue without a price, `commission_rate` and `tax_rate` where no rate is in force.
    `sharing` counts the other active portfolios of the account.
    """

    portfolio_id: int
    user_id: int
    account_id: int
    portfolio_status: str
    account_status: str
    sharing: int
    band_bp: int
    cash_bp: int
    cash_won: int
    reserved_won: int
    commission_rate: Decimal | None
    tax_rate: Decimal | None
    symbol: str | None
    market: str | None
    stock_status: str | None
    price_won: int | None
    quantity: int
    reserved_quantity: int
    target_bp: int


WEIGHTS = Query("scenarios/weights", Weight)


@dataclass(frozen=True, slots=True)
class Portfolio:
    """One portfolio: a row for each of its issues, one row at least."""

    rows: tuple[Weight, ...]

    @property
    def head(self) -> Weight:
        """What is true of the whole portfolio, in any of its rows."""
        return self.rows[0]

    @property
    def portfolio_id(self) -> int:
        """The number of the portfolio."""
        return self.head.portfolio_id

    @property
    def issues(self) -> tuple[Weight, ...]:
        """The rows that name an issue."""
        return tuple(row for row in self.rows if row.symbol is not None)

    @property
    def value_won(self) -> int:
        """The cash and the shares of the account, those without a price left out."""
        return self.head.cash_won + sum(value_of(row) for row in self.issues)

    def check(self) -> None:
        """Raise what `refusal` returns, if it does."""
        refusal = self.refusal()
        if refusal is not None:
            raise refusal

    def refusal(self) -> Refused | None:
        """Return why there is no rebalancing it; None where there is."""
        head, number = self.head, self.portfolio_id
        total = sum(row.target_bp for row in self.issues)
        if head.portfolio_status != "active":
            return Refused(f"portfolio {number} is {head.portfolio_status}", hint=_ACTIVE)
        if head.account_status != "active":
            return Refused(
                f"account {head.account_id} of portfolio {number} is {head.account_status}",
                hint=_ACTIVE,
            )
        if head.sharing:
            return Refused(
                f"account {head.account_id} holds {head.sharing + 1} active portfolios, and "
                "nothing says which share is whose",
                hint="Give each portfolio an account of its own.",
            )
        if not total or total + head.cash_bp != WHOLE_BP:
            return Refused(
                f"the weights of portfolio {number} come to {percent(total + head.cash_bp)} "
                f"({percent(total)} in issues, {percent(head.cash_bp)} in cash) instead of 100 %",
                hint="Correct portfolio_targets.weight_bp, or portfolios.cash_bp for the cash.",
            )
        if self.value_won <= 0:
            return Refused(
                f"account {head.account_id} of portfolio {number} holds nothing of value",
                hint="Pay cash in first.",
            )
        return None


_ACTIVE = "Only an active portfolio of an active account is rebalanced."


def value_of(row: Weight) -> int:
    """Return what the account's shares of one issue are worth; 0 without a price."""
    return row.quantity * (row.price_won or 0)


def percent(weight_bp: int) -> str:
    """Write basis points as a percentage: ``12.5 %``."""
    return f"{Decimal(weight_bp) / 100:f} %"


def one(server: Server, portfolio_id: int, *, on: date) -> Portfolio:
    """Read the portfolio as it stands on the business date `on`."""
    rows = server.fetch(WEIGHTS, portfolio_id=portfolio_id, on=on)
    if not rows:
        raise ConfigError(
            f"there is no portfolio {portfolio_id}", hint="Ask the table portfolios for its number."
        )
    return Portfolio(tuple(rows))


def every(server: Server, *, on: date) -> Sequence[Portfolio]:
    """Read all active portfolios, in the order of their numbers."""
    rows = server.fetch(WEIGHTS, portfolio_id=None, on=on)
    return [Portfolio(tuple(each)) for _, each in groupby(rows, lambda row: row.portfolio_id)]
